"""A study on disk: opened by one process at a time, bound to what it tries, whole after a kill."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import optuna
from filelock import FileLock, Timeout
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from core.errors import StorageError, TrainingError

STUDY_FILE = "study.db"
_NAME = "tuning"
#: Where a trial keeps how often a process died in its parameters.
_KILLED = "killed"
#: A trial that was killed so often is let be: it may be what the process dies of.
_KILLED_TOO_OFTEN = 2


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes off the study in `folder`.

    :raises TrainingError: when one is at it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside the folder, which may be removed while the lock is held.
    lock = FileLock(folder.parent / f".{folder.name}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise TrainingError(
            f"Another process is tuning {folder.name}. Wait for it, or stop it: the study goes on "
            "where it was."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def opened(folder: Path) -> Iterator[optuna.Study]:
    """Open the study in `folder`, or begin one.

    :raises TrainingError: when its file is damaged or of another Optuna.
    :raises StorageError: when it cannot be written.
    """
    path = folder / STUDY_FILE
    folder.mkdir(parents=True, exist_ok=True)

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, check_same_thread=False, timeout=30)

    try:
        # By a function, because a URL would stumble over a folder's unusual characters.
        storage = RDBStorage(f"sqlite:///{STUDY_FILE}", engine_kwargs={"creator": connect})
        study = optuna.create_study(
            storage=storage, study_name=_NAME, direction="maximize", load_if_exists=True
        )
    except (SQLAlchemyError, StorageInternalError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise TrainingError(
            f"{path} cannot be read as a study ({reason}). Begin anew with --restart."
        ) from error
    try:
        yield study
    except StorageInternalError as error:
        raise StorageError(
            f"{path} could not be written: {error.__cause__ or error}. The trials before this one "
            "are kept; make room and tune again."
        ) from error
    finally:
        storage.remove_session()
        storage.engine.dispose()


def bind(study: optuna.Study, shared: Mapping[str, str], corpus: str) -> None:
    """Write down what all trials share, or hold it against what the study was begun with.

    :raises TrainingError: names what is another now.
    """
    begun = study.user_attrs.get("shared")
    if begun is None:
        study.set_user_attr("shared", dict(shared))
        return
    changed = [name for name, value in shared.items() if begun.get(name) != value]
    if changed:
        raise TrainingError(
            f"The study of {corpus} was begun with another {' and '.join(changed)}: its trials "
            "cannot be compared with new ones. Begin anew with --restart."
        )


def counted(study: optuna.Study) -> int:
    """How many trials have finished or been pruned; killed ones do not count."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))


def recover(study: optuna.Study) -> None:
    """Mark what a killed process was at as failed, and put it up to be tried again.

    Only one process is at a study, so whatever still runs was killed.
    """
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        times = trial.user_attrs.get(_KILLED, 0) + 1
        if times >= _KILLED_TOO_OFTEN:
            study.tell(trial.number, state=TrialState.PRUNED)
        else:
            put_back(study, trial, times)


def put_back(study: optuna.Study, trial: FrozenTrial, killed: int | None = None) -> None:
    """End a trial that runs as failed, and put its parameters up to be tried first.

    :param killed: how often a process died in them, where it is one more than before.
    """
    parameters = trial.system_attrs.get("fixed_params", {}) | trial.params
    times = trial.user_attrs.get(_KILLED, 0) if killed is None else killed
    study.tell(trial.number, state=TrialState.FAIL)
    study.enqueue_trial(parameters, user_attrs={_KILLED: times})
