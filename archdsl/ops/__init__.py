"""The primitive ops: importing this package fills `REGISTRY`."""

import archdsl.ops.activation
import archdsl.ops.attention
import archdsl.ops.blur_pool
import archdsl.ops.border
import archdsl.ops.conv
import archdsl.ops.conv_transpose
import archdsl.ops.detect
import archdsl.ops.formula
import archdsl.ops.join
import archdsl.ops.learned
import archdsl.ops.linear
import archdsl.ops.norm
import archdsl.ops.patches
import archdsl.ops.pool
import archdsl.ops.power_pool
import archdsl.ops.products
import archdsl.ops.rearrange
import archdsl.ops.reduce
import archdsl.ops.regular
import archdsl.ops.resize
import archdsl.ops.sample
import archdsl.ops.select
import archdsl.ops.shape
import archdsl.ops.tensors  # noqa: F401 - imported for the classes that register themselves
from archdsl.ops.base import REGISTRY, Field, Op

__all__ = ["REGISTRY", "Field", "Op"]
