"""The verb about cost: what was measured in a run's folder, or is measured now."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from arms import Arms
from changing import Changing
from core.corpus.read import Corpus
from core.errors import EvaluationError
from core.records import ARM_NAMES, SEARCHING, ArmName
from eval.change_files import read_measured
from eval.cost import Cost
from eval.cost_files import (
    Timed,
    arm_costs,
    read_cost,
    read_machine,
    read_summary,
    read_timed,
    write_cost,
)
from eval.runner import choose_questions
from rag.sync import sync_index
from sft.adapters import list_adapters
from sft.manifest import AdapterManifest

#: What a cost may not know at first, and a change test tells later.
_STEPS = ("train_seconds", "index_seconds", "sync_seconds", "retrain_seconds", "changed_facts")
#: Questions asked one at a time of each arm, when answers are timed alone.
TIMED_ALONE = 12


class Costing(Changing):
    """Gathers what things cost."""

    def cost(
        self,
        folder: Path,
        *,
        measure: str | None = None,
        report: Callable[[str], None] = lambda line: None,
    ) -> Cost:
        """Read a run's measured costs, or gather and keep them in its `cost.json`.

        :param measure: a corpus; its index is made from nothing, aside, and some questions are
            asked one at a time, so that an answer's time is not its batch's.
        :raises EvaluationError: when the folder holds no answers, or a file cannot be read.
        """
        cost = self.known_cost(folder)
        if measure is not None:
            answered = self._answered_with(read_summary(folder))
            cost = self._measured_alone(cost, self.corpus(measure), answered, report)
        write_cost(folder, cost)
        return cost

    def known_cost(self, folder: Path) -> Cost:
        """Give a run's costs as far as they are kept and its files tell; nothing is measured.

        What was measured by itself counts; what was not, the files may tell by now: a change test
        may have been made since, or a run gone on.

        :raises EvaluationError: when the folder holds no answers, or a file cannot be read.
        """
        kept = read_cost(folder)
        if kept is None:
            return self._told_by_files(folder)
        alone = kept.seconds_are == "alone"
        missing = [name for name in _STEPS if getattr(kept, name) is None]
        if alone and not missing:
            return kept
        try:
            told = self._told_by_files(folder)
        except EvaluationError:  # the answers are gone, the costs are kept
            return kept
        update = [*missing, *(() if alone else ("arms",))]
        return kept.model_copy(update={name: getattr(told, name) for name in update})

    def _told_by_files(self, folder: Path) -> Cost:
        timed, changed = read_timed(folder), read_measured(folder)
        answered = self._answered_with(read_summary(folder))
        trained = answered.seconds if answered else None
        if trained is None and changed:
            trained = changed.train_seconds
        return Cost(
            machine=read_machine(folder),
            train_seconds=trained,
            index_seconds=changed.index_seconds if changed else None,
            sync_seconds=changed.sync_seconds if changed else None,
            retrain_seconds=changed.retrain_seconds if changed else None,
            changed_facts=changed.changed_facts if changed else None,
            arms=arm_costs(timed),
        )

    def _answered_with(self, summary: dict[str, Any]) -> AdapterManifest | None:
        """The adapter that answered an evaluation; None where it is not known here."""
        made = summary.get("provenance")
        asked = made.values() if isinstance(made, dict) else ()
        wanted = {one.get("adapter_fingerprint") for one in asked if isinstance(one, dict)} - {None}
        for adapter in list_adapters(self.state):
            if adapter.manifest.sha256 in wanted:
                return adapter.manifest
        return None

    def _measured_alone(
        self,
        cost: Cost,
        corpus: Corpus,
        answered: AdapterManifest | None,
        report: Callable[[str], None],
    ) -> Cost:
        arms = [arm for arm in ARM_NAMES if arm in cost.arms]
        same = answered is not None and answered.corpus == corpus.name
        tuned = self.tuned_or_why(corpus, answered.name if answered and same else None)
        together = self.arms_of(corpus, tuned, self.library_or_why(corpus))
        timed = self._timed_alone(corpus, together, arms, report)
        found: dict[str, Any] = {
            "arms": arm_costs(timed),
            "seconds_are": "alone",
            "machine": {
                "cpus": os.cpu_count(),
                "device": str(self.model().device),
                "dtype": str(self.model().dtype).removeprefix("torch."),
            },
        }
        if corpus.documents and set(arms) & set(SEARCHING):
            with TemporaryDirectory() as aside:
                encoder = self.encoder().apart(Path(aside) / "embeddings")
                encoder.encode_questions(["warm"])  # the first text of a process takes longer
                found["index_seconds"] = sync_index(corpus, encoder, Path(aside)).seconds
            report(f"indexed from nothing in {found['index_seconds']:.1f} s")
        return cost.model_copy(update=found)

    def _timed_alone(
        self,
        corpus: Corpus,
        together: Arms,
        arms: Sequence[ArmName],
        report: Callable[[str], None],
    ) -> list[Timed]:
        seed = self.settings.seed
        asked = choose_questions(corpus, "test", limit=TIMED_ALONE, seed=seed)
        timed = []
        for arm in arms:
            together.answer([asked[0].question], [arm])  # not counted: what is loaded at first use
            for one in asked:
                answer = together.answer([one.question], [arm])[0][0]
                told = answer.model_dump(include=set(Timed.model_fields))
                timed.append(Timed.model_validate(told))
            report(f"{arm}: {len(asked)} questions asked one at a time")
        return timed
