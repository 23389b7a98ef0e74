"""Asking from the page: answers as they grow, and every failure as a sentence."""

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from arms import Arms
from core.corpus.read import Corpus
from core.errors import ProjectError
from core.records import Answer, ArmName, Question
from core.sampling import Sampling
from sft.adapters import active_adapter, age_marks
from ui.ask_state import Asked, Asking, Held, Variation
from ui.markup import INSIDE
from ui.questions import described, reference_of
from workbench import QuestionError, Workbench

#: Seconds between two repaints: faster than reading, slower than a model's step.
_REPAINT = 0.08

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Moment:
    """What the page shows at one moment of answering."""

    asked: Asked | None
    message: str = ""


def put(workbench: Workbench, asking: Asking) -> Moment:
    """Take a question as it is put; nothing runs yet, but a wrong one is refused at once."""
    try:
        workbench.check_question(asking.question)
        most = workbench.settings.max_question_characters
        if len(asking.own) > most:
            raise QuestionError(
                f"The reference has {len(asking.own)} characters; the most is {most}. Shorten it."
            )
        corpus = workbench.corpus(asking.domain)
        asked = Asked(
            replace(asking, question=asking.question.strip()),
            phase="waiting",
            title=corpus.info.title or corpus.name,
        )
        return Moment(judged(asked, corpus))
    except ProjectError as error:
        return Moment(None, str(error))


def judged(asked: Asked, corpus: Corpus) -> Asked:
    """Say what an asked question is judged by: the visitor's own reference, else the corpus's."""
    asking = asked.asking
    found = reference_of(corpus, asking.question)
    accepted = tuple(line.strip() for line in asking.own.splitlines() if line.strip())
    if accepted:
        reference: Question | None = Question(
            id="own", question=asking.question, answers=accepted, kind="fact"
        )
        kind = "your own reference"
    else:
        reference, kind = found, described(corpus, found) if found else ""
    return replace(
        asked,
        reference=reference,
        kind=kind,
        trained=found is not None and found.split == "train",
        abstain_text=corpus.info.abstain_text,
    )


def answers(workbench: Workbench, asking: Asking) -> Iterator[Moment]:
    """Answer a question by its view's arms; those that cannot run say why, the others answer."""
    asked = None
    try:
        start = put(workbench, asking)
        if start.asked is None:
            yield start
            return
        asked = replace(start.asked, phase="preparing")
        yield Moment(asked)
        corpus = workbench.corpus(asking.domain)
        together = _varied(workbench.arms(asking.domain), asking.variation)
        reasons = {arm: why for arm, why in together.unavailable().items() if arm in asking.arms}
        asked = replace(asked, phase="answering", reasons=reasons)
        asked = _about_the_adapter(workbench, corpus, together, asked)
        for moment in _stream(together, asked, [arm for arm in asking.arms if arm not in reasons]):
            asked = moment
            yield Moment(asked)
        asked = _held(workbench, asked)
        yield Moment(asked)
    except ProjectError as error:
        yield Moment(asked, str(error))
    except Exception:  # the page's last line: a person reads a sentence, the log the traceback
        _log.exception("answering failed")
        yield Moment(asked, f"{INSIDE} Ask again.")


def _varied(together: Arms, variation: Variation | None) -> Arms:
    if variation is None:
        return together
    drawn = Sampling(variation.temperature, variation.seed) if variation.temperature else None
    return together.varied(k=variation.k, windows=variation.windows, sampling=drawn)


def _about_the_adapter(workbench: Workbench, corpus: Corpus, together: Arms, asked: Asked) -> Asked:
    """Add what the adapter that answers forgot, and what speaks against it."""
    named = together.provenance("sft").adapter
    adapter = active_adapter(workbench.state, corpus.name) if named else None
    if adapter is None or named is None:
        return asked
    measured = workbench.forgetting_of(adapter, named)
    return replace(
        asked,
        forgotten=measured.short() if measured else "",
        stale=age_marks(adapter, corpus_fingerprint=corpus.fingerprint),
    )


def _stream(together: Arms, asked: Asked, arms: list[ArmName]) -> Iterator[Asked]:
    texts: dict[ArmName, str] = {}
    finished: dict[ArmName, Answer] = {}
    painted = 0.0
    yield asked
    if not arms:
        return
    # Closed with the page that was left, so that the model works for nobody who is gone.
    with closing(together.stream(asked.asking.question, arms)) as deltas:
        for delta in deltas:
            texts[delta.arm] = delta.text
            if delta.answer is not None:
                finished[delta.arm] = delta.answer
            if delta.answer is not None or time.monotonic() - painted > _REPAINT:
                painted = time.monotonic()
                yield replace(asked, texts=dict(texts), answers=dict(finished))


def _held(workbench: Workbench, asked: Asked) -> Asked:
    """Hold the fine-tuned answer from memory against the documents, where there are any."""
    remembered = asked.answers.get("sft")
    if remembered is None or remembered.abstained or not remembered.text.strip():
        return asked
    asking = asked.asking
    try:
        hits, alignment = workbench.hold(asking.domain, asking.question, remembered.text)
    except ProjectError:  # no documents: the open-book panes say so
        return asked
    return replace(asked, held=Held(hits, alignment))
