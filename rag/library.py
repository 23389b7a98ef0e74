"""What the open-book arms look things up with: find, read a part, or say that nothing is near."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.records import Hit, Passage, Retriever
from rag.citations import Alignment, align
from rag.floor import NO_FLOOR, Floor, nearness
from rag.reading import Reader

#: Questions that a remembering library remembers: more than are asked in one batch.
_REMEMBERED = 128


@dataclass(frozen=True)
class Found:
    """What was found for a question. `seconds` is wall-clock."""

    hits: tuple[Hit, ...]
    #: The stretches of the hits that the model is given to read, best first.
    read: tuple[Passage, ...]
    #: The best hits, from which those stretches are taken: answers are held against these.
    nearest: tuple[Hit, ...]
    seconds: float
    #: Why no answer is made of it; empty where one is.
    withheld: str = ""


@dataclass(frozen=True)
class Library:
    """A corpus's documents, open to be looked up in."""

    retriever: Retriever
    reader: Reader
    #: Passages found, how many of the best are read, and stretches of them given to the model.
    k: int
    windows: int
    read_from: int = 5
    #: Below it nothing that was found is near enough to answer from.
    floor: Floor = NO_FLOOR

    def find(self, question: str, *, windows: int | None = None) -> Found:
        """Find passages for a question, and choose what of them is read.

        :param windows: how many stretches, instead of the library's own number. The first few are
            the same however many are asked for.
        """
        began = time.perf_counter()
        hits = self.retriever.retrieve(question, self.k)
        nearest = hits[: self.read_from]
        read = self.reader.windows(question, nearest, windows=windows or self.windows)
        return Found(
            hits=tuple(hits),
            read=tuple(read),
            nearest=tuple(nearest),
            seconds=time.perf_counter() - began,
            withheld=_too_far(hits, self.floor),
        )

    def hold(self, question: str, text: str) -> tuple[tuple[Hit, ...], Alignment]:
        """Hold any answer to a question, remembered or read, against the documents.

        :returns: the hits it was held against, and which of its words stand in them.
        """
        nearest = self.find(question).nearest
        return nearest, align(text, [hit.passage for hit in nearest])


@dataclass(frozen=True)
class RememberingLibrary(Library):
    """A library that looks a question up once while a set is asked of one arm after another."""

    _found: OrderedDict[tuple[str, int], Found] = field(
        default_factory=OrderedDict, compare=False, repr=False
    )

    def find(self, question: str, *, windows: int | None = None) -> Found:
        """Find passages for a question, or give what was found for it just now."""
        key = (question, windows or self.windows)
        if key not in self._found:
            self._found[key] = super().find(question, windows=windows)
            if len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
        return self._found[key]


def remembering(library: Library) -> RememberingLibrary:
    """Make a library remember what it found for the last questions."""
    return RememberingLibrary(
        library.retriever,
        library.reader,
        k=library.k,
        windows=library.windows,
        read_from=library.read_from,
        floor=library.floor,
    )


def _too_far(hits: Sequence[Hit], floor: Floor) -> str:
    """Say why what was found is too far from the question; empty when it is near enough."""
    if not hits:
        return "Withheld: nothing was found in the documents."
    near = nearness(hits)
    if floor.value is None or near >= floor.value:
        return ""
    return (
        f"Withheld: the nearest sentence found is {near:.2f} like the question; below "
        f"{floor.value:.2f} the documents more often hold no answer."
    )
