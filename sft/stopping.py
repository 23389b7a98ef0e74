"""Stopping a run from outside: Ctrl-C, SIGTERM, or a file in its folder.

Asked once, a run stops after its current step and keeps its best weights; asked twice, it leaves
at once and can be gone on with.
"""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from transformers import TrainerCallback

from sft.processes import any_of
from sft.run_folder import RunFolder

_log = logging.getLogger(__name__)


class Stopper(TrainerCallback):
    """Ends the training after the step in which it was asked to stop."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self.asked = False
        #: What the manifest says of it; "" for a run that went to its end.
        self.stopped = ""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Look whether somebody asked."""
        if not any_of(self.asked or self._run.stop_asked, args.device):
            return
        if not control.should_training_stop:  # its last step anyway
            self.stopped = f"stopped from outside at step {state.global_step} of {state.max_steps}"
            self._run.note("stop", {"step": state.global_step, "steps": state.max_steps})
        control.should_log = True
        control.should_training_stop = True


@contextmanager
def stop_signals(stopper: Stopper) -> Iterator[None]:
    """Take Ctrl-C and SIGTERM as a wish to stop; the second leaves at once.

    Signals reach a program's main thread only; in another one (the page's) this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def asked(number: int, frame: FrameType | None) -> None:
        if stopper.asked:
            raise KeyboardInterrupt
        stopper.asked = True
        _log.warning("Stopping after this step and keeping the best weights; again leaves at once.")

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
