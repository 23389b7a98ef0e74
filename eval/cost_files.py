"""`cost.json` of a run's folder, and what a folder tells of costs where it has none yet."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import EvaluationError
from core.records import Answer, Record
from core.storage import write_json
from eval.change_files import read_change_answers, read_record
from eval.cost import ArmCost, Cost

COST_FILE = "cost.json"
_RESULTS, _SUMMARY, _RUN = "results.jsonl", "summary.json", "run.json"


class Timed(Record):
    """One answer's time and tokens."""

    arm: str
    seconds: float
    prompt_tokens: int
    completion_tokens: int


def read_cost(folder: Path) -> Cost | None:
    """Read `cost.json`; None when there is none.

    :raises EvaluationError: when it cannot be read.
    """
    return read_record(folder / COST_FILE, Cost, mend="Remove it: it is made again.")


def write_cost(folder: Path, cost: Cost) -> None:
    """Write `cost.json`."""
    write_json(folder / COST_FILE, cost.model_dump(mode="json"))


def read_timed(folder: Path) -> list[Timed]:
    """Times and tokens of an evaluation's answers, or of a change test's.

    :raises EvaluationError: when there are none, or a line cannot be read; names the line.
    """
    path = folder / _RESULTS
    if not path.is_file():
        found = [
            Timed(
                arm=answer.arm,
                seconds=answer.seconds,
                prompt_tokens=answer.prompt_tokens,
                completion_tokens=answer.completion_tokens,
            )
            for answer in read_change_answers(folder).values()
            if isinstance(answer, Answer)
        ]
        if not found:
            raise EvaluationError(
                f"{folder} holds no results of `sft-vs-rag evaluate` or `sft-vs-rag change`."
            )
        return found
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            row = json.loads(line)
            found.append(Timed.model_validate({name: row[name] for name in Timed.model_fields}))
        except (ValueError, KeyError, TypeError) as error:
            raise EvaluationError(
                f"{path}:{number}: is no row of results. Evaluate again, or rebuild the folder."
            ) from error
    if not found:
        raise EvaluationError(f"{path} is empty: there is no answer whose cost was measured.")
    return found


def arm_costs(timed: Sequence[Timed]) -> dict[str, ArmCost]:
    """What an answer takes each arm, over those that were timed."""
    found = {}
    for arm in dict.fromkeys(one.arm for one in timed):
        mine = [one for one in timed if one.arm == arm]
        seconds = [one.seconds for one in mine]
        found[arm] = ArmCost(
            seconds_p50=round(float(np.median(seconds)), 4),
            seconds_mean=round(float(np.mean(seconds)), 4),
            prompt_tokens=round(float(np.mean([one.prompt_tokens for one in mine])), 1),
            completion_tokens=round(float(np.mean([one.completion_tokens for one in mine])), 1),
        )
    return found


def read_summary(folder: Path) -> dict[str, Any]:
    """Read `summary.json`; {} when there is none.

    :raises EvaluationError: when it is no JSON object.
    """
    return _object(folder / _SUMMARY)


def read_machine(folder: Path) -> dict[str, Any]:
    """What `run.json` says of the machine that answered; {} when nothing does."""
    machine = _object(folder / _RUN).get("machine")
    return machine if isinstance(machine, dict) else {}


def _object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise EvaluationError(f"{path}: is not JSON. Rebuild the folder.") from error
    if not isinstance(found, dict):
        raise EvaluationError(f"{path}: holds no object. Rebuild the folder.")
    return found
