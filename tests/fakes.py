"""Small stand-ins that several tests share."""

from collections.abc import Sequence

import numpy as np


class Letters:
    """An encoder of 27 dimensions that counts letters, and keeps what it was asked to encode."""

    def __init__(self, fingerprint: str = "letters-1") -> None:
        self.reference, self.fingerprint = "letters", fingerprint
        self.seen: list[str] = []

    def encode_documents(self, texts: Sequence[str]) -> np.ndarray:
        self.seen += texts
        return self.encode_questions(texts)

    def encode_questions(self, texts: Sequence[str]) -> np.ndarray:
        rows = [[1.0, *(text.lower().count(chr(97 + n)) for n in range(26))] for text in texts]
        vectors = np.array(rows, dtype=np.float32).reshape(len(texts), 27)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
