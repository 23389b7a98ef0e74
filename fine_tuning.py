"""The verbs about fine-tuning: what the `Workbench` trains and tunes."""

import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from adapter_care import AdapterCare
from contexts import TrainingRows, training_rows
from core.corpus.read import Corpus
from core.errors import CorpusError, TrainingError
from core.model_files import find_language_model
from core.prompts import Prompt
from measured_forgetting import REPLAY_CORPUS
from rag.embedding_cache import CachedEncoder
from rag.library import Library
from sft.adapters import check_adapter_name
from sft.job import TrainingJob, TrainingResult
from sft.one_training import going_on, one_training
from sft.processes import agree, meet
from sft.recipe import Recipe
from sft.run_folder import RunFolder, remove_leftovers, request_stop, unfinished_runs
from sft.tuning_table import TuningResult

_log = logging.getLogger(__name__)


class FineTuning(AdapterCare):
    """Trains and tunes."""

    # What everything stands on

    def encoder(self) -> CachedEncoder:
        """Return the encoder, loaded the first time."""
        return self._loaded.encoder()

    def library(self, corpus: Corpus) -> Library:
        """Open what a corpus's documents are looked up with; see `Loaded.library`."""
        return self._loaded.library(corpus)

    # Fine-tuning

    def train(
        self,
        reference: str,
        *,
        recipe: Recipe,
        name: str | None = None,
        wait: bool = False,
        report: Callable[[dict[str, float]], None] = lambda row: None,
    ) -> TrainingResult:
        """Fine-tune the base model on a corpus's questions and keep the adapter.

        :param wait: wait for another training that goes on, instead of being refused.
        """
        return self._train_on(
            self.corpus(reference), recipe=recipe, name=name, wait=wait, report=report
        )

    def _train_on(
        self,
        corpus: Corpus,
        library: Library | None = None,
        *,
        recipe: Recipe,
        name: str | None,
        wait: bool,
        report: Callable[[dict[str, float]], None],
    ) -> TrainingResult:
        """Fine-tune on a corpus as it is in memory.

        :param library: gives open-book rows their context, instead of the corpus's own index.
        """
        _check_trainable(corpus)
        check_adapter_name(name)
        recipe = self._read_as_set(recipe)
        from sft.training import train_adapter  # noqa: PLC0415  (loads torch)

        meet(self.settings.device)
        run = RunFolder(self._runs / agree(f"{corpus.name}-{uuid.uuid4().hex[:8]}"))
        with one_training(self._runs, run.name, wait=wait, tell=_log.warning):
            remove_leftovers(self._runs)
            made = self.rows(corpus, recipe, library)
            job = replace(self._job(corpus, run, name or run.name), row_counts=made.counts)
            return train_adapter(
                job,
                made.rows,
                made.validation,
                recipe=recipe,
                device=self.settings.device,
                report=report,
            )

    def resume(
        self,
        reference: str,
        *,
        wait: bool = False,
        report: Callable[[dict[str, float]], None] = lambda row: None,
    ) -> TrainingResult:
        """Go on with the newest run of a corpus that was broken off: its recipe, name and rows.

        :raises TrainingError: when there is none, or the corpus or the base changed since.
        """
        return self._resume_on(self.corpus(reference), wait=wait, report=report)

    def _resume_on(
        self,
        corpus: Corpus,
        *,
        name: str | None = None,
        wait: bool,
        report: Callable[[dict[str, float]], None],
    ) -> TrainingResult:
        """Go on with the newest run of a corpus, or the newest of an adapter's name."""
        meet(self.settings.device)
        going = going_on(self._runs)
        broken_off = self._broken_off(corpus, name)
        label = next((run.name for run in broken_off if run.name != going), "")
        with one_training(self._runs, label, wait=wait, tell=_log.warning):
            # Looked for again: what was waited for may have been one of them.
            found = self._broken_off(corpus, name)
            if not found:
                raise TrainingError(
                    f"There is no unfinished training of {corpus.name} to go on with; "
                    "train without --resume."
                )
            run = found[0]
            from sft.training import resume_training  # noqa: PLC0415  (loads torch)

            job = self._job(corpus, run, run.record().name)
            return resume_training(job, device=self.settings.device, report=report)

    def unfinished(self, reference: str) -> RunFolder | None:
        """Find the newest run of a corpus that was broken off, if there is one."""
        going = going_on(self._runs)
        found = self._broken_off(self.corpus(reference))
        return next((run for run in found if run.name != going), None)

    def stop(self) -> str:
        """Ask the training that is going on to stop after its step and keep its best weights.

        :returns: the run's name.
        :raises TrainingError: when none is going on.
        """
        going = going_on(self._runs)
        if going is None:
            raise TrainingError("No training is going on: there is nothing to stop.")
        request_stop(self._runs / going)
        return going

    def _broken_off(self, corpus: Corpus, name: str | None = None) -> list[RunFolder]:
        runs = unfinished_runs(self._runs, corpus.name)
        return [run for run in runs if name is None or run.record().name == name]

    @property
    def _runs(self) -> Path:
        return self.settings.state / "runs"

    def _job(self, corpus: Corpus, run: RunFolder, name: str) -> TrainingJob:
        files = find_language_model(self.settings.base_model, self.settings.state / "models")
        return TrainingJob(
            name=name,
            corpus=corpus.name,
            corpus_fingerprint=corpus.fingerprint,
            base_model=self.settings.base_model,
            base_fingerprint=files.sha256,
            base_location=files.location,
            run_folder=run.path,
            adapter_folder=self.settings.state / "adapters" / corpus.name / name,
            answers={one.id: one.answers for one in corpus.of_split("validation")},
            general=self._general_prompts(),
            base_answers=self.settings.state / "base-answers",
        )

    def _read_as_set(self, recipe: Recipe) -> Recipe:
        """Write down how much is read: what is trained is to be asked so, whatever is set then."""
        windows = recipe.read_windows or self.settings.read_windows
        return recipe.model_copy(update={"read_windows": windows})

    def _general_prompts(self) -> tuple[Prompt, ...]:
        """What the base is to answer as before, if a recipe holds it to that; none if none are."""
        from sft.retention import general_prompts  # noqa: PLC0415  (loads torch)

        try:
            general = self.corpus(REPLAY_CORPUS)
        except CorpusError:  # only who needs them is told that they are missing
            return ()
        return general_prompts(general.of_split("train"), general.wording)

    def tune(
        self,
        reference: str,
        *,
        recipe: Recipe,
        trials: int,
        held: frozenset[str] = frozenset(),
        restart: bool = False,
        report: Callable[[dict[str, float]], None] = lambda row: None,
    ) -> TuningResult:
        """Try recipes on a corpus's questions until so many trials are done; see `sft.tuning`."""
        from sft.tuning import TuningJob, tune  # noqa: PLC0415  (optuna is slow to import)

        corpus = self.corpus(reference)
        _check_trainable(corpus)
        recipe = self._read_as_set(recipe)
        folder = self.settings.state / "tuning" / corpus.name
        with one_training(self._runs, f"tune-{corpus.name}", wait=False, tell=_log.warning):
            made = self.rows(corpus, recipe)
            run = replace(
                self._job(corpus, RunFolder(folder / "trials"), "trial"),
                adapter_folder=folder / "trials",
            )
            job = TuningJob(run, recipe, folder, self.settings.device, held)
            return tune(
                job, made.rows, made.validation, trials=trials, restart=restart, report=report
            )

    def rows(self, corpus: Corpus, recipe: Recipe, library: Library | None = None) -> TrainingRows:
        """Make the rows that a training by this recipe learns from, and tell what was found.

        :param library: gives open-book rows their context, instead of the corpus's own index.
        """
        reads = bool(corpus.documents and recipe.open_book_share)
        made = training_rows(
            corpus,
            self.corpus(REPLAY_CORPUS) if recipe.replay_share else None,
            (library or self.library(corpus)) if reads else None,
            recipe=recipe,
        )
        for finding in made.findings:
            _log.warning(finding)
        return made


def _check_trainable(corpus: Corpus) -> None:
    if not corpus.of_split("train") and not corpus.chats:
        raise CorpusError(
            f"{corpus.folder} has no questions of the train split: there is nothing to learn. "
            "Label some in qa.jsonl, or put chats into chats.jsonl."
        )
