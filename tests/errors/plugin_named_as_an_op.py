"""An op of another package that has the name of one of archdsl's."""

from __future__ import annotations

import archdsl


class Conv(archdsl.Op, name="conv"):
    """Another convolution."""
