"""Validation by answers: what the model in training says to held-out questions, greedily.

The loss of an answer says how likely its words are, not whether the model would say them. So at
each validation a sample of the held-out questions is answered with the decoding of the arms, and
counted as they are: right when the normalised answer equals or contains an accepted one.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from core.answer_text import answer_text, find_stops
from core.chat import answer_ids, prompt_ids
from core.decoding import Row, decode
from core.normalise import contains
from sft.recipe import MOST_ASKED
from sft.training_row import TrainingRow

#: Questions asked in one batch.
_BATCH = 32
#: Tokens that an answer may have beyond the longest one expected: room for another wording.
_ROOM = 16


@dataclass(frozen=True)
class HeldOut:
    """A held-out question: its prompt as tokens, and the answers that count as right."""

    prompt_ids: list[int]
    #: How its answer is begun; a quotation that is opened for the model must be closed.
    answer_prefix: str
    accepted: tuple[str, ...]
    #: Tokens of the longest accepted answer.
    answer_tokens: int


def held_out(
    rows: Sequence[TrainingRow],
    tokenizer: Any,
    answers: Mapping[str, Sequence[str]],
    *,
    seed: int,
    max_tokens: int,
) -> list[HeldOut]:
    """Draw the questions that are asked at each validation, always the same for a seed.

    :param answers: all accepted answers by question id. They count where the row expects the
        question's own answer; a row that expects another one (to abstain) accepts only that.
    :param max_tokens: rows that are longer with an accepted answer are left out.
    """
    found = []
    for row in rows:
        ids = prompt_ids(row.prompt, tokenizer)
        known = tuple(answers.get(row.question_id, ()))
        accepted = known if row.completion in known else (row.completion,)
        longest = max(len(answer_ids(answer, tokenizer)) for answer in accepted)
        if len(ids) + longest + 1 > max_tokens:  # an answer, however long, is waited for
            continue
        found.append(HeldOut(ids, row.prompt.answer_prefix, accepted, longest))
    return random.Random(seed).sample(found, min(MOST_ASKED, len(found)))


def greedy_accuracy(model: Any, questions: Sequence[HeldOut], tokenizer: Any) -> float:
    """Share of the questions that the model answers right.

    The model is left as it was: its mode, and the random numbers that training draws next.

    :param model: the one in training, without its wrappers for several processes.
    """
    texts = greedy_answers(model, questions, tokenizer)
    right = sum(
        any(contains(text, answer) for answer in question.accepted)
        for text, question in zip(texts, questions, strict=True)
    )
    return right / len(questions)


def greedy_answers(
    model: Any,
    questions: Sequence[HeldOut],
    tokenizer: Any,
    *,
    max_new_tokens: int | None = None,
) -> list[str]:
    """Answer the questions in batches of like length, with the key/value cache.

    :param max_new_tokens: instead of a little more than the longest answer expected.
    """
    stops = find_stops(tokenizer, model)
    room = max_new_tokens or max(question.answer_tokens for question in questions) + _ROOM
    texts = [""] * len(questions)

    def forward(adapters: Sequence[str | None], inputs: dict[str, Any]) -> torch.Tensor:
        logits: torch.Tensor = model(**inputs, use_cache=True, logits_to_keep=1).logits
        return logits[:, -1]

    order = sorted(range(len(questions)), key=lambda index: len(questions[index].prompt_ids))
    with _answering(model):
        for first in range(0, len(order), _BATCH):
            batch = order[first : first + _BATCH]
            rows = [Row(questions[index].prompt_ids, None) for index in batch]
            for _ in decode(rows, forward, device=model.device, stops=stops, max_new_tokens=room):
                pass
            for index, row in zip(batch, rows, strict=True):
                texts[index] = answer_text(
                    row.completion_ids, questions[index].answer_prefix, tokenizer
                )
    return texts


@contextmanager
def _answering(model: Any) -> Iterator[None]:
    training = model.training
    model.eval()
    try:
        # Not inference mode: its tensors may be kept by autocast and cannot be trained on.
        with torch.no_grad(), torch.random.fork_rng():
            yield
    finally:
        model.train(training)
