"""What an adapter adds to the weights, read from its files; no model is loaded for it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ModelError
from core.model_files import find_language_model
from core.settings import Settings
from sft.adapters import Adapter

_WEIGHTS = "adapter_model.safetensors"
#: How PEFT calls what the base calls without it.
_PREFIX, _DOWN, _UP = "base_model.model.", ".lora_A.weight", ".lora_B.weight"


@dataclass(frozen=True)
class Added:
    """An adapter in numbers: its pairs of matrices, and one of them as an example."""

    pairs: int
    #: Numbers in all pairs together.
    numbers: int
    #: The example: the base's matrix, its shape, and the rank of the pair beside it.
    name: str
    shape: tuple[int, int]
    rank: int
    #: What the pair's product is multiplied by.
    factor: float
    #: How large the product is beside the matrix, as Frobenius norms; None where the base that it
    #: was trained on is not at hand.
    share: float | None


def what_is_added(adapter: Adapter, settings: Settings) -> Added | None:
    """Read an adapter's pairs of matrices; None where it is no LoRA adapter."""
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415

    recipe = adapter.manifest.recipe
    path = adapter.folder / _WEIGHTS
    if recipe.method != "lora" or not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
            downs = sorted(name for name in shapes if name.endswith(_DOWN))
            if not downs:
                return None
            # One in the middle of the model, as good as any.
            middle = downs[len(downs) // 2]
            down, up = file.get_tensor(middle), file.get_tensor(middle.replace(_DOWN, _UP))
    except (SafetensorError, OSError, KeyError):  # damaged: the arm says so when it is asked
        return None
    over = math.sqrt(recipe.rank) if recipe.rslora else recipe.rank
    factor = recipe.lora_alpha / over * recipe.scale
    name = middle.removeprefix(_PREFIX).removesuffix(_DOWN)
    base = _base_matrix(adapter, settings, f"{name}.weight")
    share = None
    if base is not None and tuple(base.shape) == (up.shape[0], down.shape[1]):
        product = factor * (up.float() @ down.float())
        share = float(product.norm() / base.float().norm())
    return Added(
        pairs=len(downs),
        numbers=sum(math.prod(shape) for shape in shapes.values()),
        name=name,
        shape=(up.shape[0], down.shape[1]),
        rank=down.shape[0],
        factor=factor,
        share=share,
    )


def _base_matrix(adapter: Adapter, settings: Settings, name: str) -> Any:
    """One matrix of the base, where it lies in one file and is the one it was trained on."""
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415

    try:
        files = find_language_model(settings.base_model, settings.state / "models")
        path = Path(files.location) / "model.safetensors"
        if files.sha256 != adapter.manifest.base_fingerprint or not path.is_file():
            return None
        with safe_open(path, "pt") as file:
            return file.get_tensor(name)
    except (ModelError, SafetensorError, OSError):
        return None
