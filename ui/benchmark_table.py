"""The Benchmark tab's tables: the questions with both answers, and who wins where."""

from collections.abc import Mapping, Sequence
from html import escape

from eval.report_examples import why
from eval.results import ResultRow
from ui.benchmark_data import Duel, Slice, Winner, is_right
from ui.benchmark_words import alike, side_by_side
from ui.panes import TITLES

#: Questions on one page of the table.
PAGE = 20

KINDS = {
    "fact": "fact",
    "procedure": "procedure",
    "multi_hop": "needs two documents",
    "unanswerable": "not in the documents",
    "refusal": "to be refused",
}
EXPOSURES = {"reworded": "trained in other words", "untrained": "never trained"}
_SLICES = {"all": "All questions", **KINDS, **EXPOSURES, "declined": "to be declined"}


def title(arm: str) -> str:
    """An arm's name for people."""
    return next((words[0] for name, words in TITLES.items() if name == arm), arm)


def winner_words(winner: Winner, a: str, b: str) -> str:
    """Say who won a question."""
    return {
        "a": f"{title(a)} won",
        "b": f"{title(b)} won",
        "right": "both right",
        "wrong": "both wrong",
        "unanswered": "not compared",
    }[winner]


def pill(winner: Winner, a: str, b: str) -> str:
    """Who won a question, as a small label of words."""
    arm = {"a": a, "b": b}.get(winner, "")
    css = f"won {arm_class(arm)}" if arm else winner
    return f'<span class="pill {css}">{escape(winner_words(winner, a, b))}</span>'


def arm_class(arm: str) -> str:
    """The class that gives an arm's colour."""
    return f"arm-{arm.replace('+', '-')}" if arm in TITLES else "arm-base"


def about(duel: Duel) -> str:
    """Say what kind of question it is and what training saw of it."""
    kind = KINDS.get(duel.kind, duel.kind)
    seen = EXPOSURES.get(duel.exposure or "", "")
    return f"{kind}, {seen}" if seen else kind


def question_table(duels: Sequence[Duel], a: str, b: str, *, picked: str = "") -> str:
    """Lay out some questions with both answers; each can be picked by its button or its row."""
    if not duels:
        return (
            '<div class="bench"><p class="none">No question is like that. Take a filter away or '
            "search for fewer words.</p></div>"
        )
    rows = "".join(_row(duel, a, b, picked=duel.id == picked) for duel in duels)
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("Question", _head(a), _head(b), "Who was right")
    )
    return (
        '<div class="bench"><div class="scroll"><table class="duels">'
        '<caption class="unseen">Questions with both answers; a question opens it whole</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></div>"
    )


def _head(arm: str) -> str:
    return f'<span class="dot {arm_class(arm)}"></span>{escape(title(arm))}'


def _row(duel: Duel, a: str, b: str, *, picked: bool) -> str:
    first, second = said(duel)
    current = ' aria-current="true"' if picked else ""
    return (
        f'<tr data-pick="{escape(duel.id)}"{current}><th scope="row">'
        f'<button type="button">{escape(duel.question)}</button>'
        f"<small>{escape(about(duel))}</small></th>"
        f"{_cell(duel.a, first, a)}{_cell(duel.b, second, b)}"
        f'<td class="who">{pill(duel.winner, a, b)}</td></tr>'
    )


def said(duel: Duel) -> tuple[str, str]:
    """Both answers as safe HTML, marked where they differ if they have anything in common."""
    first = duel.a.prediction if duel.a else ""
    second = duel.b.prediction if duel.b else ""
    if duel.a and duel.b and alike(first, second):
        return side_by_side(first, second)
    return escape(first), escape(second)


def _cell(row: ResultRow | None, words: str, arm: str) -> str:
    label = _label(title(arm))
    if row is None:
        return f"<td>{label}<em>no answer</em></td>"
    cause = f"<small>{escape(why(row)[0])}</small>" if row.diagnosis else ""
    return f"<td>{label}{mark(row)} {words or '<em>(an empty answer)</em>'}{cause}</td>"


def _label(words: str) -> str:
    """A cell's name, seen where a narrow screen has no heads over the columns."""
    return f'<span class="label">{escape(words)}</span>'


def mark(row: ResultRow) -> str:
    """A sign for right and wrong, with its word for those who do not see it."""
    css, sign, word = ("yes", "✓", "right: ") if is_right(row) else ("no", "✗", "wrong: ")
    return (
        f'<span class="sign {css}"><span aria-hidden="true">{sign}</span>'
        f'<span class="unseen">{word}</span></span>'
    )


def slice_table(found: Sequence[Slice], a: str, b: str) -> str:
    """Show who wins where: counts, shares with their intervals, and what was tested."""
    if not found:
        return '<div class="bench"><p class="none">No question was answered by both arms.</p></div>'
    rows = "".join(_slice_row(one, a, b) for one in found)
    heads = "".join(
        f'<th scope="col">{head}</th>'
        for head in (
            "Part",
            "Questions",
            "Who was right",
            f"{_head(a)} won",
            f"{_head(b)} won",
            "Verdict",
        )
    )
    legend = "".join(
        f'<span class="key {css}">{escape(winner_words(winner, a, b))}</span>'
        for winner, css in _segments(a, b)
    )
    return (
        '<div class="bench"><h3>Who wins where</h3><div class="scroll"><table class="slices">'
        '<caption class="unseen">Win rates by part of the questions</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        f'<p class="legend">{legend}</p><p class="note">Shares are of questions that one arm won '
        "alone, with 95 % intervals by document. The verdict is the run's own test of accuracy, "
        "adjusted for all its comparisons. “Few” marks a part with fewer than 30 questions or "
        "fewer than 5 documents: a hint, not a finding.</p></div>"
    )


def _segments(a: str, b: str) -> list[tuple[Winner, str]]:
    return [
        ("a", f"won {arm_class(a)}"),
        ("right", "right"),
        ("wrong", "wrong"),
        ("b", f"won {arm_class(b)}"),
    ]


def _slice_row(one: Slice, a: str, b: str) -> str:
    name = _SLICES.get(one.name, one.name.replace("_", " "))
    few = ' <span class="few">few</span>' if one.small else ""
    bar = "".join(
        f'<i class="{css}" style="width:{100 * one.counts[winner] / one.n:.2f}%"></i>'
        for winner, css in _segments(a, b)
        if one.counts[winner]
    )
    counted = ", ".join(
        f"{winner_words(winner, a, b)} {one.counts[winner]}" for winner, _ in _segments(a, b)
    )
    return (
        f'<tr><th scope="row">{escape(name)}{few}</th><td class="number">'
        f"{_label('Questions')}{one.n}</td>"
        f'<td class="bar"><span class="track" title="{escape(counted)}">{bar}</span>'
        f"<small>{escape(counted)}</small></td>"
        f"{_share(one.wins_a, one.counts['a'], a)}{_share(one.wins_b, one.counts['b'], b)}"
        f'<td class="{"tested" if one.better else "untested"}">{_label("Verdict")}'
        f"{escape(_verdict(one, a, b))}</td></tr>"
    )


def _share(wins: Mapping[str, float], count: int, arm: str) -> str:
    value, low, high = (100 * wins[name] for name in ("value", "low", "high"))
    return (
        f'<td class="number">{_label(f"{title(arm)} won")}<b>{value:.0f} %</b> '
        f'<small>{low:.0f}–{high:.0f} %<span class="unseen">, {count} questions</span></small></td>'
    )


def _verdict(one: Slice, a: str, b: str) -> str:
    words = {
        "a": f"{title(a)} better",
        "b": f"{title(b)} better",
        "none": "no clear difference",
    }.get(one.better, "not tested")
    return f"{words}, few questions" if one.small and one.better else words
