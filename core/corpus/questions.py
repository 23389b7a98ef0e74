"""Reads and writes `qa.jsonl`: a labelled question a line."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.errors import CorpusError
from core.records import Question

QUESTIONS_FILE = "qa.jsonl"
#: Fields that are left out of a written line while they are empty.
_OPTIONAL = ("exposure", "status")


@dataclass(frozen=True)
class Line:
    """One line of a `qa.jsonl`: its question, or why it has none."""

    number: int
    question: Question | None
    problem: str = ""
    #: The line's own object, with the fields a user added; empty when it is none.
    fields: dict[str, Any] = field(default_factory=dict)


def read_questions(path: Path) -> list[Question]:
    """Read a `qa.jsonl`; a file that is not there has no questions. Drafts are left out.

    :raises CorpusError: at the first bad line, naming it and the field.
    """
    questions = []
    for line in read_question_lines(path):
        if line.question is None:
            raise CorpusError(f"{path}:{line.number}: {line.problem}")
        if line.question.status != "draft":
            questions.append(line.question)
    return questions


def read_question_lines(path: Path) -> Iterator[Line]:
    """Read a `qa.jsonl` line by line; a bad line says what is wrong and the next one follows."""
    if not path.is_file():
        return
    line_of: dict[str, int] = {}
    with open(path, "rb") as file:
        # Lines of bytes: JSON strings may hold U+2028 and others that text lines would end at.
        for number, raw in enumerate(file, start=1):
            if not raw.strip(b"\r\n\t \xef\xbb\xbf"):
                continue
            fields: dict[str, Any] = {}
            try:
                fields = read_object(raw)
                question = question_of(fields)
                if question.id in line_of:
                    raise CorpusError(
                        f"id: {question.id!r} is already taken by line {line_of[question.id]}. "
                        "Give each question its own id."
                    )
            except CorpusError as error:
                yield Line(number, None, str(error), fields)
            else:
                line_of[question.id] = number
                yield Line(number, question, fields=fields)


def question_line(question: Question) -> str:
    """Write a question as a line of `qa.jsonl`, with its line end."""
    fields = question.model_dump(mode="json")
    kept = {key: value for key, value in fields.items() if value or key not in _OPTIONAL}
    if kept["split"] is None:
        del kept["split"]
    return fields_line(kept)


def fields_line(fields: dict[str, Any]) -> str:
    """Write an object, with the fields a user added, as a line of `qa.jsonl`."""
    return json.dumps(fields, ensure_ascii=False) + "\n"


def questions_text(questions: Iterable[Question]) -> str:
    """Write questions as the text of a `qa.jsonl`."""
    return "".join(question_line(question) for question in questions)


def read_object(raw: bytes) -> dict[str, Any]:
    """Read one line of a JSONL file.

    :raises CorpusError: says why it is no JSON object.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(f"is not UTF-8 text (byte {error.start} of the line). Save it so.") from (
            error
        )
    try:
        value: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise CorpusError(f"is not JSON ({error.msg} at character {error.pos}).") from error
    except (ValueError, RecursionError) as error:  # a number or a nesting beyond Python's limits
        raise CorpusError(f"is not JSON that can be read ({error}).") from error
    if not isinstance(value, dict):
        raise CorpusError(f"is {type(value).__name__}, not an object with a question.")
    return value


def own_columns(fields: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Give the fields of a line that no `Question` has, as text; one that is null has no value."""
    known = set(Question.model_fields) - {"columns"}
    return tuple(
        (
            _whole(name),
            _whole(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)),
        )
        for name, value in fields.items()
        if name not in known and value is not None
    )


def _whole(text: str) -> str:
    """The text with half characters, which JSON may hold and no file can, replaced."""
    return text.encode("utf-8", "replace").decode()


def question_of(fields: dict[str, Any]) -> Question:
    """Make a question of a line's object.

    :raises CorpusError: names the field and what is wrong with it.
    """
    try:
        question = Question.model_validate({**fields, "columns": own_columns(fields)})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise CorpusError(f"{field}: {reason}.") from error
    for name, held in question.model_dump().items():
        try:
            json.dumps(held, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:  # JSON may say \ud800, which no text can hold
            raise CorpusError(f"{name}: holds half of a character.") from error
    if question.kind == "unanswerable" and question.answers:
        raise CorpusError("answers: an unanswerable question must have none.")
    if question.kind != "unanswerable" and not question.answers:
        raise CorpusError(f"answers: a question of kind {question.kind} needs one.")
    if not question.fact:
        question = question.model_copy(update={"fact": question.id})
    return question
