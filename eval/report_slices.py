"""The report's slices: accuracy within parts of the questions, small parts marked."""

from collections.abc import Mapping
from typing import Any

from eval.report_data import Run
from eval.report_html import NOTHING, Html, Level, measured, numbers, paragraph, table, text, words
from eval.report_tables import arm_columns, section

#: Slices smaller than this are marked even where an older summary does not say so.
_SMALL = 30
_GROUPS = (
    ("by_kind", "By kind of question"),
    ("by_exposure", "By exposure: was the fact trained in other words?"),
    ("by_kind_and_exposure", "By kind and exposure"),
    ("by_known", "By what the base model knew before training"),
    ("by_answer_length", "By length of the shortest reference"),
    ("by_document", "By document"),
)
#: A table of documents longer than this is a list, not a reading: the weakest come first.
_MOST_ROWS = 20


def slices(run: Run, level: Level) -> Html:
    """Accuracy by kind, exposure and all else the summary was cut by."""
    arms = run.arms
    tables = [
        _slice_table(title, {name: one.get(group) or {} for name, one in arms.items()})
        for group, title in _GROUPS
    ]
    columns = dict.fromkeys(name for one in arms.values() for name in one.get("by_column") or {})
    tables += [
        _slice_table(
            f"By the column “{column}”",
            {name: (one.get("by_column") or {}).get(column) or {} for name, one in arms.items()},
        )
        for column in columns
    ]
    tables = [one for one in tables if one]
    if not tables:
        return NOTHING
    told = (
        "Accuracy with 95 % intervals within parts of the questions. “Few” marks a part with "
        f"fewer than {_SMALL} questions or too few documents: read it as a hint, not as a finding."
    )
    return section(
        "slices", "Where each arm is strong", level, [paragraph(told, css="lead"), *tables]
    )


def _slice_table(title: str, by_arm: Mapping[str, Mapping[str, Any]]) -> Html:
    names = list(dict.fromkeys(name for parts in by_arm.values() for name in parts))
    if not names:
        return NOTHING
    note = ""
    if len(names) > _MOST_ROWS:
        names.sort(key=lambda name: (_mean_accuracy(by_arm, name), name))
        note = (
            f"The {_MOST_ROWS} weakest of {len(names)}, by the arms' mean; all are in summary.json."
        )
        names = names[:_MOST_ROWS]
    rows = []
    for name in names:
        parts = [parts.get(name) for parts in by_arm.values()]
        count = max(int(part.get("n", 0)) for part in parts if part)
        few = any(part.get("small") for part in parts if part) or count < _SMALL
        mark = ' <span class="small">few</span>' if few else ""
        rows.append(
            [
                Html(f"{text(name.replace('_', ' ') if title == _GROUPS[0][1] else name)}{mark}"),
                text(count),
                *(measured(part.get("accuracy") if part else None, track=True) for part in parts),
            ]
        )
    return table(
        title, [*words("part"), *numbers("questions"), *arm_columns(by_arm)], rows, note=note
    )


def _mean_accuracy(by_arm: Mapping[str, Mapping[str, Any]], name: str) -> float:
    found = [
        parts[name]["accuracy"]["value"]
        for parts in by_arm.values()
        if parts.get(name, {}).get("accuracy")
    ]
    return sum(found) / len(found) if found else 0.0
