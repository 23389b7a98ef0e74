"""The verbs that tell of runs: a page of them, and two held against each other."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import EvaluationError
from core.records import FINE_TUNED
from core.storage import write_json
from costing import Costing
from eval.compare import compare_runs
from eval.cost_files import write_cost
from eval.forgetting import Forgetting
from eval.forgetting_files import FORGETTING_FILE
from eval.rebuild import rebuild
from eval.report import write_report
from eval.run_files import ANSWERS_FILE

_log = logging.getLogger(__name__)


class Reporting(Costing):
    """Tells of runs; no model is loaded for it."""

    def report(self, folders: Sequence[Path], *, out: Path | None = None) -> Path:
        """Make one page of runs, their results derived anew without a model; see `eval.report`.

        :returns: the page's file.
        """
        for folder in folders:
            if (folder / ANSWERS_FILE).is_file():  # older runs have only what was derived then
                self._keep_what_was_forgotten(folder, rebuild(folder)["provenance"])
            self._keep_what_it_cost(folder)
        first, *also = folders
        return write_report(first, out, also=also)

    def compare(self, before: Path, after: Path) -> dict[str, Any]:
        """Test each arm of a run against itself in another; see `eval.compare`."""
        return compare_runs(before, after, seed=self.settings.seed)

    def forgotten(self, made: Mapping[str, Any]) -> Forgetting | None:
        """Find what the adapter that answered a run forgot, where that was measured here.

        :param made: the run's provenance, by arm.
        """
        tuned = next((made[arm] for arm in made if arm in FINE_TUNED), None)
        if tuned is None:
            return None
        for adapter in self.adapters():
            if adapter.manifest.sha256 == tuned["adapter_fingerprint"]:
                return self.forgetting_of(adapter, tuned["adapter"])
        return None

    def _keep_what_it_cost(self, folder: Path) -> None:
        try:
            write_cost(folder, self.known_cost(folder))
        except EvaluationError as error:  # the page says what there is; this is not its main part
            _log.warning("What %s cost is not told: %s", folder, error)

    def _keep_what_was_forgotten(self, folder: Path, made: Mapping[str, Any]) -> None:
        if (folder / FORGETTING_FILE).exists():
            return
        forgotten = self.forgotten(made)
        if forgotten is not None:
            write_json(folder / FORGETTING_FILE, forgotten.model_dump(mode="json"))
