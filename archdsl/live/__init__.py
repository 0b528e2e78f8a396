"""A spec while it is edited: what is made of it at each save, and the local page that shows it."""
