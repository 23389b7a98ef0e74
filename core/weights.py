"""The weights that answer: one base, adapters on it, and own weights beside it, one lock.

Every forward pass names the weights of each of its rows. Rows of the base and of any adapter share
one pass (PEFT's mixed-adapter batches), so no adapter is ever "switched on" between passes and a
base row cannot pick one up from a neighbour. Own weights (all weights trained, or an adapter that
PEFT cannot mix) are another model of the same shape, and their rows a pass of their own.
The lock is held for one pass at a time: visitors take turns by the token and none can block the
others by reading its stream slowly.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import BaseTunerLayer
from transformers import AutoModelForCausalLM

from core.errors import AdapterError

#: How PEFT names "no adapter" in a mixed batch.
_NO_ADAPTER = "__base__"
#: Initialisers of LoRA that subtract from the base what they start from, whenever they load.
_FROM_THE_BASE = ("pissa", "olora", "corda", "loftq")


@dataclass(frozen=True)
class _Source:
    """Where what a name stands for was loaded from, and by how much it counts."""

    folder: str
    scale: float


class Weights:
    """A base model with everything that was loaded beside it, by name."""

    def __init__(self, model: Any, location: str) -> None:
        """Take the loaded base.

        :param location: the folder or hub id it was loaded from.
        """
        # Frozen from the start: torch's CPU kernels differ in the last bit for weights that ask
        # for gradients, and PEFT freezes the base when the first adapter is loaded.
        self._model: Any = model.eval().requires_grad_(False)
        self._location = location
        self._config, self._device, self._dtype = model.config, model.device, model.dtype
        #: The base's own tensors by name; PEFT moves them about but keeps them.
        self._base: dict[str, torch.Tensor] = dict(model.named_parameters())
        #: Held for one pass; and for loading, so that streams go on while weights are read.
        self._lock, self._loading = threading.Lock(), threading.Lock()
        self._loaded: dict[str, _Source] = {}
        self._own: dict[str, Any] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """What is loaded beside the base."""
        return tuple(self._loaded)

    def check(self, name: str | None) -> None:
        """Refuse a name that is not loaded.

        :raises AdapterError: names those that are.
        """
        # PEFT skips layers that do not know a name: a mistyped one would answer as the base.
        if name is not None and name not in self._loaded:
            known = ", ".join(self._loaded) or "none"
            raise AdapterError(f"No adapter {name!r} is loaded (loaded: {known}).")

    def own(self, name: str | None) -> str | None:
        """Return the name if it stands for own weights: only its rows can share its passes."""
        return name if name in self._own else None

    def load_adapter(self, name: str, folder: Path, *, scale: float) -> None:
        """See `LanguageModel.load_adapter`."""
        with self._loading:
            if self._is_loaded(name, folder, scale):
                return
            try:
                if _check_configuration(folder)["use_dora"]:
                    self._own[name] = self._merged(folder, scale)
                else:
                    with self._lock:
                        self._add_adapter(name, folder, scale)
            except Exception as error:  # damaged files raise the libraries' own many types
                with self._lock:
                    self._remove_half_loaded(name)
                reason = str(error).partition("\n")[0]
                raise AdapterError(f"The adapter in {folder} does not load: {reason}") from error
            self._loaded[name] = _Source(str(folder), scale)

    def load_weights(self, name: str, folder: Path, *, scale: float) -> None:
        """See `LanguageModel.load_weights`."""
        with self._loading:
            if self._is_loaded(name, folder, scale):
                return
            try:
                model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=self._dtype)
                self._own[name] = self._beside_base(model, scale)
            except Exception as error:  # damaged files raise the libraries' own many types
                reason = str(error).partition("\n")[0]
                raise AdapterError(f"The weights in {folder} do not load: {reason}") from error
            self._loaded[name] = _Source(str(folder), scale)

    def unload(self, name: str) -> None:
        """See `LanguageModel.unload_adapter`."""
        with self._loading, self._lock:
            self.check(name)
            del self._loaded[name]
            if name in self._own:
                del self._own[name]
            elif all(other in self._own for other in self._loaded):
                self._model = self._model.unload()
            else:
                self._model.delete_adapter(name)

    def forward(
        self, names: Sequence[str | None], inputs: dict[str, Any], keep: torch.Tensor | int
    ) -> torch.Tensor:
        """One pass under the lock; logits (rows, kept positions, vocabulary).

        :param names: what each row is computed with. Own weights share a pass with no others.
        :param keep: as transformers' `logits_to_keep` takes it.
        :raises AdapterError: when a name is not loaded.
        """
        arguments = {**inputs, "logits_to_keep": keep}
        with self._lock, torch.inference_mode():
            for name in names:
                self.check(name)
            model = self._model
            if names and names[0] in self._own:
                model = self._own[names[0]]
            elif isinstance(model, PeftModel):
                arguments["adapter_names"] = [name or _NO_ADAPTER for name in names]
            return model(**arguments).logits

    def _is_loaded(self, name: str, folder: Path, scale: float) -> bool:
        source = self._loaded.get(name)
        if source is not None and source != _Source(str(folder), scale):
            raise AdapterError(
                f"The name {name!r} already stands for {source.folder} at scale {source.scale:g}."
            )
        return source is not None

    def _add_adapter(self, name: str, folder: Path, scale: float) -> None:
        if isinstance(self._model, PeftModel):
            self._model.load_adapter(str(folder), adapter_name=name)
        else:
            self._model = PeftModel.from_pretrained(self._model, str(folder), adapter_name=name)
        self._model.eval()
        if scale != 1:
            for module in self._model.modules():
                if isinstance(module, LoraLayer):
                    module.set_scale(name, scale)

    def _remove_half_loaded(self, name: str) -> None:
        """Take out what PEFT had put in before it failed, or base rows would answer with it."""
        if isinstance(self._model, PeftModel):
            if name in self._model.peft_config:
                self._model.delete_adapter(name)
            return
        for path, module in list(self._model.named_modules()):
            if isinstance(module, BaseTunerLayer):
                self._model.set_submodule(path, module.get_base_layer())
        if hasattr(self._model, "peft_config"):
            del self._model.peft_config

    def _merged(self, folder: Path, scale: float) -> Any:
        """Own weights out of an adapter that PEFT cannot mix with others in a batch (DoRA).

        They are merged in float32 and rounded once.
        """
        fresh: Any = AutoModelForCausalLM.from_pretrained(self._location, dtype=torch.float32)
        adapted: Any = PeftModel.from_pretrained(fresh, str(folder))
        return self._beside_base(adapted.merge_and_unload().to(self._dtype), scale)

    def _beside_base(self, model: Any, scale: float) -> Any:
        """Set own weights to w₀ + scale · (w - w₀), and share with the base what is the same.

        :raises AdapterError: when the shapes are not the base's.
        """
        model = model.to(self._device).eval().requires_grad_(False)
        theirs = dict(model.named_parameters())
        if {n: p.shape for n, p in theirs.items()} != {n: p.shape for n, p in self._base.items()}:
            raise AdapterError("its weights have other names or shapes than the base's.")
        for name, parameter in theirs.items():
            base = self._base[name]
            if torch.equal(parameter, base) or scale == 0:
                parameter.data = base.data
            elif scale != 1:
                moved = base.float() + scale * (parameter.float() - base.float())
                parameter.data = moved.to(self._dtype)
        return model


def _check_configuration(folder: Path) -> dict[str, Any]:
    """Read an adapter's configuration and refuse one that would change the base when it loads.

    :raises AdapterError: says what to do.
    """
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    initialiser = str(config.get("init_lora_weights", True)).lower()
    if initialiser.startswith(_FROM_THE_BASE):
        raise AdapterError(
            f"it was saved as {initialiser}, which changes the base that all answers share; save "
            "it with PEFT's path_initial_model_for_weight_conversion."
        )
    return {"use_dora": False, **config}
