"""The four arms: one model, with or without an adapter, with or without retrieved passages.

All arms of one question run side by side, in one mixed-adapter batch where they share the base's
weights, with one prompt builder, decoding and seed: the only thing that differs is the thing that
is compared.
"""

import copy
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from core.answer_text import abstains
from core.errors import ProjectError, RetrievalUnavailable
from core.generation import QUESTIONS_A_BATCH, Generation, GenerationRequest
from core.no_answer import batch_failed, no_answer
from core.prompts import PROMPT_VERSION, build_prompt
from core.records import (
    ARM_NAMES,
    FINE_TUNED,
    OPEN_BOOK,
    ORACLE_NAMES,
    SEARCHING,
    Answer,
    AnswerDelta,
    ArmName,
    AskedName,
    NoAnswer,
    Passage,
    Provenance,
    Wording,
)
from core.sampling import Sampling, decoded_by
from rag.citations import Alignment, align
from rag.library import Found, Library
from sft.fine_tuned import FineTuned

if TYPE_CHECKING:
    from core.language_model import LanguageModel  # loads torch


class ArmError(ProjectError):
    """An arm is unknown, or cannot run and says why."""


class Arms:
    """Answers questions by any of the four arms; one that cannot run says why."""

    def __init__(
        self,
        model: "LanguageModel",
        wording: Wording,
        *,
        fine_tuned: FineTuned | ProjectError,
        library: Library | ProjectError,
        max_new_tokens: int,
        seed: int = 0,
    ) -> None:
        """Put the arms together.

        :param fine_tuned: the adapter, or the reason why there is none.
        :param library: the retriever, or the reason why there is none.
        """
        self._model, self._wording = model, wording
        self._fine_tuned, self._library = fine_tuned, library
        self._max_new_tokens, self._seed = max_new_tokens, seed
        self._sampling: Sampling | None = None

    def varied(self, *, k: int, windows: int, sampling: Sampling | None) -> "Arms":
        """Make the same arms with other settings, for a question that is asked again.

        :param k: passages that are found.
        :param windows: stretches of them that the base is given to read.
        :param sampling: how tokens are drawn; None takes the likeliest.
        """
        other = copy.copy(self)
        other._sampling = sampling
        if isinstance(self._library, Library):
            other._library = replace(self._library, k=k, windows=windows)
        return other

    def unavailable(self) -> dict[ArmName, str]:
        """Say why each arm that cannot run cannot."""
        reasons: dict[ArmName, str] = {}
        for arm in ARM_NAMES:
            try:
                self.check(arm)
            except ProjectError as error:
                reasons[arm] = str(error)
        return reasons

    def check(self, arm: str) -> None:
        """Raise the reason why an arm cannot run, if there is one.

        :raises ArmError: when there is no such arm.
        """
        if arm not in (*ARM_NAMES, *ORACLE_NAMES):
            raise ArmError(f"There is no arm {arm!r}; the arms are {', '.join(ARM_NAMES)}.")
        if arm in FINE_TUNED and isinstance(self._fine_tuned, ProjectError):
            raise self._fine_tuned
        if arm in SEARCHING and isinstance(self._library, ProjectError):
            raise self._library

    def stream(self, question: str, arms: Sequence[ArmName]) -> Generator[AnswerDelta, None, None]:
        """Answer one question by several arms side by side, as their texts grow.

        Closed in mid-answer it leaves the model free: nothing is held between two deltas.

        Each arm's last delta carries its finished `Answer`; first-token and total times count
        from the question, retrieval included.
        """
        for arm in arms:
            self.check(arm)
        found = self._find(question) if any(arm in OPEN_BOOK for arm in arms) else None
        asked = [arm for arm in arms if not self._withheld(arm, found)]
        for arm in arms:
            if arm not in asked:
                withheld = self._answer(arm, self._nothing_generated(), found)
                yield AnswerDelta(arm, withheld.text, withheld)
        if not asked:
            return
        requests = [self._request(question, arm, found) for arm in asked]
        for index, generation in self._model.stream(requests, max_new_tokens=self._max_new_tokens):
            arm = asked[index]
            answer = self._answer(arm, generation, found) if generation.finished else None
            yield AnswerDelta(arm, generation.text, answer)

    def answer(
        self,
        questions: Sequence[str],
        arms: Sequence[ArmName],
        *,
        report: Callable[[int], None] = lambda done: None,
    ) -> list[list[Answer]]:
        """Answer a set of questions in fixed batches, the same on every run.

        :param report: called with the number of questions answered so far.
        :returns: for each question one answer an arm, in the order of `arms`.
        """
        for arm in arms:
            self.check(arm)
        reads = any(arm in OPEN_BOOK for arm in arms)
        answers: list[list[Answer]] = []
        for first in range(0, len(questions), QUESTIONS_A_BATCH):
            batch = questions[first : first + QUESTIONS_A_BATCH]
            found = [self._find(question) if reads else None for question in batch]
            # Arm by arm: rows of one arm stop at like lengths, so the batch empties evenly.
            columns = [self._in_one_batch(batch, arm, found) for arm in arms]
            answers.extend([list(row) for row in zip(*columns, strict=True)])
            report(len(answers))
        return answers

    def answer_batch(
        self,
        questions: Sequence[str],
        arm: AskedName,
        *,
        given: Sequence[Sequence[Passage]] = (),
    ) -> list[Answer | NoAnswer]:
        """Answer some questions by one arm in one batch; see `core.records.BatchAnswerer`."""
        made: dict[int, Answer | NoAnswer] = {}
        found: dict[int, Found | None] = {}
        for index, question in enumerate(questions):
            try:
                found[index] = self._read(question, arm, given[index] if given else None)
                request = self._request(question, arm, found[index])
                if not self._withheld(arm, found[index]):
                    # Looked at before: one prompt too long would fail the whole batch.
                    self._model.checked(request, max_new_tokens=self._max_new_tokens)
            except Exception as error:  # whatever a store, a model or a prompt raises
                made[index] = no_answer(error, question, arm)
        able = [index for index in range(len(questions)) if index not in made]
        try:
            texts, read = [questions[index] for index in able], [found[index] for index in able]
            made.update(zip(able, self._in_one_batch(texts, arm, read), strict=True))
        except Exception as together:  # the question at fault is found by asking each alone
            batch_failed(together, arm)
            for index in able:
                try:
                    [made[index]] = self._in_one_batch([questions[index]], arm, [found[index]])
                except Exception as error:
                    made[index] = no_answer(error, questions[index], arm)
        return [made[index] for index in range(len(questions))]

    def _in_one_batch(
        self, questions: Sequence[str], arm: AskedName, found: Sequence[Found | None]
    ) -> list[Answer]:
        requests = [
            self._request(question, arm, one)
            for question, one in zip(questions, found, strict=True)
            if not self._withheld(arm, one)
        ]
        made = iter(
            self._model.generate(requests, max_new_tokens=self._max_new_tokens) if requests else ()
        )
        return [
            self._answer(
                arm, self._nothing_generated() if self._withheld(arm, one) else next(made), one
            )
            for one in found
        ]

    def _read(self, question: str, arm: AskedName, given: Sequence[Passage] | None) -> Found | None:
        """What an arm has before it beside the question: nothing, what it finds or the evidence."""
        if arm in ORACLE_NAMES:
            return Found(hits=(), read=tuple(given or ()), nearest=(), seconds=0.0)
        return self._find(question) if arm in OPEN_BOOK else None

    def _find(self, question: str) -> Found:
        if isinstance(self._library, ProjectError):
            raise RetrievalUnavailable(str(self._library)) from self._library
        trained = self._fine_tuned.windows if isinstance(self._fine_tuned, FineTuned) else None
        return self._library.find(question, windows=max(self._library.windows, trained or 0))

    def _given(self, arm: AskedName, found: Found | None) -> tuple[Passage, ...]:
        """What of the found an arm reads: an adapter as much as it was trained to read.

        More than it was trained to read is no help to any model: the base is given the library's
        own number, which was chosen for it.
        """
        if found is None or arm not in OPEN_BOOK:
            return ()
        if arm in ORACLE_NAMES or isinstance(self._library, ProjectError):
            return found.read
        tuned = self._fine_tuned if arm in FINE_TUNED else None
        trained = tuned.windows if isinstance(tuned, FineTuned) else None
        return found.read[: trained or self._library.windows]

    @staticmethod
    def _withheld(arm: AskedName, found: Found | None) -> bool:
        return arm in OPEN_BOOK and found is not None and bool(found.withheld)

    def _nothing_generated(self) -> Generation:
        """The corpus's own words for withholding an answer, as if they had been generated."""
        text = self._wording.abstain_text
        return Generation(text, 0, 0, first_token_seconds=0.0, seconds=0.0, finished=True)

    def _request(self, question: str, arm: AskedName, found: Found | None) -> GenerationRequest:
        passages = self._given(arm, found) if found is not None and arm in OPEN_BOOK else None
        tuned = self._fine_tuned if arm in FINE_TUNED else None
        prompt = build_prompt(
            question,
            passages,
            system_prompt=self._wording.system_prompt,
            form=tuned.form if isinstance(tuned, FineTuned) else "chat",
        )
        return GenerationRequest(prompt, self.adapter_of(arm), self._sampling)

    def adapter_of(self, arm: AskedName) -> str | None:
        """Name of the adapter that an arm answers with, as the model has it loaded."""
        if arm not in FINE_TUNED:
            return None
        if isinstance(self._fine_tuned, ProjectError):
            raise self._fine_tuned
        return self._fine_tuned.loaded_as

    def _answer(self, arm: AskedName, generation: Generation, found: Found | None) -> Answer:
        looked_up = found if arm in OPEN_BOOK else None
        abstained = abstains(generation.text, self._wording.abstain_text)
        taken = Alignment((), ())
        if looked_up and not abstained:
            nearest = [hit.passage for hit in looked_up.nearest]
            taken = align(generation.text, nearest or self._given(arm, found))
        waited = looked_up.seconds if looked_up else 0.0
        return Answer(
            arm=arm,
            text=generation.text,
            hits=looked_up.hits if looked_up else (),
            read=() if looked_up and looked_up.withheld else self._given(arm, found),
            citations=taken.citations,
            unsupported=taken.unsupported,
            abstained=abstained,
            withheld=looked_up.withheld if looked_up else "",
            prompt_tokens=generation.prompt_tokens,
            completion_tokens=generation.completion_tokens,
            seconds=waited + generation.seconds,
            first_token_seconds=waited + generation.first_token_seconds,
            provenance=self.provenance(arm),
        )

    def provenance(self, arm: AskedName) -> Provenance:
        """Say what an arm's answers are made with."""
        tuned = self._fine_tuned if arm in FINE_TUNED else None
        library = self._library if arm in SEARCHING else None
        named = tuned if isinstance(tuned, FineTuned) else None
        shelf = library.retriever if isinstance(library, Library) else None
        decoding = decoded_by(self._model.decoding, self._sampling)
        return Provenance(
            base_model=self._model.reference,
            base_fingerprint=self._model.fingerprint,
            adapter=named.title if named else None,
            adapter_fingerprint=named.fingerprint if named else None,
            index=shelf.name if shelf else None,
            index_fingerprint=shelf.fingerprint if shelf else None,
            prompt_version=PROMPT_VERSION,
            decoding=f"{decoding}, at most {self._max_new_tokens} tokens",
            seed=self._sampling.seed if self._sampling else self._seed,
        )
