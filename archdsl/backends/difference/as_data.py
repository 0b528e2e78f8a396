"""A difference as plain data."""

from __future__ import annotations

from typing import Any

from archdsl.analysis.difference import FORMAT, Difference, Side
from archdsl.analysis.difference.stages import Row, Stage
from archdsl.analysis.difference.statements import Statement


def data(found: Difference) -> dict[str, Any]:
    """As plain data."""
    w = found.weights
    return {
        "archdsl_diff": FORMAT,
        "equal": found.is_empty,
        "before": side_data(found.before),
        "after": side_data(found.after),
        "changes": [statement_data(statement) for statement in found.changes],
        "stages": [row_data(row) for row in found.rows],
        "weights": {
            "kept": w.kept,
            "total": w.total,
            "carried": [{"before": old, "after": new, "shape": list(shape)} for old, new, shape in w.carried],
            "new": list(w.new),
            "dropped": list(w.dropped),
        },
    }


def side_data(side: Side) -> dict[str, Any]:
    numbers = {name: value for name, value in side.cost.data().items() if name not in ("stages", "counted")}
    return {"called": side.name, **numbers}


def statement_data(statement: Statement) -> dict[str, Any]:
    return {
        "where": statement.where,
        "text": str(statement),
        "before": list(statement.before),
        "after": list(statement.after),
        "changes": [
            {
                "kind": change.kind,
                "subject": change.subject,
                "what": change.what,
                "before": plain(change.before),
                "after": plain(change.after),
                "text": said_of,
            }
            for change, said_of in zip(statement.changes, statement.texts, strict=True)
        ],
    }


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def row_data(row: Row) -> dict[str, Any]:
    return {
        "status": row.status,
        "stage": row.name,
        "before": stage_data(row.before),
        "after": stage_data(row.after),
        "kept": row.kept,
    }


def stage_data(stage: Stage | None) -> dict[str, Any] | None:
    if stage is None:
        return None
    reach = stage.receptive_field
    return {**stage.cost.data(), "receptive_field": list(reach) if reach else None}
