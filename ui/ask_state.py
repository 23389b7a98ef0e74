"""What a visitor asked, and how far its answers are: all that the Ask tab shows is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.records import ARM_NAMES, Answer, ArmName, Hit, Question
from rag.citations import Alignment

#: What can be chosen to look at.
VIEWS: dict[str, tuple[ArmName, ...]] = {
    "SFT against RAG": ("sft", "rag"),
    "All four arms": ARM_NAMES,
}
FIRST_VIEW = next(iter(VIEWS))
#: The most of each setting that a question can be asked again with.
MOST_FOUND, MOST_READ, MOST_TEMPERATURE, MOST_SEED = 20, 5, 1.5, 2**31 - 1


@dataclass(frozen=True)
class Variation:
    """The settings of a question that is asked again; temperature 0 takes the likeliest token."""

    k: int
    windows: int
    temperature: float = 0.0
    seed: int = 0

    @classmethod
    def within(
        cls, k: float, windows: float, *, temperature: float | None, seed: float | None
    ) -> "Variation":
        """Take what a visitor chose, cut to what the page offers."""
        return cls(
            int(min(max(k, 1), MOST_FOUND)),
            int(min(max(windows, 1), MOST_READ)),
            float(min(max(temperature or 0, 0), MOST_TEMPERATURE)),
            int(min(max(seed or 0, 0), MOST_SEED)),
        )

    def __str__(self) -> str:
        drawn = f", temperature {self.temperature:g}, seed {self.seed}" if self.temperature else ""
        return f"k {self.k}, read {self.windows}{drawn}"


@dataclass(frozen=True)
class Asking:
    """One question as it is put."""

    question: str
    domain: str = ""
    view: str = FIRST_VIEW
    #: The visitor's own reference: one accepted answer a line.
    own: str = ""
    #: Other settings than the page's own.
    variation: Variation | None = None
    #: Tells one asking from the same asked again.
    number: int = 0

    @property
    def arms(self) -> tuple[ArmName, ...]:
        """The arms of its view."""
        return VIEWS[self.view]


@dataclass(frozen=True)
class Held:
    """An answer from memory, held against what the documents say."""

    hits: tuple[Hit, ...]
    alignment: Alignment


@dataclass(frozen=True)
class Asked:
    """The question, how far each arm is, and what it is judged by."""

    asking: Asking
    #: Where it stands: in the queue, loading, or answering; then its answers say how far it is.
    phase: Literal["waiting", "preparing", "answering"] = "answering"
    #: The title of the corpus: its reference may be a path, which is nobody's to read.
    title: str = ""
    reference: Question | None = None
    #: What kind of question it is, in words; empty for a visitor's own.
    kind: str = ""
    abstain_text: str = ""
    #: Whether these very words were trained on.
    trained: bool = False
    texts: Mapping[ArmName, str] = field(default_factory=dict)
    answers: Mapping[ArmName, Answer] = field(default_factory=dict)
    #: Why an arm cannot run.
    reasons: Mapping[ArmName, str] = field(default_factory=dict)
    #: What the adapter forgot, in a few words; empty where it was not measured.
    forgotten: str = ""
    #: What speaks against the adapter, in sentences.
    stale: tuple[str, ...] = ()
    #: The fine-tuned answer from memory, held against the documents.
    held: Held | None = None
    #: Whether the visitor has voted on it.
    voted: bool = False

    def complete(self, arms: tuple[ArmName, ...]) -> bool:
        """Whether all these arms have answered, or said why they cannot."""
        return all(arm in self.answers or arm in self.reasons for arm in arms)

    @property
    def comparable(self) -> bool:
        """Whether there are two answers to vote on, each pair once."""
        return not self.voted and "sft" in self.answers and "rag" in self.answers
