"""What may be in an adapter folder that comes from elsewhere: known files, of bounded size."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import AdapterError

MANIFEST = "manifest.json"
WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
FORGETTING = "forgetting.json"
WHOLE_WEIGHTS = "model.safetensors"
_TEXT, _GIB = 1 << 20, 1 << 30
#: Files that are taken, and the most bytes each may have.
TAKEN = {
    MANIFEST: _TEXT,
    "README.md": _TEXT,
    "adapter_config.json": _TEXT,
    "config.json": _TEXT,
    "generation_config.json": _TEXT,
    FORGETTING: _TEXT,
    WEIGHTS: 4 * _GIB,
    WHOLE_WEIGHTS: 40 * _GIB,
}
#: Files that others put beside an adapter: harmless, not needed, not copied. The base has its own.
_PASSED_OVER = {
    "LICENSE",
    "added_tokens.json",
    "chat_template.jinja",
    "curve.svg",  # a picture can hold scripts
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
}
_PICKLES = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth")
#: What PEFT's configuration of a plain LoRA may say; anything else must be left empty. Some of the
#: others import modules by name, replace whole layers, or change the base under every other arm.
_PLAIN = {
    "alpha_pattern",
    "auto_mapping",
    "base_model_name_or_path",
    "exclude_modules",
    "fan_in_fan_out",
    "inference_mode",
    "init_lora_weights",
    "layers_pattern",
    "layers_to_transform",
    "lora_alpha",
    "lora_dropout",
    "megatron_core",  # a name that is only looked at together with megatron_config
    "peft_type",
    "peft_version",
    "qalora_group_size",
    "r",
    "rank_pattern",
    "revision",
    "target_modules",
    "task_type",
    "use_dora",
    "use_rslora",
}
#: Initialisers that leave the base as it is; the others subtract from its weights when loaded.
_HARMLESS = (True, False, None, "gaussian", "orthogonal")


def check_files(folder: Path) -> set[str]:
    """Names of the files to take from a folder.

    :raises AdapterError: when it is no folder, or holds a link, a pickle, an unknown or a far too
        large file, or no weights.
    """
    if not folder.is_dir():
        raise AdapterError(f"There is no folder {folder} to pull from.")
    sizes = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            raise AdapterError(f"{folder} holds the link {path.name}; pull real files only.")
        if path.is_file():
            sizes[path.name] = path.stat().st_size
        elif not path.name.startswith("."):  # .git, .cache
            raise AdapterError(f"{folder} holds {path.name}, which belongs to no adapter.")
    return check_names(sizes, str(folder))


def check_names(sizes: Mapping[str, int], source: str) -> set[str]:
    """Names of the files to take, of those with their bytes; see `check_files`."""
    for name, size in sizes.items():
        if name.endswith(_PICKLES):
            raise AdapterError(
                f"{source} holds {name}: such a file can run code when it is read. Have it saved "
                "as safetensors, or removed."
            )
        if name in _PASSED_OVER or name.startswith("."):
            continue
        if name not in TAKEN:
            raise AdapterError(f"{source} holds {name}, which belongs to no adapter.")
        if size > TAKEN[name]:
            raise AdapterError(f"{source}: {name} has {size} bytes; the most is {TAKEN[name]}.")
    names = set(sizes) & set(TAKEN)
    if {WEIGHTS, "adapter_config.json"} & names and {WHOLE_WEIGHTS, "config.json"} & names:
        raise AdapterError(
            f"{source} holds an adapter's files and a whole model's: which one is meant cannot be "
            "known. Leave one kind there."
        )
    if not {WEIGHTS, "adapter_config.json"} <= names and not (
        {WHOLE_WEIGHTS, "config.json", MANIFEST} <= names
    ):
        raise AdapterError(
            f"{source} is no adapter: it needs {WEIGHTS} and adapter_config.json, or a whole "
            "model's files with this project's manifest."
        )
    return names


def check_kind(names: set[str], *, whole: bool, source: Path) -> None:
    """Let a manifest speak only of the kind of files that are there.

    :raises AdapterError: when it is about whole weights and an adapter is there, or the reverse.
    """
    if (WHOLE_WEIGHTS in names) != whole:
        said, there = ("whole weights", "an adapter") if whole else ("an adapter", "whole weights")
        raise AdapterError(f"{source}: its manifest is of {said}, its files are of {there}.")


def check_model_config(values: Mapping[str, Any], folder: Path) -> None:
    """Let no configuration of whole weights name code of its own.

    :raises AdapterError: when it does.
    """
    if values.get("auto_map"):
        raise AdapterError(f"{folder} asks transformers to run code of its own (auto_map).")


def check_peft_config(values: Mapping[str, Any], folder: Path) -> None:
    """Let only the configuration of a plain LoRA through.

    :raises AdapterError: names what it asks for besides.
    """
    if values.get("peft_type") != "LORA":
        raise AdapterError(f"{folder} is no LoRA adapter but {values.get('peft_type')!r}.")
    initialised = values.get("init_lora_weights")
    if not isinstance(initialised, bool | str | None) or initialised not in _HARMLESS:
        raise AdapterError(
            f"{folder} was initialised by {initialised!r} and would change the base when it is "
            "loaded: have it converted to plain LoRA first."
        )
    for key, value in values.items():
        if key not in _PLAIN and value not in (None, False, "none", [], {}):
            raise AdapterError(f"{folder} asks PEFT for {key}={value!r}, which is not taken.")


def read_config(folder: Path, name: str = CONFIG) -> dict[str, Any]:
    """Read a configuration.

    :raises AdapterError: when it cannot be read.
    """
    path = folder / name
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise AdapterError(f"{path} cannot be read ({error}).") from error
    if not isinstance(values, dict):
        raise AdapterError(f"{path} is no configuration.")
    return values
