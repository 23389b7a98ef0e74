"""One training at a time for each state folder: the next is refused with a reason, or waits."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import TrainingError
from core.storage import write_json
from sft.processes import is_main, several
from sft.run_folder import RunFolder, now

_LOCK = ".training.lock"
_HOLDER = "training.json"
_EVER = -1.0


@contextmanager
def one_training(
    runs: Path, run: str, *, wait: bool = False, tell: Callable[[str], None] = lambda text: None
) -> Iterator[None]:
    """Hold the right to train in this state folder.

    The operating system gives the lock back when a process dies, so a killed run blocks nobody.

    :param runs: the state's `runs` folder.
    :param wait: wait for a training that goes on, instead of being refused.
    :param tell: hears what is waited for.
    :raises TrainingError: when another training goes on; says which, since when and how far it is.
    """
    if wait and several():
        raise TrainingError(
            "Several processes cannot wait for another training: start them when it has ended."
        )
    if not is_main():
        yield
        return
    runs.mkdir(parents=True, exist_ok=True)
    lock = FileLock(runs / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        going = _who(runs)
        if not wait:
            raise TrainingError(
                f"{going} Only one training runs at a time: `train --wait` waits for it, "
                "`train --stop` stops it, and so does Ctrl-C where it runs."
            ) from error
        tell(f"{going} Waiting for it to end.")
        lock.acquire(timeout=_EVER)
    try:
        write_json(runs / _HOLDER, {"run": run, "since": now()})
        yield
    finally:
        (runs / _HOLDER).unlink(missing_ok=True)
        lock.release()


def going_on(runs: Path) -> str | None:
    """Name the run that is being trained in this state folder; None when none is."""
    if not (runs / _LOCK).is_file():
        return None
    try:
        with FileLock(runs / _LOCK, timeout=0):
            return None
    except Timeout:
        return _holder(runs)[0]


def _who(runs: Path) -> str:
    run, since = _holder(runs)
    if not run:
        return "Another training is going on."
    far = f" ({RunFolder(runs / run).progress()})" if (runs / run).is_dir() else ""
    return f"The training {run} is going on since {since}{far}."


def _holder(runs: Path) -> tuple[str, str]:
    try:
        held = json.loads((runs / _HOLDER).read_text(encoding="utf-8"))
        return str(held["run"]), str(held["since"])
    except (OSError, ValueError, KeyError, TypeError):  # it has only just begun
        return "", ""
