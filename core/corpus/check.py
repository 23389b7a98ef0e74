"""Checks a corpus folder's data quality, and each of its revisions with it.

Everything is looked at even where something cannot be read: a bad line or file is a finding, and
the rest is checked without it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.corpus.check_balance import check_balance
from core.corpus.check_questions import check_questions, contradictory_facts
from core.corpus.check_texts import check_texts
from core.corpus.findings import Finding, worst_first
from core.corpus.personal_data import find_personal_data
from core.corpus.questions import QUESTIONS_FILE, Line, read_question_lines
from core.corpus.read import (
    DOCUMENTS_FOLDER,
    INFO_FILE,
    Corpus,
    CorpusInfo,
    corpus_folder,
    nothing_in,
    read_documents,
    read_toml,
)
from core.corpus.revisions import read_revision, revision_names
from core.corpus.split import with_splits
from core.errors import CorpusError


@dataclass(frozen=True)
class CheckedCorpus:
    """A corpus as far as it can be read, the lines of its `qa.jsonl`, and what is to be said."""

    corpus: Corpus
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]


def check_folder(reference: str, *, seed: int = 0) -> CheckedCorpus:
    """Read a corpus as far as it can be read and look for what is wrong with it; worst first.

    :raises CorpusError: when there is no such folder.
    """
    folder = corpus_folder(reference)
    findings: list[Finding] = []
    info = CorpusInfo()
    try:
        info = read_toml(folder / INFO_FILE, CorpusInfo)
    except CorpusError as error:
        findings.append(_unreadable(INFO_FILE, error, folder / INFO_FILE))
    documents, problems = read_documents(folder / DOCUMENTS_FOLDER)
    findings += [_unreadable("", error, folder) for error in problems]
    lines = tuple(read_question_lines(folder / QUESTIONS_FILE))
    findings += _line_findings(lines)
    reviewed = [
        line.question for line in lines if line.question and line.question.status != "draft"
    ]
    corpus = Corpus(
        name=folder.resolve().name,
        folder=folder,
        info=info,
        documents=documents,
        questions=tuple(with_splits(reviewed, seed=seed)),
    )
    if not documents and not reviewed and not findings:
        raise nothing_in(folder, info)
    line_of = {line.question.id: line.number for line in lines if line.question}
    findings += [_located(one, line_of) for one in check_corpus(corpus)]
    findings += _revision_findings(corpus, seed)
    return CheckedCorpus(corpus, lines, tuple(worst_first(findings)))


def check_corpus(corpus: Corpus) -> list[Finding]:
    """Look for what makes training or scoring wrong; worst first."""
    return worst_first(
        [
            *check_texts(corpus),
            *check_questions(corpus),
            *contradictory_facts(corpus.questions),
            *check_balance(corpus.questions),
            *_personal(corpus),
        ]
    )


def _unreadable(name: str, error: CorpusError, under: Path) -> Finding:
    """Make a finding of an error that names the file it is about before its first colon."""
    path, _, message = str(error).partition(": ")
    return Finding(
        severity="error",
        rule="unreadable",
        place=name or path.removeprefix(f"{under}/"),
        message=message.rstrip("."),
        fix="nothing else is read before it is mended",
    )


def _line_findings(lines: tuple[Line, ...]) -> Iterator[Finding]:
    for line in lines:
        if line.question is None:
            yield Finding(
                severity="error",
                rule="schema",
                place=f"{QUESTIONS_FILE}:{line.number}",
                message=line.problem.rstrip("."),
                fix="mend the line, or remove it (--fix leaves it out)",
            )
    drafts = [line.number for line in lines if line.question and line.question.status == "draft"]
    if drafts:
        yield Finding(
            severity="note",
            rule="draft",
            place=f"{QUESTIONS_FILE}:{drafts[0]}",
            message=f"is one of {len(drafts)} drafts, which are neither trained on nor scored",
            fix="accept, edit or reject them",
        )


def _located(finding: Finding, line_of: Mapping[str, int]) -> Finding:
    """Put the line before a question's id."""
    if finding.place not in line_of:
        return finding
    place = f"{QUESTIONS_FILE}:{line_of[finding.place]} {finding.place}"
    return finding.model_copy(update={"place": place})


def _personal(corpus: Corpus) -> Iterator[Finding]:
    texts = [(one.source, one.text) for one in corpus.documents]
    texts += [(one.id, "\n".join([one.question, *one.answers])) for one in corpus.questions]
    for place, text in texts:
        found = find_personal_data(text, language=corpus.info.language)
        if found:
            first = found[0]
            line = text.count("\n", 0, first.start) + 1
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            yield Finding(
                severity="warning",
                rule="personal-data",
                place=place,
                message=f"holds {first.what} in line {line} ({first.shown}){more}",
                fix="mask what belongs to a person: a model cannot be made to forget it",
            )


def _revision_findings(corpus: Corpus, seed: int) -> Iterator[Finding]:
    """What is wrong with the corpus as each revision leaves it, and is not wrong without it."""
    known = {(one.rule, one.place, one.message) for one in check_corpus(corpus)}
    for name in revision_names(corpus.folder):
        place = f"revisions/{name}"
        try:
            revision = read_revision(corpus, name, seed=seed)
        except CorpusError as error:
            found = _unreadable("", error, corpus.folder)
            yield found
            continue
        for one in check_corpus(revision.after):
            if (one.rule, one.place, one.message) not in known:
                yield one.model_copy(update={"place": f"{place}: {one.place}"})
