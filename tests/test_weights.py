"""Own weights answer beside the base and its adapters; an effect is scaled from none to more."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaForCausalLM

from core.errors import AdapterError
from core.generation import GenerationRequest
from core.language_model import LanguageModel
from core.prompts import build_prompt

TEXTS = ("how long is the reset button of alpha ?", "is the lamp red ?", "what does beta weigh ?")


def _requests(name: str | None) -> list[GenerationRequest]:
    return [GenerationRequest(build_prompt(text), name) for text in TEXTS]


@pytest.fixture
def model(tiny_model_folder: Path, tmp_path: Path) -> LanguageModel:
    return LanguageModel(str(tiny_model_folder), tmp_path / "models", device="cpu", dtype="float32")


@pytest.fixture
def own_folder(tiny_model_folder: Path, tmp_path: Path) -> Path:
    """A model of the base's shape whose last block and norm are others."""
    made = LlamaForCausalLM.from_pretrained(tiny_model_folder)
    torch.manual_seed(7)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if name.startswith("model.layers.1."):
                parameter.add_(torch.randn_like(parameter) * 0.2)
    made.save_pretrained(tmp_path / "own")
    return tmp_path / "own"


@pytest.fixture
def alone(own_folder: Path, tiny_model_folder: Path, tmp_path: Path) -> LanguageModel:
    whole = shutil.copytree(tiny_model_folder, tmp_path / "whole")
    shutil.copy(own_folder / "model.safetensors", whole)
    return LanguageModel(str(whole), tmp_path / "models", device="cpu", dtype="float32")


def test_own_weights_answer_beside_base_and_adapter_as_they_do_alone(
    model: LanguageModel, alone: LanguageModel, own_folder: Path, tiny_adapter: Path
) -> None:
    base = [one.text for one in model.generate(_requests(None), max_new_tokens=8)]
    model.load_weights("own", own_folder)
    model.load_adapter("tuned", tiny_adapter)
    assert set(model.adapters) == {"own", "tuned"}
    names = (None, "own", "tuned")
    mixed = [GenerationRequest(build_prompt(text), name) for text in TEXTS for name in names]
    last: dict[int, Any] = {}
    order = []
    for index, generation in model.stream(mixed, max_new_tokens=8):
        order.append(names[index % 3])
        last[index] = generation
    texts = {name: [last[i].text for i in range(9) if names[i % 3] == name] for name in names}
    assert texts[None] == base
    assert texts["own"] == [one.text for one in alone.generate(_requests(None), max_new_tokens=8)]
    assert texts["tuned"] == [
        one.text for one in model.generate(_requests("tuned"), max_new_tokens=8)
    ]
    assert len({tuple(one) for one in texts.values()}) == 3
    # Side by side: own weights begin before the others have ended.
    assert order.index("own") < len(order) - 1 - order[::-1].index(None)
    assert all(0 < one.first_token_seconds <= one.seconds for one in last.values())


def test_logits_and_losses_are_those_of_the_own_weights(
    model: LanguageModel, alone: LanguageModel, own_folder: Path
) -> None:
    before = model.next_token_logits(_requests(None))
    model.load_weights("own", own_folder)
    mixed = [one for pair in zip(_requests(None), _requests("own"), strict=True) for one in pair]
    logits = model.next_token_logits(mixed)
    assert torch.equal(logits[0::2], before), "the base's answers do not change"
    assert torch.equal(logits[1::2], alone.next_token_logits(_requests(None)))
    prompt = build_prompt(TEXTS[0])
    assert model.token_losses(prompt, "8 seconds", adapter="own") == alone.token_losses(
        prompt, "8 seconds"
    )
    model.unload_adapter("own")
    assert model.adapters == ()
    with pytest.raises(AdapterError, match="No adapter 'own'"):
        model.next_token_logits(_requests("own"))
    assert torch.equal(model.next_token_logits(_requests(None)), before)


def test_what_is_the_base_s_takes_no_second_memory(model: LanguageModel, own_folder: Path) -> None:
    model.load_weights("own", own_folder)
    base, own = model._weights._base, dict(model._weights._own["own"].named_parameters())
    for name, parameter in own.items():
        shared = parameter.data_ptr() == base[name].data_ptr()
        assert shared != name.startswith("model.layers.1."), name


@pytest.mark.parametrize("own", [False, True])
def test_a_scale_goes_from_the_base_to_what_was_trained(
    model: LanguageModel, own_folder: Path, tiny_adapter: Path, own: bool
) -> None:
    load = model.load_weights if own else model.load_adapter
    folder = own_folder if own else tiny_adapter
    for name, scale in (("at-none", 0.0), ("at-half", 0.5), ("at-one", 1.0), ("at-more", 1.5)):
        load(name, folder, scale=scale)
    load("trained", folder)
    base = model.next_token_logits(_requests(None))
    at = {name: model.next_token_logits(_requests(name)) for name in model.adapters}
    torch.testing.assert_close(at["at-none"], base, atol=1e-6, rtol=0)
    assert torch.equal(at["at-one"], at["trained"])
    moved = {name: (one - base).norm().item() for name, one in at.items()}
    assert 0.05 * moved["at-one"] < moved["at-half"]
    assert len({round(one, 3) for name, one in moved.items() if name != "trained"}) == 4
    with pytest.raises(AdapterError, match=r"'at-half' already stands for .* at scale 0\.5"):
        load("at-half", folder)
    load("at-half", folder, scale=0.5)


def test_half_of_an_adapter_is_its_matrices_at_half_the_scaling(
    model: LanguageModel, tiny_adapter: Path, tmp_path: Path
) -> None:
    config = json.loads((tiny_adapter / "adapter_config.json").read_text())
    halved = shutil.copytree(tiny_adapter, tmp_path / "with-half")
    config["lora_alpha"] /= 2
    (halved / "adapter_config.json").write_text(json.dumps(config))
    model.load_adapter("with-half", halved)
    model.load_adapter("at-half", tiny_adapter, scale=0.5)
    assert torch.equal(
        model.next_token_logits(_requests("at-half")),
        model.next_token_logits(_requests("with-half")),
    )


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_an_adapter_of_dora_answers_beside_the_base(
    model: LanguageModel, tiny_model_folder: Path, tmp_path: Path, scale: float
) -> None:
    torch.manual_seed(2)
    fresh = LlamaForCausalLM.from_pretrained(tiny_model_folder)
    dora = get_peft_model(fresh, LoraConfig(r=4, use_dora=True, task_type="CAUSAL_LM", target_modules=["q_proj", "down_proj"]))  # fmt: skip
    with torch.no_grad():
        for name, parameter in dora.named_parameters():
            if "lora_B" in name or "magnitude" in name:
                parameter.add_(torch.randn_like(parameter) * 0.3)
    dora.save_pretrained(tmp_path / "dora")
    base = model.next_token_logits(_requests(None))
    model.load_adapter("dora", tmp_path / "dora", scale=scale)
    logits = model.next_token_logits([*_requests(None), *_requests("dora")])
    assert torch.equal(logits[: len(TEXTS)], base)
    if scale == 0:
        assert torch.equal(logits[len(TEXTS) :], base)
        return
    plain = PeftModel.from_pretrained(
        LlamaForCausalLM.from_pretrained(tiny_model_folder), str(tmp_path / "dora")
    ).eval()
    for text, seen in zip(TEXTS, logits[len(TEXTS) :], strict=True):
        ids = torch.tensor([model.encode(build_prompt(text))])
        with torch.no_grad():
            torch.testing.assert_close(
                seen, plain(input_ids=ids).logits[0, -1], atol=1e-3, rtol=1e-3
            )


@pytest.mark.parametrize("initialiser", ["pissa", "olora"])
def test_an_adapter_that_would_change_the_base_is_refused(
    model: LanguageModel, tiny_adapter: Path, tmp_path: Path, initialiser: str
) -> None:
    base = model.next_token_logits(_requests(None))
    foreign = shutil.copytree(tiny_adapter, tmp_path / "foreign")
    config = json.loads((foreign / "adapter_config.json").read_text())
    config["init_lora_weights"] = initialiser
    (foreign / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(AdapterError, match=f"saved as {initialiser}, which changes the base"):
        model.load_adapter("foreign", foreign)
    assert torch.equal(model.next_token_logits(_requests(None)), base)


def test_weights_that_do_not_fit_or_load_say_so(
    model: LanguageModel, own_folder: Path, tmp_path: Path
) -> None:
    small = LlamaForCausalLM.from_pretrained(own_folder).config
    small.num_hidden_layers = 1
    LlamaForCausalLM(small).save_pretrained(tmp_path / "small")
    with pytest.raises(AdapterError, match="other names or shapes than the base's"):
        model.load_weights("small", tmp_path / "small")
    (own_folder / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{")
    with pytest.raises(AdapterError, match="do not load"):
        model.load_weights("broken", own_folder)
    assert model.adapters == ()
