"""Evaluations that are started from the page: one at a time, in a thread, watched by everybody."""

import logging
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from core.errors import EvaluationError, ProjectError
from core.records import ARM_NAMES, ArmName, Split
from ui.benchmark_runs import started_at, unfinished_runs
from ui.markup import INSIDE
from workbench import Workbench

State = Literal["idle", "running", "stopping", "stopped", "failed", "done"]

_log = logging.getLogger(__name__)


class _StoppedError(Exception):
    """Somebody asked for a stop; raised between two batches, when all that is there is logged."""


@dataclass(frozen=True)
class Plan:
    """What is evaluated, and into which folder."""

    reference: str
    #: The corpus's, for people.
    title: str
    arms: tuple[ArmName, ...]
    split: Split
    limit: int | None
    #: Whether the same weights are asked with the evidence before them, too.
    oracle: bool
    folder: Path


@dataclass(frozen=True)
class Standing:
    """How far the evaluation is that runs, or ran last."""

    state: State = "idle"
    plan: Plan | None = None
    #: Answers there are, and of how many.
    done: int = 0
    of: int = 0
    #: Seconds left when it was told, and when that was; None where nobody knows yet.
    left: float | None = None
    told: float = 0.0
    #: Why it failed.
    message: str = ""
    #: Another number at every change, so that a page repaints only then.
    version: int = 0

    @property
    def busy(self) -> bool:
        """Whether a thread is at it."""
        return self.state in ("running", "stopping")

    def seconds_left(self) -> float | None:
        """Seconds left by now; None where nobody knows."""
        if self.left is None:
            return None
        return max(0.0, self.left - (time.monotonic() - self.told))


class Evaluations:
    """Runs one evaluation at a time; every visitor sees the same one, whoever started it."""

    def __init__(self, workbench: Workbench) -> None:
        """Run nothing yet."""
        self._workbench = workbench
        self._changing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._standing = Standing()

    def now(self) -> Standing:
        """How far it is."""
        return self._standing

    def start(self, reference: str, *, arms: Sequence[ArmName], limit: int) -> None:
        """Begin a new run of test questions.

        :raises EvaluationError: when one is running, or fewer than two arms are to be compared.
        """
        ordered = tuple(arm for arm in ARM_NAMES if arm in arms)
        if len(ordered) < 2:
            raise EvaluationError("Choose at least two arms: one alone has nothing to win against.")
        if limit < 1:
            raise EvaluationError("Ask at least one question.")
        corpus = self._workbench.corpus(reference)
        asked = len(corpus.of_split("test"))
        folder = self._runs() / f"evaluate-{corpus.name}-{uuid.uuid4().hex[:8]}"
        self._begin(
            Plan(
                reference=reference,
                title=corpus.info.title or corpus.name,
                arms=ordered,
                split="test",
                limit=limit if limit < asked else None,
                oracle=False,
                folder=folder,
            )
        )

    def finished(self) -> str:
        """The name, for `ui.benchmark_runs`, of the run that ran last."""
        return self._standing.plan.folder.name if self._standing.plan else ""

    def unfinished(self, reference: str) -> str:
        """Say which run of a corpus can be gone on with; empty where there is none."""
        plan = self._unfinished(reference)
        return plan[1] if plan else ""

    def resume(self, reference: str) -> None:
        """Go on with the newest run of a corpus that was broken off.

        :raises EvaluationError: when there is none, or one is running.
        """
        plan = self._unfinished(reference)
        if plan is None:
            raise EvaluationError("No run of this domain was broken off: start a new one.")
        self._begin(plan[0])

    def stop(self) -> None:
        """Ask for a stop after the batch that is being answered; nothing of it is lost."""
        with self._changing:
            if self._standing.state == "running":
                self._stop.set()
                self._put(replace(self._standing, state="stopping"))

    def join(self, seconds: float) -> None:
        """Wait for the thread to end, at most so long."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _runs(self) -> Path:
        return self._workbench.state / "runs"

    def _unfinished(self, reference: str) -> tuple[Plan, str] | None:
        corpus = self._workbench.corpus(reference).name
        running = self._standing.plan if self._standing.busy else None
        for info, folder in unfinished_runs(self._runs(), corpus):
            if running is None or folder != running.folder:
                plan = Plan(
                    reference=reference,
                    title=info.corpus_title,
                    arms=info.arms,
                    split=info.split,
                    limit=info.limit,
                    oracle=bool(info.oracles),
                    folder=folder,
                )
                words = f"{', '.join(info.arms)} on {info.n} questions, of {started_at(info)} UTC"
                return plan, words
        return None

    def _begin(self, plan: Plan) -> None:
        with self._changing:
            if self._standing.busy:
                raise EvaluationError(
                    "An evaluation is running already: wait for its end, or stop it first."
                )
            if not self._workbench.evaluating.acquire(blocking=False):
                raise EvaluationError(
                    "A program or another page evaluates at the moment: wait until it has ended."
                )
            self._stop.clear()
            self._put(Standing(state="running", plan=plan, version=self._standing.version))
            self._thread = threading.Thread(
                target=self._work, args=[plan], name="evaluation", daemon=True
            )
            self._thread.start()

    def _work(self, plan: Plan) -> None:
        state: State = "done"
        message = ""
        try:
            self._workbench.evaluate(
                plan.reference,
                arms=plan.arms,
                split=plan.split,
                limit=plan.limit,
                out=plan.folder,
                oracle=plan.oracle,
                report=self._heard,
            )
        except _StoppedError:
            state = "stopped"
        except ProjectError as error:
            state, message = "failed", str(error)
        except Exception:  # the thread's last line: the page says a sentence, the log the traceback
            _log.exception("the evaluation into %s failed", plan.folder)
            state = "failed"
            message = INSIDE
        finally:
            self._workbench.evaluating.release()
        with self._changing:
            self._put(replace(self._standing, state=state, message=message, left=None))

    def _heard(self, done: int, of: int, left: float | None) -> None:
        with self._changing:
            self._put(replace(self._standing, done=done, of=of, left=left, told=time.monotonic()))
        # With every answer there, what is left is adding up: that is not worth a stop.
        if self._stop.is_set() and done < of:
            raise _StoppedError

    def _put(self, standing: Standing) -> None:
        self._standing = replace(standing, version=self._standing.version + 1)
