"""Pictures of training: curves, importances, learning against forgetting.

Every series has a shape of its own besides its colour (of Okabe and Ito's palette), and stands
under its name rather than in a legend where there is room. An SVG keeps its text as text, holds no
date, and is the same file for the same figures.
"""

import io
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from core.errors import TrainingError
from core.storage import write_bytes

#: Inches. At a telephone's 360 pixels across, 9 points of text are still 10 pixels high.
_WIDTH = 4.6
_INK, _PALE = "#222222", "#666666"
_BLUE, _ORANGE, _GREEN = "#0072B2", "#D55E00", "#007A5E"
#: Colour, marker and line of each series, in order; no two look alike in grey.
_STYLES: tuple[tuple[str, str, Any], ...] = (
    (_BLUE, "o", "-"),
    (_ORANGE, "s", "--"),
    (_GREEN, "^", "-."),
    ("#AA4499", "D", ":"),
    ("#222222", "v", (0, (6, 2))),
    ("#B8860B", "P", (0, (1, 1))),
    ("#56B4E9", "X", (0, (3, 1, 1, 1))),
)
_LOOK: Any = {
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _PALE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "xtick.color": _PALE,
    "ytick.color": _PALE,
    "svg.fonttype": "none",  # text stays text: it can be found, read aloud and scaled
    "svg.hashsalt": "sft-vs-rag",
}


@dataclass(frozen=True)
class TradeoffPoint:
    """One trained model: what it learnt against what it lost, both shares in 0-1."""

    series: str
    learnt: float
    lost: float


def draw_curve(
    rows: Sequence[dict[str, float]], path: Path, *, title: str, reading: str = ""
) -> None:
    """Draw a run's losses, and beneath them its validation accuracy, over the steps.

    :param rows: of the run's curve: `step` and any of `loss`, `eval_loss` (nats a token),
        `eval_accuracy`, `eval_exact` (shares); a value that is no number is passed over.
    :param path: `.svg` or `.png`.
    :param reading: a sentence on what the curve shows, put under the title.
    :raises TrainingError: when there is nothing to draw.
    :raises StorageError: when the file cannot be written.
    """
    accuracy = "eval_accuracy" if _points(rows, "eval_accuracy") else "eval_exact"
    losses = [("training", _points(rows, "loss")), ("validation", _points(rows, "eval_loss"))]
    right = _points(rows, accuracy)
    if not right and not any(points for _, points in losses):
        raise TrainingError("The run has logged nothing yet: there is no curve to draw.")
    with mpl.rc_context(_LOOK):
        # Two panels, not two scales on one: where two scales cross means nothing.
        figure, panels = _figure(title, reading, heights=(3, 2) if right else (3,))
        for (_, points), style in zip(losses, _STYLES, strict=False):
            _line(panels[0], points, style)
        _name_ends(panels[0], [(name, points) for name, points in losses if points])
        panels[0].set_ylabel("loss (nats a token)")
        panels[0].set_ylim(bottom=0)
        if right:
            _line(panels[1], right, _STYLES[2])
            panels[1].set_ylim(0, 1.08)
            panels[1].set_ylabel("answered right")
            words = "answers" if accuracy == "eval_accuracy" else "word for word"
            _name_ends(panels[1], [(words, right)], colours=(_GREEN,))
        _mark_best(panels, right or _points(rows, "eval_loss"), highest=bool(right))
        panels[-1].set_xlabel("step")
        panels[-1].xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        _write(figure, path)


def draw_importances(names_values: Sequence[tuple[str, float]], path: Path, *, title: str) -> None:
    """Draw how much each choice mattered, as bars, the greatest on top.

    :param names_values: each name with its share of the whole, in 0-1.
    :raises TrainingError: when there is nothing to draw.
    """
    ranked = sorted(names_values, key=lambda one: one[1])
    if not ranked:
        raise TrainingError("No importance is known yet: there is nothing to draw.")
    with mpl.rc_context(_LOOK):
        figure, (panel,) = _figure(title, "", heights=(0.4 + 0.28 * len(ranked),))
        figure.subplots_adjust(left=0.05 + 0.017 * max(len(name) for name, _ in ranked), right=0.97)
        bars = panel.barh([name for name, _ in ranked], [value for _, value in ranked], color=_BLUE)
        panel.bar_label(bars, fmt="%.2f", padding=3, color=_INK)
        panel.grid(visible=False)
        panel.tick_params(axis="y", length=0, labelcolor=_INK)
        panel.tick_params(axis="x", bottom=False, labelbottom=False)
        panel.spines["bottom"].set_visible(False)
        panel.set_xlim(0, max(1e-9, ranked[-1][1]) * 1.15)
        panel.set_xlabel("share of what decided the result")
        _write(figure, path)


def draw_tradeoff(points: Sequence[TradeoffPoint], path: Path, *, title: str) -> None:
    """Draw learning against forgetting: a series a mitigation, right and low is best.

    Points of a series are joined in the order they are given in.

    :raises TrainingError: when there is nothing to draw.
    """
    series = list(dict.fromkeys(point.series for point in points))
    if not series:
        raise TrainingError("No model was measured yet: there is nothing to draw.")
    with mpl.rc_context(_LOOK):
        figure, (panel,) = _figure(title, "Best is to the right and low.", heights=(4,))
        ends = []
        for number, name in enumerate(series):
            own = [(one.learnt, one.lost) for one in points if one.series == name]
            style = _STYLES[number % len(_STYLES)]
            _line(panel, own, style, label=name, marks=True)
            ends.append((name, own[-1], style[0]))
        figure.subplots_adjust(left=0.17)  # the heights have three digits here
        panel.margins(0.08)
        panel.set_ylim(bottom=min(0.0, panel.get_ylim()[0]))
        panel.set_xlabel("learnt: answered right of the new task")
        panel.set_ylabel("lost: share of general answers")
        _name_or_list(figure, panel, ends)
        _write(figure, path)


def _points(rows: Sequence[dict[str, float]], key: str) -> list[tuple[float, float]]:
    return [(row["step"], row[key]) for row in rows if key in row and math.isfinite(row[key])]


def _figure(title: str, reading: str, *, heights: Sequence[float]) -> tuple[Figure, list[Any]]:
    """Panels of those heights (inches) above each other, under a title and a sentence."""
    told = textwrap.wrap(title, 52)
    read = textwrap.wrap(reading, 66)
    # The head is as high as its lines: 0.2 inches one of the title, 0.16 one of the reading.
    head = 0.2 + 0.2 * len(told) + 0.16 * len(read)
    height = head + sum(heights) * 0.72 + 0.55
    figure = Figure(figsize=(_WIDTH, height))
    FigureCanvasAgg(figure)
    panels = list(
        figure.subplots(
            len(heights), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
        )[:, 0]
    )
    figure.subplots_adjust(
        left=0.14, right=0.8, top=1 - head / height, bottom=0.5 / height, hspace=0.12
    )
    lines = ((told, 11, "bold", 0.1), (read, 8.5, "normal", 0.14 + 0.2 * len(told)))
    for text, size, weight, down in lines:
        figure.text(
            0.02, 1 - down / height, "\n".join(text), fontsize=size, fontweight=weight, va="top"
        )
    return figure, panels


def _line(
    panel: Any,
    points: Sequence[tuple[float, float]],
    style: tuple[str, str, Any],
    *,
    label: str = "",
    marks: bool = False,
) -> None:
    colour, marker, line = style
    # A mark at every point of a long line is a smear; at the first and every so many it is a sign.
    every = 1 if marks else max(1, len(points) // 12)
    panel.plot(
        [x for x, _ in points],
        [y for _, y in points],
        color=colour,
        marker=marker,
        linestyle=line,
        linewidth=1.6,
        markersize=5 if marks else 4,
        markevery=every,
        label=label,
    )


def _name_ends(
    panel: Any,
    series: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    *,
    colours: Sequence[str] = (_BLUE, _ORANGE),
) -> None:
    """Name each line at its right end, moved apart where two would lie on each other."""
    panel.set_ylim(bottom=0)
    low, high = panel.get_ylim()
    apart = (high - low) * 0.09
    placed: list[float] = []
    order = sorted(zip(series, colours, strict=False), key=lambda one: one[0][1][-1][1])
    for (name, points), colour in order:
        height = points[-1][1]
        if placed and height - placed[-1] < apart:
            height = placed[-1] + apart
        placed.append(height)
        panel.annotate(
            name,
            xy=(1.02, height),
            xycoords=("axes fraction", "data"),
            va="center",
            color=colour,
            fontweight="bold",
            annotation_clip=False,
        )


def _mark_best(
    panels: Sequence[Any], points: Sequence[tuple[float, float]], *, highest: bool
) -> None:
    """Mark the step whose weights are kept: the first of the best."""
    if not points:
        return
    sign = 1 if highest else -1
    step, value = max(points, key=lambda point: sign * point[1])
    for panel in panels:
        panel.axvline(step, color=_PALE, linewidth=1, linestyle=(0, (2, 2)), zorder=0)
    first, last = panels[0].get_xlim()
    left = step > (first + last) / 2
    panels[0].annotate(
        f"best: step {step:.0f}",
        xy=(step, 0.98),
        xycoords=("data", "axes fraction"),
        xytext=(-4 if left else 4, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="top",
        color=_PALE,
    )
    if highest:
        panels[-1].annotate(
            f"{value:.2f}",
            xy=(step, value),
            xytext=(-4 if left else 4, -11),
            textcoords="offset points",
            ha="right" if left else "left",
            color=_INK,
        )


def _name_or_list(
    figure: Figure, panel: Any, ends: Sequence[tuple[str, tuple[float, float], str]]
) -> None:
    """Name each series at its last point, or all in a legend where the names would collide."""
    names = [
        panel.annotate(
            name, xy=end, xytext=(7, 3), textcoords="offset points", color=colour, fontweight="bold"
        )
        for name, end, colour in ends
    ]
    renderer: Any = FigureCanvasAgg(figure).get_renderer()
    boxes = [name.get_window_extent(renderer) for name in names]
    edge = figure.bbox.x1
    collide = any(one.overlaps(other) for at, one in enumerate(boxes) for other in boxes[:at])
    if collide or any(box.x1 > edge for box in boxes):
        for name in names:
            name.remove()
        figure.subplots_adjust(right=0.97)
        rows = math.ceil(len(ends) / 2)
        more = 0.22 * rows
        tall = figure.get_figheight() + more
        room = figure.subplotpars
        top = 1 - (1 - room.top) * (tall - more) / tall
        for text in figure.texts:  # the head keeps its distance from the upper edge
            text.set_y(1 - (1 - text.get_position()[1]) * (tall - more) / tall)
        figure.set_figheight(tall)
        figure.subplots_adjust(top=top, bottom=(0.5 + more) / tall)
        figure.legend(loc="lower left", bbox_to_anchor=(0.02, 0), ncols=2, frameon=False)


def _write(figure: Figure, path: Path) -> None:
    kind = path.suffix.removeprefix(".")
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=160, metadata={"Date": None} if kind == "svg" else None)
    write_bytes(path, buffer.getvalue())
