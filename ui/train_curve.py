"""A run's curve as two SVGs: losses over the steps, and validation accuracy on an axis of its own.

Two panels rather than two scales on one: where two scales cross means nothing. Each series has a
dash and a mark besides its colour.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from sft.curve import best_row

Row = dict[str, float]
Point = tuple[float, float]

_WIDTH, _HEIGHT = 460, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 14, 40
#: A mark at every point of a long line is a smear.
_MARKS = 40


@dataclass(frozen=True)
class Series:
    """A line of a panel: its name, its class (which gives colour and dash) and its points."""

    name: str
    style: str
    points: Sequence[Point]


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    first: float
    last: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1)
        return self.first + share * (self.last - self.first)


def curve_figures(rows: Sequence[Row], steps: int) -> str:
    """Draw what a run has logged so far.

    :param steps: planned in all: the axis keeps its length while the run goes on.
    """
    losses = [
        Series("training", "training", _points(rows, "loss")),
        Series("validation", "validation", _points(rows, "eval_loss")),
    ]
    shares = [
        Series("answered right", "accuracy", _points(rows, "eval_accuracy")),
        Series("word for word", "exact", _points(rows, "eval_exact")),
    ]
    best = best_row(rows)
    kept = best["step"] if best else None
    last = max([*(row.get("step", 0) for row in rows), steps, 1])
    drawn = "".join(
        _figure(title, axis, [one for one in series if one.points], last=last, kept=kept)
        for title, axis, series in (
            ("Loss", "nats a token", losses),
            ("Validation questions", "share answered right", shares),
        )
    )
    return f'<div class="train curves">{drawn}</div>{_figures_table(rows, kept)}'


def _figure(
    title: str, axis: str, series: Sequence[Series], *, last: float, kept: float | None
) -> str:
    values = [value for one in series for _, value in one.points]
    top = 1.0 if "share" in axis else _round_up(max(values, default=1.0))
    across = _Scale(0, last, _LEFT, _WIDTH - _RIGHT)
    up = _Scale(0, top, _HEIGHT - _BOTTOM, _TOP)
    parts = [_grid(across, up, axis)]
    if kept is not None and series:
        x = across(kept)
        side = "end" if kept > last / 2 else "start"
        shift = -5 if side == "end" else 5
        parts.append(
            f'<line class="best" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
            f'<text class="best" x="{x + shift:.1f}" y="{_TOP + 10}" text-anchor="{side}">'
            f"best: step {kept:.0f}</text>"
        )
    parts += [_line(one, across, up) for one in series]
    keys = "".join(
        f'<span class="key {one.style}"><svg viewBox="0 0 26 10" aria-hidden="true">'
        f'<g class="{one.style}"><line x1="0" x2="26" y1="5" y2="5"/>{_mark(one.style, 13, 5)}</g>'
        f"</svg>{escape(one.name)}</span>"
        for one in series
    )
    said = "; ".join(
        f"{one.name} from {one.points[0][1]:.2f} to {one.points[-1][1]:.2f}" for one in series
    )
    empty = "" if series else '<p class="none">Nothing was measured yet.</p>'
    return (
        f'<figure><figcaption><b>{escape(title)}</b> <span class="keys">{keys}</span></figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)} over the steps: {escape(said or "nothing yet")}">'
        f"{''.join(parts)}</svg>{empty}</figure>"
    )


def _grid(across: _Scale, up: _Scale, axis: str) -> str:
    parts = []
    for value in _ticks(up.high):
        y = up(value)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    for value in _ticks(across.high, whole=True):
        x = across(value)
        parts.append(
            f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{_HEIGHT - _BOTTOM}" '
            f'y2="{_HEIGHT - _BOTTOM + 4}"/>'
            f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 17}" text-anchor="middle">{value:g}</text>'
        )
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 5}" text-anchor="middle">step'
        f'</text><text transform="translate(13 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(axis)}</text>"
    )
    return "".join(parts)


def _line(series: Series, across: _Scale, up: _Scale) -> str:
    places = [(across(x), up(y)) for x, y in series.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    every = max(1, math.ceil(len(places) / _MARKS))
    marks = "".join(
        f"<g>{_mark(series.style, x, y)}<title>{escape(series.name)} at step {step:.0f}: "
        f"{value:.3f}</title></g>"
        for number, ((x, y), (step, value)) in enumerate(zip(places, series.points, strict=True))
        if number % every == 0 or number == len(places) - 1
    )
    return f'<g class="{series.style}"><polyline points="{path}"/>{marks}</g>'


def _mark(style: str, x: float, y: float) -> str:
    if style == "validation":
        return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6"/>'
    if style == "exact":
        return f'<path d="M{x:.1f} {y - 4:.1f}l4 7h-8z"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>'


def _figures_table(rows: Sequence[Row], kept: float | None) -> str:
    """The validations as a table, for whoever reads figures rather than lines."""
    measured = [row for row in rows if "eval_loss" in row]
    if not measured:
        return ""
    lines = "".join(
        f'<tr class="{"sum" if row["step"] == kept else ""}"><th scope="row">{row["step"]:.0f}'
        f"{' (kept)' if row['step'] == kept else ''}</th>"
        f"<td>{_cell(row, 'eval_accuracy')}</td><td>{_cell(row, 'eval_exact')}</td>"
        f"<td>{_cell(row, 'eval_loss')}</td></tr>"
        for row in measured
    )
    heads = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("Step", "Answered right", "Word for word", "Validation loss")
    )
    return (
        '<details class="train"><summary>The validations as figures</summary><div class="scroll">'
        f'<table class="figures-table"><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody>'
        "</table></div></details>"
    )


def _cell(row: Row, key: str) -> str:
    return f"{row[key]:.3f}" if key in row else "–"


def _points(rows: Sequence[Row], key: str) -> list[Point]:
    return [(row["step"], row[key]) for row in rows if key in row and math.isfinite(row[key])]


def _ticks(high: float, *, whole: bool = False) -> list[float]:
    """About five round values from 0 to `high`."""
    size = 10 ** math.floor(math.log10(high / 5)) if high > 0 else 1
    width = next(size * by for by in (1, 2, 5, 10) if size * by >= high / 5)
    if whole:
        width = max(1, width)
    return [round(width * number, 6) for number in range(int(high / width + 1e-9) + 1)]


def _round_up(value: float) -> float:
    ticks = _ticks(value or 1.0)
    width = ticks[1] - ticks[0] if len(ticks) > 1 else ticks[0] or 1.0
    return width * math.ceil((value or 1.0) / width - 1e-9)
