"""Counts a corpus: documents, questions by kind and split, exposure of the test questions."""

from collections import Counter
from typing import Any, get_args

from core.corpus.check_balance import SPLITS, wording_overlaps
from core.corpus.read import Corpus
from core.corpus.revisions import read_revision, revision_names
from core.records import Exposure, Kind


def corpus_counts(corpus: Corpus) -> dict[str, Any]:
    """Count documents, and questions by split, kind and exposure.

    `wording_overlap` is the mean pairwise overlap (Jaccard, of word sets) of the wordings of one
    fact: its mean over the facts, and the largest.
    """
    overlaps = list(wording_overlaps(corpus.questions).values())
    words = [len(document.text.split()) for document in corpus.documents]
    return {
        "documents": len(corpus.documents),
        "document_words": {"fewest": min(words), "most": max(words)} if words else {},
        "questions": len(corpus.questions),
        "facts": len({question.fact for question in corpus.questions}),
        # Only where there are any: a file that most corpora do without.
        **({"chats": len(corpus.chats)} if corpus.chats else {}),
        "by_split": dict(Counter(question.split for question in corpus.questions)),
        "by_kind": dict(Counter(question.kind for question in corpus.questions)),
        "by_exposure": dict(Counter(corpus.exposures.values())),
        "wording_overlap": {
            "mean": round(sum(overlaps) / len(overlaps), 3),
            "most": round(max(overlaps), 3),
        }
        if overlaps
        else {},
    }


def counts_table(corpus: Corpus) -> str:
    """Write the counts as the Markdown that a corpus's README holds."""
    counts = corpus_counts(corpus)
    lines = []
    if corpus.documents:
        suffixes = Counter(one.source.rpartition(".")[2] for one in corpus.documents)
        kinds = ", ".join(f"{number} .{suffix}" for suffix, number in suffixes.most_common())
        words = counts["document_words"]
        lines += [
            f"{counts['documents']} documents ({kinds}) of {words['fewest']} to {words['most']} "
            "words.",
            "",
        ]
    if corpus.chats:
        answers = sum(len(chat.turns) for chat in corpus.chats)
        lines += [f"{len(corpus.chats)} chats with {answers} answers to learn from.", ""]
    cells = Counter((one.kind, str(one.split)) for one in corpus.questions)
    lines += ["| kind | facts | " + " | ".join(SPLITS) + " | all |", "|---|---|---|---|---|---|"]
    for kind in get_args(Kind):
        if not counts["by_kind"].get(kind):
            continue
        facts = len({one.fact for one in corpus.questions if one.kind == kind})
        row = [cells[kind, split] for split in SPLITS]
        lines.append(f"| {kind} | {facts} | " + " | ".join(map(str, row)) + f" | {sum(row)} |")
    sums = [counts["by_split"].get(split, 0) for split in SPLITS]
    lines.append(f"| all | {counts['facts']} | " + " | ".join(map(str, sums)) + f" | {sum(sums)} |")
    lines += ["", *_exposure_lines(corpus, counts)]
    for name in revision_names(corpus.folder):
        lines.append(_revision_line(corpus, name))
    return "\n".join(lines)


def _exposure_lines(corpus: Corpus, counts: dict[str, Any]) -> list[str]:
    lines = []
    exposures = corpus.exposures
    for kind in ("fact", "procedure"):
        facts: dict[Exposure, set[str]] = {"reworded": set(), "untrained": set()}
        for question in corpus.questions:
            if question.kind == kind and question.id in exposures:
                facts[exposures[question.id]].add(question.fact)
        if any(facts.values()):
            lines.append(
                f"Of the {kind}s with test questions, {len(facts['reworded'])} are trained in "
                f"other words and {len(facts['untrained'])} are never trained."
            )
    if counts["wording_overlap"]:
        overlap = counts["wording_overlap"]
        lines.append(
            f"Wordings of one fact share {overlap['mean']:.2f} of their words on average "
            f"({overlap['most']:.2f} at most)."
        )
    return lines


def _revision_line(corpus: Corpus, name: str) -> str:
    revision = read_revision(corpus, name)
    return (
        f"Revision `{name}`: {len(revision.changed_documents)} documents change, "
        f"{len(revision.new_documents)} are new, {len(revision.info.withdrawn)} are withdrawn; "
        f"{len(revision.changed_facts)} facts change in {len(revision.changed_questions)} "
        f"questions, {len(revision.new_questions)} questions are new and "
        f"{len(revision.dropped_questions)} go."
    )
