"""What the Train tab shows at this moment, part by part: only what changed is sent again."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from core.errors import ProjectError
from sft.run_folder import RunFolder
from ui.markup import INSIDE, sentence
from ui.train_adapters import (
    adapter_views,
    adapters_table,
    comparison,
    forgetting_table,
    picture,
)
from ui.train_curve import curve_figures
from ui.train_data import data_summary, findings_list
from ui.train_run import RunView, broken_off, newest_run, read_run, status
from ui.train_tuning import tuning_report
from ui.trainings import Going, Trainings

_log = logging.getLogger(__name__)
#: Corpora whose findings are kept.
_KEPT = 8

#: What was sent of each part, by the part's name.
Seen = dict[str, str]


@dataclass(frozen=True)
class _Moment:
    """What is going on, and the run that is shown."""

    where: str
    corpus: str
    going: Going | None
    folder: RunFolder | None
    run: RunView | None


class Screen:
    """Reads what there is on disk for one page; all visitors see the same."""

    #: How many values `update` returns.
    SIZE = 12

    def __init__(self, trainings: Trainings) -> None:
        self.trainings = trainings
        self.workbench = trainings.workbench
        #: What the check found, by corpus and fingerprint: it takes seconds.
        self._checked: dict[tuple[str, str], str] = {}
        self._checking = threading.Lock()

    def update(self, where: str, seen: Seen, chosen: str | None) -> tuple[Any, ...]:
        """Return what is to be shown anew, `gr.skip()` for all that has not changed.

        In the order: status, curve, log, start, resume, stop, adapters, comparison, forgetting,
        adapter's choice, tuning, what was seen.
        """
        try:
            moment = self._moment(where)
        except ProjectError as error:
            return (sentence(str(error)), *[gr.skip()] * (self.SIZE - 1))
        going, corpus = moment.going, moment.corpus
        logged = going.corpus if going is not None and going.corpus else corpus
        unfinished = broken_off(self.trainings.runs, corpus, going)
        told = status(
            going, moment.run, failure=self.trainings.failure(corpus), at=datetime.now(UTC)
        )
        log = self.trainings.log(logged)
        tuned = self.workbench.state / "tuning" / corpus
        now: Seen = {
            "status": told,
            "curve": f"{corpus} {going is None} "
            + _stamp(moment.folder.curve if moment.folder else None),
            "log": log,
            "controls": f"{going is not None} {unfinished.name if unfinished else ''}",
            "adapters": self._adapters_stamp(where, corpus),
            "tuning": f"{corpus} {_stamp(*sorted(tuned.glob('*.*')))}",
        }
        new = {part for part, mark in now.items() if seen.get(part) != mark}
        return (
            told if "status" in new else gr.skip(),
            self._curve(moment) if "curve" in new else gr.skip(),
            log if "log" in new else gr.skip(),
            *(self._controls(going, unfinished) if "controls" in new else [gr.skip()] * 3),
            *(self._adapters(where, chosen) if "adapters" in new else [gr.skip()] * 4),
            tuning_report(tuned) if "tuning" in new else gr.skip(),
            now,
        )

    def shipped(self, where: str) -> tuple[str, str, str]:
        """Return what strangers see: the answering adapter's curve, the adapters, forgetting."""
        try:
            views = adapter_views(self.workbench, where)
        except ProjectError as error:
            return sentence(str(error)), "", ""
        return picture(views), adapters_table(views), forgetting_table(views)

    def data(self, where: str) -> str:
        """Return a corpus in numbers."""
        return told(lambda: data_summary(self.workbench.corpus(where)))

    def findings(self, where: str) -> str:
        """Return what the check finds in a corpus, looked for once as long as it is the same."""

        def found() -> str:
            key = (where, self.workbench.corpus(where).fingerprint)
            with self._checking:  # it takes seconds: not twice, and not two at once
                if key not in self._checked:
                    while len(self._checked) >= _KEPT:
                        del self._checked[next(iter(self._checked))]
                    self._checked[key] = findings_list(self.workbench.check(where).findings)
                return self._checked[key]

        return told(found)

    def _moment(self, where: str) -> _Moment:
        corpus, going = self.workbench.corpus(where).name, self.trainings.going()
        folder = newest_run(self.trainings.runs, corpus)
        if going is not None and going.kind in ("train", "resume"):
            if going.run:
                folder = RunFolder(self.trainings.runs / going.run)
            else:  # it has no run yet, or has done with it
                folder = newest_run(self.trainings.runs, going.corpus)
        run = read_run(folder) if folder is not None else None
        fresh = run is not None and going is not None and run.begun >= going.since
        if going is not None and going.kind in ("train", "resume") and not (going.run or fresh):
            folder = run = None
        return _Moment(where, corpus, going, folder, run)

    def _curve(self, moment: _Moment) -> str:
        """The run's curve; without one, the picture beside the adapter that answers."""
        if moment.run is not None and moment.run.rows:
            return curve_figures(moment.run.rows, moment.run.steps)
        if moment.going is not None:
            return ""
        return told(lambda: picture(adapter_views(self.workbench, moment.where)))

    def _controls(self, going: Going | None, unfinished: RunFolder | None) -> list[Any]:
        idle = going is None
        far = f" ({unfinished.progress()})" if unfinished else ""
        return [
            gr.Button(interactive=idle),
            gr.Button(
                f"Go on with the broken-off run{far}", visible=bool(unfinished), interactive=idle
            ),
            gr.Button(interactive=not idle),
        ]

    def _adapters(self, where: str, chosen: str | None) -> list[Any]:
        try:
            views = adapter_views(self.workbench, where)
        except ProjectError as error:
            return [sentence(str(error)), "", "", gr.skip()]
        names = [view.name for view in views]
        kept = chosen if chosen in names else next(iter(names), None)
        return [
            adapters_table(views),
            comparison(views),
            forgetting_table(views),
            gr.Dropdown(choices=names, value=kept),
        ]

    def _adapters_stamp(self, where: str, corpus: str) -> str:
        state = self.workbench.state
        paths = [*state.glob(f"adapters/{corpus}/*/*.json"), *state.glob("forgetting/*/*.json")]
        # With the corpus's fingerprint: another one makes adapters stale.
        return " ".join(
            [
                self.workbench.corpus(where).fingerprint,
                _stamp(*sorted(paths), state / "adapters" / corpus / "active"),
            ]
        )


def told(run: Callable[[], str]) -> str:
    """Return what `run` says; an error becomes its sentence, never a traceback."""
    try:
        return run()
    except ProjectError as error:
        return sentence(str(error))
    except Exception:
        _log.exception("The Train tab")
        return sentence(INSIDE)


def done(text: str) -> str:
    """Wrap what was done, for people."""
    return f'<p class="train say" role="status">✓ {escape(text)}</p>'


def _stamp(*paths: Path | None) -> str:
    return " ".join(_marks(paths))


def _marks(paths: tuple[Path | None, ...]) -> Iterator[str]:
    for path in paths:
        try:
            found = path.stat() if path is not None else None
        except OSError:  # none, or gone
            found = None
        if found is not None:
            yield f"{path} {found.st_size} {found.st_mtime_ns}"
