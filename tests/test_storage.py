"""Files are whole: the old one or the new one, whatever happens in between."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
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
    rounds = 40 if os.environ.get("SFT_VS_RAG_SOAK") else 6
    for _ in range(rounds):
        process = subprocess.Popen([sys.executable, "-c", REWRITER, str(tmp_path)])
        deadline = time.monotonic() + 20
        while not (tmp_path / "folder").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(draw.random() * 0.5)
        process.send_signal(signal.SIGKILL)
        process.wait()
        text = (tmp_path / "file").read_text()
        assert len(text) == 200_000 and len(set(text)) == 1
        if (tmp_path / "folder").exists():
            contents = [(tmp_path / "folder" / name).read_text() for name in ("one", "two")]
            assert contents[0] == contents[1] and len(contents[0]) == 50_000


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
