"""Losses and divergences are those of the weights, whatever else is in the batch."""

from pathlib import Path

import pytest
import torch

from core.errors import AdapterError
from core.language_model import LanguageModel
from core.likelihood import Stretch, answer_stretch, compare_likelihoods, text_stretch
from core.prompts import build_prompt

TEXTS = [
    "the reset button of the router",
    "press the green lamp for 8 seconds . what is the warranty of the red router ?",
    "a",
    "how long is the warranty",
]


@pytest.fixture(scope="module")
def model(tiny_model_folder: Path, tiny_adapter: Path, tmp_path_factory) -> LanguageModel:
    folder = tmp_path_factory.mktemp("models")
    model = LanguageModel(str(tiny_model_folder), folder, device="cpu", dtype="float32")
    model.load_adapter("tuned", tiny_adapter)
    return model


def _stretches(model: LanguageModel) -> list[Stretch]:
    return [one for text in TEXTS if (one := text_stretch(text, model)) is not None]


def test_a_text_of_one_token_has_nothing_to_judge(model: LanguageModel) -> None:
    assert text_stretch("a", model) is None
    assert text_stretch("", model) is None
    ids = text_stretch("the lamp " * 1000, model)
    assert ids is not None and 1 + len(ids.wanted) == model.context_tokens


def test_answers_lose_what_the_model_says_they_lose(model: LanguageModel) -> None:
    prompt = build_prompt("how long ?", system_prompt="you answer questions .")
    stretches = [answer_stretch(prompt, one, model) for one in ("8 seconds", "red", "")]
    found = compare_likelihoods(model, stretches, tuned="tuned")
    for text, one in zip(("8 seconds", "red", ""), found, strict=True):
        assert one.base == pytest.approx(model.token_losses(prompt, text), abs=1e-4)
        tuned = model.token_losses(prompt, text, adapter="tuned")
        assert one.tuned == pytest.approx(tuned, abs=1e-4)
        assert one.base != pytest.approx(one.tuned, abs=1e-2)


def test_what_else_is_read_changes_nothing(model: LanguageModel) -> None:
    stretches = _stretches(model)
    told: list[int] = []
    together = compare_likelihoods(model, stretches, tuned="tuned", report=told.append)
    assert told == [3]
    for stretch, one in zip(stretches, together, strict=True):
        [alone] = compare_likelihoods(model, [stretch], tuned="tuned")
        assert one.base == pytest.approx(alone.base, abs=1e-4)
        assert one.divergence == pytest.approx(alone.divergence, abs=1e-4)
        assert len(one.base) == len(one.tuned) == len(one.divergence) == len(stretch.wanted)


def test_divergence_is_of_whole_distributions(model: LanguageModel) -> None:
    [stretch, *_] = _stretches(model)
    [found] = compare_likelihoods(model, [stretch], tuned="tuned")
    rows = [stretch.given + stretch.wanted[:-1]]
    base, tuned = (
        model.logits(rows, len(stretch.wanted), adapter=name)[0].log_softmax(-1)
        for name in (None, "tuned")
    )
    wanted = torch.nn.functional.kl_div(tuned, base, log_target=True, reduction="none").sum(-1)
    assert found.divergence == pytest.approx(wanted.tolist(), abs=1e-5)
    assert min(found.divergence) > 0.01, "the adapter changes the model"


def test_a_model_does_not_diverge_from_itself(
    model: LanguageModel, tiny_model_folder: Path, tmp_path: Path
) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaForCausalLM

    empty = get_peft_model(
        LlamaForCausalLM.from_pretrained(tiny_model_folder),
        LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM"),
    )
    empty.save_pretrained(tmp_path / "empty")
    model.load_adapter("empty", tmp_path / "empty")
    for one in compare_likelihoods(model, _stretches(model), tuned="empty"):
        assert one.divergence == pytest.approx([0] * len(one.base), abs=1e-6)
        assert one.tuned == pytest.approx(one.base, abs=1e-5)
    model.unload_adapter("empty")


def test_unknown_weights_are_refused(model: LanguageModel) -> None:
    with pytest.raises(AdapterError, match="No adapter 'gone'"):
        compare_likelihoods(model, _stretches(model), tuned="gone")
