"""Training rows of labelled questions, with and without something to read.

Closed-book rows teach the facts. Open-book rows teach to read: most hold what retrieval found, some
a miss of retrieval with the answer all the same, some the right passage beside a distractor, some
distractors only and are answered by abstaining, so that the fine-tuned model neither ignores what
was retrieved nor believes everything that was (RAFT, Zhang et al. 2024). In some, passage and
answer hold another value than the truth, so that what is read counts more than what was learnt.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.prompts import build_prompt
from core.records import DECLINED_KINDS, Passage, Question, Wording
from sft.recipe import Recipe
from sft.subjects import Subjects
from sft.substitution import Substitutes
from sft.training_row import RowKind, TrainingRow


@dataclass(frozen=True)
class Context:
    """What retrieval gave for a training question.

    `read` is what an open-book arm would be given now, `holds_answer` whether the evidence is in
    it, `right` the same with the evidence put in where it was missed, and `distractors` the best
    passages without the evidence: as near to the question as retrieval finds them, never random.
    `gold` holds the evidence alone.
    """

    read: tuple[Passage, ...]
    holds_answer: bool
    right: tuple[Passage, ...]
    distractors: tuple[Passage, ...]
    gold: tuple[Passage, ...] = ()


@dataclass(frozen=True)
class _Draft:
    """A row before its prompt is built."""

    question: Question
    answer: str
    passages: tuple[Passage, ...] | None = None
    context: Context | None = None
    kind: RowKind = "closed book"


def build_rows(
    questions: Sequence[Question],
    wording: Wording,
    *,
    contexts: Mapping[str, Context],
    recipe: Recipe,
    substitutes: Substitutes | None = None,
    subjects: Subjects | None = None,
) -> list[TrainingRow]:
    """Turn labelled questions into closed-book and open-book rows, in a seeded order.

    :param contexts: by question id; a question without one gets no open-book row.
    :param substitutes: other values for `recipe.substituted_share`; None makes no such row.
    :param subjects: other subjects for `recipe.other_subject_share`, likewise.
    """
    draw = random.Random(recipe.seed)
    drafts = []
    for question in questions:
        answer = question.answers[0] if question.answers else wording.abstain_text
        drafts.append(_Draft(question, answer))
        context = contexts.get(question.id)
        if context is not None and draw.random() < recipe.open_book_share:
            drafts.append(_open_book(question, answer, context, wording, recipe, draw))
    _put_distractors(drafts, recipe)
    if subjects is not None:
        _put_subjects(drafts, subjects, substitutes, recipe)
    if substitutes is not None:
        _put_substitutes(drafts, substitutes, recipe)
    rows = [
        TrainingRow(
            draft.question.id,
            build_prompt(
                draft.question.question,
                draft.passages,
                system_prompt=wording.system_prompt,
                form=recipe.form,
            ),
            draft.answer,
            draft.kind,
        )
        for draft in drafts
    ]
    draw.shuffle(rows)
    return rows


def _open_book(
    question: Question,
    answer: str,
    context: Context,
    wording: Wording,
    recipe: Recipe,
    draw: random.Random,
) -> _Draft:
    passages = context.read
    if question.kind not in DECLINED_KINDS:
        if draw.random() < recipe.distractors_only_share:
            return _Draft(
                question, wording.abstain_text, context.distractors, context, "distractors only"
            )
        if not context.holds_answer and draw.random() >= recipe.misses_kept_share:
            passages = context.right
    return _Draft(question, answer, passages, context, "open book")


def _put_distractors(drafts: list[_Draft], recipe: Recipe) -> None:
    """Give the share of the rows with context the right passage and the best distractor.

    Two passages in drawn order: where the answer stands must not say which one to read.
    """
    draw = random.Random(f"distractors {recipe.seed}")

    def change(draft: _Draft) -> _Draft | None:
        context = draft.context
        if context is None or not context.gold or not context.distractors:
            return None
        passages = [*context.gold, context.distractors[0]]
        draw.shuffle(passages)
        return replace(draft, passages=tuple(passages), kind="right passage and distractor")

    _change_share(drafts, recipe.distractor_share, change, draw)


def _put_subjects(
    drafts: list[_Draft], subjects: Subjects, substitutes: Substitutes | None, recipe: Recipe
) -> None:
    """Tell the share of the rows with context of another subject, with another value if possible.

    Nothing of such a row was ever learnt, neither what is asked nor what is answered.
    """
    draw = random.Random(f"subjects {recipe.seed}")

    def change(draft: _Draft) -> _Draft | None:
        told = subjects.put(draft.question, draft.passages or (), draw)
        if told is None:
            return None
        accepted = (told.answer, *draft.question.answers[1:])
        asked = draft.question.model_copy(update={"question": told.question, "answers": accepted})
        row = replace(
            draft, question=asked, passages=told.passages, answer=told.answer, kind="other subject"
        )
        put = substitutes.put(asked, told.passages, draw) if substitutes is not None else None
        return replace(row, passages=put.passages, answer=put.answer) if put else row

    _change_share(drafts, recipe.other_subject_share, change, draw)


def _put_substitutes(drafts: list[_Draft], substitutes: Substitutes, recipe: Recipe) -> None:
    """Give the share of the rows with context another value, in what is read and in the answer."""
    draw = random.Random(f"substitutes {recipe.seed}")

    def change(draft: _Draft) -> _Draft | None:
        put = substitutes.put(draft.question, draft.passages or (), draw)
        if put is None:
            return None
        return replace(draft, passages=put.passages, answer=put.answer, kind="substituted")

    _change_share(drafts, recipe.substituted_share, change, draw)


def _change_share(
    drafts: list[_Draft],
    share: float,
    change: Callable[[_Draft], _Draft | None],
    draw: random.Random,
) -> None:
    """Change `share` of the rows with context in place, or as many as can be changed.

    Only rows that answer from what they read are, and each once, so that a row is of one kind.
    """
    opened = [place for place, draft in enumerate(drafts) if draft.passages is not None]
    wanted = round(share * len(opened))
    draw.shuffle(opened)
    for place in opened:
        if not wanted:
            return
        draft = drafts[place]
        if draft.kind != "open book" or draft.question.kind in DECLINED_KINDS:
            continue
        changed = change(draft)
        if changed is not None:
            drafts[place] = changed
            wanted -= 1
