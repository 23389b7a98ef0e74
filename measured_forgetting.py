"""The verbs about forgetting: what fine-tuning cost is measured, kept and told."""

from pathlib import Path

from arms import Arms
from core.corpus.plain_text import read_plain_text
from core.errors import RetrievalUnavailable
from core.prompts import PROMPT_VERSION
from curation import Curation
from eval.forgetting import Forgetting, Probe, Report, general_questions, measure_forgetting
from eval.forgetting_files import (
    Weights,
    base_answers,
    card_beside,
    forgetting_line,
    forgetting_path,
    read_forgetting,
    write_forgetting,
)
from eval.runner import choose_questions
from sft.adapters import Adapter, find_adapter
from sft.fine_tuned import scaled_title

#: Where the replayed general questions come from, and those that forgetting is measured on.
REPLAY_CORPUS = "general-knowledge"


class MeasuredForgetting(Curation):
    """Measures what an adapter forgot, and keeps it beside the adapter."""

    def forgetting(
        self,
        reference: str,
        *,
        adapter: str | None = None,
        limit: int | None = None,
        out: Path | None = None,
        report: Report = lambda what, done, of: None,
    ) -> tuple[Forgetting, Path | None]:
        """Measure what an adapter (the active one unless named) forgot, and keep it beside it.

        :param limit: a seeded sample of so many general questions.
        :param out: the file it goes to instead.
        :returns: what was measured and the file it is in; None where a fuller measurement of the
            same weights is kept, which a sample does not replace.
        """
        corpus, general = self.corpus(reference), self.corpus(REPLAY_CORPUS)
        asked = choose_questions(general, "test", limit=limit, seed=self.settings.seed)
        probe = Probe(
            general, general_questions(asked), read_plain_text(general), self.known(general)
        )
        tuned = self._loaded.fine_tuned(corpus, adapter)
        found = find_adapter(self.state, corpus.name, tuned.name)
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
        kept = self.forgetting_of(found, tuned.title)
        if out is None and kept is not None and kept.questions > measured.questions:
            return measured, None
        path = out or forgetting_path(found.folder, self.state, shipped=found.shipped)
        write_forgetting(path, measured, card=card_beside(path, found.folder))
        return measured, path

    def forgetting_of(self, adapter: Adapter, named: str | None = None) -> Forgetting | None:
        """Read what was measured of an adapter; None when nothing was, or of other weights.

        :param named: what its answers' provenance calls it, with the scale it answers at.
        """
        weights = self._weights(adapter)
        if named is not None:
            weights = weights._replace(adapter=named)
        return read_forgetting(adapter.folder, self.state, weights)

    def forgetting_line(self, adapter: Adapter) -> str:
        """Say in one line what an adapter forgot, or that it has to be measured."""
        corpus = adapter.manifest.corpus
        return forgetting_line(adapter.folder, self.state, self._weights(adapter), corpus=corpus)

    def _weights(self, adapter: Adapter) -> Weights:
        made = adapter.manifest
        named = scaled_title(made.name, self._loaded.scale_of(adapter))
        return Weights(named, made.sha256, made.base_fingerprint, PROMPT_VERSION)
