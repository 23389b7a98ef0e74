"""Files of vectors: written once, mapped into memory, searched together.

A generation's vectors lie in one large segment and a few small ones that were added since; a
passage that is gone stays in its segment and is passed over. FAISS accepts NaN and doubled ids
silently and pads missing hits with -1: all three are refused or taken out here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import VectorIndexError
from rag.faiss_library import faiss_library
from rag.index_kinds import FLAT, build_kind


@dataclass(frozen=True)
class _Open:
    index: Any
    vectors: int


def write_segment(
    path: Path, vectors: np.ndarray, numbers: Sequence[int], *, kind: str = FLAT
) -> None:
    """Write unit vectors (passages, dimensions) under their passages' numbers.

    :raises VectorIndexError: for vectors with NaN, of another count, or doubled numbers.
    """
    if vectors.ndim != 2 or len(vectors) != len(numbers) or not np.isfinite(vectors).all():
        raise VectorIndexError(
            f"{len(numbers)} passages need as many finite vectors; got {vectors.shape}. "
            "The encoder is at fault: try another."
        )
    if len(set(numbers)) != len(numbers):
        raise VectorIndexError("Two passages have one number; build the index again.")
    faiss = faiss_library()
    index = faiss.IndexIDMap2(build_kind(kind, vectors))
    index.add_with_ids(
        np.ascontiguousarray(vectors, dtype=np.float32), np.asarray(numbers, dtype=np.int64)
    )
    # Not by faiss.write_index: on a full disk that can leave a cut file and say nothing.
    path.write_bytes(faiss.serialize_index(index).tobytes())


class Segments:
    """All segments of a generation, searched as one."""

    def __init__(self, paths: Sequence[Path], removed: Sequence[int]) -> None:
        """Map the files into memory.

        :raises VectorIndexError: when a file does not load.
        """
        self._open = [_Open(index, int(index.ntotal)) for index in map(_mapped, paths)]
        self._removed = np.asarray(sorted(removed), dtype=np.int64)

    def search(
        self, vector: np.ndarray, k: int, *, within: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """(number, cosine similarity) of the `k` nearest passages, best first.

        :param within: only these passages.
        """
        selector = self._selector(within)
        query = np.ascontiguousarray(vector.reshape(1, -1), dtype=np.float32)
        found: list[tuple[int, float]] = []
        for one in self._open:
            arguments = {"params": _parameters(one.index, selector)} if selector else {}
            scores, numbers = one.index.search(query, min(k, one.vectors), **arguments)
            pairs = zip(numbers[0].tolist(), scores[0].tolist(), strict=True)
            found += [(number, score) for number, score in pairs if number >= 0]
        if len(self._open) > 1:
            found.sort(key=lambda pair: (-pair[1], pair[0]))
        return found[:k]

    def vectors(self, numbers: Sequence[int]) -> np.ndarray:
        """Vectors (passages, dimensions) of some passages, as their segments keep them.

        :raises VectorIndexError: when a number is in no segment.
        """
        rows = []
        for number in numbers:
            for one in self._open:
                try:
                    rows.append(one.index.reconstruct(int(number)))
                    break
                except RuntimeError:
                    continue
            else:
                raise VectorIndexError(f"The passage {number} has no vector: build it again.")
        return np.stack(rows)

    def _selector(self, within: Sequence[int] | None) -> Any:
        faiss = faiss_library()
        if within is not None:
            return faiss.IDSelectorBatch(np.asarray(sorted(within), dtype=np.int64))
        if len(self._removed):
            return faiss.IDSelectorNot(faiss.IDSelectorBatch(self._removed))
        return None


def _mapped(path: Path) -> Any:
    faiss = faiss_library()
    try:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        raise VectorIndexError(
            f"{path}: is no file of vectors that loads. Build the index again with "
            "`sft-vs-rag index`."
        ) from error


def _parameters(index: Any, selector: Any) -> Any:
    faiss = faiss_library()
    inner = faiss.downcast_index(index.index)
    if isinstance(inner, faiss.IndexIVF):
        return faiss.SearchParametersIVF(sel=selector, nprobe=inner.nprobe)
    return faiss.SearchParameters(sel=selector)
