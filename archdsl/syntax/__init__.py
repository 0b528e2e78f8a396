"""The language: its words, a spec as data, and how one gets from located nodes to it."""
