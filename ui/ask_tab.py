"""Ask: one question, the chosen arms side by side, and the evidence of their answers."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from core.errors import ProjectError
from ui.ask_again import Knobs, knobs
from ui.ask_desk import Desk, ask_desk, offers, samples
from ui.ask_link import from_link
from ui.ask_screen import Screen, Updates
from ui.ask_state import FIRST_VIEW, VIEWS, Asked, Asking, Variation
from ui.ask_vote import listen_to_votes, vote_row
from ui.asking import Moment, answers, judged, put
from ui.gpu import on_gpu
from ui.markup import sentence
from ui.panes import COPY_JS, panes
from ui.questions import ONE_OF_EACH
from ui.stage import MODEL_QUEUE, Stage

#: The longest that answering by all arms may take on a GPU that is lent by the call.
_GPU_SECONDS = 30
#: Askings that are known to have begun.
_REMEMBERED = 1000


@dataclass(frozen=True)
class AskParts:
    """What other tabs may fill in."""

    question: gr.Textbox
    view: gr.Radio


def ask_tab(stage: Stage) -> AskParts:
    """Lay out the tab; nothing is loaded before a visitor asks."""
    with gr.Column(elem_classes=["ask"]):
        desk = ask_desk(stage)
        screen, reason, settings = _screen(stage)
    _Wiring(stage, desk, screen).connect(settings)
    listen_to_votes(stage, screen, reason)
    return AskParts(desk.question, desk.view)


def _screen(stage: Stage) -> tuple[Screen, gr.Textbox, Knobs]:
    message = gr.HTML(js_on_load=None, elem_id="message")
    shown = gr.HTML(panes(VIEWS[FIRST_VIEW], None), js_on_load=COPY_JS, elem_id="panes")
    votes, reason, voted = vote_row(stage)
    found = gr.HTML(js_on_load=None, elem_id="evidence")
    settings = knobs(stage.workbench.settings)
    past = gr.Dataset(
        components=[gr.Textbox(visible=False)],
        samples=[],
        label="Asked in this visit: choose one to see it again",
        samples_per_page=20,
        type="index",
        layout="gallery",
        elem_id="past",
        visible=False,
    )
    screen = Screen(
        message, shown, found, votes, voted, settings.again, past, gr.State(None), gr.State([])
    )
    return screen, reason, settings


class _Wiring:
    """What happens when: light events say what is wanted, and one event uses the model for it."""

    def __init__(self, stage: Stage, desk: Desk, screen: Screen) -> None:
        self._stage, self._desk, self._screen = stage, desk, screen
        self._begun: deque[int] = deque(maxlen=_REMEMBERED)
        self._workbench = workbench = stage.workbench

        @on_gpu(_GPU_SECONDS)
        def answering(asking: Asking) -> Iterator[Moment]:
            yield from answers(workbench, asking)

        self._answers = answering

    def connect(self, settings: Knobs) -> None:
        """Connect all events but those of votes."""
        desk, screen, domain = self._desk, self._screen, self._stage.domain
        # The only event that uses the model. Who asks anew stops what is being answered for them.
        answering = desk.wanted.change(
            self._answer,
            [desk.wanted, screen.history],
            screen.parts,
            concurrency_id=MODEL_QUEUE,
            concurrency_limit=1,
            trigger_mode="multiple",
            show_progress="minimal",
            show_progress_on=screen.panes,
            api_visibility="private",
        )
        answering.failure(self._refused, desk.view, screen.parts, **_LIGHT)
        wanting = [desk.wanted, *screen.parts]

        def wants(event: Any, run: Callable[..., Updates], inputs: Any, *more: Any) -> None:
            # Through the queue, though it waits for nobody there: only what comes through it
            # tells the browser that a state has changed, and so starts the model.
            dependency = event(
                run,
                inputs,
                [*more, *wanting],
                cancels=[answering],
                concurrency_limit=None,
                # Who asks twice within a moment means the second: it is not to be dropped.
                trigger_mode="multiple",
                show_progress="hidden",
                api_visibility="private",
            )
            dependency.failure(self._refused, desk.view, screen.parts, **_LIGHT)

        typed = [domain, desk.question, desk.view, desk.own]
        wants(desk.ask.click, self._ask, typed)
        wants(desk.question.submit, self._ask, typed)
        example = [domain, desk.offered, desk.view]
        wants(desk.offered.click, self._example, example, desk.question, desk.own)
        wants(desk.view.input, self._look, [desk.view, screen.last])
        wants(settings.again.click, self._again, [screen.last, *settings.inputs])
        screen.past.click(
            self._show_again,
            [screen.past, screen.history, domain],
            [desk.view, desk.question, desk.own, *screen.parts],
            cancels=[answering],
            **_LIGHT,
        )
        domain.change(
            self._enter,
            [domain, desk.view, desk.linked],
            [desk.question, desk.own, desk.kinds, desk.offered, desk.linked, *screen.parts],
            cancels=[answering],
            **_LIGHT,
        )
        desk.kinds.input(self._offer, [domain, desk.kinds], desk.offered, **_LIGHT)
        for left in (desk.own.blur, desk.own.submit):
            left(self._judge, [screen.last, desk.own], screen.parts, **_LIGHT)
        self._stage.page.load(
            self._open,
            None,
            [domain, desk.question, desk.view, desk.linked, screen.message, self._stage.tabs],
            **_LIGHT,
        )

    def _answer(self, asking: Asking, history: list[Asked]) -> Iterator[Updates]:
        # A question is wanted once, by an event that looks at its visitor's limits.
        if asking.number in self._begun:
            return
        self._begun.append(asking.number)
        moment = Moment(None)
        for moment in self._answers(asking):
            yield self._screen.show(moment, asking.arms, done=False)
        done = self._screen.show(moment, asking.arms, done=True)
        if not moment.message:
            done |= self._screen.remembered(history, moment.asked)
        yield done

    def _refused(self, seen: str) -> Updates:
        full = "The model did not take the question: too many visitors wait. Ask again in a minute."
        return self._screen.show(Moment(None, full), VIEWS[seen], done=True)

    def _ask(
        self, where: str, text: str | None, seen: str, own: str | None, request: gr.Request
    ) -> Updates:
        # A box that nobody has touched may come as None.
        return self._wanted(Asking(text or "", where, seen, own or ""), request)

    def _example(self, where: str, row: list[str], seen: str, request: gr.Request) -> Updates:
        question = row[0]
        return {
            self._desk.question: question,
            self._desk.own: "",
            **self._wanted(Asking(question, where, seen), request),
        }

    def _look(self, seen: str, last: Asked | None, request: gr.Request) -> Updates:
        arms = VIEWS[seen]
        if last is None:
            return self._screen.show(Moment(None), arms, done=True)
        asking = replace(last.asking, view=seen)
        if last.complete(arms):
            return self._screen.shown_again(replace(last, asking=asking), arms)
        return self._wanted(asking, request)

    def _again(self, request: gr.Request, last: Asked | None, *chosen: float) -> Updates:
        if last is None:
            nothing = Moment(None, "There is nothing to run again yet: ask a question first.")
            return self._screen.show(nothing, VIEWS[FIRST_VIEW], done=True)
        k, windows, temperature, seed = chosen
        variation = Variation.within(k, windows, temperature=temperature, seed=seed)
        return self._wanted(replace(last.asking, variation=variation), request)

    def _wanted(self, asking: Asking, request: gr.Request) -> Updates:
        try:
            self._stage.guard.check_question(asking.question, request)
            moment = put(self._workbench, asking)
        except ProjectError as error:
            moment = Moment(None, str(error))
        shown = self._screen.show(moment, asking.arms, done=moment.asked is None)
        if moment.asked is not None:
            # Numbered, so that the same question asked again is something new to answer.
            shown[self._desk.wanted] = replace(moment.asked.asking, number=time.time_ns())
        return shown

    def _show_again(self, index: int, history: list[Asked], where: str) -> Updates:
        asked = history[index]
        asking, here = asked.asking, asked.asking.domain == where
        shown = self._screen.shown_again(asked, asking.arms)
        if not here:  # asked now, it would be asked of the domain that is chosen
            shown[self._screen.message] = _note(
                "This was asked of another domain: choose that one above to ask it again."
            )
        return {
            self._desk.view: asking.view,
            self._desk.question: asking.question if here else "",
            self._desk.own: asking.own,
            **shown,
        }

    def _judge(self, last: Asked | None, typed: str | None) -> Updates:
        own = typed or ""
        if last is None or last.asking.own == own or not last.complete(last.asking.arms):
            return {self._screen.message: gr.skip()}
        try:
            corpus = self._workbench.corpus(last.asking.domain)
        except ProjectError as error:
            return {self._screen.message: sentence(str(error))}
        longest = self._workbench.settings.max_question_characters
        asking = replace(last.asking, own=own[:longest])
        return self._screen.shown_again(judged(replace(last, asking=asking), corpus), asking.arms)

    def _enter(self, where: str, seen: str, linked: Asking | None) -> Updates:
        found = offers(self._workbench, where)
        first = found.get(ONE_OF_EACH, [])
        brought = linked if linked and linked.domain == where else None
        shown = self._screen.show(Moment(None), VIEWS[seen], done=True)
        if brought:
            shown[self._screen.message] = _note(_BROUGHT)
        return {
            self._desk.question: brought.question if brought else "",
            self._desk.own: "",
            self._desk.kinds: gr.Radio(choices=list(found), value=ONE_OF_EACH, visible=bool(found)),
            self._desk.offered: gr.Dataset(samples=samples(first), visible=bool(first)),
            self._desk.linked: None,
            **shown,
        }

    def _offer(self, where: str, kind: str) -> gr.Dataset:
        return gr.Dataset(samples=samples(offers(self._workbench, where).get(kind, [])))

    def _open(self, request: gr.Request) -> Updates:
        domain = self._stage.domain
        known = {str(value) for _, value in domain.choices}
        longest = self._workbench.settings.max_question_characters
        asking = from_link(dict(request.query_params), known, longest=longest)
        if asking is None:
            return {self._desk.linked: None}
        return {
            domain: asking.domain,
            self._desk.question: asking.question,
            self._desk.view: asking.view,
            self._desk.linked: asking,
            self._screen.message: _note(_BROUGHT),
            self._stage.tabs: gr.Tabs(selected="ask"),
        }


def _note(words: str) -> str:
    return f'<p class="opened" role="status">{words}</p>'


_BROUGHT = "A link brought this question: press Ask to have it answered."
#: Events that use no model wait in no queue.
_LIGHT: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
