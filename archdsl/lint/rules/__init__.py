"""All rules, in the order of the docs."""

from archdsl.lint.base import RULES
from archdsl.lint.rules import dead, efficiency, layers, limits, residuals

__all__ = ["RULES", "dead", "efficiency", "layers", "limits", "residuals"]
