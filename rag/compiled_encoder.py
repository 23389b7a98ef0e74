"""An encoder's transformer compiled by OpenVINO: the same vectors, several times as fast on a CPU.

Sentence Transformers' own OpenVINO back end goes through Optimum, which does not accept the
transformers used here. The transformer is converted directly instead; tokenising, pooling and
normalising stay Sentence Transformers' own.
"""

import sys
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers.modeling_outputs import BaseModelOutput

from core.errors import ModelError
from core.storage import write_folder

_FILE = "transformer.xml"
#: Texts of unlike length, so that a conversion that fixed a shape shows.
_PROBES = ("What does it weigh?", "It weighs 240 grams with its battery, and 210 without. " * 8)
#: How far apart two numbers of a unit vector may be; float32 in another order is within 1e-6.
_TOLERANCE = 1e-4


def compile_transformer(encoder: Any, folder: Path | None, *, reference: str) -> None:
    """Let OpenVINO compute the transformer of a `SentenceTransformer`, in float32, in place.

    :param folder: keeps the converted model for the next start; None converts each time.
    :raises ModelError: when OpenVINO is not installed, or cannot compute the same vectors.
    """
    openvino = _openvino()
    before = _vectors(encoder)
    transformer = encoder[0]
    inputs = _inputs(encoder)
    try:
        path = _converted(openvino, transformer.auto_model, inputs, folder)
        core = _core()
        model = core.read_model(path) if isinstance(path, Path) else path
        compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        transformer.auto_model.forward = _forward_of(compiled, tuple(inputs))
        after = _vectors(encoder)
    except Exception as error:  # each model fails to convert in its own way
        reason = str(error).partition("\n")[0]
        raise ModelError(
            f"{reference!r} cannot be computed by OpenVINO ({reason}): "
            "set encoder_backend to torch."
        ) from error
    if not np.allclose(before, after, atol=_TOLERANCE):
        raise ModelError(
            f"OpenVINO gives other vectors for {reference!r} than torch does: "
            "set encoder_backend to torch."
        )


@lru_cache(maxsize=1)
def _core() -> Any:
    """OpenVINO's one core, never let go of.

    With its processor plugin it lays the thread's signal stack into memory that it frees in the
    end, and leaves the stack where it was: the next Ctrl-C would crash the process.
    """
    return _openvino().Core()


def _openvino() -> Any:
    """Import it, without what tells its makers of every conversion: nothing here sends statistics.

    :raises ModelError: when it is not installed.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # it then uses a stub
    try:
        import openvino  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise ModelError(
            "encoder_backend is openvino, which is not installed: "
            "`pip install -e '.[openvino]'`, or set it to torch."
        ) from error
    return openvino


def _vectors(encoder: Any) -> np.ndarray:
    return np.asarray(
        encoder.encode(list(_PROBES), normalize_embeddings=True, show_progress_bar=False)
    )


def _inputs(encoder: Any) -> dict[str, torch.Tensor]:
    tokens = encoder.tokenizer(list(_PROBES), padding=True, truncation=True, return_tensors="pt")
    return dict(tokens)


def _converted(
    openvino: Any, model: torch.nn.Module, inputs: dict[str, torch.Tensor], folder: Path | None
) -> Any:
    """The file of the converted model, or the model itself where nothing is kept."""
    if folder is not None and (folder / _FILE).is_file():
        return folder / _FILE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of every branch that does not branch
        converted = openvino.convert_model(
            _LastHiddenState(model, tuple(inputs)), example_input=tuple(inputs.values())
        )
    for name, port in zip(inputs, converted.inputs, strict=True):
        port.get_tensor().set_names({name})
    if folder is None:
        return converted

    def fill(aside: Path) -> None:
        openvino.save_model(converted, aside / _FILE, compress_to_fp16=False)

    write_folder(folder, fill)
    return folder / _FILE


class _LastHiddenState(torch.nn.Module):
    """What is converted: named tensors in, hidden states (texts, tokens, dimensions) out."""

    def __init__(self, model: torch.nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Call the model as Sentence Transformers does."""
        given = dict(zip(self.names, tensors, strict=True))
        return self.model(**given, return_dict=True).last_hidden_state


def _forward_of(compiled: Any, names: Sequence[str]) -> Any:
    def forward(**given: Any) -> BaseModelOutput:
        # A request of its own for each call: two visitors may ask at once.
        request = compiled.create_infer_request()
        hidden = request.infer({name: given[name].numpy() for name in names})[0]
        return BaseModelOutput(last_hidden_state=torch.from_numpy(hidden.copy()))

    return forward
