"""Names, tables, files, templates: nothing here knows what a network is."""
