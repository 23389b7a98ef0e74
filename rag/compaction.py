"""Which files of vectors a new generation has: the old ones linked and a small one, or one merged.

Linking makes a small change cost what it changes; merging keeps searches to a few files.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.errors import VectorIndexError
from rag.embedding_cache import CachedEncoder
from rag.generations import link
from rag.index_kinds import FLAT, choose_kind
from rag.manifest import Manifest, Segment
from rag.passages import searched_text
from rag.segments import Segments, write_segment

#: Small segments are merged into one when there are more, or when so large a share of the vectors
#: is in them or belongs to passages that are gone.
_MOST_SEGMENTS, _LOOSE_SHARE = 8, 0.2


def write_segments(
    folder: Path,
    manifest: Manifest,
    before: Path | None,
    new: tuple[list[int], np.ndarray],
    encoder: CachedEncoder,
) -> None:
    """Link the old segments and add one of what is new, or merge all into one."""
    numbers, vectors = new
    old = manifest.segments()
    loose = len(manifest.removed()) + sum(one.vectors for one in old[1:]) + len(numbers)
    total = sum(one.vectors for one in old) + len(numbers)
    few = len(old) < _MOST_SEGMENTS and loose <= _LOOSE_SHARE * total
    if before is not None and old and few:
        for one in old:
            link(before / one.name, folder / one.name)
        if numbers:
            name = _new_name(manifest)
            write_segment(folder / name, vectors, numbers)
            old = [*old, Segment(name, FLAT, len(numbers))]
        manifest.set_segments(old)
        return
    fresh = set(numbers)
    kept = [number for number in manifest.numbers() if number not in fresh]
    if kept and before is not None:
        again = _kept_vectors(manifest, kept, before, encoder)
        vectors = np.concatenate([again, vectors]) if numbers else again
        numbers = [*kept, *numbers]
    if not numbers:
        raise VectorIndexError("There is no passage to index: the documents hold no text.")
    measured = choose_kind(vectors)
    name = _new_name(manifest)
    write_segment(folder / name, vectors, numbers, kind=measured[0].kind)
    manifest.set_segments([Segment(name, measured[0].kind, len(numbers))], forget_removed=True)
    manifest.set_meta(
        {
            "kind": measured[0].kind,
            "dimensions": vectors.shape[1],
            "measured": "; ".join(
                f"{one.kind} recall@10 {one.recall:.3f}, {one.milliseconds:.2f} ms"
                for one in measured
            )
            if len(measured) > 1
            else "",
        }
    )


def _new_name(manifest: Manifest) -> str:
    """A segment's name that no generation of this index has had: names stand for contents."""
    number = int(manifest.meta.get("next_segment", "1"))
    manifest.set_meta({"next_segment": number + 1})
    return f"vectors-{number:06d}.faiss"


def _kept_vectors(
    manifest: Manifest, kept: Sequence[int], before: Path, encoder: CachedEncoder
) -> np.ndarray:
    """Vectors of the passages that stay: from their segments, where those keep them exactly."""
    old = manifest.segments()
    if all(one.kind == FLAT for one in old):
        segments = Segments([before / one.name for one in old], manifest.removed())
        return segments.vectors(kept)
    passages = manifest.passages(kept)
    return encoder.encode_documents([searched_text(passages[number]) for number in kept])
