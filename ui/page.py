"""The page: chooses a domain, asks a question, shows the answers and their evidence."""

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from core.corpus.read import built_in_corpora
from core.errors import ProjectError
from ui.asking import VIEWS, Moment, answers
from ui.evidence import evidence
from ui.markup import sentence
from ui.panes import Asked, panes
from ui.questions import examples
from workbench import Workbench

_MASTHEAD = """<div class="masthead"><h1>Fine-tune it, or let it look things up?</h1>
<p>One question, one small model, four ways to answer: as it came (Base), fine-tuned on your
questions (SFT), with your documents open (RAG), or both. Same weights, same prompt, same decoding:
only what is compared differs.</p></div>"""
_FIRST_VIEW = next(iter(VIEWS))
#: Every event that uses the model waits in this one queue, so visitors take turns.
_QUEUE = "model"


def build_page(workbench: Workbench) -> gr.Blocks:
    """Build the page over a workbench; nothing is loaded before a visitor asks."""
    domains = _domains(workbench)
    first = domains[0][1]
    with gr.Blocks(title="SFT vs RAG", analytics_enabled=False) as page:
        last = gr.State(None)
        gr.HTML(_MASTHEAD, js_on_load=None)
        with gr.Row():
            domain = gr.Dropdown(domains, value=first, label="Domain", scale=2, min_width=220)
            view = gr.Radio(list(VIEWS), value=_FIRST_VIEW, label="Compare", scale=3)
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
        offered = _offered(_examples(workbench, first))
        message = gr.HTML(js_on_load=None, elem_id="message")
        shown = gr.HTML(panes(VIEWS[_FIRST_VIEW], None), js_on_load=None, elem_id="panes")
        found = gr.HTML(js_on_load=None, elem_id="evidence")
        screen: list[Any] = [message, shown, found, last, ask]

        def on_ask(where: str, text: str, seen: str) -> Iterator[tuple[Any, ...]]:
            yield from _screens(workbench, where, text, seen)

        def on_view(where: str, seen: str, before: Asked | None) -> Iterator[tuple[Any, ...]]:
            arms = VIEWS[seen]
            if before is None:
                yield _screen(Moment(None), seen, busy=False)
            elif all(arm in before.answers or arm in before.reasons for arm in arms):
                yield _screen(Moment(before), seen, busy=False)
            else:
                yield from _screens(workbench, where, before.question, seen)

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
                concurrency_id=_QUEUE,
                show_progress="hidden",
                api_visibility="private",
            )

        asked = gr.on(
            [ask.click, question.submit],
            on_ask,
            [domain, question, view],
            screen,
            concurrency_id=_QUEUE,
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
    return page


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


def _screens(
    workbench: Workbench, domain: str, question: str, view: str
) -> Iterator[tuple[Any, ...]]:
    moment = Moment(None)
    for moment in answers(workbench, domain, question, view=view):
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


def _domains(workbench: Workbench) -> list[tuple[str, str]]:
    found = []
    for name in built_in_corpora():
        try:
            found.append((workbench.corpus(name).info.title or name, name))
        except ProjectError:
            continue  # a broken folder beside good ones must not close the page
    if not found:
        raise ProjectError("No corpus can be read, so there is nothing to ask: restore corpora/.")
    return found


def _examples(workbench: Workbench, domain: str) -> list[str]:
    try:
        return examples(workbench.corpus(domain))
    except ProjectError:
        return []
