"""A run's folder while it is written to: begun, or gone on with after it was broken off."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.errors import EvaluationError, StorageError
from core.storage import write_json, write_text
from eval.run_files import (
    ANSWERS_FILE,
    QUESTIONS_FILE,
    RUN_FILE,
    AskedQuestion,
    RunInfo,
    read_answers,
    read_run,
)

_LOCK = ".evaluate.lock"

_log = logging.getLogger(__name__)


@contextmanager
def begun_run(folder: Path, info: RunInfo, questions: Sequence[AskedQuestion]) -> Iterator[None]:
    """Hold a run's folder: one that is begun now, or one of the same run to go on with.

    The log of a run that is gone on with is mended: lines that are cut or damaged are taken out.

    :raises EvaluationError: when the folder is another run's (names the difference), when its log
        belongs to no run, or when another process is at it.
    :raises StorageError: when the disk refuses.
    """
    lock = FileLock(folder / _LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise EvaluationError(
            f"Another process is evaluating into {folder}: let it end, or give another --out."
        ) from error
    except OSError as error:  # it is a file, or may not be written to
        raise StorageError(
            f"The folder {folder} cannot be written to ({error.strerror}): give another --out."
        ) from error
    try:
        if (folder / RUN_FILE).is_file():
            _check_same(folder, read_run(folder), info)
            _mend(folder / ANSWERS_FILE)
        elif (folder / ANSWERS_FILE).exists():
            raise EvaluationError(
                f"{folder} holds {ANSWERS_FILE} but no {RUN_FILE}, so nobody knows what was asked "
                "there: give another --out."
            )
        else:
            lines = "".join(one.model_dump_json() + "\n" for one in questions)
            write_text(folder / QUESTIONS_FILE, lines)
            # Last: a folder with a run.json has everything to go on with.
            write_json(folder / RUN_FILE, info.model_dump(mode="json"))
        yield
    finally:
        lock.release()


def _check_same(folder: Path, there: RunInfo, now: RunInfo) -> None:
    for what, before, asked in _identity(there, now):
        if before != asked:
            raise EvaluationError(
                f"{folder} holds another evaluation: there {what} {_told(before)}, here "
                f"{_told(asked)}. Give another --out, or ask for the same to go on with it."
            )


def _identity(there: RunInfo, now: RunInfo) -> Iterator[tuple[str, Any, Any]]:
    """What makes two runs the same, what is said of it, in the order that explains most."""
    yield "the corpus is", there.corpus, now.corpus
    yield "the split is", there.split, now.split
    yield "the arms are", list(there.arms), list(now.arms)
    yield "the oracles are", list(there.oracles), list(now.oracles)
    yield "the seed is", there.seed, now.seed
    yield "--limit is", there.limit, now.limit
    yield "the corpus's fingerprint is", there.corpus_fingerprint, now.corpus_fingerprint
    yield (
        "the fingerprint of the questions and their labels is",
        there.questions_fingerprint,
        now.questions_fingerprint,
    )
    for arm in now.asked:
        before, made = there.provenance.get(arm, {}), now.provenance[arm]
        for name in sorted({*before, *made}):
            what = f"{arm} answers with {name.replace('_', ' ')}"
            yield what, before.get(name), made.get(name)


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    text = str("none" if value is None else value)
    return f"{text[:12]}…" if len(text) == 64 and " " not in text else text


def _mend(path: Path) -> None:
    """Take lines out of a log that cannot be read; their questions are asked again."""
    if not path.is_file():
        return
    damaged = {number for number, line in read_answers(path) if isinstance(line, str)}
    whole = path.read_bytes().endswith(b"\n") or path.stat().st_size == 0
    if not damaged and whole:
        return
    with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
        kept = [line for number, line in enumerate(file, start=1) if number not in damaged]
    write_text(path, "".join(line if line.endswith("\n") else line + "\n" for line in kept))
    if damaged:
        _log.warning("%s: %d damaged lines are taken out and asked again.", path, len(damaged))
