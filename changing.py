"""The verb about a change of the world: what a sync and a retraining each bring, and cost."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.corpus.read import Corpus
from core.corpus.revisions import Revision, read_revision
from core.errors import AdapterError, EvaluationError, ProjectError, RetrievalUnavailable
from core.generation import QUESTIONS_A_BATCH
from core.prompts import PROMPT_VERSION
from core.records import FINE_TUNED, SEARCHING, ArmName
from core.storage import remove_folder
from eval.change import ChangeResult, Step, choose_change_questions
from eval.change_files import ChangeFolder
from eval.change_run import ChangeRun
from evaluating import Evaluating
from rag.embedding_cache import CachedEncoder
from rag.library import Library
from rag.sync import sync_index
from sft.adapters import find_adapter
from sft.fine_tuned import FineTuned
from sft.manifest import AdapterManifest
from sft.recipe import Recipe

#: Settings of retrieval: another answer may come of another value.
_RETRIEVAL = (
    "encoder", "encoder_backend", "fusion", "relevance", "reranker", "withhold", "k", "read_from",
    "read_windows",
)  # fmt: skip


@dataclass(frozen=True)
class ChangeTest:
    """What a change test asks of whom."""

    arms: Sequence[ArmName]
    #: At most so many changed and so many unchanged questions.
    limit: int | None = None
    #: The adapter of the old world, instead of the active one.
    adapter: str | None = None
    #: How the new world is learnt; None does not retrain.
    recipe: Recipe | None = None
    #: Where it is kept; one that was begun there goes on.
    out: Path | None = None


class Changing(Evaluating):
    """Lets the world change, aside from the user's own index and adapters."""

    def change(
        self,
        reference: str,
        name: str,
        test: ChangeTest,
        *,
        report: Callable[[str], None] = lambda line: None,
    ) -> tuple[ChangeResult, Path]:
        """Ask the arms before a revision, after the index is synced, and after retraining.

        The corpus's index and adapters stay as they are: the old world is indexed in the test's
        own folder and synced there, and a retrained adapter is kept under CORPUS@REVISION.

        :param name: the revision's.
        :returns: the result and the folder it is in.
        :raises EvaluationError: when no answer changes, or the folder holds another test.
        """
        corpus, seed = self.corpus(reference), self.settings.seed
        revision = read_revision(corpus, name, seed=seed)
        questions = choose_change_questions(revision, limit=test.limit, seed=seed)
        if test.recipe is not None and not set(test.arms) & set(FINE_TUNED):
            raise EvaluationError("--retrain changes sft and sft+rag alone: name one in --arms.")
        old = self._old_adapter(corpus, revision, test)
        fresh = f"change-{corpus.name}-{name}-{uuid.uuid4().hex[:8]}"
        out = test.out or self.state / "runs" / fresh
        run = ChangeRun(
            revision,
            questions,
            ChangeFolder(out, self._asked(revision, test, old)),
            arms=test.arms,
            batch=QUESTIONS_A_BATCH,
            report=report,
        )
        run.folder.note({"changed_facts": _changed_facts(revision)})
        run.ask("before", self.arms_of(corpus, old, self._old_library(run)))
        library = self._new_library(run)
        closed = [arm for arm in test.arms if arm not in SEARCHING]
        run.carry("after_sync", closed, since="before")
        run.ask("after_sync", self.arms_of(corpus, old, library))
        if test.recipe is not None:
            made = self._retrain(run, library, test.recipe)
            new = self._loaded.fine_tuned(_named(revision), made.name)
            untouched = [arm for arm in test.arms if arm not in FINE_TUNED]
            run.carry("after_retrain", untouched, since="after_sync")
            run.ask("after_retrain", self.arms_of(corpus, new, library))
        result = run.result(self._timeline(run, old), seed=seed)
        run.folder.end(result)
        return result, out

    def _old_adapter(
        self, corpus: Corpus, revision: Revision, test: ChangeTest
    ) -> FineTuned | ProjectError:
        """Find what the fine-tuned arms know of the old world; refuse arms that cannot run."""
        if not _has_documents(revision) and set(test.arms) & set(SEARCHING):
            raise RetrievalUnavailable(
                f"The corpus {corpus.name} has no documents before or after {revision.name}, so "
                "nothing can be looked up: only base and sft can answer."
            )
        if not set(test.arms) & set(FINE_TUNED):
            return AdapterError("No fine-tuned arm is asked.")
        old = self.tuned_or_why(corpus, test.adapter)
        if isinstance(old, ProjectError):
            raise old
        return old

    def _asked(
        self, revision: Revision, test: ChangeTest, old: FineTuned | ProjectError
    ) -> dict[str, Any]:
        """Everything that an answer of the test depends on, in JSON's types."""
        settings, model = self.settings.model_dump(mode="json"), self.model()
        tuned = old if isinstance(old, FineTuned) else None
        return {
            "corpus": revision.before.name,
            "corpus_fingerprint": revision.before.fingerprint,
            "revision": revision.name,
            "revised_fingerprint": revision.after.fingerprint,
            "arms": list(test.arms),
            "limit": test.limit,
            "seed": self.settings.seed,
            "base_model": self.settings.base_model,
            "base_fingerprint": model.fingerprint,
            "adapter": tuned.title if tuned else None,
            "adapter_fingerprint": tuned.fingerprint if tuned else None,
            "prompt_version": PROMPT_VERSION,
            "decoding": f"{model.decoding}, at most {self.settings.max_new_tokens} tokens",
            "retrieval": {name: settings[name] for name in _RETRIEVAL},
        }

    def _old_library(self, run: ChangeRun) -> Library | ProjectError:
        """Index the old world from nothing, unless that is done or it is synced already."""
        folder, corpus = run.folder, run.revision.before
        if not _has_documents(run.revision) or folder.measured.sync_seconds is not None:
            return RetrievalUnavailable(
                f"Answers of the old world are missing in {folder.path}, and its index is of the "
                "new world by now: give another --out."
            )
        if folder.measured.index_seconds is not None:
            encoder = self._encoder_apart(folder)
            again = sync_index(corpus, encoder, folder.indexes)
            if not (again.added or again.updated or again.removed):
                return self._loaded.library_apart(corpus, folder.indexes, encoder)
            # Killed between the sync and its time: begun again, or the next would have less to do.
        if folder.world.exists():
            remove_folder(folder.world)
        encoder = self._encoder_apart(folder)
        made = sync_index(corpus, encoder, folder.indexes)
        folder.note({"index_seconds": made.seconds})
        run.report(f"the old world is indexed: {made.documents} documents ({made.seconds:.1f} s)")
        return self._loaded.library_apart(corpus, folder.indexes, encoder)

    def _new_library(self, run: ChangeRun) -> Library | ProjectError:
        """Bring the old world's index up to the new one; the first time it is measured.

        The time ends when the index can answer: the floor below which answers are withheld is
        chosen anew for the new documents.
        """
        folder, corpus = run.folder, run.revision.after
        if not _has_documents(run.revision):
            return RetrievalUnavailable(f"The corpus {corpus.name} has no documents.")
        encoder = self._encoder_apart(folder)
        encoder.encode_questions(["warm"])  # the first text of a process takes longer
        began = time.perf_counter()
        made = sync_index(corpus, encoder, folder.indexes)
        library = self._loaded.library_apart(corpus, folder.indexes, encoder)
        seconds = round(time.perf_counter() - began, 3)
        if folder.measured.sync_seconds is None:
            what = (
                f"the index is synced: {made.added} documents added, {made.updated} updated, "
                f"{made.removed} removed, {made.unchanged} untouched; {made.encoded} texts encoded"
            )
            folder.note({"sync_seconds": seconds, "sync_what": what})
            run.report(f"{what} ({seconds:.1f} s)")
        return library

    def _encoder_apart(self, folder: ChangeFolder) -> CachedEncoder:
        """The encoder, knowing the old world's texts alone, as a user's would by then."""
        return self.encoder().apart(folder.world / "embeddings")

    def _retrain(
        self, run: ChangeRun, library: Library | ProjectError, recipe: Recipe
    ) -> AdapterManifest:
        """Train on the revised questions by the verb that trains, or go on with what was begun."""
        folder, corpus = run.folder, _named(run.revision)
        told = recipe.model_dump(mode="json")
        if folder.measured.recipe not in (None, told):
            raise EvaluationError(
                f"{folder.path} was retrained with another recipe: give another --out."
            )
        name = folder.measured.retrained or f"change-{uuid.uuid4().hex[:8]}"
        folder.note({"retrained": name, "recipe": told})
        made = self._retrained(corpus, name)
        if made is None:
            run.report(f"retraining: the adapter {name} of {corpus.name}")

            def report(row: dict[str, float]) -> None:
                run.report(f"retraining: step {row['step']:.0f}/{row['steps']:.0f}")

            if self._broken_off(corpus, name):
                made = self._resume_on(corpus, name=name, wait=True, report=report).manifest
            else:
                books = library if isinstance(library, Library) else None
                made = self._train_on(
                    corpus, books, recipe=recipe, name=name, wait=True, report=report
                ).manifest
        what = (
            f"an adapter is trained from the base on the revised questions: {made.rows} rows, "
            f"{made.steps} steps{f'; {made.stopped}' if made.stopped else ''}"
        )
        folder.note({"retrain_seconds": made.seconds, "retrain_what": what})
        return made

    def _retrained(self, corpus: Corpus, name: str) -> AdapterManifest | None:
        try:
            return find_adapter(self.state, corpus.name, name).manifest
        except AdapterError:
            return None

    def _timeline(self, run: ChangeRun, old: FineTuned | ProjectError) -> list[Step]:
        folder, steps = run.folder, []
        if isinstance(old, FineTuned):
            made = find_adapter(self.state, run.revision.before.name, old.name).manifest
            folder.note({"train_seconds": made.seconds})
            what = (
                f"the adapter {made.name} had learnt the old world: {made.rows} rows, "
                f"{made.steps} steps (its manifest's time, on the machine that trained it)"
            )
            steps.append(Step(step="train_before", seconds=made.seconds, what=what))
        measured = folder.measured
        if measured.sync_seconds is not None:
            steps.append(Step(step="sync", seconds=measured.sync_seconds, what=measured.sync_what))
        if measured.retrain_seconds is not None:
            steps.append(
                Step(
                    step="retrain",
                    seconds=measured.retrain_seconds,
                    what=measured.retrain_what,
                    recipe=_not_by_default(measured.recipe or {}),
                )
            )
        return steps


def _not_by_default(recipe: Mapping[str, Any]) -> dict[str, Any]:
    default = Recipe().model_dump(mode="json")
    return {name: value for name, value in recipe.items() if value != default.get(name)}


def _has_documents(revision: Revision) -> bool:
    return bool(revision.before.documents and revision.after.documents)


def _changed_facts(revision: Revision) -> int:
    """How many facts a person words anew for training: those of changed and of new questions."""
    touched = {*revision.changed_questions, *revision.new_questions}
    return len({one.fact for one in revision.after.questions if one.id in touched})


def _named(revision: Revision) -> Corpus:
    """The new world under a name of its own: no adapter of it becomes the old one's active."""
    return replace(revision.after, name=f"{revision.before.name}@{revision.name}")
