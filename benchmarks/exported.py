"""One run of our ONNX in onnxruntime beside that of what torch's own exporter makes of the same module, and its export.

For one network in one process: `exported.py NAME BUDGET`.
"""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout

from common import Row, Spent, alternate, child, deliver, row, timed

NAMES = ("mobilenet_v2", "shufflenet_v2", "ghostnet", "igc_v3")
BOUND = 1.0
RUNS = 20  # at once: the first after a pause finds nothing in the caches
SECONDS = 10.0  # that an export may take


def measure(budget: float) -> list[Row]:
    """Two rows for each network: a run, and the export beside the time that it may take."""
    return [item for name in NAMES for item in child("exported.py", name, str(budget))]


def main(name: str, budget: float) -> None:
    import torch

    import archdsl
    from archdsl.runtime import onnx
    from archdsl.runtime.exporting import session_of

    torch.manual_seed(0)
    graph, trained = archdsl.graph(name), archdsl.build(name).eval()
    x = torch.randn(1, *next(iter(graph.inputs.values())).shape)
    made = []
    export = timed(lambda: made.append(onnx.emit(graph, trained.state_dict())))
    free = ({0: torch.export.Dim("batch")},)  # as ours: a file for one batch alone is another one
    with redirect_stdout(io.StringIO()):  # torch says how far it is
        program = torch.onnx.export(trained, (x.repeat(2, 1, 1, 1),), dynamo=True, verbose=False, dynamic_shapes=free)
    assert program is not None
    ours, theirs = session_of(made[0], 1), session_of(program.model_proto.SerializeToString(), 1)
    entering = {place.name: x.numpy() for place in theirs.get_inputs()}
    (wanted,), (found,) = theirs.run(None, entering), ours.run(None, {next(iter(graph.inputs)): x.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), torch.from_numpy(wanted), rtol=1e-3, atol=1e-4)

    def run() -> Spent:
        return timed(lambda: [ours.run(None, {next(iter(graph.inputs)): x.numpy()}) for _ in range(RUNS)])

    def run_theirs() -> Spent:
        return timed(lambda: [theirs.run(None, entering) for _ in range(RUNS)])

    for _ in range(3):
        run(), run_theirs()
    pairs = alternate(run, run_theirs, budget=budget, least=5, most=31)
    allowed = Spent(SECONDS, SECONDS)
    rows = [row("exported", f"{name}, a run", pairs, BOUND, scale=1000 / RUNS)]
    rows.append(row("exported", f"{name}, the export", [(export, allowed)], BOUND, scale=1, unit="s"))
    deliver([vars(item) for item in rows])


if __name__ == "__main__":
    name, budget = sys.argv[1:]
    main(name, float(budget))
