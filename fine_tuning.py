"""The verbs about fine-tuning: what the `Workbench` trains, tunes, measures and keeps."""

import uuid
from collections.abc import Callable

from adapter_care import AdapterCare
from contexts import training_rows
from core.corpus.read import Corpus
from core.errors import CorpusError
from core.model_files import find_language_model
from rag.embedding_cache import CachedEncoder
from rag.library import Library
from sft.adapters import check_adapter_name
from sft.recipe import Recipe
from sft.training import TrainingJob, TrainingResult, train_adapter

#: Where the replayed general questions come from.
REPLAY_CORPUS = "general-knowledge"


class FineTuning(AdapterCare):
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
        report: Callable[[dict[str, float]], None] = lambda row: None,
    ) -> TrainingResult:
        """Fine-tune the base model on a corpus's questions and keep the adapter."""
        corpus = self.corpus(reference)
        if not corpus.of_split("train"):
            raise CorpusError(
                f"{corpus.folder} has no questions of the train split: there is nothing to learn. "
                "Label some in qa.jsonl."
            )
        check_adapter_name(name)
        rows, validation = training_rows(
            corpus,
            self.corpus(REPLAY_CORPUS) if recipe.replay_share else None,
            self.library(corpus) if corpus.documents and recipe.open_book_share else None,
            recipe=recipe,
        )
        run = f"{corpus.name}-{uuid.uuid4().hex[:8]}"
        files = find_language_model(self.settings.base_model, self.settings.state / "models")
        job = TrainingJob(
            name=name or run,
            corpus=corpus.name,
            corpus_fingerprint=corpus.fingerprint,
            base_model=self.settings.base_model,
            base_fingerprint=files.sha256,
            base_location=files.location,
            run_folder=self.settings.state / "runs" / run,
            adapter_folder=self.settings.state / "adapters" / corpus.name / (name or run),
        )
        return train_adapter(
            job,
            rows,
            validation,
            recipe=recipe,
            device=self.settings.device,
            report=report,
        )
