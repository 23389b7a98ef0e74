"""Asking from the page: answers as they grow, and every failure as a sentence."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from arms import Arms
from core.errors import ProjectError
from core.records import ARM_NAMES, Answer, ArmName
from sft.adapters import active_adapter
from ui.panes import Asked
from ui.questions import described, reference_of
from workbench import Workbench

#: What can be chosen to look at.
VIEWS: dict[str, tuple[ArmName, ...]] = {
    "SFT against RAG": ("sft", "rag"),
    "All four arms": ARM_NAMES,
}
#: Seconds between two repaints: faster than reading, slower than a model's step.
_REPAINT = 0.08

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Moment:
    """What the page shows at one moment of answering."""

    asked: Asked | None
    message: str = ""


def answers(workbench: Workbench, domain: str, question: str, *, view: str) -> Iterator[Moment]:
    """Answer a question by the view's arms; those that cannot run say why, the others answer."""
    asked = None
    try:
        workbench.check_question(question)
        corpus = workbench.corpus(domain)
        reference = reference_of(corpus, question)
        kind = described(corpus, reference) if reference else ""
        asked = Asked(question.strip(), reference, kind, corpus.info.abstain_text)
        yield Moment(asked)
        together = workbench.arms(domain)
        reasons = {arm: why for arm, why in together.unavailable().items() if arm in VIEWS[view]}
        forgotten = _forgotten(workbench, corpus.name, together)
        asked = replace(asked, reasons=reasons, forgotten=forgotten)
        able = [arm for arm in VIEWS[view] if arm not in reasons]
        for moment in _stream(together, asked, able):
            asked = moment
            yield Moment(moment)
    except ProjectError as error:
        yield Moment(asked, str(error))
    except Exception:  # the page's last line: a person reads a sentence, the log the traceback
        _log.exception("answering failed")
        yield Moment(asked, "Something went wrong inside; the server's log says what. Ask again.")


def _forgotten(workbench: Workbench, corpus: str, together: Arms) -> str:
    """What the adapter that answers forgot, in a few words; empty where it was not measured."""
    named = together.provenance("sft").adapter
    adapter = active_adapter(workbench.state, corpus) if named else None
    measured = workbench.forgetting_of(adapter, named) if adapter else None
    return measured.short() if measured else ""


def _stream(together: Arms, asked: Asked, arms: list[ArmName]) -> Iterator[Asked]:
    texts: dict[ArmName, str] = {}
    finished: dict[ArmName, Answer] = {}
    painted = 0.0
    yield asked
    if not arms:
        return
    for delta in together.stream(asked.question, arms):
        texts[delta.arm] = delta.text
        if delta.answer is not None:
            finished[delta.arm] = delta.answer
        if delta.answer is not None or time.monotonic() - painted > _REPAINT:
            painted = time.monotonic()
            yield replace(asked, texts=dict(texts), answers=dict(finished))
