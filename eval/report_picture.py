"""The report's pictures, as SVG within the page: its text is text, its colours are the page's.

Each arm has a shape of its own and its name beside it, so that no picture needs colour or a key.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.report_html import NOTHING, TITLES, Html, arm_class, text, took

#: Narrow, so that on a telephone its letters are still some 10 pixels high.
_WIDTH, _HEIGHT = 450, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 12, 14, 46
#: Marks nearer to each other than this are moved apart, so that both intervals are seen.
_APART = 13
#: Width of a letter of 13 pixels, for finding names a free place; generous.
_LETTER = 8.2


@dataclass(frozen=True)
class _Box:
    x0: float
    y0: float
    x1: float
    y1: float

    def overlaps(self, other: "_Box") -> bool:
        return (
            self.x0 < other.x1 and other.x0 < self.x1 and self.y0 < other.y1 and other.y0 < self.y1
        )


def quality_against_time(arms: Mapping[str, Mapping[str, Any]], *, name: str) -> Html:
    """Accuracy (with its 95 % interval) over seconds an answer (median, dashed to the 95th).

    :param name: id of the picture's description in the page.
    """
    points = [
        (arm, found["metrics"]["accuracy"], found["seconds"])
        for arm, found in arms.items()
        if found.get("seconds") and "accuracy" in found["metrics"]
    ]
    if not points:
        return NOTHING
    ticks = _ticks(max(max(time["p95"], time["p50"]) for *_, time in points))
    most = ticks[-1]

    def across(seconds: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * seconds / most

    def down(share: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share)

    parts = [*_grid(ticks, across, down)]
    places = moved_apart({arm: across(time["p50"]) for arm, _, time in points}, _APART)
    taken = [
        box
        for arm, quality, time in points
        for box in _drawn_boxes(places[arm], across(time["p95"]), down, quality)
    ]
    for arm, quality, time in points:
        x, y = places[arm], down(quality["value"])
        label = f"{TITLES.get(arm, arm)} {quality['value']:.2f}"
        place = _free_place(x, y, len(label) * _LETTER, taken)
        taken.append(place)
        parts.append(
            f'<g class="{arm_class(arm)}">'
            f'<path class="thin" d="M{x:.1f} {y:.1f}H{max(x, across(time["p95"])):.1f}"/>'
            f'<path class="whisker" d="M{x - 4:.1f} {down(quality["high"]):.1f}h8m-4 0'
            f'V{down(quality["low"]):.1f}m-4 0h8"/>{_shape(arm, x, y)}'
            f'<text class="name" x="{place.x0:.1f}" y="{place.y1 - 4:.1f}">{text(label)}</text></g>'
        )
    told = "; ".join(
        f"{TITLES.get(arm, arm)}: accuracy {q['value']:.2f} (95 % {q['low']:.2f} to "
        f"{q['high']:.2f}) at {took(t['p50'])} an answer"
        for arm, q, t in points
    )
    return Html(
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">Quality against time</title><desc id="{name}-d">{text(told)}.</desc>'
        + "".join(parts)
        + "</svg>"
    )


def _ticks(most: float) -> list[float]:
    """Some four to six round numbers from 0 that reach beyond `most`."""
    raw = max(most, 1e-3) * 1.08 / 5
    unit = 10 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= raw)
    return [round(step * index, 6) for index in range(math.ceil(most * 1.08 / step) + 1)]


def _grid(ticks: Sequence[float], across: Any, down: Any) -> Iterator[str]:
    """Lines, their figures and the axes' names."""
    bottom = down(0)
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = down(share)
        kind = "grid" if share else "axis"
        yield f'<path class="{kind}" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4.5:.1f}" text-anchor="end">{share:.2f}</text>'
    for tick in ticks:
        x = across(tick)
        anchor = "end" if tick == ticks[-1] else "middle"
        yield f'<path class="axis" d="M{x:.1f} {bottom:.1f}v5"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 20:.1f}" text-anchor="{anchor}">{tick:g}</text>'
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    yield (
        f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">seconds an answer</text>'
        f'<text transform="translate(11 {down(0.5):.0f}) rotate(-90)" text-anchor="middle">'
        "accuracy</text>"
    )


def moved_apart(places: Mapping[str, float], least_distance: float) -> dict[str, float]:
    """Places along a line so far apart that nothing stands on another; the later gives way."""
    moved: dict[str, float] = {}
    least = -math.inf
    for arm, x in sorted(places.items(), key=lambda one: one[1]):
        moved[arm] = max(x, least)
        least = moved[arm] + least_distance
    return moved


def _drawn_boxes(x: float, end: float, down: Any, quality: Mapping[str, float]) -> list[_Box]:
    """What an arm's mark, interval and dotted line take up."""
    y = down(quality["value"])
    return [
        _Box(x - 7, y - 8, x + 7, y + 8),
        _Box(x - 5, down(quality["high"]) - 1, x + 5, down(quality["low"]) + 1),
        _Box(x, y - 2, end, y + 2),
    ]


def _free_place(x: float, y: float, wide: float, taken: Sequence[_Box]) -> _Box:
    """The nearest place beside a mark where its name covers nothing."""
    places = [
        _Box(left, top, left + wide, top + 18)
        for away in (0, 14, 28, 42, 60, 80)
        for top in (y - 20 - away, y + 4 + away)
        for left in (x + 10, x - 10 - wide, x - 24 - wide, x + 24, x - 38 - wide)
    ]
    inside = [
        one
        for one in places
        if one.x0 >= _LEFT
        and one.x1 <= _WIDTH - _RIGHT
        and one.y0 >= 0
        and one.y1 <= _HEIGHT - _BOTTOM
    ]
    free = [one for one in inside if not any(one.overlaps(other) for other in taken)]
    return (free or inside or places)[0]


def _shape(arm: str, x: float, y: float) -> str:
    """A circle, square, triangle or diamond, as the arm's sign in the text."""
    match arm:
        case "sft":
            path = f"M{x - 6:.1f} {y - 6:.1f}h12v12h-12z"
        case "rag":
            path = f"M{x:.1f} {y - 8:.1f}l7.5 13h-15z"
        case "sft+rag":
            path = f"M{x:.1f} {y - 8.5:.1f}l8.5 8.5l-8.5 8.5l-8.5 -8.5z"
        case _:
            path = f"M{x - 6.5:.1f} {y:.1f}a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0 -13 0z"
    return f'<path class="mark" d="{path}"/>'


def timeline(steps: Sequence[tuple[str, str, float]], *, name: str) -> Html:
    """Bars of seconds, one below the other, on one scale from 0.

    :param steps: words, the arm whose colour it takes, and seconds.
    """
    if not steps:
        return NOTHING
    most = max(seconds for *_, seconds in steps) or 1.0
    parts = []
    for row, (words, arm, seconds) in enumerate(steps):
        y = 18 + row * 48
        long = max(2.0, (_WIDTH - 80) * seconds / most)
        parts.append(
            f'<text class="ink" x="0" y="{y}">{text(words)}</text><g class="{arm_class(arm)}">'
            f'<rect class="fill" x="0" y="{y + 7}" width="{long:.1f}" height="14" rx="2"/></g>'
            f'<text class="ink" x="{long + 8:.1f}" y="{y + 19}">{took(seconds)}</text>'
        )
    told = "; ".join(f"{words}: {took(seconds)}" for words, _, seconds in steps)
    return Html(
        f'<svg viewBox="0 0 {_WIDTH} {48 * len(steps)}" role="img" aria-labelledby="{name}-t '
        f'{name}-d"><title id="{name}-t">Time of each step</title><desc id="{name}-d">'
        f"{text(told)}.</desc>{''.join(parts)}</svg>"
    )
