"""Located nodes to a Spec, one file for each part of the language."""
