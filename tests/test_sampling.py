"""Tokens can be drawn: from a seed, whatever stands beside the row; unasked they never are."""

import torch

from core.generation import GenerationRequest
from core.language_model import LanguageModel
from core.prompts import build_prompt
from core.sampler import Sampler
from core.sampling import Sampling


def _texts(model: LanguageModel, *wanted: Sampling | None) -> list[str]:
    prompt = build_prompt("how long is the reset ?", system_prompt="answer")
    requests = [GenerationRequest(prompt, sampling=one) for one in wanted]
    return [one.text for one in model.generate(requests, max_new_tokens=12)]


def test_a_seed_draws_the_same_whatever_stands_beside_it(tiny_model: LanguageModel) -> None:
    drawn = Sampling(1.0, seed=4)
    [alone] = _texts(tiny_model, drawn)
    greedy, beside, other = _texts(tiny_model, None, drawn, Sampling(1.0, seed=5))
    assert beside == alone
    assert other != alone
    assert [greedy] == _texts(tiny_model, None), "a neighbour that draws changes nothing"


def test_a_low_temperature_takes_the_likeliest() -> None:
    logits = torch.tensor([0.0, 2.0, 1.0])
    assert {Sampler(Sampling(0.01, seed)).draw(logits) for seed in range(50)} == {1}
    high = [Sampler(Sampling(1.5, seed)).draw(logits) for seed in range(200)]
    assert set(high) == {0, 1, 2}
    assert high.count(1) > high.count(0)
