"""Diagnoses the wrong answers of a log, which is read once more: they are too many to keep."""

from collections.abc import Mapping
from pathlib import Path

from core.records import ARM_NAMES, ArmName, AskedName
from eval.diagnosis import Diagnosis, diagnose
from eval.other_answers import OtherAnswers
from eval.results import ResultRow
from eval.run_files import (
    ANSWERS_FILE,
    AskedQuestion,
    LoggedAnswer,
    RunInfo,
    oracle_of,
    read_answers,
)


def diagnose_log(
    folder: Path,
    info: RunInfo,
    questions: Mapping[str, AskedQuestion],
    rows: Mapping[tuple[str, str], ResultRow],
) -> dict[ArmName, list[Diagnosis]]:
    """Say why each wrong answer of a run is wrong, by arm, in the questions' order.

    :param rows: the scored answers of arms and oracles, by question id and name.
    """
    others = OtherAnswers(info.facts.items())
    found: dict[tuple[str, str], Diagnosis] = {}
    for _, line in read_answers(folder / ANSWERS_FILE):
        if not isinstance(line, LoggedAnswer) or line.answer is None:
            continue
        key: tuple[str, AskedName] = (line.question_id, line.arm)
        # Of two lines of one question and arm the first counts.
        if key in found or key not in rows or line.arm not in ARM_NAMES:
            continue
        made = diagnose(
            rows[key],
            questions[line.question_id],
            line.answer,
            oracle=rows.get((line.question_id, oracle_of(line.arm))),
            others=others,
            most_tokens=info.max_new_tokens,
        )
        if made is not None:
            found[key] = made
    return {arm: [found[one, arm] for one in questions if (one, arm) in found] for arm in info.arms}
