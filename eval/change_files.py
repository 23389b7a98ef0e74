"""The folder of a change test: what was asked, what was measured, every answer so far.

Names differ from an evaluation's, so that both may lie in one folder and in one report.
`change-run.json` says what is asked and what each step took, `change-answers.jsonl` is a log that
is only added to, `change.json` the result. A test that was broken off goes on from them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import EvaluationError
from core.records import Answer, ArmName, NoAnswer, Record
from core.storage import append_line, read_lines, write_json
from eval.change import ChangeResult, Stage

One = TypeVar("One", bound=BaseModel)

CHANGE_FILE = "change.json"
_RUN_FILE, _ANSWERS_FILE = "change-run.json", "change-answers.jsonl"


class Measured(BaseModel):
    """What was measured once and is not measured again when the test goes on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Indexing the old world from nothing, and bringing that index up to the new one.
    index_seconds: float | None = None
    sync_seconds: float | None = None
    sync_what: str = ""
    #: What the old adapter's training took, by its manifest.
    train_seconds: float | None = None
    #: Facts of which a question changed or is new.
    changed_facts: int | None = None
    #: The adapter that learnt the new world, by its name.
    retrained: str | None = None
    recipe: dict[str, Any] | None = None
    retrain_seconds: float | None = None
    retrain_what: str = ""


class _Row(Record):
    stage: Stage
    arm: ArmName
    question_id: str
    answer: Answer | None
    #: Why there is no answer; empty where there is one.
    error: str = ""


class ChangeFolder:
    """One change test on disk."""

    def __init__(self, path: Path, asked: dict[str, Any]) -> None:
        """Open the folder, or begin it.

        :param asked: what is asked of whom; what is there must be of the same.
        :raises EvaluationError: when something else was asked there; names the first difference.
        """
        self.path, self.asked = path, asked
        self.measured = Measured()
        run = path / _RUN_FILE
        if run.exists():
            self.measured = self._read(run)
        else:
            self._write()

    def _read(self, run: Path) -> Measured:
        try:
            told = _Run.model_validate_json(run.read_bytes())
        except ValidationError as error:
            raise EvaluationError(
                f"{run} cannot be read: remove {self.path}, or give another --out."
            ) from error
        for name, value in self.asked.items():
            if told.asked.get(name) != value:
                raise EvaluationError(
                    f"{self.path} holds a change test with another {name} "
                    f"({told.asked.get(name)!r}, now {value!r}): give another --out."
                )
        return told.measured

    @property
    def world(self) -> Path:
        """Where the index of this test lies, apart from the user's own."""
        return self.path / "change-index"

    @property
    def indexes(self) -> Path:
        """The folder that holds the corpus's index there."""
        return self.world / "indexes"

    def note(self, facts: Mapping[str, Any]) -> None:
        """Keep what was measured, by the fields of `Measured`; the others stay."""
        told = {**self.measured.model_dump(), **facts}
        self.measured = Measured.model_validate(told)
        self._write()

    def _write(self) -> None:
        write_json(
            self.path / _RUN_FILE,
            {"asked": self.asked, "measured": self.measured.model_dump(mode="json")},
        )

    def add(self, stage: Stage, arm: ArmName, question_id: str, answer: Answer | NoAnswer) -> None:
        """Keep one answer, or why there is none; what was found and not read is left out."""
        if isinstance(answer, NoAnswer):
            kept, error = None, answer.reason
        else:
            kept, error = answer.model_copy(update={"hits": ()}), ""
        row = _Row(stage=stage, arm=arm, question_id=question_id, answer=kept, error=error)
        append_line(self.path / _ANSWERS_FILE, row.model_dump(mode="json"))

    def end(self, result: ChangeResult) -> None:
        """Write `change.json`."""
        write_json(self.path / CHANGE_FILE, result.model_dump(mode="json"))


class _Run(BaseModel):
    asked: dict[str, Any]
    measured: Measured


def read_change(folder: Path) -> ChangeResult | None:
    """Read `change.json`; None when there is none.

    :raises EvaluationError: when it cannot be read.
    """
    return read_record(folder / CHANGE_FILE, ChangeResult, mend="Run the change test again.")


def read_record(path: Path, model: type[One], *, mend: str) -> One | None:
    """Read a file that holds one record; None when there is none.

    :param mend: what to do where it is damaged, as a sentence.
    :raises EvaluationError: when it cannot be read; names the field.
    """
    if not path.is_file():
        return None
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise EvaluationError(f"{path}: {field or 'the file'}: {first['msg']}. {mend}") from error


def read_change_answers(folder: Path) -> dict[tuple[Stage, ArmName, str], Answer | NoAnswer]:
    """Read every answer of a change test so far; the line that a kill cut short is skipped.

    :raises EvaluationError: when a whole line is no answer of a change test.
    """
    log = folder / _ANSWERS_FILE
    found: dict[tuple[Stage, ArmName, str], Answer | NoAnswer] = {}
    for row in read_lines(log) if log.is_file() else ():
        try:
            one = _Row.model_validate(row)
        except ValidationError as error:
            raise EvaluationError(
                f"{log}: holds a line that is no answer ({error.errors()[0]['msg']}): remove "
                f"{folder}, or give another --out."
            ) from error
        found[one.stage, one.arm, one.question_id] = one.answer or NoAnswer(one.error)
    return found


def read_measured(folder: Path) -> Measured | None:
    """Read what a change test in this folder measured; None when none did, or it is damaged."""
    path = folder / _RUN_FILE
    if not path.is_file():
        return None
    try:
        return _Run.model_validate_json(path.read_bytes()).measured
    except ValidationError:
        return None
