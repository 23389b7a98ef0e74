"""Each method trains what it says, and what it saves answers as what it trained."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from core.errors import TrainingError
from sft.methods import load_base, prepare, save
from sft.recipe import Recipe

CPU = torch.device("cpu")
IDS = torch.tensor([[1, 5, 9, 14, 3, 22, 8, 2], [1, 7, 7, 30, 12, 4, 19, 2]])


def _train(folder: Path, recipe: Recipe, steps: int = 12, rate: float = 1e-2) -> Any:
    torch.manual_seed(0)
    base = load_base(str(folder), recipe, device=CPU, bfloat16=False)
    model = prepare(base, recipe, base_model="the base").train()
    trained = [one for one in model.parameters() if one.requires_grad]
    assert all(one.dtype == torch.float32 for one in trained), "small updates are not rounded away"
    optimiser = torch.optim.AdamW(trained, lr=rate, weight_decay=0.0)
    first = last = 0.0
    for step in range(steps):
        loss = model(input_ids=IDS, labels=IDS).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        first, last = (loss.item(), loss.item()) if step == 0 else (first, loss.item())
    assert last < 0.7 * first, "it learns"
    return model.eval()


@torch.no_grad()
def _logits(model: Any) -> torch.Tensor:
    return model(input_ids=IDS).logits


def _base(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.mark.parametrize("initialiser", ["default", "gaussian", "orthogonal", "pissa", "olora"])
@pytest.mark.parametrize(("rslora", "dora"), [(False, False), (True, False), (False, True), (True, True)])  # fmt: skip
def test_a_saved_adapter_answers_on_the_unchanged_base_as_what_was_trained(
    tiny_model_folder: Path, tmp_path: Path, initialiser: Any, rslora: bool, dora: bool
) -> None:
    recipe = Recipe(rank=4, lora_alpha=8, initialiser=initialiser, rslora=rslora, dora=dora)
    trained = _train(tiny_model_folder, recipe)
    save(trained, tmp_path, recipe)
    weights = load_file(tmp_path / "adapter_model.safetensors")
    assert {one.dtype for one in weights.values()} == {torch.bfloat16}
    assert any("magnitude" in name for name in weights) == dora
    base = _base(tiny_model_folder)
    before = _logits(base)
    wanted = _logits(trained)
    loaded = _logits(PeftModel.from_pretrained(base, str(tmp_path)).eval())
    moved = (wanted - before).norm()
    assert moved > 1
    # What is left is bfloat16's rounding of the update, a small part of what was learnt.
    assert (loaded - wanted).norm() < 0.02 * moved


def test_rslora_weighs_the_update_by_the_root_of_the_rank(tiny_model_folder: Path) -> None:
    scalings = []
    for rslora in (False, True):
        recipe = Recipe(rank=16, lora_alpha=32, rslora=rslora)
        base = load_base(str(tiny_model_folder), recipe, device=CPU, bfloat16=False)
        model = prepare(base, recipe, base_model="b")
        scalings.append(model.base_model.model.model.layers[0].self_attn.q_proj.scaling["default"])
    assert scalings == [2, 8]


@pytest.mark.parametrize("initialiser", ["pissa", "olora"])
def test_what_starts_from_the_base_s_own_weights_starts_at_the_base(
    tiny_model_folder: Path, initialiser: Any
) -> None:
    recipe = Recipe(rank=4, initialiser=initialiser)
    base = load_base(str(tiny_model_folder), recipe, device=CPU, bfloat16=False)
    model = prepare(base, recipe, base_model="b").eval()
    torch.testing.assert_close(
        _logits(model), _logits(_base(tiny_model_folder)), atol=1e-3, rtol=1e-3
    )


@pytest.mark.parametrize("method", ["full", "frozen"])
@pytest.mark.parametrize("tied", [False, True])
def test_trained_weights_are_saved_as_a_model_of_their_own(
    tiny_model_folder: Path, tmp_path: Path, method: Any, tied: bool
) -> None:
    folder = tmp_path / "base"
    model = LlamaForCausalLM.from_pretrained(tiny_model_folder)
    model.config.tie_word_embeddings = tied
    model.tie_weights()
    model.save_pretrained(folder)
    recipe = Recipe(method=method, trained_blocks=1)
    trained = _train(folder, recipe, rate=3e-3)
    save(trained, tmp_path / "made", recipe)
    names = {path.name for path in (tmp_path / "made").iterdir()}
    assert names == {"config.json", "generation_config.json", "model.safetensors"}
    weights = load_file(tmp_path / "made" / "model.safetensors")
    assert {one.dtype for one in weights.values()} == {torch.bfloat16}
    assert ("lm_head.weight" in weights) != tied
    assert str(tmp_path) not in (tmp_path / "made" / "config.json").read_text()
    assert '"dtype": "bfloat16"' in (tmp_path / "made" / "config.json").read_text()
    loaded = _base(tmp_path / "made")
    assert loaded.config.tie_word_embeddings == tied
    for parameter in trained.parameters():
        parameter.data = parameter.data.bfloat16().float()
    torch.testing.assert_close(_logits(loaded), _logits(trained))


def test_frozen_leaves_the_other_weights_as_they_were(tiny_model_folder: Path) -> None:
    recipe = Recipe(method="frozen", trained_blocks=1)
    trained = dict(_train(tiny_model_folder, recipe, rate=3e-3).named_parameters())
    for name, before in _base(tiny_model_folder).named_parameters():
        moves = name.startswith("model.layers.1.") or name == "model.norm.weight"
        assert torch.equal(trained[name], before) != moves, name
        assert trained[name].requires_grad == moves


def test_full_trains_every_weight(tiny_model_folder: Path) -> None:
    trained = dict(_train(tiny_model_folder, Recipe(method="full"), rate=3e-3).named_parameters())
    for name, before in _base(tiny_model_folder).named_parameters():
        assert not torch.equal(trained[name], before), name


@pytest.mark.parametrize("method", ["lora", "full", "frozen"])
def test_what_is_trained_is_in_float32_where_the_rest_is_in_bfloat16(
    tiny_model_folder: Path, method: Any
) -> None:
    recipe = Recipe(method=method, trained_blocks=1, initialiser="orthogonal")
    base = load_base(str(tiny_model_folder), recipe, device=CPU, bfloat16=True)
    model = prepare(base, recipe, base_model="b")
    trained = {one.dtype for one in model.parameters() if one.requires_grad}
    frozen = {one.dtype for one in model.parameters() if not one.requires_grad}
    assert trained == {torch.float32}
    assert frozen == (set() if method == "full" else {torch.bfloat16})
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model(input_ids=IDS, labels=IDS).loss.backward()


@pytest.mark.parametrize("method", ["full", "frozen"])
def test_dropout_goes_into_the_attention_and_not_into_the_saved_model(
    tiny_model_folder: Path, tmp_path: Path, method: Any
) -> None:
    recipe = Recipe(method=method, trained_blocks=1, dropout=0.5)
    base = load_base(str(tiny_model_folder), recipe, device=CPU, bfloat16=False)
    model = prepare(base, recipe, base_model="b").train()
    assert not torch.allclose(_logits(model), _logits(model), atol=1e-2)
    still = model.eval()
    assert torch.equal(_logits(still), _logits(_base(tiny_model_folder)))
    save(model, tmp_path, recipe)
    assert '"attention_dropout": 0.0' in (tmp_path / "config.json").read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "frozen", "trained_blocks": 3}, "has 2 blocks; .* trained_blocks asks for 3"),
        ({"four_bit": True}, "four_bit needs a CUDA GPU with the extra `qlora`"),
        ({"four_bit": True, "method": "full"}, "four_bit is for LoRA"),
        ({"four_bit": True, "initialiser": "pissa"}, "initialiser pissa changes the base's"),
        ({"initialiser": "orthogonal", "rank": 3}, "orthogonal needs an even rank"),
        ({"target_modules": ("q_porj",)}, "has no layer 'q_porj'"),
    ],
)
def test_what_cannot_be_trained_is_said(
    tiny_model_folder: Path, changes: dict[str, Any], message: str
) -> None:
    recipe = Recipe(**changes)

    def build() -> None:
        base = load_base(str(tiny_model_folder), recipe, device=CPU, bfloat16=False)
        prepare(base, recipe, base_model="the base")

    with pytest.raises(TrainingError, match=message):
        build()


def test_four_bits_name_what_to_install(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sft.methods.find_spec", lambda _: None)
    with pytest.raises(TrainingError, match="install the extra `qlora`"):
        load_base(
            str(tiny_model_folder),
            Recipe(four_bit=True),
            device=torch.device("cuda"),
            bfloat16=True,
        )
