"""What a run learns from, as tokens; kept beside its checkpoints, so that it goes on with the same.

Retrieval, and so the rows, may be another by the time a killed run goes on.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.errors import TrainingError
from core.storage import read_lines, write_text
from sft.validation import HeldOut

_FILE = "rows.jsonl"


@dataclass(frozen=True)
class RunRows:
    """Tokenised rows to train on and to validate with, and the questions that are asked."""

    train: list[dict[str, Any]]
    validation: list[dict[str, Any]]
    questions: Sequence[HeldOut]

    def write(self, checkpoints: Path) -> None:
        """Keep them beside the run's checkpoints."""
        lines = [
            *({"of": "train", **row} for row in self.train),
            *({"of": "validation", **row} for row in self.validation),
            *({"of": "questions", **asdict(question)} for question in self.questions),
        ]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        write_text(checkpoints / _FILE, text)


def read_rows(checkpoints: Path) -> RunRows:
    """Read what a run learns from.

    :raises TrainingError: when its file is gone or damaged.
    """
    parts: dict[str, list[dict[str, Any]]] = {"train": [], "validation": [], "questions": []}
    try:
        for line in read_lines(checkpoints / _FILE):
            parts[line.pop("of")].append(line)
        questions = [
            HeldOut(**{**one, "accepted": tuple(one["accepted"])}) for one in parts["questions"]
        ]
    except (OSError, KeyError, TypeError) as error:
        raise TrainingError(
            f"The run {checkpoints.parent.name} cannot go on: its rows cannot be read. "
            "Train anew without --resume."
        ) from error
    return RunRows(parts["train"], parts["validation"], questions)
