"""Which facts of a corpus the base model knows already: the labels, and where they lie.

Fine-tuning on what a model knows and on what it does not are different things (Gekhman et al.
2024), and so is testing on it. A fact is asked in several wordings; it is `known` when at least
half of the answers are right. The labels hold for one base model, which the file names.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from core.corpus.read import Corpus
from core.errors import CorpusError
from core.records import Known, Record
from core.storage import write_json

KNOWN_FILE = "known.json"


class Asked(Record):
    """How often a fact was asked for, and how often the answer was right."""

    asked: int
    right: int

    @property
    def label(self) -> Known:
        """`known` when at least half of the answers are right."""
        return "known" if 2 * self.right >= self.asked else "unknown"


class KnownFacts(Record):
    """The labels of a corpus's facts for one base model, by fact."""

    corpus: str
    base_model: str
    base_fingerprint: str
    prompt_version: str
    decoding: str
    facts: dict[str, Asked]

    def label(self, fact: str) -> Known | None:
        """Return a fact's label; None for a fact that was not asked."""
        found = self.facts.get(fact)
        return found.label if found else None


def state_file(corpus: Corpus, state_folder: Path) -> Path:
    """Where the labels go unless a place is named."""
    return state_folder / "known" / f"{corpus.name}.json"


def write_known(path: Path, known: KnownFacts) -> None:
    """Write labels whole; see `core.storage.write_json`."""
    write_json(path, known.model_dump(mode="json"))


def find_known(corpus: Corpus, state_folder: Path, *, base_fingerprint: str) -> KnownFacts | None:
    """Find the labels for a base model: those of the state folder, else those of the corpus.

    :returns: None when there are none, or only for another base model.
    :raises CorpusError: when a file of labels cannot be read.
    """
    for path in (state_file(corpus, state_folder), corpus.folder / KNOWN_FILE):
        if not path.is_file():
            continue
        try:
            found = KnownFacts.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, ValidationError) as error:
            raise CorpusError(
                f"{path}: cannot be read ({error}). Label again with `sft-vs-rag known`."
            ) from error
        if found.base_fingerprint == base_fingerprint:
            return found
    return None


def counted(facts: Iterable[Asked]) -> dict[Known, int]:
    """Count the labels."""
    counts: dict[Known, int] = {"known": 0, "unknown": 0}
    for one in facts:
        counts[one.label] += 1
    return counts
