"""The records that pass between the parts: documents, passages, questions, hits, answers.

Pydantic models where data crosses a boundary (files, terminal, web); all are frozen.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, field_validator

Kind = Literal["fact", "procedure", "multi_hop", "unanswerable", "refusal"]
Split = Literal["train", "validation", "test"]
Exposure = Literal["reworded", "untrained"]
#: Whether the base model answers for a fact before any training.
Known = Literal["known", "unknown"]
ArmName = Literal["base", "sft", "rag", "sft+rag"]

#: The same model given the gold evidence: what an open-book arm could do at best.
OracleName = Literal["oracle", "sft+oracle"]
#: Whatever an evaluation asks and logs: the arms, and the oracles beside them.
AskedName = ArmName | OracleName

ARM_NAMES: tuple[ArmName, ...] = ("base", "sft", "rag", "sft+rag")
ORACLE_NAMES: tuple[OracleName, ...] = ("oracle", "sft+oracle")
#: Who looks things up in the documents.
SEARCHING: tuple[ArmName, ...] = ("rag", "sft+rag")
#: Who reads passages beside the question, and who answers with fine-tuned weights.
OPEN_BOOK: tuple[AskedName, ...] = (*SEARCHING, *ORACLE_NAMES)
FINE_TUNED: tuple[AskedName, ...] = ("sft", "sft+rag", "sft+oracle")
#: Kinds whose right answer is not to answer.
DECLINED_KINDS: tuple[Kind, ...] = ("unanswerable", "refusal")


class Record(BaseModel):
    """A frozen record whose fields are all known: an unknown field is an error, not a guess."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Document(Record):
    """One file of a corpus; `id` is its path below `documents/` without the suffix."""

    id: str
    title: str
    text: str
    source: str
    #: Where each page begins in the text, for files that have pages.
    pages: tuple[int, ...] = ()


class Passage(Record):
    """A stretch of a document: `document.text[start:end] == text`, always."""

    id: str
    document_id: str
    start: int
    end: int
    text: str
    #: Titles above the passage, outermost first, joined by " › ".
    heading: str = ""
    #: The page it begins on, from 1, for files that have pages.
    page: int | None = None


class Evidence(Record):
    """The words of a document that an answer rests on."""

    document: str
    quote: str


class Question(BaseModel):
    """A labelled question. Fields a user adds of their own are kept as text, not refused."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(min_length=1)
    question: str
    answers: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    kind: Kind = "fact"
    #: Ties the wordings of one fact together; the question's own id when a file gives none.
    fact: str = ""
    split: Split | None = None
    #: What the file says of a test question; what counts is derived from the facts of the splits.
    exposure: Exposure | None = None
    #: "draft" until a person has accepted the row: a draft is neither trained on nor scored.
    status: Literal["draft"] | None = None
    #: Fields that the user added, as text, by name: results are looked at by them. Not written
    #: and in no fingerprint, since nothing is trained or indexed by them.
    columns: tuple[tuple[str, str], ...] = Field(default=(), exclude=True, repr=False)

    @field_validator("question")
    @classmethod
    def _has_words(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty")
        return value.strip()

    @field_validator("answers")
    @classmethod
    def _answers_have_words(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not answer.strip() for answer in value):
            raise ValueError("holds an empty answer")
        return tuple(answer.strip() for answer in value)


class Hit(Record):
    """A retrieved passage. Ranks count from 1; None where that index did not return it."""

    passage: Passage
    score: float
    dense_rank: int | None = None
    lexical_rank: int | None = None
    #: Rank of the passage by its best sentence.
    sentence_rank: int | None = None
    #: Cosine similarity of question and passage, -1..1; None where only words matched.
    similarity: float | None = None
    #: Cosine similarity of question and the passage's best sentence.
    sentence_similarity: float | None = None


class Citation(Record):
    """Words of an answer, `answer[answer_start:answer_end]`, found in a passage's document.

    `start` and `end` are offsets in the document's text.
    """

    answer_start: int
    answer_end: int
    passage_id: str
    start: int
    end: int
    score: float


class Stretch(Record):
    """Characters of an answer, `answer[start:end]`."""

    start: int
    end: int


class Provenance(Record):
    """What made an answer: enough to make it again."""

    base_model: str
    base_fingerprint: str
    adapter: str | None = None
    adapter_fingerprint: str | None = None
    index: str | None = None
    index_fingerprint: str | None = None
    prompt_version: str
    decoding: str
    seed: int


class Answer(Record):
    """One arm's answer to one question. Seconds are wall-clock; tokens are the model's own."""

    arm: AskedName
    text: str
    hits: tuple[Hit, ...] = ()
    #: The stretches of the hits that the model was given to read, best first.
    read: tuple[Passage, ...] = ()
    citations: tuple[Citation, ...] = ()
    #: Sentences of the text that none of the hits supports.
    unsupported: tuple[Stretch, ...] = ()
    abstained: bool = False
    #: Why nothing was generated: what was found is too far from the question. Empty otherwise.
    withheld: str = ""
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    first_token_seconds: float
    provenance: Provenance


@dataclass(frozen=True)
class Wording:
    """The corpus's own words: its system prompt and how an answer is withheld."""

    system_prompt: str
    abstain_text: str


@dataclass(frozen=True)
class NoAnswer:
    """Why a question of a set has no answer, in a sentence."""

    reason: str


@dataclass(frozen=True)
class AnswerDelta:
    """A moment of a stream: the text so far of one arm, and its finished answer at the end."""

    arm: ArmName
    text: str
    answer: Answer | None = None


class Retriever(Protocol):
    """What an open-book arm asks for passages."""

    @property
    def name(self) -> str:
        """The corpus and generation served, for provenance."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the index's files, for provenance."""

    def retrieve(
        self, question: str, k: int, *, documents: Sequence[str] | None = None
    ) -> list[Hit]:
        """Return the `k` best passages, best first, of all documents or of some."""


class Answerer(Protocol):
    """What evaluation sees of the arms."""

    def answer(
        self,
        questions: Sequence[str],
        arms: Sequence[ArmName],
        *,
        report: Callable[[int], None],
    ) -> list[list[Answer]]:
        """Answer each question by each arm: one list of answers a question, in the arms' order."""

    def provenance(self, arm: AskedName) -> Provenance:
        """Say what an arm's answers are made with."""

    def stream(self, question: str, arms: Sequence[ArmName]) -> Iterator[AnswerDelta]:
        """Answer one question by several arms side by side, text by text."""


class BatchAnswerer(Protocol):
    """What an evaluation sees of the arms: one batch of one arm at a time."""

    def answer_batch(
        self,
        questions: Sequence[str],
        arm: AskedName,
        *,
        given: Sequence[Sequence[Passage]] = (),
    ) -> list[Answer | NoAnswer]:
        """Answer some questions by one arm in one batch; who fails says why, and only for itself.

        :param given: the passages that an oracle reads for each question.
        """

    def provenance(self, arm: AskedName) -> Provenance:
        """Say what an arm's answers are made with."""
