"""Puts model, adapter and retriever of a corpus together into arms."""

from arms import Arms
from core.corpus.read import Corpus
from core.errors import AdapterError, ProjectError
from fine_tuning import FineTuning
from rag.library import Library
from sft.fine_tuned import FineTuned


class Arming(FineTuning):
    """Puts arms together; what is not there is told by the arms that need it."""

    def arms(self, reference: str, *, adapter: str | None = None) -> Arms:
        """Put the arms of a corpus together; those that cannot run know the reason."""
        corpus = self.corpus(reference)
        library = self.library_or_why(corpus)
        return self.arms_of(corpus, self.tuned_or_why(corpus, adapter), library)

    def library_or_why(self, corpus: Corpus) -> Library | ProjectError:
        """Open what a corpus's open-book arms look things up with, or say why they cannot."""
        try:
            return self.library(corpus)
        except ProjectError as error:
            return error

    def tuned_or_why(self, corpus: Corpus, adapter: str | None) -> FineTuned | ProjectError:
        """Load the adapter that a corpus's fine-tuned arms answer with, or say why there is none.

        :raises AdapterError: when one is named that is not there.
        """
        try:
            return self._loaded.fine_tuned(corpus, adapter)
        except AdapterError as error:
            if adapter is not None:
                raise
            return error

    def arms_of(
        self, corpus: Corpus, tuned: FineTuned | ProjectError, library: Library | ProjectError
    ) -> Arms:
        """Put arms together over the one model, with the settings in use."""
        return Arms(
            self.model(),
            corpus.wording,
            fine_tuned=tuned,
            library=library,
            max_new_tokens=self.settings.max_new_tokens,
            seed=self.settings.seed,
        )
