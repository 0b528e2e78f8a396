"""What several functions of the API take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import os

    from archdsl.analysis.latency import LatencyTable

Form: TypeAlias = Literal["train", "deploy"]
Style: TypeAlias = Literal["specialized", "parametric"]


def latencies(file: str | os.PathLike[str] | None) -> LatencyTable | None:
    """The latency table in a file."""
    if file is None:
        return None
    from archdsl.expr.given import checked
    from archdsl.workspace.latency_file import read_latencies

    checked(latency=file)
    return read_latencies(file)
