"""The verbs that judge: what the `Workbench` asks of the arms, and what it makes of the answers."""

import logging
import os
import platform
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from arming import Arming
from contexts import gold_windows
from core.corpus.known import KnownFacts
from core.corpus.read import Corpus
from core.errors import ProjectError, UnansweredError
from core.records import Answer, ArmName, Split
from core.settings import Settings
from eval.known import ask_for_known
from eval.rebuild import rebuild, silent_arms
from eval.run_files import (
    AskedQuestion,
    RunInfo,
    answers_of_facts,
    asked_question,
    oracles_of,
    questions_fingerprint,
)
from eval.runner import Measure, Report, choose_questions, run_evaluation
from eval.score_file import score_file
from rag.embedding_cache import CachedEncoder
from rag.library import Library, remembering
from rag.passages import sentence_spans

_log = logging.getLogger(__name__)


class Evaluating(Arming):
    """Judges the arms."""

    def __init__(self, settings: Settings) -> None:
        """Load nothing yet."""
        super().__init__(settings)
        #: Held while a page evaluates: one run at a time, whichever page or program asks for it.
        self.evaluating = threading.Lock()

    def label_known(
        self,
        reference: str,
        *,
        out: Path | None = None,
        report: Callable[[int, int], None] = lambda done, of: None,
    ) -> tuple[KnownFacts, Path]:
        """Ask the base model for each fact in several wordings, and keep what it knows.

        :returns: the labels and the file they are in.
        """
        corpus = self.corpus(reference)
        known = ask_for_known(corpus, self.arms(reference), report=report)
        return known, self._keep_known(corpus, known, out)

    def evaluate(
        self,
        reference: str,
        *,
        arms: Sequence[ArmName],
        split: Split = "test",
        limit: int | None = None,
        out: Path | None = None,
        oracle: bool = True,
        report: Report = lambda done, of, left: None,
    ) -> tuple[dict[str, Any], Path]:
        """Answer and score a split by the arms; see `eval.run_files` for what is written.

        A run that was broken off goes on where the same is asked with the same `out`.

        :param oracle: ask the same weights with the evidence before them, too.
        :param report: hears the answers there are, of how many, and the seconds left, if known.
        :returns: the summary and the folder of the files.
        :raises EvaluationError: when there is nothing to ask, or `out` holds another evaluation.
        :raises UnansweredError: when an arm answered no question at all; says why.
        """
        corpus = self.corpus(reference)
        questions = choose_questions(corpus, split, limit=limit, seed=self.settings.seed)
        shelf = self.library_or_why(corpus)
        if isinstance(shelf, Library):
            shelf = remembering(shelf)
        together = self.arms_of(corpus, self.tuned_or_why(corpus, None), shelf)
        for arm in arms:
            together.check(arm)
        known, exposures = self.known(corpus), corpus.exposures
        gold = gold_windows(corpus, questions) if oracle else {}
        asked = [
            asked_question(
                one,
                exposure=exposures.get(one.id),
                known=known.label(one.fact) if known else None,
                gold=one.id in gold,
            )
            for one in questions
        ]
        measure, signatures = self._measure(corpus, shelf)
        oracles = oracles_of(arms) if gold else ()
        model = self.model()
        info = RunInfo(
            corpus=corpus.name,
            corpus_title=corpus.info.title or corpus.name,
            corpus_fingerprint=corpus.fingerprint,
            split=split,
            seed=self.settings.seed,
            limit=limit,
            n=len(asked),
            arms=tuple(arms),
            oracles=oracles,
            provenance={arm: together.provenance(arm).model_dump() for arm in (*arms, *oracles)},
            signatures=signatures,
            abstain_text=corpus.info.abstain_text,
            max_new_tokens=self.settings.max_new_tokens,
            facts=answers_of_facts(corpus.of_split("train")),
            questions_fingerprint=questions_fingerprint(asked),
            machine={
                "cpus": os.cpu_count(),
                "device": str(model.device),
                "dtype": str(model.dtype).removeprefix("torch."),
                "platform": f"{platform.system()} {platform.machine()}",
            },
            started=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        folder = out or self.state / "runs" / f"evaluate-{corpus.name}-{uuid.uuid4().hex[:8]}"
        try:
            run_evaluation(folder, info, asked, together, gold=gold, measure=measure, report=report)
        except KeyboardInterrupt:
            _log.warning("Broken off; the same command with --out %s goes on from here.", folder)
            raise
        summary = rebuild(folder)
        silent = silent_arms(summary["coverage"])
        if silent:
            told = " ".join(
                f"{arm} answered none of {len(asked)}: {why}" for arm, why in silent.items()
            )
            raise UnansweredError(
                f"{told} What the others answered is in {folder}; when the cause is mended, "
                "evaluate into another folder."
            )
        return summary, folder

    def _measure(
        self, corpus: Corpus, shelf: Library | ProjectError
    ) -> tuple[Measure | None, dict[str, str]]:
        """Make what measures answers by the encoder and the documents, and how it does so."""
        try:
            encoder = self.encoder()
        except ProjectError as error:
            _log.warning("Similarity and support are not measured: %s", error)
            return None, {}
        library = shelf if isinstance(shelf, Library) else None
        signatures = {
            "similarity": f"cosine|ref:nearest|{encoder.reference}:{encoder.fingerprint[:12]}"
        }
        if library is not None:
            signatures["support"] = "share of sentences|held against the passages found or read"
        return Measures(encoder, library, corpus.info.abstain_text), signatures

    def score(self, path: Path) -> dict[str, Any]:
        """Score any system's answers; see `eval.score_file`."""
        return score_file(path, seed=self.settings.seed)


class Measures:
    """Measures answers by what takes a model; kept with each answer, so that none is needed again.

    `similarity` is the cosine of the answer and the nearest reference. `support` is the share of
    the answer's sentences that the corpus supports; answers that withhold one say nothing to
    support.
    """

    def __init__(self, encoder: CachedEncoder, library: Library | None, abstain_text: str) -> None:
        """Measure similarity, and support where there is a library."""
        self._encoder, self._library, self._abstain_text = encoder, library, abstain_text

    def __call__(self, pairs: Sequence[tuple[AskedQuestion, Answer]]) -> list[dict[str, float]]:
        """Measure each answer to its question."""
        found = []
        for (question, answer), similarity in zip(pairs, self._similarities(pairs), strict=True):
            support = self._support(question, answer)
            found.append(
                {"similarity": similarity, **({} if support is None else {"support": support})}
            )
        return found

    def _similarities(self, pairs: Sequence[tuple[AskedQuestion, Answer]]) -> list[float]:
        references = [question.answers or (self._abstain_text,) for question, _ in pairs]
        texts = [answer.text for _, answer in pairs] + [text for one in references for text in one]
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        # As questions: texts on one side only are compared, and answers are not worth remembering.
        vectors = self._encoder.encode_questions(list(numbers))
        return [
            # An empty answer says nothing, and is like nothing.
            round(
                float(
                    np.max(
                        vectors[[numbers[text] for text in wanted]] @ vectors[numbers[answer.text]]
                    )
                ),
                4,
            )
            if answer.text.strip()
            else 0.0
            for (_, answer), wanted in zip(pairs, references, strict=True)
        ]

    def _support(self, question: AskedQuestion, answer: Answer) -> float | None:
        spans = sentence_spans(answer.text)
        if self._library is None or answer.abstained or not spans:
            return None
        unsupported = answer.unsupported
        if not answer.hits and not answer.read:  # from memory: nothing was held against anything
            try:
                unsupported = self._library.hold(question.question, answer.text)[1].unsupported
            except Exception as error:  # the answer stands, whatever the store has
                _log.warning("The support of an answer to %s is unknown: %s", question.id, error)
                return None
        return round(1 - len(unsupported) / len(spans), 4)
