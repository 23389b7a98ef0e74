"""Generations of an index on disk: made aside, checked byte by byte, switched by one rename.

`<corpus>/current` names the generation that answers. A generation is a folder of files that never
change: a manifest, segments of vectors, and `sums.json` with the SHA-256 of each. Segments that a
new generation shares with the one before are linked, not copied. Whatever interrupts the making of
one, a reader finds the old whole or the new whole.
"""

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from core.errors import VectorIndexError
from core.storage import ASIDE_MARK, write_folder, write_text

MANIFEST_FILE = "manifest.sqlite"
_CURRENT, _SUMS = "current", "sums.json"


def current_generation(home: Path) -> Path | None:
    """Folder of the generation that answers; None when there is none yet.

    :raises VectorIndexError: when `current` names none.
    """
    path = home / _CURRENT
    if not path.is_file():
        return None
    name = path.read_text(encoding="utf-8", errors="replace").strip()
    if not name or "/" in name or not (home / name).is_dir():
        raise VectorIndexError(
            f"{path} names no index generation. Build it again with `sft-vs-rag index`."
        )
    return home / name


def make_generation(
    home: Path, fill: Callable[[Path], None], *, trusted: dict[str, str] | None = None
) -> Path:
    """Make a generation of the files that `fill` writes, and switch to it.

    :param trusted: SHA-256 of files that were checked already and are only linked.
    :raises StorageError: when the disk is full; the current generation stays.
    """
    folder = home / f"g{int(time.time())}-{uuid.uuid4().hex[:6]}"

    def fill_and_sum(aside: Path) -> None:
        fill(aside)
        known = trusted or {}
        names = sorted(path.name for path in aside.iterdir())
        sums = {name: known.get(name) or _sha256(aside / name) for name in names}
        text = json.dumps({"files": sums, "checksum": _checksum(sums)}, indent=2)
        (aside / _SUMS).write_text(text, encoding="utf-8")

    write_folder(folder, fill_and_sum)
    write_text(home / _CURRENT, folder.name)
    remove_others(home, folder.name)
    return folder


def checked_sums(folder: Path) -> dict[str, str]:
    """Check every byte of a generation, and return the SHA-256 of its files.

    :raises VectorIndexError: when a file is missing or differs from when it was written.
    """
    path = folder / _SUMS
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        sums = dict(told["files"])
        whole = told["checksum"] == _checksum(sums)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(path) from error
    if not whole or set(sums) != {one.name for one in folder.iterdir()} - {_SUMS}:
        raise damaged(path)
    # Hashing lets other threads run: two files at once on two cores.
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        found = list(pool.map(_sha256_or_none, [folder / name for name in sums]))
    for (name, wanted), sha in zip(sums.items(), found, strict=True):
        if sha != wanted:
            raise damaged(folder / name)
    return sums


def link(source: Path, target: Path) -> None:
    """Put an unchanging file into another generation: linked where the disk can, else copied."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def remove_others(home: Path, kept: str) -> None:
    """Remove older generations and what killed processes left aside.

    Only called by who holds the lock, so nothing aside is still being written.
    """
    for path in home.iterdir():
        if path.is_dir() and path.name != kept:
            shutil.rmtree(path, ignore_errors=True)
        elif path.is_file() and ASIDE_MARK in path.name:
            path.unlink(missing_ok=True)


def damaged(path: Path) -> VectorIndexError:
    """Say that a file is not as it was written."""
    return VectorIndexError(
        f"{path}: the index is damaged or incomplete (a byte differs from when it was written). "
        "Build it again with `sft-vs-rag index`."
    )


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_or_none(path: Path) -> str | None:
    try:
        return _sha256(path)
    except OSError:
        return None


def _checksum(sums: dict[str, str]) -> str:
    lines: Iterable[str] = (f"{name} {sha}" for name, sha in sorted(sums.items()))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
