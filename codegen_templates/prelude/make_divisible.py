"""Rounding of widths."""


def make_divisible(
    x: float,
    divisor: int = 8,
    limit: float = 0.9,
    minimum: int | None = None,
) -> int:
    """Round to a multiple of `divisor`, never below `limit` times `x`."""
    least = divisor if minimum is None else minimum
    rounded = max(least, int(x + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < limit * x else rounded
