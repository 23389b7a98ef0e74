"""The cost of a month, told: a table, the break-even, and what the numbers do not say."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import EvaluationError
from core.records import FINE_TUNED, SEARCHING
from eval.cost import Cost, Monthly, Prices, break_even, lines, lower_envelope, monthly_parts, once
from eval.tables import interval_cell


def chosen_arms(
    cost: Cost,
    summary: Mapping[str, Any],
    *,
    arms: Sequence[str] | None = None,
    least_accuracy: float | None = None,
) -> Cost:
    """Keep some arms of a cost: those named, and of them those that are right often enough.

    :param summary: an evaluation's; {} where there is none.
    :raises EvaluationError: when an arm was not measured, or none is left.
    """
    for arm in arms or ():
        if arm not in cost.arms:
            raise EvaluationError(f"The folder has no costs of {arm}: {', '.join(cost.arms)}.")
    kept = [arm for arm in cost.arms if arms is None or arm in arms]
    if least_accuracy is not None:
        found = accuracies(summary)
        if not found:
            raise EvaluationError("The folder has no summary.json: its accuracy is not known.")
        kept = [arm for arm in kept if arm in found and found[arm]["value"] >= least_accuracy]
        if not kept:
            raise EvaluationError(f"No arm is right {least_accuracy:.0%} of the time.")
    return cost.of(kept)


def accuracies(summary: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Accuracy of each arm with its interval, as a summary has it."""
    found = {}
    for arm, told in summary.get("arms", {}).items():
        measured = told.get("metrics", {}).get("accuracy")
        if measured:
            found[arm] = measured
    return found


def cost_told(
    cost: Cost, prices: Prices, summary: Mapping[str, Any], *, questions: float, revisions: float
) -> dict[str, Any]:
    """Everything `sft-vs-rag cost --json` prints."""
    parts = monthly_parts(cost, prices, questions=questions, revisions=revisions)
    first, right = once(cost, prices), accuracies(summary)
    steps = lower_envelope(lines(cost, prices, revisions=revisions))
    return {
        "cost": cost.model_dump(mode="json"),
        "prices": prices.model_dump(mode="json"),
        "questions": questions,
        "revisions": revisions,
        "arms": {
            arm: {**one.model_dump(), "once": first[arm], "accuracy": right.get(arm)}
            for arm, one in parts.items()
        },
        "cheapest": min(parts, key=lambda arm: parts[arm].total),
        "cheapest_of_few_questions": steps[0][1],
        "break_even": [
            {"questions": number, "below": below, "above": above}
            for number, below, above in break_even(cost, prices, revisions=revisions)
        ],
        "notes": _notes(cost, prices),
    }


def cost_table(told: Mapping[str, Any]) -> str:
    """The month as a table in Markdown, the break-even and the notes."""
    rows = []
    for arm, one in told["arms"].items():
        right = one["accuracy"]
        quality = interval_cell(right) if right else "not known"
        money = [f"{one[name]:.2f}" for name in (*_PARTS, "total", "once")]
        rows.append(f"| {arm} | {quality} | " + " | ".join(money) + " |")
    steps = told["break_even"]
    if steps:
        crossings = [
            f"{step['above']} from {step['questions']:,.0f} questions a month on" for step in steps
        ]
        even = f"Cheapest: {steps[0]['below']}; " + "; ".join(crossings) + "."
    else:
        even = f"Cheapest at any number of questions: {told['cheapest_of_few_questions']}."
    return "\n".join(
        [
            f"{told['questions']:,} questions and {told['revisions']:g} revisions a month; "
            "money in your currency.",
            "",
            "| arm | accuracy | " + " | ".join((*_PARTS, "a month", "once, before")) + " |",
            "|---" * (len(_PARTS) + 4) + "|",
            *rows,
            "",
            even,
            *told["notes"],
        ]
    )


#: What a month is spent on, as the table shows it.
_PARTS = tuple(name for name in Monthly.model_fields if name != "total")


def _notes(cost: Cost, prices: Prices) -> list[str]:
    notes = [
        "The cheapest arm is not the best arm: read what it costs beside how often it is right.",
    ]
    defaults = Prices()
    unset = [
        name
        for name in Prices.model_fields
        if name != "facts_per_revision" and getattr(prices, name) == getattr(defaults, name)
    ]
    if unset:
        notes.append(f"Placeholders, not your prices: {', '.join(unset)}.")
    if cost.seconds_are == "in_batches":
        notes.append(
            "An answer's seconds are those of its batch, which it shared: no measure of which arm "
            "works longer. --measure CORPUS times answers one at a time."
        )
    tuned = set(cost.arms) & set(FINE_TUNED)
    reads = set(cost.arms) & set(SEARCHING)
    if tuned and cost.retrain_seconds is None:
        notes.append(
            "No retraining was timed: "
            + ("the first training stands for it." if cost.train_seconds else "it counts nothing.")
        )
    if reads and cost.sync_seconds is None:
        notes.append(
            "No sync was timed: "
            + (
                "indexing from nothing stands for it."
                if cost.index_seconds
                else "it counts nothing."
            )
        )
    if tuned and prices.facts_per_revision is None and cost.changed_facts is None:
        notes.append("How many facts a revision changes is not known: labelling counts nothing.")
    return notes
