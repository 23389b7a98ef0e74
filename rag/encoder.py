"""The encoder: texts to unit vectors, by sentence-transformers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.errors import ModelError
from core.model_files import embedded_path, folder_fingerprint
from core.storage import fingerprint_text


class Encoder:
    """Turns questions and passages into vectors whose inner product is their cosine similarity."""

    def __init__(
        self,
        reference: str,
        *,
        device: str,
        backend: Literal["torch", "openvino"] = "torch",
        models_folder: Path | None = None,
    ) -> None:
        """Load the encoder.

        :param device: a torch device name such as "cpu".
        :param backend: what computes the transformer; openvino does so on the CPU, faster, and
            with the same vectors (see `rag.compiled_encoder`).
        :param models_folder: keeps what openvino made of the model for the next start.
        :raises ModelError: when the reference is no sentence-transformers model that loads.
        """
        # Slow to import, and only open-book arms need it.
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415
        from transformers.utils import logging  # noqa: PLC0415

        logging.disable_progress_bar()
        self.reference = reference
        location = str(embedded_path(reference)) if reference.startswith("embedded:") else reference
        if reference.startswith("embedded:") and location.endswith(".gguf"):
            raise ModelError(f"{reference} is a language model, not an encoder.")
        try:
            self._model: Any = SentenceTransformer(
                location, device="cpu" if backend == "openvino" else device
            )
        except Exception as error:  # damaged files raise the libraries' own many types
            reason = str(error).partition("\n")[0]
            raise ModelError(f"{reference!r} does not load as an encoder: {reason}") from error
        self.fingerprint = (
            folder_fingerprint(Path(location))
            if Path(location).is_dir()
            else fingerprint_text(reference)
        )
        if backend == "openvino":
            from rag.compiled_encoder import compile_transformer  # noqa: PLC0415

            kept = models_folder / f"openvino-{self.fingerprint[:12]}" if models_folder else None
            compile_transformer(self._model, kept, reference=reference)

    def encode_documents(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (texts, dimensions) in float32, of length 1."""
        return self._unit(self._model.encode_document(list(texts), **_OPTIONS))

    def encode_questions(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (texts, dimensions) in float32, of length 1."""
        return self._unit(self._model.encode_query(list(texts), **_OPTIONS))

    @staticmethod
    def _unit(vectors: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(vectors, dtype=np.float32)


_OPTIONS: dict[str, Any] = {
    "normalize_embeddings": True,
    "convert_to_numpy": True,
    "show_progress_bar": False,
    "batch_size": 32,
}
