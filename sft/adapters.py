"""Adapters on disk: PEFT's own folder with a manifest that says what it was trained on.

An adapter is only used on the base it was trained on, and what is stale says so.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import AdapterError
from core.prompts import PROMPT_VERSION
from core.settings import PROJECT_ROOT
from core.storage import ASIDE_MARK, fingerprint, remove_folder, write_json, write_text
from sft.manifest import AdapterManifest

SHIPPED_FOLDER = PROJECT_ROOT / "sft" / "adapters"
_MANIFEST = "manifest.json"
#: The weights and their configuration: PEFT's of an adapter, transformers' of own weights.
_ADAPTER_FILES = ("adapter_model.safetensors", "adapter_config.json")
_OWN_FILES = ("model.safetensors", "config.json")
#: File beside a corpus's adapters that names the one it answers with.
_ACTIVE = "active"
#: How long to wait for another process that activates or removes.
_LOCK_SECONDS = 10.0


class Adapter(BaseModel):
    """An adapter that was found: its manifest, its folder, whether it ships with the project."""

    model_config = ConfigDict(frozen=True)

    manifest: AdapterManifest
    folder: Path
    shipped: bool


class AdapterState(Adapter):
    """An adapter as it stands now: whether it answers, and what speaks against it."""

    #: Bytes on disk.
    size: int
    active: bool
    #: Sentences: other base, other prompts, damaged, corpus changed since.
    marks: tuple[str, ...] = ()
    #: What it cost of what the base knew, in words; empty where it was not measured.
    forgetting: str = ""


def list_adapters(state_folder: Path, corpus: str | None = None) -> list[Adapter]:
    """All adapters, those of the state folder before the shipped ones of the same corpus."""
    found = []
    for root, shipped in ((state_folder / "adapters", False), (SHIPPED_FOLDER, True)):
        for path in sorted(root.glob(f"*/*/{_MANIFEST}")):
            if ASIDE_MARK not in path.parent.name:
                found.append(read_adapter(path.parent, shipped=shipped))
    return [one for one in found if corpus is None or one.manifest.corpus == corpus]


def find_adapter(state_folder: Path, corpus: str, name: str) -> Adapter:
    """Find the adapter of that name for a corpus.

    :raises AdapterError: when there is none; names those there are.
    """
    adapters = list_adapters(state_folder, corpus)
    for adapter in adapters:
        if adapter.manifest.name == name:
            return adapter
    known = ", ".join(one.manifest.name for one in adapters) or "none"
    raise AdapterError(
        f"There is no adapter {name!r} for the corpus {corpus} (there are: {known})."
    )


def active_adapter(state_folder: Path, corpus: str) -> Adapter | None:
    """Return the adapter that was activated, else the newest of the state folder, else the shipped.

    :raises AdapterError: when the activated one is gone.
    """
    chosen = _chosen(state_folder / "adapters" / corpus)
    if chosen is not None:
        return find_adapter(state_folder, corpus, chosen)
    adapters = list_adapters(state_folder, corpus)
    own = [one for one in adapters if not one.shipped]
    if own:
        return max(own, key=lambda one: (one.folder / _MANIFEST).stat().st_mtime)
    return adapters[0] if adapters else None


def read_adapter(folder: Path, *, shipped: bool = False) -> Adapter:
    """Read an adapter folder's manifest.

    :raises AdapterError: when it has none that can be read.
    """
    try:
        text = (folder / _MANIFEST).read_text(encoding="utf-8")
        manifest = AdapterManifest.model_validate_json(text)
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise AdapterError(
            f"{folder} is no adapter of this project: its {_MANIFEST} cannot be read"
            f"{_first_reason(error)}. Train one with `sft-vs-rag train`, or remove the folder."
        ) from error
    return Adapter(manifest=manifest, folder=folder, shipped=shipped)


def _first_reason(error: Exception) -> str:
    if not isinstance(error, ValidationError) or not (errors := error.errors()):
        return ""
    where = ".".join(str(part) for part in errors[0]["loc"])
    return f" ({where}: {errors[0]['msg']})" if where else ""


def check_adapter(adapter: Adapter, *, base_fingerprint: str, base_model: str) -> None:
    """Refuse an adapter of another base, with other prompts, or with damaged files.

    :raises AdapterError: says which and what to do.
    """
    for problem in _problems(adapter, base_fingerprint, base_model):
        raise AdapterError(problem)


def adapter_marks(
    adapter: Adapter, *, corpus_fingerprint: str | None, base_fingerprint: str, base_model: str
) -> tuple[str, ...]:
    """All that speaks against an adapter, in sentences; no model is loaded for them.

    :param corpus_fingerprint: of the corpus as it is now; None where it is not known.
    """
    marks: list[str] = []
    try:
        marks += _problems(adapter, base_fingerprint, base_model)
    except AdapterError as error:  # a file is missing
        marks.append(str(error))
    marks += age_marks(adapter, corpus_fingerprint=corpus_fingerprint)
    return tuple(marks)


def age_marks(adapter: Adapter, *, corpus_fingerprint: str | None) -> tuple[str, ...]:
    """What speaks against an adapter though it answers; reads no file, so fit for each question."""
    manifest = adapter.manifest
    if not manifest.prompt_version:
        return ("It is not known what prompts it was trained on, nor what rows.",)
    if corpus_fingerprint is not None and corpus_fingerprint != manifest.corpus_fingerprint:
        return (
            f"The corpus {manifest.corpus} has changed since it was trained; train it again to "
            "learn what is new.",
        )
    return ()


def _problems(adapter: Adapter, base_fingerprint: str, base_model: str) -> Iterator[str]:
    manifest = adapter.manifest
    if manifest.base_fingerprint != base_fingerprint:
        yield (
            f"The adapter {manifest.name} was trained on {manifest.base_model} "
            f"({manifest.base_fingerprint[:12]}), not on {base_model} ({base_fingerprint[:12]}). "
            "Choose that base model, or train an adapter for this one."
        )
    # Empty for one that was pulled from elsewhere, and is marked as such.
    if manifest.prompt_version not in ("", PROMPT_VERSION):
        yield (
            f"The adapter {manifest.name} was trained on prompts of version "
            f"{manifest.prompt_version}; this program asks in version {PROMPT_VERSION}. "
            "Train it again."
        )
    if adapter_fingerprint(adapter.folder) != manifest.sha256:
        yield (
            f"The adapter {manifest.name} in {adapter.folder} is damaged: its files differ from "
            "its manifest. Train it again."
        )


def adapter_fingerprint(folder: Path) -> str:
    """SHA-256 over the weights and their configuration, of an adapter or of own weights.

    :raises AdapterError: when a file is missing.
    """
    own = (folder / _OWN_FILES[0]).is_file()
    files = [folder / name for name in (_OWN_FILES if own else _ADAPTER_FILES)]
    for path in files:
        if not path.is_file():
            raise AdapterError(f"{path} is missing; train the adapter again.")
    return fingerprint(files)


def write_manifest(folder: Path, manifest: AdapterManifest) -> None:
    """Put the manifest beside the adapter's files."""
    write_json(folder / _MANIFEST, manifest.model_dump(mode="json"))


def activate_adapter(state_folder: Path, adapter: Adapter) -> Adapter:
    """Make an adapter the one its corpus answers with.

    :raises AdapterError: when it was removed meanwhile.
    """
    folder = state_folder / "adapters" / adapter.manifest.corpus
    with _alone(folder):
        if not adapter.folder.is_dir():
            raise AdapterError(f"The adapter {adapter.manifest.name} was removed meanwhile.")
        write_text(folder / _ACTIVE, adapter.manifest.name + "\n")
    return adapter


def check_adapter_name(name: str | None) -> None:
    """Refuse a name that is no plain folder name.

    :raises AdapterError: says what a name may hold.
    """
    if name is None:
        return
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        raise AdapterError(
            f"{name!r} cannot name an adapter: use up to 64 letters, digits, dots and dashes."
        )
    if name == _ACTIVE or ASIDE_MARK in name:
        raise AdapterError(f"{name!r} cannot name an adapter: the program uses it; take another.")


def remove_adapter(adapter: Adapter) -> None:
    """Delete an adapter of the state folder, and forget that it was the active one.

    :raises AdapterError: when it ships with the project, or is gone already.
    """
    if adapter.shipped:
        raise AdapterError(f"{adapter.manifest.name} ships with the project and is not removed.")
    with _alone(adapter.folder.parent):
        if not adapter.folder.is_dir():
            raise AdapterError(f"The adapter {adapter.manifest.name} was removed meanwhile.")
        # Gone first, then forgotten: killed between the two, the next question says that the
        # chosen one is gone, rather than being answered by another.
        remove_folder(adapter.folder)
        if _chosen(adapter.folder.parent) == adapter.manifest.name:
            (adapter.folder.parent / _ACTIVE).unlink()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time chooses among a corpus's adapters."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f".{_ACTIVE}.lock", timeout=_LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        raise AdapterError(
            f"Another process is choosing among the adapters of {folder.name}; try again."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _chosen(folder: Path) -> str | None:
    """Read which of a corpus's adapters was activated."""
    path = folder / _ACTIVE
    return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else None


def versions() -> dict[str, str]:
    """Versions of the libraries that make an adapter what it is."""
    from importlib.metadata import version  # noqa: PLC0415

    return {name: version(name) for name in ("torch", "transformers", "peft", "trl")}
