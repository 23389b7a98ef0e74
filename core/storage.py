"""The one place that writes files: always aside, flushed, then renamed.

A reader sees the old whole or the new whole, never a half. A failed write leaves the old state
and removes what it had begun.
"""

import errno
import hashlib
import json
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import StorageError

#: Unfinished work carries this mark, so that what a killed process leaves can be recognised.
ASIDE_MARK = ".writing-"
#: Name, size in bytes and time of each file of a folder.
Stamp = tuple[tuple[str, int, int], ...]


def write_text(path: Path, text: str) -> None:
    """Replace `path` by `text` (UTF-8), atomically.

    :raises StorageError: when the disk is full or refuses; the old file is unchanged.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, atomically; see `write_text`."""
    aside = _aside(path)
    with _told_plainly(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(aside, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, path)
            _flush_folder(path.parent)
        finally:
            aside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by `value` as indented JSON, atomically; see `write_text`."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def append_line(path: Path, row: dict[str, Any]) -> None:
    """Add one JSON line to a log; see `append_lines`."""
    append_lines(path, [row])


def append_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Add JSON lines to a log, in one write.

    A line cut by a kill is ended first, and the reader's to skip.

    :raises StorageError: when the disk is full or refuses.
    """
    with _told_plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab+") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                cut = file.read(1) != b"\n"
            else:
                cut = False
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            file.write(("\n" * cut + lines).encode())
            file.flush()


def write_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Make the folder `path` whole or not at all.

    :param fill: writes the files into the folder it is given, beside `path` on the same disk.
    :raises StorageError: when the disk is full or refuses; an old `path` is unchanged.
    """
    aside = _aside(path)
    with _told_plainly(path):
        try:
            aside.mkdir(parents=True)
            fill(aside)
            for file in sorted(aside.rglob("*")):
                if file.is_file():
                    _flush(file)
            if path.exists():
                replaced = _aside(path)
                os.replace(path, replaced)
                os.replace(aside, path)
                shutil.rmtree(replaced, ignore_errors=True)
            else:
                os.replace(aside, path)
            _flush_folder(path.parent)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove a folder at once: it is renamed, then deleted; what a killed removal left goes too.

    :raises StorageError: when it cannot be renamed; it is then unchanged.
    """
    mark = f"{ASIDE_MARK}removed-"
    with _told_plainly(path):
        os.replace(path, path.with_name(f"{path.name}{mark}{uuid.uuid4().hex[:8]}"))
        _flush_folder(path.parent)
    for left in path.parent.glob(f"*{mark}*"):
        shutil.rmtree(left, ignore_errors=True)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON rows of a log; a last line that was cut off is skipped."""
    with open(path, "rb") as file:
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:  # no JSON, or cut within a character
                continue
            if isinstance(row, dict):
                yield row


def folder_stamp(folder: Path) -> Stamp:
    """Names, sizes and times of a folder's files: another stamp, and they are read again."""
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            one = path.stat()
        except FileNotFoundError:
            continue  # somebody else wrote aside and renamed meanwhile
        if stat.S_ISREG(one.st_mode):
            found.append((str(path), one.st_size, one.st_mtime_ns))
    return tuple(found)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a folder; 0 where there is none."""
    return sum(size for _, size, _ in folder_stamp(folder))


def fingerprint(paths: Iterable[Path]) -> str:
    """SHA-256 (hex) over the names and contents of files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        digest.update(path.name.encode() + b"\0")
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def fingerprint_text(*parts: str) -> str:
    """SHA-256 (hex) over texts, each ended so that moved boundaries change it."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}{ASIDE_MARK}{uuid.uuid4().hex[:8]}")


def _flush(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(path: Path) -> None:
    # Windows cannot open a folder; there the rename alone has to do.
    if os.name == "posix":
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _told_plainly(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else str(error)
        raise StorageError(
            f"{path} could not be written: {reason}. What was there before is unchanged; "
            "make room or move the state folder with SFT_VS_RAG_STATE, then try again."
        ) from error
