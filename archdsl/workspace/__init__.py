"""Specs by name or file, and the networks that they are."""
