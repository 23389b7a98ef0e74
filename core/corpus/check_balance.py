"""Checks what the splits hold: sizes, kinds, answers that stand for all, wordings too alike."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from core.corpus.findings import Finding
from core.corpus.similar import mean_overlap, plain
from core.records import Question

SPLITS = ("train", "validation", "test")
#: Fewer test questions of a kind say little about it: the 95 % interval of a share is then wider
#: than ±0.25.
_FEW = 15
#: A share of a split's answers that one answer may have before saying it always scores well.
_DOMINANT, _ENOUGH = 0.5, 20
#: Wordings of a fact whose word sets overlap more than this on average are one wording.
ALIKE = 0.6


def check_balance(questions: Sequence[Question]) -> Iterator[Finding]:
    """Look at what training, early stopping and the verdict each have to go on."""
    if not questions:
        return
    by_split: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        by_split[question.split or ""].append(question)
    for split in SPLITS:
        if not by_split[split]:
            yield Finding(
                severity="warning",
                rule="split",
                place="qa.jsonl",
                message=f"has no {split} questions",
                fix="training needs train, early stopping validation, the verdict test",
            )
        else:
            yield from _dominant_answer(split, by_split[split])
    if all(by_split[split] for split in SPLITS):
        yield from _kinds(by_split)
    yield from _alike(questions)


def _dominant_answer(split: str, questions: Sequence[Question]) -> Iterator[Finding]:
    if len(questions) < _ENOUGH:
        return
    forms = Counter(
        form for one in questions for form in {plain(text) for text in one.answers or ("",)}
    )
    answer, times = forms.most_common(1)[0]
    share = times / len(questions)
    # Refusals share their opening on purpose, and are looked at by kind.
    same_kind = {one.kind for one in questions if answer in map(plain, one.answers or ("",))}
    if share > _DOMINANT and not same_kind <= {"refusal"}:
        yield Finding(
            severity="warning",
            rule="dominant-answer",
            place="qa.jsonl",
            message=f"{split}: {share:.0%} of the questions accept the answer "
            f"{answer or '(none: unanswerable)'!r}, so saying it always scores that",
            fix="add questions with other answers, or read accuracy beside that share",
        )


def _kinds(by_split: dict[str, list[Question]]) -> Iterator[Finding]:
    counts = {split: Counter(one.kind for one in by_split[split]) for split in SPLITS}
    for kind in sorted({kind for split in SPLITS for kind in counts[split]}):
        missing = [split for split in SPLITS if not counts[split][kind]]
        if missing:
            yield Finding(
                severity="warning" if "test" in missing else "note",
                rule="kinds",
                place="qa.jsonl",
                message=f"has no {kind} question in {' and '.join(missing)}",
                fix="spread each kind over the splits, or expect no figure for it there",
            )
        elif counts["test"][kind] < _FEW:
            yield Finding(
                severity="note",
                rule="few",
                place="qa.jsonl",
                message=f"has {counts['test'][kind]} test questions of kind {kind}",
                fix=f"with fewer than {_FEW} the kind's own figures say little",
            )


def _alike(questions: Sequence[Question]) -> Iterator[Finding]:
    for fact, overlap in wording_overlaps(questions).items():
        if overlap > ALIKE:
            yield Finding(
                severity="warning",
                rule="alike",
                place=fact,
                message=f"has wordings that share {overlap:.0%} of their words on average",
                fix="word them differently: one wording is memorised, several are understood",
            )


def wording_overlaps(questions: Sequence[Question]) -> dict[str, float]:
    """Mean pairwise overlap (Jaccard, of word sets) of the wordings of each fact with several."""
    by_fact: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        by_fact[question.fact].append(question.question)
    return {fact: mean_overlap(texts) for fact, texts in by_fact.items() if len(texts) > 1}
