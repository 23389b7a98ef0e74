"""Reads a corpus folder into records; every error names the file, the line and the field."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from core.corpus.documents import document_paths, load_document
from core.corpus.split import exposures, with_splits
from core.errors import CorpusError
from core.prompts import DEFAULT_ABSTAIN_TEXT, DEFAULT_SYSTEM_PROMPT
from core.records import Document, Exposure, Question, Split, Wording
from core.settings import PROJECT_ROOT
from core.storage import fingerprint_text

BUILT_IN_FOLDER = PROJECT_ROOT / "corpora"


class CorpusInfo(BaseModel):
    """What `corpus.toml` says; a folder without one gets the defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    description: str = ""
    language: str = "en"
    licence: str = ""
    source: str = ""
    system_prompt: str = DEFAULT_SYSTEM_PROMPT
    abstain_text: str = DEFAULT_ABSTAIN_TEXT


@dataclass(frozen=True)
class Corpus:
    """A corpus in memory. Either `documents` or `questions` may be empty, not both."""

    name: str
    folder: Path
    info: CorpusInfo
    documents: tuple[Document, ...]
    questions: tuple[Question, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that training or indexing can depend on."""
        return fingerprint_text(
            self.info.model_dump_json(),
            *(f"{document.id}\n{document.text}" for document in self.documents),
            *(question.model_dump_json() for question in self.questions),
        )

    @property
    def exposures(self) -> dict[str, Exposure]:
        """Exposure of each test question, by its id."""
        return exposures(self.questions)

    @property
    def wording(self) -> Wording:
        """The corpus's own words, for prompts and for withheld answers."""
        return Wording(self.info.system_prompt, self.info.abstain_text)

    def of_split(self, split: Split) -> list[Question]:
        """Return the questions of one split, in the file's order."""
        return [question for question in self.questions if question.split == split]


def built_in_corpora() -> list[str]:
    """Names of the corpora that ship with the project and have documents."""
    return sorted(
        path.parent.name
        for path in BUILT_IN_FOLDER.glob("*/corpus.toml")
        if (path.parent / "documents").is_dir()
    )


def corpus_folder(reference: str) -> Path:
    """Find the folder of a built-in name or a path.

    :raises CorpusError: when there is none.
    """
    built_in = BUILT_IN_FOLDER / reference
    if reference and "/" not in reference and "\\" not in reference and built_in.is_dir():
        return built_in
    if reference and Path(reference).is_dir():
        return Path(reference)
    raise CorpusError(
        f"There is no corpus {reference!r}: it is neither a folder nor one of the built-in ones "
        f"({', '.join(built_in_corpora())})."
    )


def read_corpus(reference: str, *, seed: int = 0) -> Corpus:
    """Read a corpus by built-in name or folder.

    :param seed: splits the questions where the file does not.
    :raises CorpusError: names the file, line and field that cannot be used.
    """
    folder = corpus_folder(reference)
    questions = read_questions(folder / "qa.jsonl")
    documents_folder = folder / "documents"
    documents = _read_documents(documents_folder) if documents_folder.is_dir() else ()
    if not documents and not questions:
        raise CorpusError(
            f"{folder} has no documents and no questions: put {', '.join(('.md', '.txt', '.html'))}"
            ", .pdf or .docx files into its documents/ folder, or questions into qa.jsonl."
        )
    return Corpus(
        name=folder.resolve().name,
        folder=folder,
        info=_read_info(folder / "corpus.toml"),
        documents=documents,
        questions=tuple(with_splits(questions, seed=seed)),
    )


def read_questions(path: Path) -> list[Question]:
    """Read a `qa.jsonl`; a file that is not there has no questions.

    :raises CorpusError: at the first bad line, naming it and the field.
    """
    if not path.is_file():
        return []
    questions: list[Question] = []
    line_of: dict[str, int] = {}
    try:
        # Not splitlines(): JSON strings may hold U+2028 and others that it takes for line ends.
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: is not UTF-8 text (byte {error.start}). Save it so.") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        question = _read_question(line, f"{path}:{number}")
        if question.id in line_of:
            raise CorpusError(
                f"{path}:{number}: id: {question.id!r} is already taken by line "
                f"{line_of[question.id]}. Give each question its own id."
            )
        line_of[question.id] = number
        questions.append(question)
    return questions


def _read_question(line: str, place: str) -> Question:
    try:
        value: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise CorpusError(
            f"{place}: is not JSON ({error.msg} at character {error.pos})."
        ) from error
    except (ValueError, RecursionError) as error:  # a number or a nesting beyond Python's limits
        raise CorpusError(f"{place}: is not JSON that can be read ({error}).") from error
    if not isinstance(value, dict):
        raise CorpusError(f"{place}: is {type(value).__name__}, not an object with a question.")
    try:
        question = Question.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise CorpusError(f"{place}: {field}: {reason}.") from error
    for name, held in question.model_dump().items():
        try:
            json.dumps(held, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:  # JSON may say \ud800, which no text can hold
            raise CorpusError(f"{place}: {name}: holds half of a character.") from error
    if question.kind == "unanswerable" and question.answers:
        raise CorpusError(f"{place}: answers: an unanswerable question must have none.")
    if question.kind != "unanswerable" and not question.answers:
        raise CorpusError(f"{place}: answers: a question of kind {question.kind} needs one.")
    if not question.fact:
        question = question.model_copy(update={"fact": question.id})
    return question


def _read_info(path: Path) -> CorpusInfo:
    if not path.is_file():
        return CorpusInfo()
    try:
        return CorpusInfo.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: is not TOML ({error}).") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise CorpusError(f"{path}: {field}: {first['msg']}.") from error


def _read_documents(folder: Path) -> tuple[Document, ...]:
    documents: dict[str, Document] = {}
    for path in document_paths(folder):
        document = load_document(path, folder)
        if document.id in documents:
            raise CorpusError(
                f"{path}: has the id {document.id!r} of {documents[document.id].source}; the id is "
                "the path without its suffix. Rename one."
            )
        documents[document.id] = document
    return tuple(documents.values())
