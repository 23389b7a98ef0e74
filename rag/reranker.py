"""A cross-encoder that reads question and passage together and says how well they fit."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.errors import ModelError


class Reranker:
    """Scores pairs; slower than vectors, and finer. Optional: none comes with the project."""

    def __init__(self, reference: str, *, device: str) -> None:
        """Load a cross-encoder.

        :param reference: a hub id or a folder, as sentence-transformers' `CrossEncoder` takes it.
        :raises ModelError: when it does not load.
        """
        from sentence_transformers import CrossEncoder  # noqa: PLC0415  (slow to import)

        self.reference = reference
        try:
            self._model: Any = CrossEncoder(reference, device=device)
        except Exception as error:  # the libraries' own many types
            reason = str(error).partition("\n")[0]
            raise ModelError(f"{reference!r} does not load as a cross-encoder: {reason}") from error

    def scores(self, question: str, texts: Sequence[str]) -> np.ndarray:
        """How well each text (texts,) answers the question, higher is better."""
        pairs = [(question, text) for text in texts]
        found = self._model.predict(pairs, show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(found, dtype=np.float32).reshape(len(texts), -1)[:, -1]
