"""Finds the processor to compute on and the number format it is fast in."""

from pathlib import Path

import torch

from core.errors import ModelError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def find_device(wanted: str = "auto") -> torch.device:
    """CUDA, then MPS, then CPU, or the one that is asked for.

    :raises ModelError: when the wanted device is not on this machine.
    """
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(
            f"The device {wanted!r} is not on this machine; set SFT_VS_RAG_DEVICE to auto or cpu."
        ) from error
    return device


def find_dtype(device: torch.device, wanted: str = "auto") -> torch.dtype:
    """Bfloat16 where the processor computes in it, else float32, or the one that is asked for.

    :raises ModelError: when the name is no number format.
    """
    if wanted != "auto":
        if wanted not in _DTYPES:
            raise ModelError(f"{wanted!r} is no dtype; use auto or one of {', '.join(_DTYPES)}.")
        return _DTYPES[wanted]
    return torch.bfloat16 if computes_in_bfloat16(device) else torch.float32


def computes_in_bfloat16(device: torch.device) -> bool:
    """Say whether the device has bfloat16 instructions (emulation on a CPU is slower)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return bool({"avx512_bf16", "amx_bf16"} & cpu_flags())
    return False


def cpu_flags() -> set[str]:
    """Return the processor's feature names as Linux lists them; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    for line in lines:
        if line.startswith(("flags", "Features")):
            return set(line.split(":", 1)[1].split())
    return set()
