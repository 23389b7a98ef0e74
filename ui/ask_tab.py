"""Ask: one question, the chosen arms side by side, and the evidence of their answers."""

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from core.errors import ProjectError
from ui.asking import VIEWS, Moment, answers
from ui.evidence import evidence
from ui.gpu import on_gpu
from ui.markup import sentence
from ui.panes import Asked, panes
from ui.questions import examples
from ui.stage import MODEL_QUEUE, Stage
from workbench import Workbench

_FIRST_VIEW = next(iter(VIEWS))
#: The longest that answering by all arms may take on a GPU that is lent by the call.
_GPU_SECONDS = 30


def ask_tab(stage: Stage) -> None:
    """Lay out the tab; nothing is loaded before a visitor asks."""
    workbench, domain = stage.workbench, stage.domain
    last = gr.State(None)
    view = gr.Radio(list(VIEWS), value=_FIRST_VIEW, label="Compare")
    with gr.Row(equal_height=True):
        question = gr.Textbox(
            label="Question",
            placeholder="Ask about the domain, or choose an example below",
            scale=6,
            lines=1,
            max_lines=4,
            autofocus=True,
            elem_id="question",
        )
        ask = gr.Button("Ask", variant="primary", scale=1, elem_id="ask")
    offered = _offered(_examples(workbench, stage.first))
    message = gr.HTML(js_on_load=None, elem_id="message")
    shown = gr.HTML(panes(VIEWS[_FIRST_VIEW], None), js_on_load=None, elem_id="panes")
    found = gr.HTML(js_on_load=None, elem_id="evidence")
    screen: list[Any] = [message, shown, found, last, ask]

    @on_gpu(_GPU_SECONDS)
    def answer(where: str, text: str, seen: str) -> Iterator[Moment]:
        yield from answers(workbench, where, text, view=seen)

    def on_ask(where: str, text: str, seen: str, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        try:
            stage.guard.check_question(text, request)
        except ProjectError as error:
            yield _screen(Moment(None, str(error)), seen, busy=False)
            return
        yield from _screens(answer(where, text, seen), seen)

    def on_view(
        where: str, seen: str, before: Asked | None, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        arms = VIEWS[seen]
        if before is None:
            yield _screen(Moment(None), seen, busy=False)
        elif all(arm in before.answers or arm in before.reasons for arm in arms):
            yield _screen(Moment(before), seen, busy=False)
        else:
            yield from on_ask(where, before.question, seen, request)

    def on_domain(where: str, seen: str) -> tuple[Any, ...]:
        return (
            "",
            _other_samples(_examples(workbench, where)),
            *_screen(Moment(None), seen, busy=False),
        )

    def answer_after(event: Any, run: Callable[..., Any], inputs: list[Any]) -> Any:
        return event(
            run,
            inputs,
            screen,
            concurrency_id=MODEL_QUEUE,
            show_progress="hidden",
            api_visibility="private",
        )

    asked = gr.on(
        [ask.click, question.submit],
        on_ask,
        [domain, question, view],
        screen,
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
        trigger_mode="once",
        show_progress="hidden",
        api_visibility="private",
    )
    chosen = offered.click(
        lambda row: row[0], offered, question, queue=False, api_visibility="private"
    )
    example = answer_after(chosen.then, on_ask, [domain, question, view])
    looked = answer_after(view.change, on_view, [domain, view, last])
    domain.change(
        on_domain,
        [domain, view],
        [question, offered, *screen],
        cancels=[asked, example, looked],
        queue=False,
        api_visibility="private",
    )


def _offered(questions: list[str]) -> gr.Dataset:
    return gr.Dataset(
        components=[gr.Textbox(visible=False)],
        samples=[[question] for question in questions],
        label="Examples from the test split",
        samples_per_page=20,
        layout="gallery",
        elem_id="examples",
        visible=bool(questions),
    )


def _other_samples(questions: list[str]) -> gr.Dataset:
    """Replace what is offered: inside an event no component can be made for the samples."""
    return gr.Dataset(samples=[[question] for question in questions], visible=bool(questions))


def _screens(moments: Iterator[Moment], view: str) -> Iterator[tuple[Any, ...]]:
    moment = Moment(None)
    for moment in moments:
        yield _screen(moment, view, busy=True)
    yield _screen(moment, view, busy=False)


def _screen(moment: Moment, view: str, *, busy: bool) -> tuple[Any, ...]:
    arms, asked = VIEWS[view], moment.asked
    return (
        sentence(moment.message),
        panes(arms, None if moment.message else asked),
        evidence(asked.answers, arms) if asked else "",
        None if moment.message else asked,
        gr.Button("Answering …" if busy else "Ask", interactive=not busy),
    )


def _examples(workbench: Workbench, domain: str) -> list[str]:
    try:
        return examples(workbench.corpus(domain))
    except ProjectError:
        return []
