"""What is trained and how it is saved: the one place where the methods differ."""

import json
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from core.errors import TrainingError
from sft.recipe import Recipe


def prepare(base: Any, recipe: Recipe, *, base_model: str) -> Any:
    """Make of the loaded base what is trained.

    :raises TrainingError: when the recipe names layers that the base does not have.
    """
    # The adapter's own weights stay in float32: bfloat16 would round small updates away.
    lora = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.dropout,
        target_modules=list(recipe.target_modules),
        task_type="CAUSAL_LM",
    )
    layers = [name for name, _ in base.named_modules()]
    for wanted in recipe.target_modules:
        # PEFT passes over a mistyped name as long as another one fits.
        if not any(f".{name}".endswith(f".{wanted}") for name in layers):
            raise TrainingError(f"{base_model} has no layer {wanted!r}; see target_modules.")
    try:
        return get_peft_model(base, lora)
    except ValueError as error:  # a layer that LoRA cannot be put on
        reason = str(error).splitlines()[0]
        raise TrainingError(f"The recipe's target_modules are not usable: {reason}") from error


def save(model: Any, folder: Path) -> None:
    """Save what was trained in bfloat16: half the size, and the precision it is used in."""
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    model.save_pretrained(folder)
    path = folder / "adapter_model.safetensors"
    weights = {name: tensor.to(torch.bfloat16) for name, tensor in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})
    config = folder / "adapter_config.json"
    values = json.loads(config.read_text(encoding="utf-8"))
    # Where the base lay on the machine that trained is nobody's business and true nowhere else.
    values["base_model_name_or_path"] = None
    config.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
