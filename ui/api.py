"""The page's verbs for programs: `ask`, `retrieve` and `evaluate`, over HTTP and as MCP tools.

Their docstrings are what a program and a language model read about them, so they are written in
the form that gradio takes apart: what it does, then a line an argument.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import gradio as gr
from pydantic import BaseModel

from core.corpus.read import built_in_corpora
from core.errors import ProjectError
from core.records import ARM_NAMES, ArmName, Split
from ui.markup import INSIDE
from ui.public import Guard
from ui.stage import MODEL_QUEUE, Stage
from workbench import Workbench

#: Questions of one evaluation at most: on one's own page, and where strangers use it.
MOST_QUESTIONS, MOST_IN_PUBLIC = 50, 5
#: Passages of one retrieval at most.
MOST_PASSAGES = 50
#: Calls of `evaluate` that are heard at once: all but one are told that one is going on.
_HEARD = 8

_log = logging.getLogger(__name__)


class RequestError(ProjectError):
    """A program asked for what there is not."""


def add_api(stage: Stage) -> None:
    """Offer the verbs on the open page; no event of a tab is among them."""
    verbs = Verbs(stage.workbench, stage.guard)
    gr.api(verbs.ask, concurrency_id=MODEL_QUEUE)
    gr.api(verbs.retrieve)
    # Not in the model's queue: who comes second is to be refused now, not after the first.
    gr.api(verbs.evaluate, concurrency_limit=_HEARD)


class Verbs:
    """What programs may ask of a page, each the workbench's method of its name."""

    def __init__(self, workbench: Workbench, guard: Guard) -> None:
        """Offer a workbench's verbs.

        :param guard: says whether strangers use them: then they are limited, runs are short and
            nothing of them is kept.
        """
        self._workbench, self._guard, self._public = workbench, guard, guard.public

    def ask(
        self,
        domain: str,
        question: str,
        arms: list[str] | None = None,
        _request: gr.Request | None = None,
    ) -> dict[str, Any]:
        """Answer one question from a domain's documents and training, by several arms side by side.

        All arms share one small language model: base (as it came), sft (fine-tuned on the domain's
        questions), rag (reads passages of the domain's documents) and sft+rag (both).

        Args:
            domain: Name of the domain, for example "halden" or "solar-system".
            question: The question in plain words.
            arms: Who answers, any of "base", "sft", "rag", "sft+rag"; all four when left out.

        Returns:
            The question, and for each arm its answer with passages, citations, times, provenance.
        """
        with told():
            names = _arms(arms)
            domain, question = _domain(domain), _text(question, "question")
            self._guard.check_question(question, _request)
            deltas = self._workbench.ask(domain, question, names)
            found = {delta.arm: delta.answer for delta in deltas if delta.answer is not None}
            answers = [answer for arm in names if (answer := found.get(arm)) is not None]
            return {"question": question, "answers": _dumped(answers)}

    def retrieve(
        self, domain: str, question: str, k: int = 5, _request: gr.Request | None = None
    ) -> dict[str, Any]:
        """Find the passages of a domain's documents that fit a question best; no answer is made.

        Args:
            domain: Name of the domain, for example "halden" or "solar-system".
            question: The question in plain words.
            k: How many passages to return, 1 to 50.

        Returns:
            The question, and the passages best first, with their ranks by meaning and by words.
        """
        with told():
            number = _whole(k, "k", MOST_PASSAGES)
            domain, question = _domain(domain), _text(question, "question")
            self._guard.check_question(question, _request)
            hits = self._workbench.retrieve(domain, question, number)
            return {"question": question, "hits": _dumped(hits)}

    def evaluate(
        self,
        domain: str,
        split: str = "test",
        limit: int = 5,
        arms: list[str] | None = None,
        _request: gr.Request | None = None,
    ) -> dict[str, Any]:
        """Ask the arms a few of a domain's labelled questions and score them by the references.

        Takes seconds for each question and arm; while one evaluation runs, another is refused.

        Args:
            domain: Name of the domain, for example "halden" or "solar-system".
            split: Which questions, "train", "validation" or "test".
            limit: How many questions, a fixed sample; at most 50, and at most 5 in a public demo.
            arms: Who answers, any of "base", "sft", "rag", "sft+rag"; all four when left out.

        Returns:
            The summary: for each arm its metrics with intervals, times and comparisons.
        """
        with told():
            names, most = _arms(arms), MOST_IN_PUBLIC if self._public else MOST_QUESTIONS
            number, domain = _whole(limit, "limit", most), _domain(domain)
            if split not in ("train", "validation", "test"):
                raise RequestError(f"There is no split {split!r}; use train, validation or test.")
            self._guard.check_rate(_request, uses=number)
            if not self._workbench.evaluating.acquire(blocking=False):
                raise RequestError("An evaluation is going on: wait until it has ended, then ask.")
            try:
                return self._summary(domain, cast(Split, split), number, names)
            finally:
                self._workbench.evaluating.release()

    def _summary(
        self, domain: str, split: Split, limit: int, arms: list[ArmName]
    ) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as aside:
            # One's own runs are kept, to be reported on and compared; strangers' are not.
            out = Path(aside) / "run" if self._public else None
            return self._workbench.evaluate(
                domain, arms=arms, split=split, limit=limit, out=out, oracle=False
            )[0]


@contextmanager
def told() -> Iterator[None]:
    """Turn every failure into a sentence for whoever called."""
    try:
        yield
    except ProjectError as error:
        raise gr.Error(" ".join(str(error).split()), print_exception=False) from error
    except Exception as error:  # the API's last line: a program reads a sentence
        _log.exception("a call failed")
        raise gr.Error(INSIDE, print_exception=False) from error


def _domain(value: Any) -> str:
    """Take a domain of the page by name: a folder of the server's is none of a caller's business.

    :raises RequestError: names those there are.
    """
    known = built_in_corpora()
    if value not in known:
        raise RequestError(f"There is no domain {value!r}; the domains are {', '.join(known)}.")
    return cast(str, value)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise RequestError(f"{name} must be text, and {value!r} is none.")
    return value


def _whole(value: Any, name: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise RequestError(f"{name} must be a whole number from 1 to {most}, not {value!r}.")
    return value


def _arms(value: Any) -> list[ArmName]:
    if value is None:
        return list(ARM_NAMES)
    named = ", ".join(ARM_NAMES)
    if not isinstance(value, list) or not value:
        raise RequestError(f"arms must be a list of some of {named}, not {value!r}.")
    for arm in value:
        if arm not in ARM_NAMES:
            raise RequestError(f"There is no arm {arm!r}; the arms are {named}.")
    if len(set(value)) != len(value):
        raise RequestError("Name each arm once.")
    return cast(list[ArmName], value)


def _dumped(records: list[Any]) -> list[Any]:
    return [cast(BaseModel, record).model_dump(mode="json") for record in records]
