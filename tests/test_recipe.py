"""A recipe: defaults, then a file, then changes; a bad value is one line that names it."""

from pathlib import Path

import pytest
from transformers import LlamaForCausalLM

from core.errors import TrainingError
from sft.adapters import SHIPPED_FOLDER, read_adapter
from sft.job import TrainingJob
from sft.recipe import ALL_PROJECTIONS, Recipe, load_recipe
from sft.trainer_setup import build_trainer


def test_a_recipe_is_defaults_then_file_then_changes(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('rank = 4\nepochs = 2\ntarget_modules = ["q_proj"]\n')
    recipe = load_recipe(path, ["epochs=3", "target_modules=q_proj,v_proj"])
    assert (recipe.rank, recipe.epochs, recipe.target_modules) == (4, 3, ("q_proj", "v_proj"))
    assert recipe.learning_rate == Recipe().learning_rate


def test_a_saved_recipe_is_read_back_as_it_was() -> None:
    recipe = load_recipe(None, ["learning_rate=3e-4", "seed=11", "target_modules=o_proj"])
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("rank=zero", "rank"), ("rank=0", "rank"), ("rank=8.5", "rank"), ("rank=257", "rank"),
        ("lora_alpha=0", "lora_alpha"), ("dropout=1", "dropout"), ("dropout=nan", "dropout"),
        ("learning_rate=-1", "learning_rate"), ("learning_rate=0", "learning_rate"),
        ("learning_rate=nan", "learning_rate"), ("learning_rate=inf", "learning_rate"),
        ("warmup=1", "warmup"), ("weight_decay=inf", "weight_decay"),
        ("weight_decay=-0.1", "weight_decay"), ("epochs=0", "epochs"), ("epochs=", "epochs"),
        ("batch_size=0", "batch_size"), ("open_book_share=1.1", "open_book_share"),
        ("replay_share=-1", "replay_share"), ("max_tokens=4", "max_tokens"),
        ("seed=-1", "seed"), ("seed=99999999999", "seed"), ("target_modules=", "target_modules"),
        ("target_modules=lm_head", "target_modules"),
        ("target_modules=q_proj,embed_tokens", "target_modules"), ("colour=red", "colour"),
    ],
)  # fmt: skip
def test_a_bad_value_is_named(change: str, named: str) -> None:
    with pytest.raises(TrainingError, match=f"recipe's {named} is not usable") as raised:
        load_recipe(None, [change])
    assert "\n" not in str(raised.value)


def test_a_change_without_a_value_is_named() -> None:
    with pytest.raises(TrainingError, match="--set rank: write KEY=VALUE"):
        load_recipe(None, ["rank"])


@pytest.mark.parametrize("content", [None, b"rank = ", b"rank = '\xff'"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"mine\.toml: is no recipe"):
        load_recipe(path)


def test_every_default_target_is_a_layer(tiny_model_folder: Path) -> None:
    model = LlamaForCausalLM.from_pretrained(tiny_model_folder)
    layers = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    assert set(ALL_PROJECTIONS) <= layers


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (("q_porj",), "has no layer 'q_porj'"),
        (("q_proj", "v_porj"), "has no layer 'v_porj'"),
        (("self_attn",), "target_modules are not usable"),
    ],
)
def test_a_layer_that_cannot_be_tuned_is_named(
    tiny_model_folder: Path, tmp_path: Path, targets: tuple[str, ...], message: str
) -> None:
    where = str(tiny_model_folder)
    job = TrainingJob("n", "c", "f", where, "b", where, tmp_path / "run", tmp_path / "adapter")
    rows = [{"input_ids": [1, 2], "labels": [-100, 2], "length": 2}]
    recipe = Recipe(target_modules=targets)
    with pytest.raises(TrainingError, match=message):
        build_trainer(job, rows, [], recipe=recipe, device="cpu", tokenizer=None)


@pytest.mark.parametrize("corpus", ["halden", "solar-system"])
def test_the_recipe_that_ships_is_that_of_the_adapter_that_ships(corpus: str) -> None:
    made = read_adapter(SHIPPED_FOLDER / corpus / "desk").manifest
    assert load_recipe(SHIPPED_FOLDER.parent / "recipes" / f"{corpus}.toml", []) == made.recipe
