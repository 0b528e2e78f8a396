"""What `archdsl time` shows: tables in the terminal, JSON, CSV."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING

from archdsl.commands.terminal import console, empty_table, say
from archdsl.support.naming import set_texts
from archdsl.support.tables import as_csv, milliseconds

if TYPE_CHECKING:
    from rich.table import Table

    from archdsl.runtime.timing import TimedNetwork

VERSION = 1  # of the JSON
TIMES = ("median_ms", "low_ms", "high_ms", "cpu_ms")


def said(machine: dict[str, str]) -> list[str]:
    return [value if key in ("device", "system") else f"{key} {value}" for key, value in machine.items()]


def show(networks: Sequence[TimedNetwork]) -> None:
    """The tables for a terminal."""
    console().print(as_table(networks))
    for one in networks:
        if one.clock is not None:
            say("")
            console().print(table_of_stages(one))


def as_table(networks: Sequence[TimedNetwork]) -> Table:
    """A line for each network, form and engine."""
    from rich.text import Text

    predicted = any(one.predicted_ms is not None for one in networks)
    ms = milliseconds(min(1e3 * one.spent.median for one in networks))
    further = ("sum of ops", "error") if predicted else ()
    made = empty_table("network", "form", "engine", "MACs", "median", "quartiles", "CPU", "speed", *further)
    for one in networks:
        low, high = (ms(1e3 * bound) for bound in one.spent.quartiles)
        speed = median(first / own for first, own in zip(networks[0].wall, one.wall, strict=True))
        cells = (one.graph.called, one.form, one.engine, f"{one.macs:,}", f"{ms(1e3 * one.spent.median)} ms")
        more = (f"{low}–{high}", f"{ms(1e3 * median(one.cpu))} ms", f"{speed:.2f}×")
        made.add_row(*map(Text, (*cells, *more, *prediction(one, ms))))
    return made


def prediction(one: TimedNetwork, ms: Callable[[float], str]) -> tuple[str, ...]:
    """What the ops of a network take one by one, and how far that is off."""
    if one.predicted_ms is None or one.error is None:
        return ()
    return f"{ms(one.predicted_ms)} ms", f"{one.error:+.0%}".replace("-", "−")


def table_of_stages(one: TimedNetwork) -> Table:
    """A line for each stage of a network."""
    from rich.text import Text

    assert one.clock is not None
    made = empty_table(f"{one.graph.called}, {one.form}", "median", "quartiles", "share")
    medians = {name: spent.median for name, spent in one.clock.stages_spent.items()}
    ms = milliseconds(1e3 * max(medians.values(), default=0))
    for name, spent in one.clock.stages_spent.items():
        low, high = (ms(1e3 * bound) for bound in spent.quartiles)
        share = f"{spent.median / (sum(medians.values()) or 1):.0%}"
        made.add_row(*map(Text, (name, f"{ms(1e3 * spent.median)} ms", f"{low}–{high}", share)))
    return made


def csv_of(networks: Sequence[TimedNetwork], threads: int) -> str:
    """A line for each network, form and engine: times in milliseconds."""
    predicted = ("predicted_ms", "error") if any(one.predicted_ms is not None for one in networks) else ()
    words = ("network", "variant", "settings", "inputs", "form", "options", "engine", "batch", "threads", "macs")
    header = (*words, *TIMES, *predicted)
    rows = [{**one.data(), **texts_of(one), "threads": threads} for one in networks]
    return as_csv(header, [["" if row[name] is None else row[name] for name in header] for row in rows])


def texts_of(one: TimedNetwork) -> dict[str, str]:
    """What is a list or an object in JSON, as the options of a command have it; the form has a column of its own."""
    words = one.data()["options"]
    options = [f"{name.strip('-')}={value}" for name, value in zip(words[::2], words[1::2], strict=True)]
    sizes = {name: ",".join(map(str, tensor.shape)) for name, tensor in one.graph.inputs.items()}
    return {
        "settings": ", ".join(set_texts(one.graph.settings)),
        "inputs": "; ".join(size if len(sizes) == 1 else f"{name}={size}" for name, size in sizes.items()),
        "options": ", ".join(text for text in options if not text.startswith("form=")),
    }


def as_json(networks: Sequence[TimedNetwork], machine: dict[str, str], threads: int, rounds: int) -> str:
    """All of it for programs: times in milliseconds."""
    found = {
        "archdsl_time": VERSION,
        "machine": machine,
        "threads": threads,
        "rounds": rounds,
        "networks": [one.data() for one in networks],
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
