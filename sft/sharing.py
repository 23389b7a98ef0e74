"""Adapters that leave and come: plain PEFT folders, from and to the hub or a folder.

What comes is not trusted: only known files of bounded size are copied, never a pickle or a link,
PEFT's configuration may say nothing beyond plain LoRA, and what the manifest claims is checked
before the adapter is there.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from core.errors import AdapterError
from core.storage import write_folder, write_json, write_text
from sft.adapters import (
    Adapter,
    adapter_fingerprint,
    check_adapter,
    check_adapter_name,
    read_adapter,
    write_manifest,
)
from sft.incoming import (
    CONFIG,
    FORGETTING,
    MANIFEST,
    WEIGHTS,
    WHOLE_WEIGHTS,
    check_files,
    check_kind,
    check_model_config,
    check_peft_config,
    read_config,
)
from sft.manifest import AdapterManifest, hub_name
from sft.model_card import model_card
from sft.recipe import Recipe


@dataclass(frozen=True)
class Place:
    """Where a pulled adapter belongs: the state folder, a corpus and the base it must fit."""

    state_folder: Path
    corpus: str
    corpus_fingerprint: str
    base_model: str
    base_fingerprint: str


def export_adapter(adapter: Adapter, out: Path, *, base_location: str) -> AdapterManifest:
    """Write a folder that plain `peft` loads; whole weights become one that `transformers` loads.

    The scale of the recipe is put into the weights, as nothing else knows of it.

    :param base_location: folder or hub id of the base, for the tokenizer beside whole weights.
    :returns: the manifest of what was written, with its own fingerprint.
    :raises AdapterError: when `out` is there already, or files are missing.
    """
    if out.exists():
        raise AdapterError(f"{out} is there already; choose another folder.")
    adapter_fingerprint(adapter.folder)  # names a file that is missing
    refuse_scaled_dora(adapter.manifest)
    made = adapter.manifest
    # A folder of this machine means nothing elsewhere, and tells where somebody keeps things.
    base = made.base_model if hub_name(made.base_model) else Path(made.base_model).name
    written: list[AdapterManifest] = []

    def fill(folder: Path) -> None:
        if is_whole(adapter):
            _copy_whole(adapter, folder, base_location)
        else:
            _copy_scaled(adapter, folder)
        # A measurement is of the bytes that were measured.
        same = adapter_fingerprint(folder) == made.sha256 and made.recipe.scale == 1
        if same and (adapter.folder / FORGETTING).is_file():
            shutil.copyfile(adapter.folder / FORGETTING, folder / FORGETTING)
        recipe = made.recipe.model_copy(update={"scale": 1.0})
        manifest = made.model_copy(
            update={"base_model": base, "recipe": recipe, "sha256": adapter_fingerprint(folder)}
        )
        write_manifest(folder, manifest)
        write_text(folder / "README.md", model_card(manifest) + _how_to_load(adapter))
        written.append(manifest)

    write_folder(out, fill)
    return written[0]


def refuse_scaled_dora(made: AdapterManifest) -> None:
    """DoRA's magnitudes are no sum: a scale cannot be put into its weights.

    :raises AdapterError: for such an adapter with a scale.
    """
    if made.recipe.dora and made.recipe.scale != 1:
        raise AdapterError(
            f"{made.name} was trained with DoRA and answers at scale {made.recipe.scale:g}, which "
            "no weights of its own can hold: train it with scale=1."
        )


def is_whole(adapter: Adapter) -> bool:
    """Say whether an adapter is a whole model of its own (the methods `full` and `frozen`)."""
    return adapter.manifest.recipe.method != "lora"


def _copy_scaled(adapter: Adapter, folder: Path) -> None:
    from safetensors.torch import load_file, save_file  # noqa: PLC0415  (loads torch)

    scale = adapter.manifest.recipe.scale
    if scale == 1:
        shutil.copyfile(adapter.folder / WEIGHTS, folder / WEIGHTS)
    else:
        tensors = load_file(adapter.folder / WEIGHTS)
        scaled = {
            name: tensor * scale if "lora_B" in name or "lora_embedding_B" in name else tensor
            for name, tensor in tensors.items()
        }
        save_file(scaled, folder / WEIGHTS, metadata={"format": "pt"})
    _name_base(folder, read_config(adapter.folder), hub_name(adapter.manifest.base_model))


def _name_base(folder: Path, config: dict[str, Any], name: str | None) -> None:
    """Write PEFT's configuration with that base, in the order it has after a training run."""
    config = {**config, "base_model_name_or_path": name}
    write_json(folder / CONFIG, dict(sorted(config.items())))


def _copy_whole(adapter: Adapter, folder: Path, base_location: str) -> None:
    from safetensors.torch import load_file, save_file  # noqa: PLC0415  (loads torch)
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415  (slow to import)

    for name in (WHOLE_WEIGHTS, "config.json", "generation_config.json"):
        if (adapter.folder / name).is_file():
            shutil.copyfile(adapter.folder / name, folder / name)
    scale = adapter.manifest.recipe.scale
    if scale != 1:
        base = AutoModelForCausalLM.from_pretrained(base_location, dtype="float32").state_dict()
        between = {
            name: base[name].lerp(tensor.float(), scale).to(tensor.dtype)
            for name, tensor in load_file(folder / WHOLE_WEIGHTS).items()
        }
        save_file(between, folder / WHOLE_WEIGHTS, metadata={"format": "pt"})
    AutoTokenizer.from_pretrained(base_location).save_pretrained(folder)


def _how_to_load(adapter: Adapter) -> str:
    base = hub_name(adapter.manifest.base_model) or "the base model's folder"
    if is_whole(adapter):
        return "\nThese are whole weights: `AutoModelForCausalLM.from_pretrained(folder)`.\n"
    text = (
        "\n```python\n"
        "from peft import PeftModel\nfrom transformers import AutoModelForCausalLM\n\n"
        f'base = AutoModelForCausalLM.from_pretrained("{base}")\n'
        "model = PeftModel.from_pretrained(base, folder)\n```\n"
    )
    if adapter.manifest.base_model.startswith("embedded:"):
        text += (
            "\nIt was trained on the de-quantised Q4_1 GGUF of that base, which rounds its weights "
            "to 4 bits: on the hub's own weights the answers can differ slightly.\n"
        )
    return text


def push_to_folder(adapter: Adapter, out: Path, *, base_location: str) -> None:
    """Write an adapter into a folder, over what was pushed there before under its name.

    :raises AdapterError: when something else is in that folder.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        there = read_adapter(out).manifest
        made = adapter.manifest
        if (there.name, there.corpus) != (made.name, made.corpus):
            raise AdapterError(
                f"{out} holds the adapter {there.name} of {there.corpus}; choose another folder."
            )

    def fill(folder: Path) -> None:
        export_adapter(adapter, folder / "new", base_location=base_location)
        for path in (folder / "new").iterdir():
            path.rename(folder / path.name)
        (folder / "new").rmdir()

    write_folder(out, fill)


def pull_adapter(source: Path, place: Place, *, name: str | None = None, origin: str) -> Adapter:
    """Take an adapter folder in, once everything about it is checked.

    A plain PEFT folder without this project's manifest is taken as well, when it names this base:
    its manifest then says that its prompts and rows are not known.

    :param name: instead of the manifest's own.
    :param origin: what the manifest says it was pulled from.
    :raises AdapterError: names what is wrong; nothing is then left behind.
    """
    names = check_files(source)
    claimed = read_adapter(source).manifest if MANIFEST in names else None
    wanted = name or (claimed.name if claimed else re.sub(r"[^\w.-]", "-", Path(origin).name))
    check_adapter_name(wanted)
    whole = claimed is not None and claimed.recipe.method != "lora"
    check_kind(names, whole=whole, source=source)
    if whole:
        check_model_config(read_config(source, "config.json"), source)
    if claimed is not None:
        _check_corpus(claimed, place)
        adapter = Adapter(manifest=claimed, folder=source, shipped=False)
        # Of the source first: a message about the copy would name a folder that is not there.
        check_adapter(adapter, base_fingerprint=place.base_fingerprint, base_model=place.base_model)
    config = {} if whole else read_config(source)
    if not whole:
        check_peft_config(config, source)
    known = claimed or _unknown(config, source, place)
    home = place.state_folder / "adapters" / place.corpus / wanted
    if home.exists():
        raise AdapterError(
            f"There is already an adapter {wanted} of {place.corpus}; choose another --name."
        )

    def fill(folder: Path) -> None:
        for file in sorted(names - {MANIFEST, "README.md"}):
            shutil.copyfile(source / file, folder / file)
        _check_weights(folder / (WHOLE_WEIGHTS if whole else WEIGHTS), source, whole=whole)
        if claimed is not None and adapter_fingerprint(folder) != claimed.sha256:
            raise AdapterError(f"{source} changed while it was copied; pull it again.")
        if not whole:
            # What the base is called elsewhere says nothing here; without it, an adapter that was
            # pushed and pulled again has the fingerprint it was trained with.
            _name_base(folder, config, None)
        changes = {
            "name": wanted,
            "corpus": place.corpus,
            "base_model": place.base_model,
            "sha256": adapter_fingerprint(folder),
            "origin": origin,
        }
        manifest = known.model_copy(update=changes)
        write_manifest(folder, manifest)
        write_text(folder / "README.md", model_card(manifest))

    write_folder(home, fill)
    return read_adapter(home)


def _check_corpus(claimed: AdapterManifest, place: Place) -> None:
    if place.corpus != claimed.corpus and place.corpus_fingerprint != claimed.corpus_fingerprint:
        raise AdapterError(
            f"The adapter {claimed.name} was trained on the corpus {claimed.corpus}, not on "
            f"{place.corpus}: pull it for that corpus."
        )


def _check_weights(path: Path, source: Path, *, whole: bool) -> None:
    try:
        with safe_open(path, framework="pt") as weights:
            strange = [key for key in weights.keys() if not whole and ".lora_" not in key]  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise AdapterError(f"{source / path.name} holds no weights: {error}.") from error
    if strange:
        raise AdapterError(f"{source / path.name} holds {strange[0]}, which is no LoRA weight.")


def _unknown(config: dict[str, Any], source: Path, place: Place) -> AdapterManifest:
    """The manifest of a plain PEFT folder: what its configuration says, and nothing made up."""
    named = config.get("base_model_name_or_path")
    if named is None or named not in (place.base_model, hub_name(place.base_model)):
        raise AdapterError(
            f"{source} has no manifest, and its configuration names the base {named!r}, not "
            f"{hub_name(place.base_model) or place.base_model}: whether it fits cannot be known."
        )
    values = {
        "rank": config.get("r"),
        "lora_alpha": config.get("lora_alpha"),
        "dropout": config.get("lora_dropout", 0.0),
        "rslora": config.get("use_rslora") or False,
        "dora": config.get("use_dora") or False,
    }
    if isinstance(config.get("target_modules"), list):
        values["target_modules"] = tuple(sorted(config["target_modules"]))
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise AdapterError(
            f"{source / CONFIG}: {first['loc'][0]} is not usable: {first['msg']}."
        ) from error
    return AdapterManifest(
        name="", corpus=place.corpus, corpus_fingerprint="", base_model=place.base_model,
        base_fingerprint=place.base_fingerprint, prompt_version="", recipe=recipe, sha256="",
        versions={}, rows=0, steps=0, seconds=0.0, scores={},
    )  # fmt: skip
