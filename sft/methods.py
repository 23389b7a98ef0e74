"""What is trained and how it is saved: the one place where the methods differ."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from core.errors import TrainingError
from sft.recipe import Recipe

#: Initialisers that take their matrices out of the base's weights, so that the base changes.
_FROM_THE_BASE = ("pissa", "olora")


def load_base(location: str, recipe: Recipe, *, device: torch.device, bfloat16: bool) -> Any:
    """Load the base in the number format that the method trains it in.

    :param location: folder or hub id.
    :param bfloat16: whether the device computes in bfloat16.
    :raises TrainingError: when the recipe asks for 4 bits where there are none.
    """
    if recipe.four_bit:
        return _load_in_four_bits(location, recipe, device)
    # Weights that are trained stay in float32: bfloat16 has 8 bits of precision, and AdamW's
    # updates are mostly smaller than that. The forward pass computes in bfloat16 all the same.
    half = bfloat16 and recipe.method != "full"
    return AutoModelForCausalLM.from_pretrained(
        location, dtype=torch.bfloat16 if half else torch.float32
    )


def _load_in_four_bits(location: str, recipe: Recipe, device: torch.device) -> Any:
    if recipe.method != "lora":
        raise TrainingError(
            f"The recipe's four_bit is for LoRA: weights of 4 bits cannot be trained by "
            f"{recipe.method}. Set method=lora or four_bit=false."
        )
    if recipe.initialiser in _FROM_THE_BASE:
        raise TrainingError(
            f"The initialiser {recipe.initialiser} changes the base's weights, which 4 bits cannot "
            "follow. Set initialiser=default or four_bit=false."
        )
    if device.type != "cuda":
        raise TrainingError(
            f"The recipe's four_bit needs a CUDA GPU with the extra `qlora` installed; this run is "
            f"on {device.type}. Set four_bit=false."
        )
    if find_spec("bitsandbytes") is None:
        raise TrainingError(
            "The recipe's four_bit needs bitsandbytes: install the extra `qlora` "
            "(pip install -e '.[qlora]'), or set four_bit=false."
        )
    # Dettmers et al. 2023: 4-bit NormalFloat, constants quantised once more, computed in bfloat16.
    quantised = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    # Each process of `accelerate launch` has made its own GPU the current one.
    return AutoModelForCausalLM.from_pretrained(
        location,
        quantization_config=quantised,
        dtype=torch.bfloat16,
        device_map={"": torch.cuda.current_device()},
    )


def prepare(base: Any, recipe: Recipe, *, base_model: str) -> Any:
    """Make of the loaded base what is trained.

    :raises TrainingError: when the recipe names layers or blocks that the base does not have.
    """
    if recipe.method == "lora":
        return _with_adapter(base, recipe, base_model)
    if recipe.method == "frozen":
        _freeze_all_but_last(base, recipe.trained_blocks, base_model)
    else:
        base.requires_grad_(True)
    _set_attention_dropout(base, recipe.dropout, base_model)
    return base


def _with_adapter(base: Any, recipe: Recipe, base_model: str) -> Any:
    layers = [name for name, _ in base.named_modules()]
    for wanted in recipe.target_modules:
        # PEFT passes over a mistyped name as long as another one fits.
        if not any(f".{name}".endswith(f".{wanted}") for name in layers):
            raise TrainingError(f"{base_model} has no layer {wanted!r}; see target_modules.")
    if recipe.initialiser == "orthogonal" and recipe.rank % 2:
        raise TrainingError(
            f"The initialiser orthogonal needs an even rank; the recipe's rank is {recipe.rank}."
        )
    if recipe.four_bit:
        base = prepare_model_for_kbit_training(base, use_gradient_checkpointing=False)
    # The adapter's own weights stay in float32: bfloat16 would round small updates away.
    lora = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.dropout,
        use_rslora=recipe.rslora,
        use_dora=recipe.dora,
        init_lora_weights=True if recipe.initialiser == "default" else recipe.initialiser,
        target_modules=list(recipe.target_modules),
        task_type="CAUSAL_LM",
    )
    try:
        model = get_peft_model(base, lora)
    except (ValueError, RuntimeError) as error:  # a layer that LoRA cannot be put on
        reason = str(error).splitlines()[0]
        raise TrainingError(f"The recipe's target_modules are not usable: {reason}") from error
    for parameter in model.parameters():
        if parameter.requires_grad:  # some initialisers take the base's number format
            parameter.data = parameter.data.float()
    if recipe.initialiser in _FROM_THE_BASE:
        # What was taken out of the base, to be subtracted from what is saved.
        taken: Any = {
            name: parameter.detach().clone().cpu()
            for name, parameter in model.named_parameters()
            if "lora_A" in name or "lora_B" in name
        }
        model.taken_from_base = taken
    return model


def _freeze_all_but_last(base: Any, count: int, base_model: str) -> None:
    """Train the last `count` blocks and the norm after them, in float32; freeze the rest."""
    there = base.config.num_hidden_layers
    if count > there:
        raise TrainingError(
            f"{base_model} has {there} blocks; the recipe's trained_blocks asks for {count}."
        )
    path, blocks = next(
        (name, module)
        for name, module in base.named_modules()
        if isinstance(module, torch.nn.ModuleList) and len(module) == there
    )
    base.requires_grad_(False)
    beside = base.get_submodule(path.rpartition(".")[0]).children()
    norms = [module for module in beside if "norm" in type(module).__name__.lower()]
    for trained in [*blocks[there - count :], *norms]:
        trained.float().requires_grad_(True)


def _set_attention_dropout(base: Any, dropout: float, base_model: str) -> None:
    """Set it on the modules, not in the configuration, which is saved with the weights."""
    attentions = [one for one in base.modules() if hasattr(one, "attention_dropout")]
    if dropout and not attentions:
        raise TrainingError(f"{base_model} has no dropout in its attention; set dropout=0.")
    for module in attentions:
        module.attention_dropout = dropout


def save(model: Any, folder: Path, recipe: Recipe) -> None:
    """Save what was trained in bfloat16: half the size, and the precision it is used in.

    A LoRA run leaves PEFT's folder, right on the unchanged base whatever the initialiser; a full or
    frozen one leaves a whole model's (`config.json`, `model.safetensors`).
    """
    if recipe.method == "lora":
        _save_adapter(model, folder)
    else:
        _save_model(model, folder)


def _save_adapter(model: Any, folder: Path) -> None:
    model.save_pretrained(folder)
    path = folder / "adapter_model.safetensors"
    config = folder / "adapter_config.json"
    values = json.loads(config.read_text(encoding="utf-8"))
    weights = load_file(path)
    taken = getattr(model, "taken_from_base", None)
    if taken is not None:
        scaling = values["lora_alpha"] / values["r"] ** (0.5 if values["use_rslora"] else 1)
        weights = _without(taken, weights, scaling)
        values["r"] = values["lora_alpha"] = 2 * values["r"]  # the scaling is in the weights now
        values.update(use_rslora=False, init_lora_weights=True)
    halves = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in weights.items()}
    save_file(halves, path, metadata={"format": "pt"})
    # Where the base lay on the machine that trained is nobody's business and true nowhere else.
    values["base_model_name_or_path"] = None
    config.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _without(
    taken: dict[str, torch.Tensor], weights: dict[str, torch.Tensor], scaling: float
) -> dict[str, torch.Tensor]:
    """The update B·A − B₀·A₀ as one pair of matrices of twice the rank, its scaling folded in.

    PEFT's conversion puts the four matrices side by side; they are far larger than their
    difference, which bfloat16 would round away. So the difference is factored anew, by singular
    values: exact, as its rank is at most 2r.
    """
    first = {name.replace(".default", ""): tensor for name, tensor in taken.items()}
    changed = dict(weights)
    for name, trained in weights.items():
        if "lora_A" not in name:
            continue
        other = name.replace("lora_A", "lora_B")
        right = torch.cat([trained, first[name]]).double()  # (2r, inputs)
        left = torch.cat([weights[other], -first[other]], dim=1).double() * scaling  # (outputs, 2r)
        q_left, r_left = torch.linalg.qr(left)
        q_right, r_right = torch.linalg.qr(right.T)
        u, values, v = torch.linalg.svd(r_left @ r_right.T, full_matrices=False)
        root = values.sqrt()
        changed[other], changed[name] = torch.zeros_like(left), torch.zeros_like(right)
        changed[other][:, : len(root)] = q_left @ u * root
        changed[name][: len(root)] = root[:, None] * (v @ q_right.T)
    return changed


def _save_model(model: Any, folder: Path) -> None:
    halves: dict[int, torch.Tensor] = {}

    def half(tensor: torch.Tensor) -> torch.Tensor:
        # Tied weights stay one tensor, or both would be written.
        if tensor.data_ptr() not in halves:
            halves[tensor.data_ptr()] = (
                tensor.to(torch.bfloat16) if tensor.is_floating_point() else tensor
            )
        return halves[tensor.data_ptr()]

    weights = {name: half(tensor) for name, tensor in model.state_dict().items()}
    # One file, however large: the manifest's fingerprint is over it.
    model.save_pretrained(folder, state_dict=weights, max_shard_size="1000GB")
    config = folder / "config.json"
    values = json.loads(config.read_text(encoding="utf-8"))
    values["dtype"] = "bfloat16"
    values.pop("_name_or_path", None)  # see `_save_adapter`
    config.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
