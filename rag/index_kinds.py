"""How FAISS keeps many vectors: exactly up to a size, beyond it by what measured recall allows.

Exact search reads every vector. For a large collection that takes too long, so candidates are built
and searched with sample questions, and the quickest that still finds what exact search finds
(recall@10 at least `RECALL_FLOOR`) is taken. What was measured is kept and shown by `doctor`.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag.faiss_library import faiss_library

FLAT, SQ8, IVF = "Flat", "SQ8", "IVF"

#: Up to here exact search is quick enough (about 5 ms a question on 2 cores).
EXACT_UP_TO = 50_000
RECALL_FLOOR = 0.98
_SAMPLES, _DEPTH = 200, 10
_SEED = 0


@dataclass(frozen=True)
class Measured:
    """How a kind did: recall@10 against exact search, and milliseconds a question."""

    kind: str
    recall: float
    milliseconds: float


def build_kind(kind: str, vectors: np.ndarray) -> Any:
    """Make an empty index of a kind for vectors like these, trained where it needs to be."""
    faiss = faiss_library()
    dimensions = vectors.shape[1]
    if kind == FLAT:
        return faiss.IndexFlatIP(dimensions)
    data = np.ascontiguousarray(vectors, dtype=np.float32)
    if kind == SQ8:
        index = faiss.IndexScalarQuantizer(
            dimensions, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        )
        index.train(data)
        return index
    if kind == IVF:
        lists = max(1, int(4 * np.sqrt(len(vectors))))
        quantiser = faiss.IndexFlatIP(dimensions)
        index = faiss.IndexIVFScalarQuantizer(
            quantiser,
            dimensions,
            lists,
            faiss.ScalarQuantizer.QT_8bit,
            faiss.METRIC_INNER_PRODUCT,
        )
        index.cp.seed = _SEED
        index.own_fields = True
        quantiser.this.disown()
        draw = np.random.default_rng(_SEED)
        sample = draw.permutation(len(data))[: 40 * lists]
        index.train(data[sample])
        index.nprobe = max(1, lists // 8)
        return index
    raise ValueError(f"there is no kind of index {kind!r}")


def choose_kind(vectors: np.ndarray, *, exact_up_to: int = EXACT_UP_TO) -> list[Measured]:
    """Measure the kinds on these vectors; the first of the list is the one to take.

    Sample questions are vectors of the collection moved by as much noise as a question is away from
    the passage that answers it (cosine about 0.7).
    """
    if len(vectors) <= exact_up_to:
        return [Measured(FLAT, 1.0, 0.0)]
    draw = np.random.default_rng(_SEED)
    near = vectors[draw.integers(0, len(vectors), _SAMPLES)]
    noise = draw.normal(size=near.shape).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    questions = near + noise
    questions /= np.linalg.norm(questions, axis=1, keepdims=True)
    exact = build_kind(FLAT, vectors)
    exact.add(np.ascontiguousarray(vectors, dtype=np.float32))
    wanted, milliseconds = _timed(exact, questions)
    found = [Measured(FLAT, 1.0, milliseconds)]
    for kind in (SQ8, IVF):
        index = build_kind(kind, vectors)
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        got, milliseconds = _timed(index, questions)
        hits = [len(set(a) & set(b)) for a, b in zip(wanted.tolist(), got.tolist(), strict=True)]
        found.append(Measured(kind, float(np.mean(hits)) / _DEPTH, milliseconds))
    good = [one for one in found if one.recall >= RECALL_FLOOR]
    best = min(good, key=lambda one: one.milliseconds)
    return [best, *(one for one in found if one is not best)]


def _timed(index: Any, questions: np.ndarray) -> tuple[np.ndarray, float]:
    """Numbers found for each question, and milliseconds a question, asked one by one."""
    rows = []
    began = time.perf_counter()
    for question in questions:
        rows.append(index.search(question.reshape(1, -1), _DEPTH)[1][0])
    return np.stack(rows), 1000 * (time.perf_counter() - began) / len(questions)
