"""What the Ask tab shows at a moment, as updates of its components."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from core.records import ArmName
from ui.ask_state import Asked
from ui.asking import Moment
from ui.evidence import evidence
from ui.markup import sentence
from ui.panes import panes

#: Components and their new values; what is not named stays as it is.
Updates = dict[Any, Any]
#: Questions that a visit remembers.
_REMEMBERED = 20


@dataclass(frozen=True)
class Screen:
    """The components that an answer changes."""

    message: gr.HTML
    panes: gr.HTML
    evidence: gr.HTML
    votes: tuple[gr.Button, ...]
    voted: gr.HTML
    again: gr.Button
    past: gr.Dataset
    #: What is shown, and all that was shown in this visit, newest first.
    last: gr.State
    history: gr.State

    @property
    def parts(self) -> list[Any]:
        """All of them, as an event names its outputs."""
        return [
            self.message, self.panes, self.evidence, *self.votes, self.voted, self.again,
            self.past, self.last, self.history,
        ]  # fmt: skip

    def show(self, moment: Moment, arms: Sequence[ArmName], *, done: bool) -> Updates:
        """Show a moment; votes and another asking are open when all is done."""
        asked = moment.asked
        # A failure leaves what had been answered; a question that was refused had nothing.
        return {
            self.message: sentence(moment.message),
            self.panes: panes(arms, asked if not moment.message or _any(asked) else None),
            self.evidence: evidence(asked.answers, arms, asked.held) if asked else "",
            self.last: asked if not moment.message else None,
            **self._opened(asked, done=done),
        }

    def shown_again(self, asked: Asked, arms: Sequence[ArmName]) -> Updates:
        """Show what was answered before; no model runs for it."""
        return self.show(Moment(asked), arms, done=True)

    def remembered(self, history: Sequence[Asked], asked: Asked | None) -> Updates:
        """Put an answered question before what the visit asked earlier."""
        if asked is None:
            return {}
        others = [one for one in history if _put(one) != _put(asked)]
        kept = [asked, *others][:_REMEMBERED]
        lines = [_line(one) for one in kept]
        # As labels too: what a sample shows of itself is cut.
        past = gr.Dataset(samples=[[line] for line in lines], sample_labels=lines, visible=True)
        return {self.history: kept, self.past: past}

    def after_vote(self, history: Sequence[Asked], asked: Asked) -> Updates:
        """Close the vote on an answered question, wherever it is shown again."""
        number = asked.asking.number
        return {
            self.last: replace(asked, voted=True),
            self.history: [
                replace(one, voted=True) if one.asking.number == number else one for one in history
            ],
            **{vote: gr.Button(interactive=False) for vote in self.votes},
        }

    def _opened(self, asked: Asked | None, *, done: bool) -> Updates:
        open_to_vote = done and asked is not None and asked.comparable
        return {
            **{vote: gr.Button(interactive=open_to_vote) for vote in self.votes},
            self.voted: "",
            self.again: gr.Button(interactive=done and asked is not None),
        }


def _any(asked: Asked | None) -> bool:
    return asked is not None and bool(asked.answers)


def _put(asked: Asked) -> tuple[object, ...]:
    """What was put, however often."""
    asking = asked.asking
    return asking.question, asking.domain, asking.view, asking.variation


def _line(asked: Asked) -> str:
    asking = asked.asking
    settings = f" · {asking.variation}" if asking.variation else ""
    return f"{asking.question} · {asked.title} · {asking.view}{settings}"
