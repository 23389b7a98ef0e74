"""What a month costs each arm under a visitor's prices: a sentence, the break-even and a table."""

from collections.abc import Sequence

from core.errors import EvaluationError
from core.records import FINE_TUNED, SEARCHING
from eval.cost import Cost, Monthly, Prices, break_even, lines, lower_envelope, monthly_parts, once
from eval.report_data import Run
from eval.report_html import Column, Html, arm, join, listed, table, text, words
from eval.report_tables import arm_columns
from eval.report_verdict import against_best
from ui.decide_lines import month_lines

_PARTS = {
    "answering": "answering",
    "retraining": "training again",
    "syncing": "syncing the index",
    "labelling": "wording changed answers",
}


def cost_part(
    run: Run, cost: Cost, prices: Prices, *, questions: float, revisions: float, measure: str
) -> Html:
    """Render the month.

    :param measure: the command that measures the run's costs.
    :raises EvaluationError: when there is no arm, or a number is none.
    """
    cost = cost.of([name for name in run.arms if name in cost.arms])
    if not cost.arms:
        raise EvaluationError("The run has no answers whose cost is known.")
    if not (0 <= questions <= 1e12 and 0 <= revisions <= 1e6):
        raise EvaluationError("Questions and revisions a month are numbers from 0 on.")
    parts = monthly_parts(cost, prices, questions=questions, revisions=revisions)
    drawn = month_lines(lines(cost, prices, revisions=revisions), questions)
    shown = [
        _sentence(run, parts, questions, revisions),
        Html(f"<figure>{drawn}</figure>"),
        _break_even(run, cost, prices, revisions),
        _month(run, cost, prices, parts=parts, questions=questions),
        listed(map(text, _notes(cost, prices)), css="notes"),
        _measuring(cost, measure),
    ]
    return Html(f'<div class="decide month" aria-live="polite">{join(shown)}</div>')


def money(value: float) -> str:
    """An amount with as many digits as are read."""
    if value == 0:
        return "0"
    if value < 0.01:
        return "under 0.01"
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.2f}"


def _revisions(count: float) -> str:
    return f"{count:g} {'revision' if count == 1 else 'revisions'}"


def _best(run: Run) -> list[str]:
    """The arm that answers most, and those that are not clearly worse."""
    best, _, level = against_best(run)
    return [name for name in run.arms if name in (best, *level)]


def _sentence(run: Run, parts: dict[str, Monthly], questions: float, revisions: float) -> Html:
    good = [name for name in _best(run) if name in parts]
    kept = good or list(parts)
    least = min(kept, key=lambda name: parts[name].total)
    of = "of the arms not clearly worse than the best " if 1 < len(kept) < len(parts) else ""
    month = f"{questions:,.0f} questions and {_revisions(revisions)} a month"
    told = f"{arm(least)} costs least {of}at {month}: <b>{money(parts[least].total)}</b>"
    if kept == [least] and len(parts) > 1:
        told = f"{arm(least)} answers best, and costs <b>{money(parts[least].total)}</b> at {month}"
    others = [name for name in kept if name != least]
    rest = ", ".join(f"{arm(name)} {money(parts[name].total)}" for name in others)
    cheapest = min(parts, key=lambda name: parts[name].total)
    cheaper = ""
    if cheapest not in kept:
        cheaper = (
            f" {arm(cheapest)} would cost {money(parts[cheapest].total)}, but is right clearly "
            "less often."
        )
    return Html(f'<p class="answer">{told}{f" ({rest})" if rest else ""}.{cheaper}</p>')


def _break_even(run: Run, cost: Cost, prices: Prices, revisions: float) -> Html:
    """Where the cheapest changes: between the two that are asked for most, and among the rest."""
    groups: list[tuple[str, Sequence[str]]] = []
    if {"sft", "rag"} <= set(cost.arms):
        groups.append(("SFT against RAG", ("sft", "rag")))
    good = [name for name in _best(run) if name in cost.arms]
    if len(good) > 1 and set(good) != {"sft", "rag"}:
        groups.append(("the arms not clearly worse than the best", good))
    if len(cost.arms) > 2:
        groups.append(("all arms, however often right", list(cost.arms)))
    rows = [
        [text(title), _steps(cost.of(list(names)), prices, revisions)] for title, names in groups
    ]
    if not rows:
        return Html("")
    caption = f"Break-even: who is cheapest, with {_revisions(revisions)} a month"
    return table(caption, words("among", "cheapest"), rows)


def _steps(cost: Cost, prices: Prices, revisions: float) -> Html:
    first = lower_envelope(lines(cost, prices, revisions=revisions))[0][1]
    steps = break_even(cost, prices, revisions=revisions)
    if not steps:
        return Html(f"{arm(first)} at any number of questions")
    told = [arm(first)]
    told += [Html(f"from {number:,.0f} questions on {arm(above)}") for number, _, above in steps]
    return join(told, ", ")


def _month(
    run: Run, cost: Cost, prices: Prices, *, parts: dict[str, Monthly], questions: float
) -> Html:
    first, arms = once(cost, prices), list(parts)
    shown = [name for name in _PARTS if any(getattr(one, name) for one in parts.values())]
    rows = [
        [text(_PARTS[name]), *(text(money(getattr(parts[one], name))) for one in arms)]
        for name in shown
    ]
    rows.append(
        [Html("<b>a month</b>"), *(Html(f"<b>{money(parts[one].total)}</b>") for one in arms)]
    )
    rows.append(
        [
            text("for 1,000 right answers"),
            *(text(_for_right(run, one, parts[one].total, questions)) for one in arms),
        ]
    )
    rows.append(
        [text("once, before the first question"), *(text(money(first[one])) for one in arms)]
    )
    columns = [Column(text("in your currency"), words=True), *arm_columns(arms)]
    return table("A month of each arm", columns, rows)


def _for_right(run: Run, name: str, total: float, questions: float) -> str:
    share = run.arms[name]["metrics"].get("accuracy") or {}
    right = questions * float(share.get("value") or 0)
    return money(1000 * total / right) if right else "–"


def _notes(cost: Cost, prices: Prices) -> list[str]:
    """What these amounts rest on, and what they leave out."""
    notes = []
    if prices == Prices(facts_per_revision=prices.facts_per_revision):
        notes.append("The prices are placeholders until you enter yours.")
    tuned, reads = set(cost.arms) & set(FINE_TUNED), set(cost.arms) & set(SEARCHING)
    if tuned and cost.retrain_seconds is None:
        stands = "the first training stands for it" if cost.train_seconds else "it costs nothing"
        notes.append(f"Training again was not timed: here {stands}.")
    if reads and cost.sync_seconds is None:
        stands = "a new index stands for it" if cost.index_seconds else "it costs nothing"
        notes.append(f"Syncing the index was not timed: here {stands}.")
    notes.append("Left out: writing the documents and a machine that waits, which all arms need.")
    if cost.machine.get("cpus"):
        device = cost.machine.get("device", "an unknown device")
        notes.append(f"Times are of {cost.machine['cpus']} processor cores, on {device}.")
    return notes


def _measuring(cost: Cost, measure: str) -> Html:
    if cost.seconds_are == "alone":
        return Html("")
    return Html(
        '<p class="caution"><b>Not yet a measurement of cost.</b> These answers were timed in '
        "batches, where each waits for the others, so that the arms' times are nearer to each "
        "other, and longer, than alone. To time answers one by one, and the index from nothing:"
        f"</p><pre><code>{text(measure)}</code></pre>"
    )
