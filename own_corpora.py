"""Corpora of a user's own, which the page may change: a folder each, apart from the project's.

What ships with the project is data and stays as it is; a user works on a copy, or on an empty
corpus. What cannot be read is told, and changes nothing; what is written is written whole.
"""

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from core.corpus.chats import CHATS_FILE
from core.corpus.documents import MAX_BYTES, SUFFIXES, document_paths
from core.corpus.imports.folder import slug
from core.corpus.known import KNOWN_FILE
from core.corpus.question_edits import (
    MergedQuestions,
    merge_questions,
    put_question,
    remove_question,
)
from core.corpus.questions import QUESTIONS_FILE, read_questions
from core.corpus.read import (
    DOCUMENTS_FOLDER,
    INFO_FILE,
    Corpus,
    CorpusInfo,
    info_text,
    read_documents,
    read_toml,
)
from core.corpus.revisions import REVISIONS_FOLDER
from core.corpus.split import with_splits
from core.corpus.uploads import check_document, read_uploaded_questions
from core.errors import CorpusError, ProjectError, StorageError
from core.places import CORPORA_FOLDER, INDEXES_FOLDER
from core.records import Question
from core.storage import ASIDE_MARK, remove_folder, write_bytes, write_folder

#: How long one change waits for another of the same corpus.
_LOCK_SECONDS = 10.0
_LONGEST_TITLE, _LONGEST_WORDING = 80, 4_000


@dataclass(frozen=True)
class Limits:
    """The most that one user may keep."""

    corpora: int = 50
    documents: int = 5_000
    questions: int = 20_000
    file_bytes: int = MAX_BYTES
    suffixes: tuple[str, ...] = SUFFIXES


@dataclass(frozen=True)
class AddedFile:
    """What became of a file that was handed in; `told` says why, where there is more to say."""

    name: str
    outcome: Literal["added", "updated", "unchanged", "refused"]
    document: str = ""
    told: str = ""


class OwnCorpora:
    """The corpora of one user, or of all users of a page that is not public."""

    def __init__(self, home: Path, folder: Path | None = None, *, limits: Limits | None = None):
        """Write nothing yet.

        :param home: where the indexes and drafts of corpora lie, by their names; see `core.places`.
        :param folder: where the corpora lie, if not there as well.
        """
        self._home = home
        self.folder = (folder or home / CORPORA_FOLDER).resolve()
        self.limits = limits or Limits()

    # Corpora

    def all(self) -> list[tuple[str, str]]:
        """Title and reference of each corpus, by title."""
        found = []
        for path in self.folder.glob("*/") if self.folder.is_dir() else ():
            if ASIDE_MARK not in path.name and not path.name.startswith("."):
                try:
                    title = read_toml(path / INFO_FILE, CorpusInfo).title
                except ProjectError:
                    title = ""  # a broken file beside good ones must not hide them
                found.append((title or path.name, str(path)))
        return sorted(found)

    def owns(self, reference: str) -> bool:
        """Say whether a reference is a corpus of this folder, which may be changed."""
        path = Path(reference)
        return bool(
            reference
            and path.is_absolute()
            and ASIDE_MARK not in path.name
            and path.resolve().parent == self.folder
            and path.is_dir()
        )

    def read(self, reference: str) -> Corpus:
        """Read a corpus as far as it can be read: it may be empty while somebody fills it."""
        folder = self._own(reference)
        documents, problems = read_documents(folder / DOCUMENTS_FOLDER)
        return Corpus(
            name=folder.name,
            folder=folder,
            info=read_toml(folder / INFO_FILE, CorpusInfo),
            documents=documents,
            questions=tuple(with_splits(read_questions(folder / QUESTIONS_FILE))),
            problems=tuple(str(problem) for problem in problems),
        )

    def create(self, title: str, *, system_prompt: str = "", abstain_text: str = "") -> str:
        """Make an empty corpus; wordings that are left empty are the project's own.

        :returns: its reference.
        """
        words = {"system_prompt": system_prompt.strip(), "abstain_text": abstain_text.strip()}
        for name, text in words.items():
            if len(text) > _LONGEST_WORDING:
                raise CorpusError(f"The {name} has {len(text)} characters; the most is 4000.")
        info = CorpusInfo(title=_title(title), **{key: text for key, text in words.items() if text})

        def fill(folder: Path) -> None:
            (folder / DOCUMENTS_FOLDER).mkdir()
            (folder / INFO_FILE).write_text(info_text(info), encoding="utf-8")

        return self._make(info.title, fill)

    def copy(self, corpus: Corpus, title: str = "") -> str:
        """Copy a corpus to work on; the original is not touched.

        :returns: the copy's reference.
        """
        info = corpus.info.model_copy(
            update={"title": _title(title or f"{corpus.info.title or corpus.name} (copy)")}
        )

        def fill(folder: Path) -> None:
            for name in (DOCUMENTS_FOLDER, REVISIONS_FOLDER):
                if (corpus.folder / name).is_dir():
                    shutil.copytree(corpus.folder / name, folder / name)
            for name in (QUESTIONS_FILE, CHATS_FILE, KNOWN_FILE):
                if (corpus.folder / name).is_file():
                    shutil.copyfile(corpus.folder / name, folder / name)
            (folder / DOCUMENTS_FOLDER).mkdir(exist_ok=True)
            (folder / INFO_FILE).write_text(info_text(info), encoding="utf-8")

        return self._make(info.title, fill)

    def remove(self, reference: str) -> None:
        """Remove a corpus, and with it its index and its drafts, which hold its words."""
        folder = self._own(reference)
        with self.changing(reference):
            remove_folder(folder)
        if (self._home / INDEXES_FOLDER / folder.name).is_dir():
            remove_folder(self._home / INDEXES_FOLDER / folder.name)
        for kind in ("drafts/{}.jsonl", "known/{}.json", "indexes/.{}.lock"):
            (self._home / kind.format(folder.name)).unlink(missing_ok=True)
        (self.folder / f".{folder.name}.lock").unlink(missing_ok=True)

    # Documents

    def add_documents(self, reference: str, files: Sequence[Path]) -> list[AddedFile]:
        """Put files among the documents, each by itself; who cannot be read is told and left out.

        A file replaces the one document of its name and suffix, in whatever folder that lies.
        """
        home = self._own(reference) / DOCUMENTS_FOLDER
        results: list[AddedFile] = []
        with self.changing(reference):
            taken: set[Path] = set()
            for file in files:
                try:
                    results.append(self._add(file, home, taken))
                except CorpusError as error:
                    told = str(error).removeprefix(f"{file.name}: ")
                    results.append(AddedFile(file.name, "refused", told=told))
        return results

    def _add(self, file: Path, home: Path, taken: set[Path]) -> AddedFile:
        checked = check_document(
            file, most_bytes=self.limits.file_bytes, suffixes=self.limits.suffixes
        )
        there = document_paths(home) if home.is_dir() else []
        target = home / f"{checked.stem}{checked.suffix}"
        same = [path for path in there if slug(path.stem) == checked.stem]
        if len(same) == 1 and same[0].suffix.lower() == checked.suffix:
            target = same[0]
        if target in taken:
            raise CorpusError(f"{file.name}: another of these files has this name; rename one.")
        for other in same:
            if other.with_suffix("") == target.with_suffix("") and other != target:
                raise CorpusError(
                    f"{file.name}: the document {target.stem} is there already as {other.name}. "
                    "Remove that one first, or rename this one."
                )
        if target not in there and len(there) >= self.limits.documents:
            raise CorpusError(f"{file.name}: {len(there)} documents are there, which is the most.")
        taken.add(target)
        document = target.relative_to(home).with_suffix("").as_posix()
        if target in there and target.read_bytes() == checked.content:
            return AddedFile(file.name, "unchanged", document, checked.note)
        outcome: Literal["added", "updated"] = "updated" if target in there else "added"
        write_bytes(target, checked.content)
        return AddedFile(file.name, outcome, document, checked.note)

    def remove_document(self, reference: str, document: str) -> None:
        """Remove a document; questions that rest on it stay, and the check tells them."""
        home = self._own(reference) / DOCUMENTS_FOLDER
        with self.changing(reference):
            for path in document_paths(home) if home.is_dir() else ():
                if path.relative_to(home).with_suffix("").as_posix() == document:
                    try:
                        path.unlink()
                    except OSError as error:
                        raise StorageError(f"{document} could not be removed: {error}.") from error
                    return
        raise CorpusError(f"There is no document {document!r} any more.")

    # Questions

    def put_question(
        self, reference: str, fields: Mapping[str, Any], *, replacing: str = ""
    ) -> Question:
        """Put a question in, or change one; see `core.corpus.question_edits.put_question`."""
        path = self._own(reference) / QUESTIONS_FILE
        with self.changing(reference):
            return put_question(
                path,
                fields,
                documents=read_documents(path.parent / DOCUMENTS_FOLDER)[0],
                replacing=replacing,
                most=self.limits.questions,
            )

    def remove_question(self, reference: str, name: str) -> None:
        """Take a question out."""
        with self.changing(reference):
            remove_question(self._own(reference) / QUESTIONS_FILE, name)

    def import_questions(
        self, reference: str, source: Path, *, instead: bool = False
    ) -> MergedQuestions:
        """Merge a file of questions in, or put it instead of those that are there.

        Rows that cannot be used are told and left out.
        """
        read = read_uploaded_questions(source, most_bytes=self.limits.file_bytes)
        path = self._own(reference) / QUESTIONS_FILE
        with self.changing(reference):
            merged = merge_questions(path, read.rows, instead=instead, most=self.limits.questions)
        return replace(merged, skipped=read.skipped)

    @contextmanager
    def changing(self, reference: str) -> Iterator[None]:
        """Hold off other changes of a corpus, of this process and of others."""
        folder = self._own(reference)
        try:
            with FileLock(self.folder / f".{folder.name}.lock", timeout=_LOCK_SECONDS):
                yield
        except Timeout as error:
            raise CorpusError("Somebody else is changing this corpus; try again.") from error

    def _own(self, reference: str) -> Path:
        if not self.owns(reference):
            raise CorpusError(
                "This corpus is not one of your own, so it is not changed: make a copy to work on."
            )
        return Path(reference)

    def _make(self, title: str, fill: Any) -> str:
        if len(self.all()) >= self.limits.corpora:
            raise CorpusError(
                f"You have {self.limits.corpora} corpora, which is the most: remove one first."
            )
        # Indexes, drafts and adapters lie by the corpus's name in one state folder, so no two
        # corpora may ever have one name: not a built-in's, a removed one's or another visitor's.
        folder = self.folder / f"{slug(title)[:40].strip('-') or 'corpus'}-{uuid.uuid4().hex[:8]}"
        write_folder(folder, fill)
        return str(folder)


def _title(title: str) -> str:
    kept = "".join(one for one in " ".join(title.split()) if one.isprintable())
    if not kept:
        raise CorpusError("The corpus needs a title.")
    return kept[:_LONGEST_TITLE]
