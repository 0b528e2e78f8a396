"""Expressions: what stands in a spec where a number, a truth value or a word is expected."""
