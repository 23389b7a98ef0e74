"""Validation asks as the arms do, counts as the evaluation does, and leaves training as it was."""

import random

import pytest
import torch
from transformers import AutoModelForCausalLM

from core.generation import GenerationRequest
from core.language_model import LanguageModel
from core.normalise import contains
from core.prompts import Prompt, build_prompt
from core.records import Passage
from sft.training_row import TrainingRow
from sft.validation import greedy_accuracy, greedy_answers, held_out

WORDS = ("alpha", "beta", "gamma", "the red lamp", "the router of twelve months", "blue", "green")


def _rows(count: int = 40) -> list[TrainingRow]:
    draw = random.Random(0)
    rows = []
    for number in range(count):
        text = " ".join(draw.choices(WORDS, k=draw.randint(1, 9)))
        passage = Passage(id="p", document_id="d", start=0, end=len(text), text=text, heading="")
        read = [passage] if number % 3 == 0 else None
        prompt = build_prompt(f"what is {text} ?", read, system_prompt="answer .")
        rows.append(TrainingRow(f"q{number}", prompt, "8 seconds"))
    return rows


def test_the_answers_are_those_of_the_language_model(tiny_model: LanguageModel) -> None:
    rows = _rows()
    questions = held_out(rows, tiny_model.tokenizer, {}, seed=3, max_tokens=500)
    by_prompt = {tuple(tiny_model.encode(row.prompt)): row for row in rows}
    prompts: list[Prompt] = [by_prompt[tuple(one.prompt_ids)].prompt for one in questions]
    model = AutoModelForCausalLM.from_pretrained(tiny_model.location, dtype=torch.float32)
    texts = greedy_answers(model, questions, tiny_model.tokenizer)
    room = max(one.answer_tokens for one in questions) + 16
    for first in range(0, len(prompts), 7):  # in batches of another size
        wanted = tiny_model.generate(
            [GenerationRequest(prompt) for prompt in prompts[first : first + 7]],
            max_new_tokens=room,
        )
        assert texts[first : first + 7] == [one.text for one in wanted]
    assert len(set(texts)) > 3, "the model says something"


def test_the_accuracy_counts_answers_that_hold_an_accepted_one(tiny_model: LanguageModel) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model.location, dtype=torch.float32)
    rows = _rows(12)
    tokenizer = tiny_model.tokenizer
    said = greedy_answers(model, held_out(rows, tokenizer, {}, seed=0, max_tokens=500), tokenizer)
    drawn = held_out(rows, tokenizer, {}, seed=0, max_tokens=500)
    ids = {tuple(tiny_model.encode(row.prompt)): row.question_id for row in rows}
    # Every second question also accepts a part of what the model says.
    answers = {
        ids[tuple(one.prompt_ids)]: ("8 seconds", " ".join(text.split()[:3]))
        for one, text in list(zip(drawn, said, strict=True))[::2]
    }
    accepting = held_out(rows, tokenizer, answers, seed=0, max_tokens=500)
    room_is_equal = max(one.answer_tokens for one in accepting) == max(
        one.answer_tokens for one in drawn
    )
    texts = said if room_is_equal else greedy_answers(model, accepting, tokenizer)
    wanted = sum(
        any(contains(text, answer) for answer in one.accepted)
        for text, one in zip(texts, accepting, strict=True)
    )
    assert greedy_accuracy(model, accepting, tokenizer) == wanted / 12
    assert wanted >= 6


def test_a_row_that_expects_to_abstain_accepts_only_that(tiny_model: LanguageModel) -> None:
    prompt = build_prompt("what is alpha ?")
    [one] = held_out(
        [TrainingRow("q", prompt, "i am sorry")], tiny_model.tokenizer,
        {"q": ("8 seconds", "eight seconds")}, seed=0, max_tokens=500,
    )  # fmt: skip
    assert one.accepted == ("i am sorry",)


def test_no_more_are_asked_than_a_validation_may_cost(tiny_model: LanguageModel) -> None:
    first = held_out(_rows(300), tiny_model.tokenizer, {}, seed=1, max_tokens=500)
    assert len(first) == 128
    assert first == held_out(_rows(300), tiny_model.tokenizer, {}, seed=1, max_tokens=500)
    assert first != held_out(_rows(300), tiny_model.tokenizer, {}, seed=2, max_tokens=500)
    assert held_out(_rows(300), tiny_model.tokenizer, {}, seed=1, max_tokens=5) == []


@pytest.mark.parametrize("training", [True, False])
def test_training_does_not_notice(tiny_model: LanguageModel, training: bool) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model.location, dtype=torch.float32)
    model.train(training)
    questions = held_out(_rows(3), tiny_model.tokenizer, {}, seed=1, max_tokens=500)
    before = torch.get_rng_state()
    greedy_accuracy(model, questions, tiny_model.tokenizer)
    assert model.training is training
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.is_grad_enabled()
