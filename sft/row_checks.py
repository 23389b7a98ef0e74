"""Looks at training data before any weight is touched: what makes a run pointless is refused.

What only makes it worse is said in a sentence, with counts, and the run goes on.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence

from core.errors import TrainingError
from core.records import DECLINED_KINDS, Question
from sft.rewordings import bare
from sft.training_row import TrainingRow, counted, named

#: Letters that a text needs for its script to mean something: "Wi-Fi" in a Russian answer is none.
_FEWEST_LETTERS = 4
#: Scripts that one language mixes.
_TOGETHER = {"HIRAGANA": "CJK", "KATAKANA": "CJK"}


def check_rows(rows: Sequence[TrainingRow]) -> tuple[list[TrainingRow], list[str]]:
    """Take out rows that teach nothing, and say in sentences what was found.

    :returns: the rows that are left, in their order, and the findings.
    :raises TrainingError: when no row is left.
    """
    if not rows:
        raise TrainingError(
            "There is no row to train on: the corpus has no train questions. Label some in "
            "qa.jsonl with the split train."
        )
    findings = []
    filled = [row for row in rows if row.completion.strip()]
    if not filled:
        raise TrainingError(
            f"All {len(rows)} answers are empty: there is nothing to learn. Write the answers that "
            "are wanted into qa.jsonl, and an abstain_text into corpus.toml."
        )
    if empty := [row.question_id for row in rows if not row.completion.strip()]:
        findings.append(f"{counted(len(empty), 'row')} left out: the answer is empty "
                        f"({named(empty)}).")  # fmt: skip
    kept = list({(row.prompt, row.completion): row for row in reversed(filled)}.values())[::-1]
    if len(kept) < len(filled):
        findings.append(
            f"{counted(len(filled) - len(kept), 'row')} left out: the same question with the same "
            "answer is there already."
        )
    findings += _one_lesson(kept)
    findings += _contradictions(kept)
    return kept, findings


def _one_lesson(rows: Sequence[TrainingRow]) -> list[str]:
    """Say so when all that can be learnt is one answer."""
    if len(rows) == 1:
        return [
            "There is a single row to train on: the model will learn it by heart and little else. "
            "Label more questions."
        ]
    if len({row.completion for row in rows}) == 1:
        return [
            f"All {len(rows)} rows have the same answer ({rows[0].completion[:60]!r}): the model "
            "will learn to say nothing else."
        ]
    return []


def _contradictions(rows: Sequence[TrainingRow]) -> list[str]:
    answers: dict[str, dict[str, str]] = {}
    for row in rows:
        if row.kind == "closed book":
            answers.setdefault(bare(row.prompt.user), {})[row.completion] = row.question_id
    found = [list(ids.values()) for ids in answers.values() if len(ids) > 1]
    if not found:
        return []
    examples = "; ".join(" and ".join(ids[:2]) for ids in found[:3])
    many = "question is" if len(found) == 1 else "questions are"
    return [
        f"{len(found)} {many} trained with different answers ({examples}): the model will learn "
        "one of them, or neither. Keep the right one."
    ]


def check_questions(
    train: Sequence[Question], validation: Sequence[Question], documents: Sequence[str] = ()
) -> list[str]:
    """Look at the labelled questions: splits that overlap, and answers in another script.

    :param documents: texts that the answers should be like.
    :returns: findings as sentences.
    :raises TrainingError: when validation questions are trained, with the same answer: early
        stopping would then choose what is learnt by heart best.
    """
    trained = {(bare(one.question), one.answers[:1]): one.id for one in train}
    both = [one.id for one in validation if (bare(one.question), one.answers[:1]) in trained]
    if both:
        whole = "all of them" if len(both) == len(validation) else f"{len(validation)} in all"
        raise TrainingError(
            f"{counted(len(both), 'validation question')} trained as well ({named(both)}; "
            f"{whole}): validation would praise what is learnt by heart. Give each question one "
            "split in qa.jsonl."
        )
    return _scripts(train, documents)


def _scripts(train: Sequence[Question], documents: Sequence[str]) -> list[str]:
    """Compare the script of each full answer with its question's, and of all with the documents'.

    Refusals are left aside: a house may decline in its own language.
    """
    findings = []
    answered = [one for one in train if one.answers and one.kind not in DECLINED_KINDS]
    pairs: Counter[tuple[str, str]] = Counter()
    odd: list[str] = []
    for question in answered:
        asked, given = script(question.question), script(question.answers[0])
        if asked and given and asked != given:
            pairs[given, asked] += 1
            odd.append(question.id)
    if odd:
        (given, asked), _ = pairs.most_common(1)[0]
        findings.append(
            f"{counted(len(odd), 'answer')} in another script than the question, of {len(answered)}"
            f" (mostly {given} for {asked}; {named(odd)}): was the right column labelled?"
        )
    written = script(" ".join(text[:2000] for text in documents[:50]))
    labelled = script(" ".join(one.answers[0] for one in answered[:500]))
    if written and labelled and written != labelled:
        findings.append(
            f"The documents are written in {written} and the answers in {labelled}: what is read "
            "will not help to answer."
        )
    return findings


def script(text: str) -> str:
    """Name the script that most letters of a text are of ("Latin"); empty for too few letters."""
    counts: Counter[str] = Counter()
    for character in text[:2000]:
        if character.isalpha():
            name = unicodedata.name(character, "").split(" ")[0].split("-")[0]
            counts[_TOGETHER.get(name, name)] += 1
    if counts.total() < (_FEWEST_LETTERS if "CJK" not in counts else 1):
        return ""
    name = counts.most_common(1)[0][0]
    return name if name == "CJK" else name.capitalize()
