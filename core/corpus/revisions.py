"""A corpus after a change of its world: `revisions/<name>/` laid over the corpus folder.

A revision's documents replace those of the same id and add those of new ids; `revision.toml` names
the documents that are withdrawn. A question of its `qa.jsonl` replaces the question of the same id,
or is added. A question whose evidence lies in a withdrawn document, and which the revision does not
replace, is dropped: nothing supports its answer any more.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from core.corpus.questions import QUESTIONS_FILE, read_questions
from core.corpus.read import DOCUMENTS_FOLDER, Corpus, read_documents, read_toml
from core.corpus.split import with_splits
from core.errors import CorpusError

REVISIONS_FOLDER = "revisions"
REVISION_FILE = "revision.toml"


class RevisionInfo(BaseModel):
    """What a `revision.toml` says; a revision without one withdraws nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    description: str = ""
    #: Ids of the documents that are no longer there.
    withdrawn: tuple[str, ...] = ()


@dataclass(frozen=True)
class Revision:
    """A corpus before and after a change, and what the change did, by id."""

    name: str
    info: RevisionInfo
    before: Corpus
    after: Corpus
    changed_documents: tuple[str, ...]
    new_documents: tuple[str, ...]
    changed_questions: tuple[str, ...]
    new_questions: tuple[str, ...]
    dropped_questions: tuple[str, ...]

    @property
    def changed_facts(self) -> tuple[str, ...]:
        """Facts that had a question before whose answer or evidence is another now."""
        changed = set(self.changed_questions)
        facts = (one.fact for one in self.after.questions if one.id in changed)
        return tuple(dict.fromkeys(facts))


def revision_names(folder: Path) -> list[str]:
    """Names of a corpus folder's revisions."""
    return sorted(path.name for path in (folder / REVISIONS_FOLDER).glob("*") if path.is_dir())


def read_revision(corpus: Corpus, name: str, *, seed: int = 0) -> Revision:
    """Lay a revision over its corpus.

    :raises CorpusError: when there is no such revision, or names the file that cannot be used.
    """
    known = revision_names(corpus.folder)
    if name not in known:
        raise CorpusError(
            f"The corpus {corpus.name} has no revision {name!r} (there are: "
            f"{', '.join(known) or 'none'})."
        )
    folder = corpus.folder / REVISIONS_FOLDER / name
    info = read_toml(folder / REVISION_FILE, RevisionInfo)
    documents, problems = read_documents(folder / DOCUMENTS_FOLDER)
    if problems:
        raise problems[0]
    old = {document.id: document for document in corpus.documents}
    gone = set(info.withdrawn)
    for withdrawn in info.withdrawn:
        if withdrawn not in old:
            raise CorpusError(
                f"{folder / REVISION_FILE}: withdrawn: {withdrawn!r} is no document of "
                f"{corpus.name}; the id is its path without the suffix."
            )
    new = {document.id: document for document in documents}
    after = {key: one for key, one in {**old, **new}.items() if key not in gone}
    questions = with_splits(read_questions(folder / QUESTIONS_FILE), seed=seed)
    asked = {question.id: question for question in corpus.questions}
    replaced = {question.id: question for question in questions}
    kept = {
        key: question
        for key, question in {**asked, **replaced}.items()
        if key in replaced or not gone & {evidence.document for evidence in question.evidence}
    }
    return Revision(
        name=name,
        info=info,
        before=corpus,
        after=replace(
            corpus, documents=tuple(sorted(after.values(), key=lambda one: one.id)),
            questions=tuple(kept.values()),
        ),
        changed_documents=tuple(key for key in new if key in old and new[key] != old[key]),
        new_documents=tuple(key for key in new if key not in old),
        changed_questions=tuple(
            key
            for key in replaced
            # As written: a user's own columns do not change what is asked or answered.
            if key in asked and replaced[key].model_dump() != asked[key].model_dump()
        ),
        new_questions=tuple(key for key in replaced if key not in asked),
        dropped_questions=tuple(key for key in asked if key not in kept),
    )  # fmt: skip
