"""Training rows: a prompt from the one prompt builder and the answer the model should learn.

Closed-book rows teach the facts. Open-book rows teach to read: most hold what retrieval found, some
a miss of retrieval with the answer all the same, some distractors only and are answered by
abstaining, so that the fine-tuned model neither ignores what was retrieved nor believes everything
that was (RAFT, Zhang et al. 2024).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.chat import answer_ids, prompt_ids
from core.errors import TrainingError
from core.prompts import Prompt, build_prompt
from core.records import Passage, Question, Wording
from sft.recipe import Recipe


@dataclass(frozen=True)
class Context:
    """What retrieval gave for a training question.

    `read` is what an open-book arm would be given now, `holds_answer` whether the evidence is in
    it, `right` the same with the evidence put in where it was missed, and `distractors` the best
    passages without the evidence.
    """

    read: tuple[Passage, ...]
    holds_answer: bool
    right: tuple[Passage, ...]
    distractors: tuple[Passage, ...]


@dataclass(frozen=True)
class TrainingRow:
    """One supervised example."""

    question_id: str
    prompt: Prompt
    completion: str


def build_rows(
    questions: Sequence[Question],
    wording: Wording,
    *,
    contexts: Mapping[str, Context],
    recipe: Recipe,
) -> list[TrainingRow]:
    """Turn labelled questions into closed-book and open-book rows, in a seeded order.

    :param contexts: by question id; a question without one gets no open-book row.
    """
    draw = random.Random(recipe.seed)
    rows = []
    for question in questions:
        answer = question.answers[0] if question.answers else wording.abstain_text
        prompt = build_prompt(question.question, system_prompt=wording.system_prompt)
        rows.append(TrainingRow(question.id, prompt, answer))
        context = contexts.get(question.id)
        if context is not None and draw.random() < recipe.open_book_share:
            rows.append(_open_book_row(question, answer, context, wording, recipe, draw))
    draw.shuffle(rows)
    return rows


def _open_book_row(
    question: Question,
    answer: str,
    context: Context,
    wording: Wording,
    recipe: Recipe,
    draw: random.Random,
) -> TrainingRow:
    passages = context.read
    if question.kind not in ("unanswerable", "refusal"):
        if draw.random() < recipe.distractors_only_share:
            passages, answer = context.distractors, wording.abstain_text
        elif not context.holds_answer and draw.random() >= recipe.misses_kept_share:
            passages = context.right
    prompt = build_prompt(question.question, passages, system_prompt=wording.system_prompt)
    return TrainingRow(question.id, prompt, answer)


def tokenise(rows: Sequence[TrainingRow], tokenizer: Any, *, max_tokens: int) -> list[dict]:
    """Token ids and labels of rows; only the completion and the end token after it are supervised.

    The prompt is tokenised as inference does it, so training never sees another boundary.

    :raises TrainingError: when a row is too long, or lacks a supervised token or end token.
    """
    tokenised = []
    for row in rows:
        start = prompt_ids(row.prompt, tokenizer)
        answer = answer_ids(row.completion.strip(), tokenizer)
        # Set by hand: pad and end are one token here, and a collator that masks pads would
        # mask the end too, so that the model never learns to stop.
        completion = [*answer, tokenizer.eos_token_id]
        ids = [*start, *completion]
        if len(ids) > max_tokens:
            raise TrainingError(
                f"The question {row.question_id} has {len(ids)} tokens with its answer; the recipe "
                f"allows {max_tokens}. Shorten it, or raise max_tokens."
            )
        labels = [-100] * len(start) + completion
        tokenised.append({"input_ids": ids, "labels": labels, "length": len(ids)})
    check_supervision(tokenised, end_id=tokenizer.eos_token_id)
    return tokenised


def check_supervision(tokenised: Sequence[Mapping[str, Any]], *, end_id: int) -> None:
    """Every row must supervise at least one word and the end token.

    :raises TrainingError: naming the first row that does not.
    """
    if not tokenised:
        raise TrainingError("There is no row to train on: the corpus has no train questions.")
    for number, row in enumerate(tokenised, start=1):
        supervised = [label for label in row["labels"] if label != -100]
        if len(supervised) < 2:
            raise TrainingError(f"Row {number} has no supervised token: its answer is empty.")
        if supervised[-1] != end_id:
            raise TrainingError(f"Row {number} does not supervise the end token.")
