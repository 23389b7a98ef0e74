"""Keeps what the Decide tab shows of a run, so that a run is read once and not by every visitor."""

import logging
import shlex
import shutil
import threading
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

from pydantic import ValidationError

from core.corpus.revisions import revision_names
from core.errors import EvaluationError, ProjectError
from core.settings import PROJECT_ROOT
from core.storage import Stamp, folder_stamp
from eval.cost import DEAREST, Cost, Prices
from eval.report_data import Run
from ui.decide_cost import cost_part
from ui.decide_runs import change_stamp, read_offer, take_away
from ui.decide_view import figures_part, nothing_yet, rest_part, unreadable, verdict_part
from ui.markup import INSIDE
from ui.run_offers import Offer, chosen, offers
from workbench import Workbench

#: Runs kept in memory; the oldest gives way.
_MOST = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shown:
    """What the tab shows of one run."""

    verdict: str
    figures: str = ""
    rest: str = ""
    #: Report, table and summary to take away; None where there is no run.
    files: tuple[Path, Path, Path] | None = None
    run: Run | None = None
    cost: Cost | None = None
    #: The command that measures the run's costs.
    measure: str = ""


class Results:
    """Reads runs, makes their parts of the page, and remembers them while the files stay."""

    def __init__(self, workbench: Workbench, *, public: bool = False) -> None:
        """Read shipped runs and, unless strangers use the page, the user's own."""
        self._workbench, self._public = workbench, public
        # What one user of the page measures is not for another to see.
        self._runs = None if public else workbench.settings.state / "runs"
        self._kept: dict[tuple[Path, Stamp, Stamp], Shown] = {}
        self._lock = threading.Lock()
        self._aside = Path(mkdtemp(prefix="sft-vs-rag-report-"))
        weakref.finalize(self, shutil.rmtree, self._aside, ignore_errors=True)

    def offers(self, corpus: str) -> list[tuple[str, str]]:
        """Labels and names of the runs to choose from."""
        return [(one.label, one.name) for one in offers(corpus, self._runs)]

    def shown(self, corpus: str, name: str | None) -> Shown:
        """Give what is shown of the run of this name, or a sentence on why there is nothing."""
        try:
            offer = chosen(offers(corpus, self._runs), name)
            if offer is None:
                found = self._workbench.corpus(corpus)
                title = found.info.title or found.name
                return Shown(nothing_yet(title, None if self._public else corpus))
            key = (offer.folder, folder_stamp(offer.folder), change_stamp(self._runs))
            with self._lock:
                if key not in self._kept:
                    self._kept[key] = self._made(corpus, offer)
                    while len(self._kept) > _MOST:
                        self._kept.pop(next(iter(self._kept)))
                return self._kept[key]
        except ProjectError as error:
            return Shown(unreadable(str(error)))
        except Exception:
            _log.exception("The run %s of %s cannot be shown.", name, corpus)
            return Shown(unreadable(INSIDE))

    def month(
        self, corpus: str, name: str | None, prices: Prices, *, questions: float, revisions: float
    ) -> str:
        """Give the cost of a month, or a sentence on why it is not known."""
        shown = self.shown(corpus, name)
        if shown.run is None or shown.cost is None:
            return ""
        try:
            return cost_part(
                shown.run,
                shown.cost,
                prices,
                questions=questions,
                revisions=revisions,
                measure=shown.measure,
            )
        except ProjectError as error:
            return unreadable(str(error))
        except Exception:
            _log.exception("The cost of a month of %s cannot be shown.", corpus)
            return unreadable(INSIDE)

    def _made(self, corpus: str, offer: Offer) -> Shown:
        run, change_from = read_offer(offer, self._runs)
        if not run.forgetting:
            found = self._workbench.forgotten(run.summary.get("provenance") or {})
            if found is not None:
                run = replace(run, forgetting=found.model_dump(mode="json"))
        cost = self._cost(offer)
        if cost is not None:
            run = replace(run, cost=cost.model_dump(mode="json"))
        folder = self._aside / offer.name
        # Commands name a corpus as they find it: one of the user's own by its folder.
        named = replace(run, summary={**run.summary, "corpus": corpus})
        try:
            return Shown(
                verdict=verdict_part(run),
                figures=figures_part(
                    named, change_from=change_from, revisions=self._revisions(corpus)
                ),
                rest=rest_part(named),
                files=take_away(run, folder),
                run=run,
                cost=cost,
                measure=_measuring(offer, corpus),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EvaluationError(
                f"A file of the run {offer.folder.name} has not the shape that it must have "
                f"({type(error).__name__}: {error}). Evaluate again."
            ) from error

    def _revisions(self, corpus: str) -> list[str]:
        return revision_names(self._workbench.corpus(corpus).folder)

    def _cost(self, offer: Offer) -> Cost | None:
        try:
            return self._workbench.known_cost(offer.folder)
        except EvaluationError as error:
            _log.warning("The costs of the run %s are not known: %s", offer.folder, error)
            return None


def prices_of(values: dict[str, float | None]) -> Prices:
    """Prices as they were typed; a field left empty costs nothing.

    :raises EvaluationError: when one is below nothing.
    """
    try:
        return Prices.model_validate({name: value or 0 for name, value in values.items()})
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0]).replace("_", " ")
        raise EvaluationError(
            f"The price “{name}” must be a number from 0 on, up to {DEAREST:,.0f}."
        ) from error


def _measuring(offer: Offer, corpus: str) -> str:
    folder = offer.folder
    if folder.is_relative_to(PROJECT_ROOT):  # commands are given in the checkout
        folder = folder.relative_to(PROJECT_ROOT)
    return shlex.join(["sft-vs-rag", "cost", str(folder), "--measure", corpus])
