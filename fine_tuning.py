"""The verbs about fine-tuning: what the `Workbench` trains, tunes, measures and keeps."""

import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from arms import Arms
from contexts import TrainingRows, training_rows
from core.corpus.plain_text import read_plain_text
from core.corpus.read import Corpus
from core.errors import CorpusError, RetrievalUnavailable, TrainingError
from core.model_files import find_language_model
from core.prompts import PROMPT_VERSION, Prompt
from curation import Curation
from eval.forgetting import Forgetting, Probe, Report, general_questions, measure_forgetting
from eval.forgetting_files import (
    Weights,
    base_answers,
    forgetting_line,
    forgetting_path,
    read_forgetting,
    write_forgetting,
)
from eval.runner import choose_questions
from rag.embedding_cache import CachedEncoder
from rag.library import Library
from sft.adapters import (
    Adapter,
    activate_adapter,
    check_adapter_name,
    find_adapter,
    list_adapters,
    remove_adapter,
)
from sft.job import TrainingJob, TrainingResult
from sft.one_training import going_on, one_training
from sft.processes import agree, meet
from sft.recipe import Recipe
from sft.retention import general_prompts
from sft.run_folder import RunFolder, remove_leftovers, unfinished_runs
from sft.training import resume_training, train_adapter
from sft.tuning_table import TuningResult

#: Where the replayed general questions come from, and those that forgetting is measured on.
REPLAY_CORPUS = "general-knowledge"

_log = logging.getLogger(__name__)


class FineTuning(Curation):
    """Trains adapters and looks after them."""

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
        corpus = self._trainable(reference)
        check_adapter_name(name)
        meet(self.settings.device)
        run = RunFolder(self._runs / agree(f"{corpus.name}-{uuid.uuid4().hex[:8]}"))
        with one_training(self._runs, run.name, wait=wait, tell=_log.warning):
            remove_leftovers(self._runs)
            made = self._rows(corpus, recipe)
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
        corpus = self.corpus(reference)
        meet(self.settings.device)
        found = unfinished_runs(self._runs, corpus.name)
        if not found:
            raise TrainingError(
                f"There is no unfinished training of {corpus.name} to go on with; "
                "train without --resume."
            )
        run = found[0]
        with one_training(self._runs, run.name, wait=wait, tell=_log.warning):
            if run.finished:
                raise TrainingError(f"The training {run.name} has ended meanwhile.")
            job = self._job(corpus, run, run.record().name)
            return resume_training(job, device=self.settings.device, report=report)

    def unfinished(self, reference: str) -> RunFolder | None:
        """Find the newest run of a corpus that was broken off, if there is one."""
        going = going_on(self._runs)
        found = unfinished_runs(self._runs, self.corpus(reference).name)
        return next((run for run in found if run.name != going), None)

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

    def _general_prompts(self) -> tuple[Prompt, ...]:
        """What the base is to answer as before, if a recipe holds it to that; none if none are."""
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

        corpus = self._trainable(reference)
        folder = self.settings.state / "tuning" / corpus.name
        with one_training(self._runs, f"tune-{corpus.name}", wait=False, tell=_log.warning):
            made = self._rows(corpus, recipe)
            run = replace(
                self._job(corpus, RunFolder(folder / "trials"), "trial"),
                adapter_folder=folder / "trials",
                row_counts=made.counts,
            )
            job = TuningJob(run, recipe, folder, self.settings.device, held)
            return tune(
                job, made.rows, made.validation, trials=trials, restart=restart, report=report
            )

    def _trainable(self, reference: str) -> Corpus:
        corpus = self.corpus(reference)
        if not corpus.of_split("train") and not corpus.chats:
            raise CorpusError(
                f"{corpus.folder} has no questions of the train split: there is nothing to learn. "
                "Label some in qa.jsonl, or put chats into chats.jsonl."
            )
        return corpus

    def _rows(self, corpus: Corpus, recipe: Recipe) -> TrainingRows:
        made = training_rows(
            corpus,
            self.corpus(REPLAY_CORPUS) if recipe.replay_share else None,
            self.library(corpus) if corpus.documents and recipe.open_book_share else None,
            recipe=recipe,
        )
        for finding in made.findings:
            _log.warning(finding)
        return made

    def adapters(self, reference: str | None = None) -> list[Adapter]:
        """All adapters, or those of one corpus."""
        return list_adapters(self.state, self.corpus(reference).name if reference else None)

    def adapter(self, reference: str, name: str) -> Adapter:
        """Find one adapter of a corpus by name."""
        return find_adapter(self.state, self.corpus(reference).name, name)

    def activate(self, reference: str, name: str) -> Adapter:
        """Answer with this adapter from now on."""
        return activate_adapter(self.state, self.adapter(reference, name))

    def remove(self, reference: str, name: str) -> Adapter:
        """Delete an adapter of the state folder."""
        adapter = self.adapter(reference, name)
        remove_adapter(adapter)
        return adapter

    # Forgetting

    def forgetting(
        self,
        reference: str,
        *,
        adapter: str | None = None,
        limit: int | None = None,
        out: Path | None = None,
        report: Report = lambda what, done, of: None,
    ) -> tuple[Forgetting, Path]:
        """Measure what an adapter (the active one unless named) forgot, and keep it beside it.

        :param limit: a seeded sample of so many general questions.
        :param out: the file it goes to instead.
        :returns: what was measured and the file it is in.
        """
        corpus, general = self.corpus(reference), self.corpus(REPLAY_CORPUS)
        asked = choose_questions(general, "test", limit=limit, seed=self.settings.seed)
        probe = Probe(
            general, general_questions(asked), read_plain_text(general), self.known(general)
        )
        tuned = self._loaded.fine_tuned(corpus, adapter)
        found = self.adapter(reference, tuned.name)
        arms = Arms(
            self.model(),
            general.wording,
            fine_tuned=tuned,
            library=RetrievalUnavailable("General questions are asked with closed books."),
            max_new_tokens=self.settings.max_new_tokens,
            seed=self.settings.seed,
        )
        measured = measure_forgetting(
            self.model(),
            arms,
            probe,
            loaded_as=tuned.loaded_as,
            base_answers=base_answers(arms, probe, self.state, report=report),
            form=found.manifest.recipe.form,
            report=report,
        )
        path = out or forgetting_path(found.folder, self.state, shipped=found.shipped)
        write_forgetting(path, measured)
        return measured, path

    def forgetting_of(self, adapter: Adapter, named: str | None = None) -> Forgetting | None:
        """Read what was measured of an adapter; None when nothing was, or of other weights.

        :param named: what its answers' provenance calls it, with the scale it answers at.
        """
        weights = _weights(adapter)
        if named is not None:
            weights = weights._replace(adapter=named)
        return read_forgetting(adapter.folder, self.state, weights)

    def forgetting_line(self, adapter: Adapter) -> str:
        """Say in one line what an adapter forgot, or that it has to be measured."""
        corpus = adapter.manifest.corpus
        return forgetting_line(adapter.folder, self.state, _weights(adapter), corpus=corpus)


def _weights(adapter: Adapter) -> Weights:
    made, scale = adapter.manifest, adapter.manifest.recipe.scale
    named = made.name if scale == 1 else f"{made.name} at scale {scale:g}"
    return Weights(named, made.sha256, made.base_fingerprint, PROMPT_VERSION)
