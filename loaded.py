"""What is loaded once and shared by every verb: the models, the open indexes, the adapters."""

import threading

from arms import FineTuned, Library
from core.corpus.read import Corpus
from core.device import find_device
from core.errors import AdapterError, RetrievalUnavailable
from core.language_model import LanguageModel
from core.settings import Settings
from rag.encoder import Encoder
from rag.indexes import build_index, open_index
from rag.reading import Reader
from rag.retrieval import HybridRetriever
from sft.adapters import active_adapter, check_adapter, find_adapter


class Loaded:
    """Loads each thing when it is first asked for, by one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        """Load nothing yet."""
        self._settings = settings
        self._loading = threading.RLock()
        self._model: LanguageModel | None = None
        self._encoder: Encoder | None = None
        self._libraries: dict[str, Library] = {}

    def model(self) -> LanguageModel:
        """Return the language model."""
        with self._loading:
            if self._model is None:
                self._model = LanguageModel(
                    self._settings.base_model,
                    self._settings.state / "models",
                    device=self._settings.device,
                    dtype=self._settings.dtype,
                )
            return self._model

    def encoder(self) -> Encoder:
        """Return the encoder."""
        with self._loading:
            if self._encoder is None:
                device = str(find_device(self._settings.device))
                self._encoder = Encoder(self._settings.encoder, device=device)
            return self._encoder

    def library(self, corpus: Corpus) -> Library:
        """Open what the open-book arms look things up with.

        A corpus with no index, or whose documents have changed since, is indexed first.

        :raises RetrievalUnavailable: when there is no document to index.
        :raises VectorIndexError: when the index is damaged; it is never rebuilt unasked.
        """
        with self._loading:
            if not corpus.documents:
                raise RetrievalUnavailable(
                    f"The corpus {corpus.name} has no documents, so nothing can be looked up: "
                    "only base and sft can answer."
                )
            folder = self._settings.state / "indexes"
            opened = open_index(corpus, self.encoder(), folder)
            if opened is None:
                build_index(corpus, self.encoder(), folder)
                opened = open_index(corpus, self.encoder(), folder)
            if opened is None:
                raise RetrievalUnavailable(
                    f"The documents of {corpus.name} changed while they were indexed: ask again."
                )
            index, name = opened
            if name not in self._libraries:
                language = corpus.info.language
                self._libraries[name] = Library(
                    HybridRetriever(index, self.encoder(), name=name, language=language),
                    Reader(self.encoder(), language=language),
                    k=self._settings.k,
                    windows=self._settings.read_windows,
                    read_from=self._settings.read_from,
                )
            return self._libraries[name]

    def fine_tuned(self, corpus: Corpus, name: str | None) -> FineTuned:
        """Load an adapter of a corpus, the active one unless named, onto the model.

        :raises AdapterError: when there is none, or it fits another base or is damaged.
        """
        state = self._settings.state
        if name is not None:
            adapter = find_adapter(state, corpus.name, name)
        else:
            active = active_adapter(state, corpus.name)
            if active is None:
                raise AdapterError(
                    f"The corpus {corpus.name} has no adapter yet: run `sft-vs-rag train`."
                )
            adapter = active
        model = self.model()
        check_adapter(
            adapter, base_fingerprint=model.fingerprint, base_model=self._settings.base_model
        )
        made = adapter.manifest
        # The fingerprint is in the name: an adapter retrained under its name is loaded anew.
        loaded_as = f"{corpus.name}-{made.name}-{made.sha256[:12]}".replace(".", "-")
        model.load_adapter(loaded_as, adapter.folder)
        return FineTuned(made.name, made.sha256, loaded_as)
