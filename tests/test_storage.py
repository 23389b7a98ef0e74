"""Files are whole: the old one or the new one, whatever happens in between."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core import storage
from core.errors import StorageError

REWRITER = """
import sys, itertools
from pathlib import Path
from core.storage import write_folder, write_text
home = Path(sys.argv[1])
def fill(folder):
    for name in ("one", "two"):
        (folder / name).write_text(str(number) * 50_000)
for number in itertools.cycle(range(10)):
    write_text(home / "file", str(number) * 200_000)
    write_folder(home / "folder", fill)
"""


def test_a_folder_and_a_file_survive_kill_9(tmp_path: Path) -> None:
    draw = random.Random(7)
    rounds = 60 if os.environ.get("SFT_VS_RAG_SOAK") else 15
    seen = set()
    for _ in range(rounds):
        process = subprocess.Popen([sys.executable, "-c", REWRITER, str(tmp_path)])
        deadline = time.monotonic() + 20
        while not (tmp_path / "folder").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        end = time.monotonic() + 0.1 + draw.random() * 0.3
        while time.monotonic() < end:
            seen.add(_whole(tmp_path / "file"))
        process.send_signal(signal.SIGKILL)
        process.wait()
        seen.add(_whole(tmp_path / "file"))
        if (tmp_path / "folder").exists():
            contents = [(tmp_path / "folder" / name).read_text() for name in ("one", "two")]
            assert contents[0] == contents[1] and len(contents[0]) == 50_000
    assert len(seen) > 3, "it was rewritten while it was read"
    # What the kills left aside is in nobody's way, and is known by its mark.
    left = [path.name for path in tmp_path.iterdir() if path.name not in ("file", "folder")]
    assert all(storage.ASIDE_MARK in name for name in left)
    storage.write_text(tmp_path / "file", "new")
    storage.write_folder(tmp_path / "folder", lambda folder: (folder / "one").touch())
    assert (tmp_path / "file").read_text() == "new"
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["one"]


def _whole(path: Path) -> str:
    text = path.read_text()
    assert len(text) == 200_000 and len(set(text)) == 1
    return text[0]


def test_writers_at_once_leave_one_whole_version(tmp_path: Path) -> None:
    def write(letter: str) -> None:
        for _ in range(20):
            storage.write_text(tmp_path / "file", letter * 100_000)

    threads = [threading.Thread(target=write, args=[letter]) for letter in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = (tmp_path / "file").read_text()
    assert len(text) == 100_000 and len(set(text)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_full_disk_leaves_the_old_file_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "kept.json"
    storage.write_json(path, {"old": True})

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(storage.os, "fsync", refuse)
    with pytest.raises(StorageError, match=r"kept\.json"):
        storage.write_json(path, {"old": False})
    monkeypatch.undo()
    assert json.loads(path.read_text()) == {"old": True}
    assert [one.name for one in tmp_path.iterdir()] == ["kept.json"], "nothing is left aside"


def test_a_folder_that_fails_half_way_is_not_there(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "first").write_text("1")
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        storage.write_folder(tmp_path / "new", fill)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["write", "rename"])
def test_a_full_disk_leaves_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    folder = tmp_path / "kept"
    storage.write_folder(folder, lambda aside: (aside / "old").touch())

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "write":
        monkeypatch.setattr(Path, "write_text", refuse)
    else:
        monkeypatch.setattr(storage.os, "replace", refuse)
    with pytest.raises(StorageError, match=r"kept could not be written: the disk is full"):
        storage.write_folder(folder, lambda aside: (aside / "new").write_text("x"))
    monkeypatch.undo()
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "old"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}])
def test_what_is_no_json_is_not_written(tmp_path: Path, value: object) -> None:
    storage.write_json(tmp_path / "kept.json", {"old": True})
    with pytest.raises((TypeError, ValueError)):
        storage.write_json(tmp_path / "kept.json", {"new": value})
    assert json.loads((tmp_path / "kept.json").read_text()) == {"old": True}


@pytest.mark.parametrize("left", range(1, 14))
def test_a_last_line_that_was_cut_off_is_skipped(tmp_path: Path, left: int) -> None:
    path = tmp_path / "log.jsonl"
    storage.append_line(path, {"step": 1})
    whole = path.read_bytes()
    path.write_bytes(whole + '{"wort": "Öl"}\n'.encode()[:left])
    assert list(storage.read_lines(path)) == [{"step": 1}]


def test_lines_are_read_as_they_were_appended(tmp_path: Path) -> None:
    rows = [{"text": "a\u2028b"}, {"text": "ü\nx"}, {}]
    for row in rows:
        storage.append_line(tmp_path / "log.jsonl", row)
    assert list(storage.read_lines(tmp_path / "log.jsonl")) == rows


def test_fingerprints_differ_with_content_and_order_of_parts(tmp_path: Path) -> None:
    assert storage.fingerprint_text("ab", "c") != storage.fingerprint_text("a", "bc")
    (tmp_path / "a").write_text("1")
    first = storage.fingerprint([tmp_path / "a"])
    (tmp_path / "a").write_text("2")
    assert storage.fingerprint([tmp_path / "a"]) != first
