"""Decide: the verdict on a corpus, what it rests on, and what each way costs a month."""

from typing import Any

import gradio as gr

from core.errors import ProjectError
from eval.cost import Prices
from ui.decide_results import Results, Shown, prices_of
from ui.markup import sentence
from ui.stage import Stage

_DEFAULTS = Prices()
_QUESTIONS, _REVISIONS, _FACTS = 10_000, 1, 10


def decide_tab(stage: Stage) -> None:
    """Lay out the tab; it shows the shipped results at once, and no model is loaded for it."""
    results, domain = Results(stage.workbench, public=stage.public), stage.domain
    first = results.shown(stage.first, None)
    offered = results.offers(stage.first)
    verdict = gr.HTML(first.verdict, js_on_load=None, elem_id="decide-verdict")
    with gr.Row(elem_id="decide-bar", equal_height=True):
        run = gr.Dropdown(
            offered,
            value=offered[0][1] if offered else None,
            label="Results of",
            scale=3,
            min_width=260,
            elem_id="decide-run",
            visible=len(offered) > 1,
        )
        taken = [
            gr.DownloadButton(
                label,
                value=str(first.files[at]) if first.files else None,
                interactive=first.files is not None,
                size="md",
                min_width=150,
                elem_id=f"decide-{name}",
            )
            for at, (name, label) in enumerate(
                (
                    ("report", "Download the report"),
                    ("csv", "All answers (CSV)"),
                    ("json", "All figures (JSON)"),
                )
            )
        ]
    figures = gr.HTML(first.figures, js_on_load=None, elem_id="decide-figures")
    with gr.Column(visible=first.cost is not None, elem_id="decide-cost") as costs:
        gr.HTML(
            '<div class="decide"><h2>What a month costs</h2><p class="lead">Move the sliders and '
            "enter your prices, in any one currency; the figures follow.</p></div>",
            js_on_load=None,
        )
        with gr.Row():
            with gr.Column(scale=1, min_width=260):
                asked = _given()
            with gr.Column(scale=2, min_width=320):
                month = gr.HTML(
                    _month(results, stage.first, None, *_at_first()),
                    js_on_load=None,
                    elem_id="decide-month",
                )
    rest = gr.HTML(first.rest, js_on_load=None, elem_id="decide-rest")
    screen = [verdict, *taken, figures, costs, rest, month]

    def on_month(where: str, name: str | None, *values: float | None) -> str:
        return _month(results, where, name, *values)

    def on_run(where: str, name: str | None, *values: float | None) -> tuple[Any, ...]:
        return _screen(results.shown(where, name), _month(results, where, name, *values))

    def on_domain(where: str, *values: float | None) -> tuple[Any, ...]:
        return (_listed(results, where, None), *on_run(where, None, *values))

    def on_return(where: str, name: str | None) -> Any:
        return _listed(results, where, name)

    gr.on(
        [one.input if isinstance(one, gr.Slider) else one.change for one in asked],
        on_month,
        [domain, run, *asked],
        month,
        queue=False,
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )
    run.input(
        on_run,
        [domain, run, *asked],
        screen,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    domain.change(
        on_domain,
        [domain, *asked],
        [run, *screen],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    # A run that was made meanwhile can be chosen by whoever comes, or comes back to this tab.
    gr.on(
        [stage.page.load, stage.tabs.change],
        on_return,
        [domain, run],
        run,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )


def _given() -> list[Any]:
    """The sliders and prices, in the order that `_month` takes their values."""
    return [
        gr.Slider(0, 200_000, value=_QUESTIONS, step=500, label="Questions a month"),
        gr.Slider(0, 30, value=_REVISIONS, step=1, label="Revisions of the documents a month"),
        gr.Number(_DEFAULTS.hour, label="Price of an hour of the machine", step=0.01),
        gr.Number(
            _DEFAULTS.person_hour,
            label="Price of an hour of who words changed answers",
            info="Fine-tuning needs questions and answers of what changed.",
        ),
        gr.Number(_DEFAULTS.minutes_per_fact, label="Minutes that takes, for a changed fact"),
        gr.Number(_FACTS, label="Facts that a revision changes"),
        gr.Number(
            _DEFAULTS.prompt, label="Price of 1,000 tokens read", info="0 where you run the model."
        ),
        gr.Number(_DEFAULTS.completion, label="Price of 1,000 tokens written"),
    ]


def _at_first() -> tuple[float, ...]:
    return (
        _QUESTIONS, _REVISIONS, _DEFAULTS.hour, _DEFAULTS.person_hour, _DEFAULTS.minutes_per_fact,
        _FACTS, _DEFAULTS.prompt, _DEFAULTS.completion,
    )  # fmt: skip


def _month(results: Results, where: str, name: str | None, *values: float | None) -> str:
    questions, revisions, hour, person_hour, minutes, facts, prompt, completion = values
    try:
        prices = prices_of(
            {
                "hour": hour,
                "person_hour": person_hour,
                "minutes_per_fact": minutes,
                "facts_per_revision": facts,
                "prompt": prompt,
                "completion": completion,
            }
        )
    except ProjectError as error:
        return sentence(str(error))
    return results.month(where, name, prices, questions=questions or 0, revisions=revisions or 0)


def _listed(results: Results, where: str, name: str | None) -> Any:
    """The choice of runs, keeping what is chosen; hidden where there is nothing to choose."""
    offered = results.offers(where)
    names = [one for _, one in offered]
    kept = name if name in names else (names[0] if names else None)
    return gr.Dropdown(offered, value=kept, visible=len(offered) > 1)


def _screen(shown: Shown, month: str) -> tuple[Any, ...]:
    there = shown.files is not None
    return (
        shown.verdict,
        *(
            gr.DownloadButton(value=str(path) if path else None, interactive=there)
            for path in shown.files or (None, None, None)
        ),
        shown.figures,
        gr.update(visible=shown.cost is not None),
        shown.rest,
        month,
    )
