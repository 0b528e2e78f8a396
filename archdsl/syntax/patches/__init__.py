"""Patches of `extends:` and `--set`: a change to one part of a spec, which a path names."""

from archdsl.syntax.patches.apply import is_patch, patched

__all__ = ["is_patch", "patched"]
