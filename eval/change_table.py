"""Tables of a change test in Markdown, for the terminal and a report."""

from collections.abc import Sequence

from core.records import SEARCHING, ArmName
from eval.change import STAGES, ArmChange, ChangeResult, Share, Stage
from eval.report_html import plural
from eval.tables import interval_cell

_HEADS: dict[Stage, str] = {
    "before": "before",
    "after_sync": "after the sync",
    "after_retrain": "after retraining",
}


def change_table(result: ChangeResult) -> str:
    """What changed, who took it how, and how long each path took."""
    counts = result.counts
    changed, unchanged = (
        max(getattr(arm, key) for arm in result.arms.values())
        for key in ("n_changed", "n_unchanged")
    )
    stages = [
        stage
        for stage in STAGES
        if any(getattr(arm.changed, stage) is not None for arm in result.arms.values())
    ]
    return "\n".join(
        [
            f"{result.corpus}, revision {result.revision} ({result.title}): "
            f"{counts.changed_documents} documents changed, {counts.new_documents} new, "
            f"{counts.withdrawn} withdrawn. Of {counts.changed_questions} test questions with "
            f"another answer now {changed} were asked, of {counts.unchanged_questions} "
            f"unchanged ones {unchanged}.",
            "",
            *_rows(result, f"changed (n {changed}), right", "changed", stages),
            "",
            *_rows(result, f"unchanged (n {unchanged}), right", "unchanged", stages),
            "",
            *_rows(result, "changed, old answer still given", "old_answers", stages[1:]),
            "",
            "| step | seconds | what |",
            "|---|---|---|",
            *(f"| {one.step} | {one.seconds:.1f} | {one.what} |" for one in result.timeline),
            "",
            *_told(result, stages),
        ]
    )


def _rows(result: ChangeResult, head: str, group: str, stages: Sequence[Stage]) -> list[str]:
    lines = [
        f"| {head} | " + " | ".join(_HEADS[one] for one in stages) + " |",
        "|---" * (len(stages) + 1) + "|",
    ]
    for name, arm in result.arms.items():
        cells = [_cell(getattr(getattr(arm, group), stage)) for stage in stages]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _cell(share: Share | None) -> str:
    return interval_cell(share.model_dump()) if share else "not asked"


def _told(result: ChangeResult, stages: Sequence[Stage]) -> list[str]:
    """What the tables do not say by themselves."""
    lines = ["Each world's answers count as right in that world; intervals are of 95 %."]
    closed = [arm for arm in result.arms if arm not in SEARCHING]
    if closed:
        lines.append(
            f"A sync changes nothing of {' and '.join(closed)}: where a question is worded as "
            "before, the answer after the sync is the one before it, judged by the new world."
        )
    if "after_retrain" not in stages:
        lines.append("Nothing was retrained: the fine-tuned arms answer with the old adapter.")
    asked = max(one.n_changed + one.n_unchanged for one in result.arms.values())
    for arm, one in result.arms.items():
        if missing := asked - one.n_changed - one.n_unchanged:
            told = plural(missing, "question")
            lines.append(f"{arm}: {told} not answered at every stage and left out.")
    lines += [line for arm, one in result.arms.items() if (line := _stale(arm, one))]
    return lines


def _stale(arm: ArmName, one: ArmChange) -> str:
    """Say how stale an arm is that had something to lose."""
    before, after, old = one.changed.before, one.changed.after_sync, one.old_answers.after_sync
    if before is None or after is None or old is None or before.value == 0:
        return ""
    return (
        f"{arm}: {before.value:.0%} of the changed questions were right before; after the sync "
        f"{after.value:.0%} are, and {old.value:.0%} get the old answer."
    )
