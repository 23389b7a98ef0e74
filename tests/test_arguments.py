"""Every field of a recipe reaches the trainer, and a step's rows are the same for any processes."""

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, set_seed

from core.errors import TrainingError
from sft.arguments import rows_a_pass, trainer_arguments
from sft.grouping import GroupedByLength
from sft.methods import load_base, prepare
from sft.recipe import Recipe
from sft.supervised_trainer import SupervisedTrainer

CPU = torch.device("cpu")


def _arguments(recipe: Recipe, folder: Path) -> Any:
    return trainer_arguments(
        recipe, str(folder), every=4, validated=False, device=CPU, bfloat16=False
    )


def test_the_recipe_s_choices_reach_the_trainer(tmp_path: Path) -> None:
    recipe = Recipe(neftune=5, weight_decay=0.1, batch_size=12, accumulation=3, method="full")
    made = _arguments(recipe, tmp_path)
    assert (made.neftune_noise_alpha, made.weight_decay) == (5, 0.1)
    assert (made.per_device_train_batch_size, made.gradient_accumulation_steps) == (4, 3)
    assert (made.learning_rate, made.bf16, made.padding_free) == (1e-4, False, False)
    assert _arguments(Recipe(), tmp_path).neftune_noise_alpha is None


def test_packing_without_cuda_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="packing needs a CUDA GPU"):
        _arguments(Recipe(packing=True), tmp_path)


@settings(deadline=None)
@given(batch=st.integers(1, 64), accumulation=st.integers(1, 8), processes=st.integers(1, 8))
def test_the_batch_is_shared_out_evenly_or_refused(
    batch: int, accumulation: int, processes: int
) -> None:
    recipe = Recipe(batch_size=batch, accumulation=accumulation)
    if batch % (accumulation * processes):
        with pytest.raises(TrainingError, match="cannot be shared out evenly"):
            rows_a_pass(recipe, processes)
    else:
        assert rows_a_pass(recipe, processes) * accumulation * processes == batch


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(1, 50), min_size=1, max_size=60),
    rows=st.integers(1, 16),
    seed=st.integers(0, 2**32 - 1),
    epoch=st.integers(0, 20),
)
def test_every_row_comes_once_an_epoch_in_an_order_of_seed_and_epoch_alone(
    lengths: list[int], rows: int, seed: int, epoch: int
) -> None:
    def order(disturbance: int) -> list[int]:
        torch.manual_seed(disturbance)
        return list(GroupedByLength(lengths, rows_a_step=rows, seed=seed, epoch=lambda: epoch))

    assert sorted(order(0)) == list(range(len(lengths)))
    assert order(0) == order(1)


def test_each_epoch_has_its_own_order(tiny_model_folder: Path, tmp_path: Path) -> None:
    recipe = Recipe(rank=4, epochs=3, batch_size=4)
    trainer = _trainer(tiny_model_folder, tmp_path, recipe)
    sampler, orders = trainer._get_train_sampler(), []
    for epoch in (None, 1.0, 1.5, 2.0):
        trainer.state.epoch = epoch
        orders.append(list(sampler))
    assert orders[1] == orders[2], "a run that goes on half way draws the same again"
    assert len({tuple(one) for one in orders}) == 3


def _trainer(folder: Path, tmp_path: Path, recipe: Recipe, *, packed: bool = False) -> Any:
    set_seed(0)
    arguments = _arguments(recipe, tmp_path)
    arguments.padding_free = packed
    drawn = torch.Generator().manual_seed(5)
    rows = []
    for number in range(16):
        ids = torch.randint(3, 60, (6 + number % 5,), generator=drawn).tolist()
        answer = 1 + number % 4
        rows.append({"input_ids": ids, "labels": [-100] * (len(ids) - answer) + ids[-answer:]})
    base = load_base(str(folder), recipe, device=CPU, bfloat16=False)
    return SupervisedTrainer(
        model=prepare(base, recipe, base_model="tiny"),
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(folder),
    )


def _losses(trainer: Any) -> list[float]:
    trainer.train()
    return [row["loss"] for row in trainer.state.log_history if "loss" in row]


def test_accumulation_gives_the_same_curve(tiny_model_folder: Path, tmp_path: Path) -> None:
    recipe = Recipe(rank=4, epochs=2, batch_size=8, learning_rate=1e-2)
    whole = _losses(_trainer(tiny_model_folder, tmp_path, recipe))
    parts = recipe.model_copy(update={"accumulation": 4})
    assert _losses(_trainer(tiny_model_folder, tmp_path, parts)) == pytest.approx(whole, abs=1e-3)


def test_a_batch_of_long_rows_is_computed_in_parts_without_their_padding(
    tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(rank=4, epochs=2, batch_size=8, learning_rate=1e-2)
    whole = _losses(_trainer(tiny_model_folder, tmp_path, recipe))
    shapes: list[tuple[int, ...]] = []
    plain = SupervisedTrainer.compute_loss

    def watched(self: SupervisedTrainer, model: Any, inputs: Any, **more: Any) -> Any:
        shapes.append(tuple(inputs["input_ids"].shape))
        assert bool(inputs["attention_mask"].any(dim=0).all()), "a column of padding only"
        return plain(self, model, inputs, **more)

    monkeypatch.setattr(SupervisedTrainer, "compute_loss", watched)
    monkeypatch.setattr("sft.supervised_trainer.TOKENS_A_PASS", 30)
    assert _losses(_trainer(tiny_model_folder, tmp_path, recipe)) == pytest.approx(whole, abs=1e-3)
    assert sum(rows for rows, _ in shapes) == 2 * 16
    assert all(rows * width <= 30 for rows, width in shapes)
    # One row more than fits is two halves, not a full part and a remainder.
    assert {rows for rows, _ in shapes} <= {2, 3, 4}


def test_packed_rows_are_kept_apart(tiny_model_folder: Path, tmp_path: Path) -> None:
    recipe = Recipe(rank=4, epochs=2, batch_size=8, learning_rate=1e-2)
    padded = _losses(_trainer(tiny_model_folder, tmp_path, recipe))
    # On a CPU, where the recipe refuses it: the loss must not depend on where it is computed.
    packed = _trainer(tiny_model_folder, tmp_path, recipe, packed=True)
    batch = next(iter(packed.get_train_dataloader()))
    assert len(batch["input_ids"]) == 1 and "attention_mask" not in batch
    assert _losses(packed) == pytest.approx(padded, abs=1e-3)


def test_neftune_changes_what_is_trained(tiny_model_folder: Path, tmp_path: Path) -> None:
    recipe = Recipe(rank=4, epochs=1, batch_size=8)
    noisy = recipe.model_copy(update={"neftune": 5.0})
    plain = _losses(_trainer(tiny_model_folder, tmp_path, recipe))
    assert _losses(_trainer(tiny_model_folder, tmp_path, noisy)) != pytest.approx(plain, abs=1e-4)
