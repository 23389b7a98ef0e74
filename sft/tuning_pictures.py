"""The picture of a study, as SVG: how its best came about. What mattered: `sft.pictures`."""

import io
from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sft.tuning_table import FINISHED, PRUNED, TrialRecord

_BLUE, _GREY, _BLACK = "#3b6ea5", "#b0b0b0", "#222222"


def history_picture(trials: Sequence[TrialRecord]) -> bytes:
    """Draw each trial's accuracy, pruned ones in grey, and the best so far as a line."""
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    for state, colour in ((FINISHED, _BLUE), (PRUNED, _GREY)):
        shown = [one for one in trials if one.state == state and one.value is not None]
        points = [(one.number, one.value) for one in shown]
        if points:
            axes.scatter(*zip(*points, strict=True), color=colour, label=state, zorder=2)
    finished = [one for one in trials if one.state == FINISHED and one.value is not None]
    best = [
        max(one.value or 0.0 for one in finished[: count + 1]) for count in range(len(finished))
    ]
    if finished:
        axes.step(
            [one.number for one in finished], best, where="post", color=_BLACK, lw=1, zorder=1,
            label="best so far",
        )  # fmt: skip
        axes.legend(frameon=False)
    axes.set_xlabel("trial")
    axes.set_ylabel("best validation accuracy")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    return _svg(figure)


def _svg(figure: Figure) -> bytes:
    """The same figures give the same bytes: no date, and ids by a fixed salt."""
    made = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "sft-vs-rag"}):
        figure.savefig(made, format="svg", metadata={"Date": None})
    return made.getvalue()
