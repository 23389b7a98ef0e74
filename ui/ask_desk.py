"""Where a visitor of the Ask tab types and chooses."""

from dataclasses import dataclass

import gradio as gr

from core.errors import ProjectError
from ui.ask_state import FIRST_VIEW, VIEWS
from ui.questions import ONE_OF_EACH, examples
from ui.stage import Stage
from workbench import Workbench


@dataclass(frozen=True)
class Desk:
    """Where a visitor types and chooses."""

    view: gr.Radio
    question: gr.Textbox
    own: gr.Textbox
    ask: gr.Button
    kinds: gr.Radio
    offered: gr.Dataset
    #: What is to be answered next; setting it is what starts the model.
    wanted: gr.State
    #: The question of the link that the page was opened by, until its domain is shown.
    linked: gr.State


def ask_desk(stage: Stage) -> Desk:
    """Lay it out, with the first domain's examples."""
    longest = stage.workbench.settings.max_question_characters
    view = gr.Radio(list(VIEWS), value=FIRST_VIEW, label="Compare")
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
    offered_kinds = offers(stage.workbench, stage.first)
    kinds = gr.Radio(
        list(offered_kinds),
        value=ONE_OF_EACH,
        label="Examples from the test split",
        elem_id="kinds",
        visible=bool(offered_kinds),
    )
    offered = gr.Dataset(
        components=[gr.Textbox(visible=False)],
        samples=samples(offered_kinds.get(ONE_OF_EACH, [])),
        show_label=False,
        samples_per_page=20,
        layout="gallery",
        elem_id="examples",
        visible=bool(offered_kinds),
    )
    with gr.Accordion("Score by a reference of your own", open=False):
        own = gr.Textbox(
            label="Reference answer",
            info="One accepted answer a line. Answers on the screen are scored by it at once.",
            lines=2,
            max_lines=4,
            max_length=longest,
            elem_id="own",
        )
    return Desk(view, question, own, ask, kinds, offered, gr.State(None), gr.State(None))


def offers(workbench: Workbench, domain: str) -> dict[str, list[str]]:
    """Example questions of a domain, by kind; none where it cannot be read."""
    try:
        return examples(workbench.corpus(domain))
    except ProjectError:
        return {}


def samples(questions: list[str]) -> list[list[str]]:
    """Rows of a dataset: inside an event no component can be made for them."""
    return [[question] for question in questions]
