"""How it works: one question looked up and learnt, step by step, with its real numbers."""

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr

from core.errors import ProjectError
from ui.how_answering import replies, replies_shown
from ui.how_glossary import glossary
from ui.how_looking import Look, look
from ui.how_retrieval import retrieval_track
from ui.how_training import training_track
from ui.markup import INSIDE, sentence
from ui.questions import ONE_OF_EACH, examples
from ui.stage import MODEL_QUEUE, Stage
from workbench import Workbench

_INTRODUCTION = (
    '<div class="how intro"><p>A language model can be given new knowledge in two ways: '
    "<b>look it up</b> while it answers, or <b>learn it</b> beforehand. Choose a question and see "
    "both, step by step, with the numbers that this page really works with.</p></div>"
)

_log = logging.getLogger(__name__)


def how_tab(stage: Stage) -> None:
    """Lay out the tab; nothing is loaded before a visitor asks."""
    workbench, domain = stage.workbench, stage.domain
    samples = _samples(workbench, stage.first)
    gr.HTML(_INTRODUCTION, js_on_load=None)
    with gr.Row(equal_height=True):
        question = gr.Textbox(
            label="Question to follow",
            placeholder="Type one, or choose an example below",
            scale=5,
            min_width=300,
            lines=1,
            max_lines=3,
            elem_id="how-question",
        )
        show = gr.Button("Show the steps", variant="primary", scale=1, elem_id="how-show")
        answer = gr.Button("Let both answer", scale=1, elem_id="how-answer")
    offered = gr.Dataset(
        components=[gr.Textbox(visible=False)],
        samples=samples,
        label="Questions to choose from",
        samples_per_page=20,
        layout="gallery",
        elem_id="how-examples",
        visible=bool(samples),
    )
    message = gr.HTML(js_on_load=None)
    steps = gr.HTML(steps_shown(None), js_on_load=None, elem_id="how-steps")
    answers = gr.HTML(replies_shown(None), js_on_load=None, elem_id="how-answers")
    gr.HTML(glossary(), js_on_load=None)
    screen: list[Any] = [message, steps, answers, show, answer]

    def on_show(where: str, text: str, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        yield _screen(message="", busy="show")
        try:
            stage.guard.check_question(text, request)
            shown = steps_shown(look(workbench, where, text))
            yield _screen(message="", steps=shown, answers=replies_shown(None))
        except Exception as error:
            yield _screen(message=_told(error))

    def on_answer(where: str, text: str, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        yield _screen(message="", busy="answer")
        try:
            stage.guard.check_question(text, request)
            seen = look(workbench, where, text)
            yield _screen(message="", steps=steps_shown(seen), busy="answer")
            for now in replies(workbench, where, seen.question, seen.lesson):
                yield _screen(message="", answers=replies_shown(now), busy="answer")
            yield _screen(message="")
        except Exception as error:
            yield _screen(message=_told(error))

    def on_domain(where: str) -> tuple[Any, ...]:
        samples = _samples(workbench, where)
        return (
            "",
            gr.Dataset(samples=samples, visible=bool(samples)),
            *_screen(message="", steps=steps_shown(None), answers=replies_shown(None)),
        )

    looked = gr.on(
        [show.click, question.submit],
        on_show,
        [domain, question],
        screen,
        trigger_mode="once",
        show_progress="hidden",
        api_visibility="private",
    )
    chosen = offered.click(
        lambda row: row[0], offered, question, queue=False, api_visibility="private"
    ).then(on_show, [domain, question], screen, show_progress="hidden", api_visibility="private")
    answered = answer.click(
        on_answer,
        [domain, question],
        screen,
        concurrency_id=MODEL_QUEUE,
        trigger_mode="once",
        show_progress="hidden",
        api_visibility="private",
    )
    domain.change(
        on_domain,
        domain,
        [question, offered, *screen],
        cancels=[looked, chosen, answered],
        queue=False,
        api_visibility="private",
    )


def steps_shown(seen: Look | None) -> str:
    """Draw both ways, side by side where there is room."""
    return (
        '<div class="how tracks">'
        + retrieval_track(seen.lookup if seen else None)
        + training_track(seen.lesson if seen else None)
        + "</div>"
    )


def _screen(
    *, message: str, steps: str | None = None, answers: str | None = None, busy: str = ""
) -> tuple[Any, ...]:
    """What the page shows now; None leaves a part as it is."""
    return (
        sentence(message),
        gr.update() if steps is None else steps,
        gr.update() if answers is None else answers,
        gr.Button("Looking …" if busy == "show" else "Show the steps", interactive=not busy),
        gr.Button("Answering …" if busy == "answer" else "Let both answer", interactive=not busy),
    )


def _told(error: Exception) -> str:
    if isinstance(error, ProjectError):
        return str(error)
    _log.error("a question could not be shown", exc_info=error)
    return INSIDE


def _samples(workbench: Workbench, domain: str) -> list[list[str]]:
    """A question that is trained on, then the shortest of every kind that is held back."""
    try:
        corpus = workbench.corpus(domain)
    except ProjectError:
        return []
    trained = [one.question for one in corpus.of_split("train")[:1]]
    offered = examples(corpus).get(ONE_OF_EACH, [])
    return [[question] for question in dict.fromkeys([*trained, *offered])]
