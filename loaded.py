"""What is loaded once and shared by every verb: the models, the open indexes, the adapters."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.corpus.read import Corpus
from core.errors import AdapterError, RetrievalUnavailable
from core.model_files import find_language_model, load_tokenizer
from core.places import INDEXES_FOLDER, home_of
from core.settings import Settings
from core.storage import Stamp, folder_stamp
from rag.embedding_cache import CachedEncoder
from rag.encoder import Encoder
from rag.floor import NO_FLOOR, calibrated_floor
from rag.generations import current_generation
from rag.library import Library
from rag.reading import Reader
from rag.reranker import Reranker
from rag.retrieval import HybridRetriever, RetrievalOptions
from rag.store import PassageStore, open_store
from rag.sync import LOCK_SECONDS, is_current, sync_index
from sft.adapters import Adapter, active_adapter, check_adapter, find_adapter
from sft.fine_tuned import FineTuned

if TYPE_CHECKING:
    from core.language_model import LanguageModel  # loads torch


@dataclass(frozen=True)
class _Opened:
    store: PassageStore
    library: Library
    #: Of the corpus: its questions may change where its documents do not.
    fingerprint: str


class Loaded:
    """Loads each thing when it is first asked for, by one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        """Load nothing yet."""
        self._settings = settings
        self._loading = threading.RLock()
        #: One a corpus, so that an index that is being made holds nobody up but those who want it.
        self._opening: dict[str, threading.RLock] = {}
        self._model: LanguageModel | None = None
        self._tokenizer: Any = None
        self._encoder: CachedEncoder | None = None
        self._reranker: Reranker | None = None
        #: What is open, by corpus.
        self._libraries: dict[str, _Opened] = {}
        #: Adapters whose files were found whole, and what they looked like then.
        self._checked: dict[Path, tuple[str, str, Stamp]] = {}
        #: Whole weights that are loaded, by corpus.
        self._own_weights: dict[str, str] = {}

    def model(self) -> "LanguageModel":
        """Return the language model."""
        from core.language_model import LanguageModel  # noqa: PLC0415  (loads torch)

        with self._loading:
            if self._model is None:
                self._model = LanguageModel(
                    self._settings.base_model,
                    self._settings.state / "models",
                    device=self._settings.device,
                    dtype=self._settings.dtype,
                )
            return self._model

    def tokenizer(self) -> Any:
        """Return the language model's tokenizer; its weights are not loaded for it."""
        with self._loading:
            if self._model is not None:
                return self._model.tokenizer
            if self._tokenizer is None:
                settings = self._settings
                files = find_language_model(settings.base_model, settings.state / "models")
                self._tokenizer = load_tokenizer(files)
            return self._tokenizer

    def encoder(self) -> CachedEncoder:
        """Return the encoder, which remembers the texts it has encoded."""
        with self._loading:
            if self._encoder is None:
                device = self._device()
                encoder = Encoder(
                    self._settings.encoder,
                    device=device,
                    backend=self._settings.encoder_backend,
                    models_folder=self._settings.state / "models",
                )
                self._encoder = CachedEncoder(encoder, self._settings.state / "embeddings")
            return self._encoder

    def _device(self) -> str:
        from core.device import find_device  # noqa: PLC0415  (loads torch)

        return str(find_device(self._settings.device))

    def encoder_for(self, corpus: Corpus) -> CachedEncoder:
        """Return the encoder that a corpus's documents are encoded with.

        What strangers gave is remembered beside their corpus alone, and goes with it.
        """
        home = home_of(corpus.folder, self._settings.state)
        if home == self._settings.state:
            return self.encoder()
        return self.encoder().apart(home / "embeddings", in_memory=0)

    def library(self, corpus: Corpus) -> Library:
        """Open what the open-book arms look things up with.

        A corpus with no index, or whose documents have changed since, is synced first. While
        another process is at that, the index before it answers.

        :raises RetrievalUnavailable: when there is no document to index, or none is indexed yet.
        :raises VectorIndexError: when the index is damaged; it is never rebuilt unasked.
        """
        with self._loading:
            opening = self._opening.setdefault(corpus.name, threading.RLock())
        with opening:
            if not corpus.documents:
                raise RetrievalUnavailable(
                    f"The corpus {corpus.name} has no documents, so nothing can be looked up: "
                    "only base and sft can answer."
                )
            place = home_of(corpus.folder, self._settings.state) / INDEXES_FOLDER
            home = place / corpus.name
            opened = self._libraries.get(corpus.name)
            store = opened.store if opened is not None else None
            encoder = self.encoder_for(corpus)
            if store is None or store.folder != current_generation(home):
                store = open_store(home, encoder)
            if store is None or not is_current(corpus.documents, store.manifest):
                try:
                    # Who has an index answers from it rather than waiting for another process.
                    wait = LOCK_SECONDS if store is None else 0.0
                    sync_index(corpus, encoder, place, wait=wait)
                except RetrievalUnavailable:
                    if store is None:
                        raise
                else:
                    store = open_store(home, encoder)
            if store is None:
                raise RetrievalUnavailable(
                    f"The index of {corpus.name} was removed while it was opened: ask again."
                )
            if opened is None or (opened.store, opened.fingerprint) != (store, corpus.fingerprint):
                library = self._library(corpus, store, home, encoder)
                opened = _Opened(store, library, corpus.fingerprint)
                with self._loading:
                    self._libraries[corpus.name] = opened
            return opened.library

    def forget_gone(self) -> None:
        """Keep nothing in memory of an index whose files were deleted."""
        with self._loading:
            for name, opened in list(self._libraries.items()):
                if not opened.store.folder.exists():
                    del self._libraries[name]
                    self._opening.pop(name, None)

    def library_apart(self, corpus: Corpus, folder: Path, encoder: CachedEncoder) -> Library:
        """Open a corpus's index that lies elsewhere than in the state folder, as it is.

        :param folder: the folder of indexes that the corpus's own lies in.
        :raises RetrievalUnavailable: when there is none.
        """
        store = open_store(folder / corpus.name, encoder)
        if store is None:
            raise RetrievalUnavailable(f"There is no index of {corpus.name} in {folder}.")
        return self._library(corpus, store, folder / corpus.name, encoder)

    def _library(
        self, corpus: Corpus, store: PassageStore, home: Path, encoder: CachedEncoder
    ) -> Library:
        settings = self._settings
        retriever = HybridRetriever(
            store,
            encoder,
            name=f"{corpus.name}/{store.folder.name}",
            options=self._retrieval_options(),
        )
        floor = NO_FLOOR
        if settings.withhold:
            floor = calibrated_floor(corpus.of_split("validation"), retriever, home, k=settings.k)
        return Library(
            retriever,
            Reader(encoder, language=corpus.info.language),
            k=settings.k,
            windows=settings.read_windows,
            read_from=settings.read_from,
            floor=floor,
        )

    def _retrieval_options(self) -> RetrievalOptions:
        settings = self._settings
        with self._loading:
            if settings.reranker and self._reranker is None:
                self._reranker = Reranker(settings.reranker, device=self._device())
        return RetrievalOptions(settings.fusion, settings.relevance, self._reranker)

    def fine_tuned(self, corpus: Corpus, name: str | None) -> FineTuned:
        """Load an adapter of a corpus, the active one unless named, beside the base.

        A full or frozen run is loaded as own weights. What was trained counts by the setting
        `adapter_scale`, else by its recipe's `scale`.

        :raises AdapterError: when there is none, or it fits another base or is damaged.
        """
        state = self._settings.state
        if name is not None:
            adapter = find_adapter(state, corpus.name, name)
        else:
            active = active_adapter(state, corpus.name)
            if active is None:
                raise AdapterError(
                    f"The corpus {corpus.info.title or corpus.name} has no adapter yet: training "
                    "makes one (`sft-vs-rag train`)."
                )
            adapter = active
        model = self.model()
        made = adapter.manifest
        stamp = (made.sha256, made.prompt_version, folder_stamp(adapter.folder))
        if self._checked.get(adapter.folder) != stamp:
            # Whole weights are hundreds of megabytes: not hashed again for every question.
            check_adapter(
                adapter, base_fingerprint=model.fingerprint, base_model=self._settings.base_model
            )
            self._checked[adapter.folder] = stamp
        scale = self.scale_of(adapter)
        # The fingerprint is in the name: an adapter retrained under its name is loaded anew.
        loaded_as = f"{corpus.name}-{made.name}-{made.sha256[:12]}-x{scale:g}".replace(".", "-")
        if made.recipe.method == "lora":
            model.load_adapter(loaded_as, adapter.folder, scale=scale)
        else:
            model.load_weights(loaded_as, adapter.folder, scale=scale)
            before = self._own_weights.get(corpus.name)
            self._own_weights[corpus.name] = loaded_as
            if before not in (None, loaded_as) and before in model.adapters:
                model.unload_adapter(before)  # a whole model each: one a corpus is kept
        return FineTuned(
            made.name,
            made.sha256,
            loaded_as,
            form=made.recipe.form,
            scale=scale,
            windows=made.recipe.read_windows,
        )

    def scale_of(self, adapter: Adapter) -> float:
        """By what an adapter's effect counts: the setting's, else its recipe's."""
        scale = self._settings.adapter_scale
        return adapter.manifest.recipe.scale if scale is None else scale
