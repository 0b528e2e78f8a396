"""Spec to lowered form: sugar gone, names resolved, keys decided."""
