"""Votes of visitors: which of two answers was better, one JSON line each in `feedback.jsonl`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from core.corpus.read import is_built_in
from core.errors import ProjectError
from core.records import ArmName
from core.storage import append_line
from ui.ask_state import Asked

Choice = Literal["left", "right", "tie", "both_bad"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
#: The two answers that are voted on, left and right.
VOTED: tuple[ArmName, ArmName] = ("sft", "rag")
#: Characters that a reason may have: of strangers, and of those who run the page.
REASON_OF_STRANGERS, REASON = 300, 2000


class VoteError(ProjectError):
    """A vote cannot be taken."""


def record_vote(
    state: Path, asked: Asked | None, choice: Choice, *, reason: str, public: bool
) -> Asked:
    """Add a vote to `feedback.jsonl` with all that is needed to judge it later.

    :returns: what was voted on.
    :raises VoteError: when there is nothing to vote on, or the reason is too long.
    :raises StorageError: when the disk refuses.
    """
    if asked is None or not asked.comparable:
        raise VoteError(
            "There are no two answers to vote on, or you have voted on them: ask a question."
        )
    if public and not is_built_in(asked.asking.domain):
        raise VoteError(
            "This public page keeps nothing of your own documents, so no vote on them either."
        )
    longest = REASON_OF_STRANGERS if public else REASON
    if len(reason) > longest:
        raise VoteError(
            f"The reason has {len(reason)} characters; the most is {longest}. Shorten it."
        )
    asking = asked.asking
    row = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "domain": asking.domain,
        "question": asking.question,
        "question_id": asked.reference.id if asked.reference else None,
        "vote": choice,
        "left": VOTED[0],
        "right": VOTED[1],
        "reason": reason.strip(),
        "settings": str(asking.variation) if asking.variation else None,
        "answers": {
            arm: {
                "text": asked.answers[arm].text,
                "provenance": asked.answers[arm].provenance.model_dump(mode="json"),
            }
            for arm in VOTED
        },
    }
    append_line(state / "feedback.jsonl", row)
    return asked
