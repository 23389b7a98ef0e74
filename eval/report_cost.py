"""The report's part on cost: what was measured, and what a month takes of the machine.

Money needs prices, and a report knows none: `sft-vs-rag cost FOLDER` takes them.
"""

from eval.cost import Cost, Prices, break_even, lines, lower_envelope, monthly
from eval.report_data import Run
from eval.report_html import (
    NOTHING,
    TITLES,
    Html,
    Level,
    arm,
    join,
    numbers,
    paragraph,
    table,
    text,
    took,
    words,
)
from eval.report_tables import arm_columns
from eval.report_verdict import against_best

#: The unit is an hour of this machine; nothing else is priced.
_HOURS = Prices.model_validate({"hour": 1, "prompt": 0, "completion": 0, "person_hour": 0})
_QUESTIONS = (1_000, 10_000, 100_000, 1_000_000)
_REVISIONS = (0, 1, 4, 30)


def cost(run: Run, level: Level) -> Html:
    """What was measured of each arm's cost, and the machine time that a month takes."""
    if not run.cost:
        return NOTHING
    found = Cost.model_validate(run.cost)
    own = (
        f"These are hours of one machine, and no money. With prices of your own: sft-vs-rag cost "
        f"{run.folder.name} --price-hour … --price-person-hour … --questions … --revisions …"
    )
    parts = [_once(found), _answers(found), _months(found), _crossings(found, run)]
    return Html(
        f'<section id="{level.name("cost")}">{level.heading("What it costs")}{join(parts)}'
        f"{paragraph(own, css='note')}</section>"
    )


def _once(found: Cost) -> Html:
    steps = (
        ("training the adapter", found.train_seconds),
        ("building the index", found.index_seconds),
        ("training again after a change", found.retrain_seconds),
        ("syncing the index after a change", found.sync_seconds),
    )
    rows = [[text(told), text(took(value))] for told, value in steps if value is not None]
    if not rows:
        return NOTHING
    return table(
        "What each step took",
        [*words("step"), *numbers("time")],
        rows,
        css="narrow",
        note="Training: on the machine that trained the adapter. All else: where it was measured.",
    )


def _answers(found: Cost) -> Html:
    arms = found.arms.values()
    how = {
        "alone": "Each answer had the machine to itself.",
        "in_batches": "Answers were timed in batches, where each waits for the others: more than "
        "its share of the machine.",
    }
    return table(
        "Each answer",
        [*words("measured"), *arm_columns(found.arms)],
        [
            [text("seconds, median"), *(text(took(one.seconds_p50)) for one in arms)],
            [text("seconds, mean"), *(text(took(one.seconds_mean)) for one in arms)],
            [text("tokens read, mean"), *(text(f"{one.prompt_tokens:.0f}") for one in arms)],
            [text("tokens written, mean"), *(text(f"{one.completion_tokens:.0f}") for one in arms)],
        ],
        note=how[found.seconds_are],
    )


def _months(found: Cost) -> Html:
    rows = []
    for questions in _QUESTIONS:
        hours = monthly(found, _HOURS, questions=questions, revisions=1)
        least = min(hours.values())
        rows.append(
            [
                text(f"{questions:,}"),
                *(
                    Html(f'<span class="range">least</span> <b>{value:,.2f}</b>')
                    if value == least
                    else text(f"{value:,.2f}")
                    for value in hours.values()
                ),
            ]
        )
    return table(
        "Hours of this machine a month, with one revision a month",
        [*words("questions a month"), *arm_columns(found.arms)],
        rows,
        note="Questions × mean seconds, and once the training again (fine-tuned arms) and the sync "
        "of the index (open-book arms); where no such step was timed, the first training or index "
        "stands for it.",
    )


def _crossings(found: Cost, run: Run) -> Html:
    """Where the cheapest arm changes: of all arms, and of those that answer as well as the best."""
    best, _, level = against_best(run)
    good = [name for name in found.arms if name in (best, *level)]
    heads = ["of all arms"]
    groups = [found]
    if 1 < len(good) < len(found.arms):
        heads.append("of those not clearly worse than the best")
        groups.append(found.of(good))
    rows = [
        [text(revisions), *(_crossing(group, revisions) for group in groups)]
        for revisions in _REVISIONS
    ]
    note = ""
    if len(good) == 1:
        note = f"Only {TITLES.get(best, best)} answers best: cheaper arms are clearly worse."
    caption = "The arm with the least machine time, and the questions a month where it changes"
    return table(caption, words("revisions a month", *heads), rows, note=note)


def _crossing(found: Cost, revisions: int) -> Html:
    first = lower_envelope(lines(found, _HOURS, revisions=revisions))[0][1]
    steps = break_even(found, _HOURS, revisions=revisions)
    told = [Html(f"{arm(first)}{'' if steps else ' at any number'}")]
    told += [Html(f"from {questions:,.0f} on {arm(above)}") for questions, _, above in steps]
    return join(told, ", ")
