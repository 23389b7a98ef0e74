"""Reads a corpus folder into records; every error names the file, the line and the field."""

import json
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from core.corpus.chats import CHATS_FILE, Chat, read_chats
from core.corpus.documents import document_paths, load_document
from core.corpus.questions import QUESTIONS_FILE, read_questions
from core.corpus.split import exposures, with_splits
from core.errors import CorpusError
from core.prompts import DEFAULT_ABSTAIN_TEXT, DEFAULT_SYSTEM_PROMPT
from core.records import Document, Exposure, Question, Split, Wording
from core.settings import PROJECT_ROOT
from core.storage import fingerprint_text

BUILT_IN_FOLDER = PROJECT_ROOT / "corpora"
DOCUMENTS_FOLDER = "documents"
INFO_FILE = "corpus.toml"

Info = TypeVar("Info", bound=BaseModel)


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
    #: Why each file that could not be read is not among the documents.
    problems: tuple[str, ...] = ()
    #: Chats of the user's own to learn from, besides the questions.
    chats: tuple[Chat, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all that training or indexing can depend on."""
        return fingerprint_text(
            self.info.model_dump_json(),
            *(f"{document.id}\n{document.text}" for document in self.documents),
            *(question.model_dump_json() for question in self.questions),
            *(chat.model_dump_json() for chat in self.chats),
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
    return sorted(path.name for path in BUILT_IN_FOLDER.glob("*/") if is_built_in(path.name))


def is_built_in(reference: str) -> bool:
    """Say whether a reference is the name of a corpus that ships and has documents."""
    folder = BUILT_IN_FOLDER / reference
    return (
        folder.name == reference  # and so no path
        and (folder / INFO_FILE).is_file()
        and (folder / DOCUMENTS_FOLDER).is_dir()
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
    questions = read_questions(folder / QUESTIONS_FILE)
    chats = read_chats(folder / CHATS_FILE)
    documents, problems = read_documents(folder / DOCUMENTS_FOLDER)
    if problems and not documents:
        raise problems[0]
    info = read_toml(folder / INFO_FILE, CorpusInfo)
    if not documents and not questions and not chats:
        raise nothing_in(folder, info)
    return Corpus(
        name=folder.resolve().name,
        folder=folder,
        info=info,
        documents=documents,
        questions=tuple(with_splits(questions, seed=seed)),
        problems=tuple(str(problem) for problem in problems),
        chats=chats,
    )


def nothing_in(folder: Path, info: CorpusInfo) -> CorpusError:
    """What is said of a corpus that holds nothing yet.

    By its title and not its place: a stranger on a public page reads this too.
    """
    return CorpusError(
        f"The corpus {info.title or folder.resolve().name} has no documents and no questions: "
        "add .md, .txt, .html, .pdf or .docx files to its documents, or questions to its qa.jsonl."
    )


def read_toml(path: Path, model: type[Info]) -> Info:
    """Read a TOML file of a corpus as a record; a file that is not there gives the defaults.

    :raises CorpusError: names the file and the field.
    """
    if not path.is_file():
        return model()
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: is not TOML ({error}).") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise CorpusError(f"{path}: {field}: {first['msg']}.") from error


def info_text(info: CorpusInfo) -> str:
    """Write what a `corpus.toml` says, so that `read_toml` reads the same."""
    return "".join(f"{key} = {_toml(text)}\n" for key, text in info.model_dump().items())


def _toml(text: str) -> str:
    # A JSON string is a TOML string, but for the one control character that JSON leaves.
    kept = text.replace("\r\n", "\n").replace("\x7f", "").encode("utf-8", "replace").decode()
    return json.dumps(kept, ensure_ascii=False)


def read_documents(folder: Path) -> tuple[tuple[Document, ...], list[CorpusError]]:
    """Read all documents below a folder.

    :returns: the documents in the order of their ids, and why each other file is none.
    """
    documents: dict[str, Document] = {}
    problems: list[CorpusError] = []
    for path in document_paths(folder) if folder.is_dir() else ():
        try:
            document = load_document(path, folder)
        except CorpusError as error:
            problems.append(error)
            continue
        if document.id in documents:
            other = documents[document.id].source
            problems.append(
                CorpusError(
                    f"{path}: has the id {document.id!r} of {other}; the id is the path without "
                    "its suffix. Rename one."
                )
            )
        documents.setdefault(document.id, document)
    return tuple(documents.values()), problems
