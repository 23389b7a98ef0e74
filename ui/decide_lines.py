"""The picture of a month's cost: a line an arm over the number of questions, as SVG."""

import math
from collections.abc import Mapping

from eval.cost import Line, lower_envelope
from eval.report_html import SIGNS, TITLES, Html, arm_class, text
from eval.report_picture import moved_apart

_WIDTH, _HEIGHT = 450, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 112, 14, 46
#: Names at the right end stand at least so far from each other.
_APART = 17


def month_lines(arms: Mapping[str, Line], questions: float) -> Html:
    """Draw the lines from no question to beyond the number asked and the nearest break-even.

    Where the cheapest of all changes there is a ring; the upright line is the number asked.
    """
    steps = [float(start) for start, _ in lower_envelope(arms)[1:]]
    asked = max(questions, 1.0)
    most = _round_up(max([1.6 * asked, *(1.2 * at for at in steps if at <= 8 * asked)]))
    top = _round_up(max(float(line.at(most)) for line in arms.values()) or 1.0)

    def across(number: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * number / most

    def down(amount: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - amount / top)

    bottom = down(0)
    parts = [
        f'<path class="{"grid" if share else "axis"}" d="M{_LEFT} {down(top * share):.1f}'
        f'H{_WIDTH - _RIGHT}"/><text x="{_LEFT - 8}" y="{down(top * share) + 4.5:.1f}" '
        f'text-anchor="end">{_short(top * share)}</text>'
        for share in (0, 0.5, 1)
    ]
    parts += [
        f'<path class="axis" d="M{across(most * share):.1f} {bottom:.1f}v5"/><text '
        f'x="{across(most * share):.1f}" y="{bottom + 20:.1f}" text-anchor="middle">'
        f"{_short(most * share)}</text>"
        for share in (0, 0.5, 1)
    ]
    parts.append(
        f'<text x="{across(most / 2):.0f}" y="{_HEIGHT - 6}" text-anchor="middle">questions a '
        f'month</text><path class="asked" d="M{across(questions):.1f} {_TOP}V{bottom:.1f}"/>'
    )
    heights = _apart({arm: down(float(line.at(most))) for arm, line in arms.items()})
    for arm, line in arms.items():
        end = across(most)
        parts.append(
            f'<g class="{arm_class(arm)}"><path class="line" d="M{_LEFT} '
            f'{down(float(line.fixed)):.1f}L{end:.1f} {down(float(line.at(most))):.1f}"/>'
            f'<text class="name" x="{end + 8:.1f}" y="{heights[arm] + 4.5:.1f}">'
            f"{SIGNS.get(arm, '○')} {text(TITLES.get(arm, arm))}</text></g>"
        )
    for at in steps:
        if at <= most:
            lowest = min(float(line.at(at)) for line in arms.values())
            parts.append(
                f'<circle class="ring" cx="{across(at):.1f}" cy="{down(lowest):.1f}" r="5"/>'
            )
    told = "; ".join(
        f"{TITLES.get(arm, arm)}: {float(line.at(questions)):.2f}" for arm, line in arms.items()
    )
    return Html(
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="decide-month-t '
        'decide-month-d"><title id="decide-month-t">Cost of a month over its questions</title>'
        f'<desc id="decide-month-d">At {questions:,.0f} questions: {text(told)}.</desc>'
        f"{''.join(parts)}</svg>"
    )


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 4, 5, 6, 8 and their tenfolds, so that halves read well."""
    unit = 10 ** math.floor(math.log10(value))
    return next(unit * step for step in (1, 2, 2.5, 4, 5, 6, 8, 10) if unit * step >= value)


def _short(value: float) -> str:
    for unit, sign in ((1e9, " bn"), (1e6, " m"), (1e3, " k")):
        if value >= unit:
            return f"{value / unit:g}{sign}"
    return f"{value:.3g}"


def _apart(places: Mapping[str, float]) -> dict[str, float]:
    """Heights at which no two names stand on each other, none below the axis's foot."""
    moved = moved_apart(places, _APART)
    over = max(0.0, max(moved.values(), default=0.0) - (_HEIGHT - 8))
    return {arm: y - over for arm, y in moved.items()}
