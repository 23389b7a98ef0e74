"""The part of the Benchmark tab that starts a run and shows how far it is, to every visitor."""

import logging
from collections.abc import Callable
from html import escape
from typing import Any

import gradio as gr

from core.errors import ProjectError
from core.records import ARM_NAMES
from ui.benchmark_controls import Updates
from ui.benchmark_runs import Runs
from ui.benchmark_table import title
from ui.evaluations import Evaluations, Standing
from ui.markup import INSIDE, aloud, sentence
from ui.stage import Stage

#: Seconds between two looks at how far the run is.
_EVERY = 2
#: Questions that a new run offers to ask: minutes on a small machine, and slices say something.
_QUESTIONS = 64

PUBLIC = (
    '<div class="bench"><p class="note">This is a public demo: it shows the shipped runs. New ones '
    "are started where you run it yourself, here or by <code>sft-vs-rag evaluate</code>.</p></div>"
)

_log = logging.getLogger(__name__)


def new_run(stage: Stage, runs: Runs, run: gr.Dropdown) -> tuple[gr.Button, Evaluations]:
    """Lay out the progress and the form; the `run` chosen above learns of finished runs.

    :returns: the button that shows the finished run, and what runs it.
    """
    evaluations = Evaluations(stage.workbench)
    seen = gr.State(-1)
    timer = gr.Timer(_EVERY)
    with gr.Column(elem_classes="bench-new"):
        message = gr.HTML(js_on_load=None)
        progress = gr.HTML(
            progress_bar(evaluations.now(), ""), js_on_load=None, elem_id="bench-run"
        )
        with gr.Row(elem_classes="bench-buttons"):
            stop = gr.Button("Stop", visible=False, size="sm")
            resume = gr.Button("Go on with it", visible=False, size="sm")
            show = gr.Button("Show this run", visible=False, size="sm", variant="primary")
    with gr.Accordion("Start a new run", open=False), gr.Row(equal_height=True):
        most = _asked(stage, stage.first)
        limit = gr.Slider(
            1,
            most,
            value=min(_QUESTIONS, most),
            step=1,
            label="Questions",
            info="Of the test questions, drawn by a fixed seed",
            scale=2,
        )
        arms = gr.CheckboxGroup(
            [(title(arm), arm) for arm in ARM_NAMES],
            value=["sft", "rag"],
            label="Arms",
            info="Each is asked every question",
            scale=2,
        )
        start = gr.Button("Start", variant="primary", scale=1)
    screen: list[Any] = [seen, message, progress, stop, resume, show, start, run]

    def painted(where: str) -> Updates:
        now = evaluations.now()
        offered = "" if now.busy else evaluations.unfinished(where)
        return {
            seen: now.version,
            progress: progress_bar(now, offered),
            stop: gr.Button(visible=now.busy, interactive=now.state == "running"),
            resume: gr.Button(visible=bool(offered)),
            # A finished run is shown where its domain is.
            show: gr.Button(visible=_finished_here(now, where)),
            start: gr.Button(interactive=not now.busy),
            run: gr.Dropdown(choices=runs.choices(stage.workbench.corpus(where).name)),
        }

    def doing(where: str, do: Callable[[], None]) -> Updates:
        try:
            do()
            return {message: "", **painted(where)}
        except ProjectError as error:
            return {message: sentence(str(error))}
        except Exception:  # a person reads a sentence, the log the traceback
            _log.exception("a run could not be started, stopped or shown")
            return {message: sentence(INSIDE)}

    def on_start(where: str, most: float, chosen: list[Any]) -> Updates:
        return doing(where, lambda: evaluations.start(where, arms=chosen, limit=int(most)))

    def on_tick(where: str, version: int) -> Updates:
        now = evaluations.now()
        if now.version != version:
            return doing(where, lambda: None)
        # Between two reports only the time left goes on.
        return {progress: progress_bar(now, "")} if now.busy else {seen: version}

    def on_domain(where: str) -> Updates:
        asked = _asked(stage, where)
        slider = gr.Slider(maximum=asked, value=min(_QUESTIONS, asked))
        return {limit: slider, **doing(where, lambda: None)}

    light: dict[str, Any] = {
        "queue": False, "show_progress": "hidden", "api_visibility": "private"
    }  # fmt: skip
    start.click(on_start, [stage.domain, limit, arms], screen, **light)
    stop.click(lambda where: doing(where, evaluations.stop), stage.domain, screen, **light)
    resume.click(
        lambda where: doing(where, lambda: evaluations.resume(where)),
        stage.domain, screen, **light,
    )  # fmt: skip
    timer.tick(on_tick, [stage.domain, seen], screen, **light)
    stage.domain.change(on_domain, stage.domain, [limit, *screen], **light)
    stage.page.load(lambda where: doing(where, lambda: None), stage.domain, screen, **light)
    return show, evaluations


def _finished_here(now: Standing, where: str) -> bool:
    return now.state == "done" and now.plan is not None and now.plan.reference == where


def _asked(stage: Stage, reference: str) -> int:
    try:
        return max(1, len(stage.workbench.corpus(reference).of_split("test")))
    except ProjectError:
        return 1  # starting says what is wrong


def progress_bar(now: Standing, offered: str) -> str:
    """Show how far a run is, how it ended, or which one can be gone on with."""
    if now.plan is None:
        words = f"A run was broken off: {offered}." if offered else ""
        return f'<div class="bench run">{f"<p>{escape(words)}</p>" if words else ""}</div>'
    what = f"{' against '.join(title(arm) for arm in now.plan.arms)} on {now.plan.title}"
    share = now.done / now.of if now.of else 0.0
    told = {
        "running": f"{_so_far(now)} {_left(now)}",
        "stopping": f"{_so_far(now)} Stopping after the questions that are being answered …",
        "stopped": f"Stopped. {_so_far(now)} They are kept, and it can be gone on with.",
        "failed": f"It ended early. {now.message}",
        "done": f"Done: {now.done} answers.",
    }.get(now.state, "")
    bar = (
        f'<div class="progress" role="progressbar" aria-label="Answers of the run" '
        f'aria-valuemin="0" aria-valuemax="{now.of or 1}" aria-valuenow="{now.done}">'
        f'<i style="width:{100 * share:.1f}%"></i></div>'
    )
    # Said aloud when the state changes, not at every answer.
    return (
        f'<div class="bench run" data-state="{now.state}"><p><b>{escape(what)}</b> '
        f"<span>{escape(told)}</span></p>{bar}{aloud(now.state)}</div>"
    )


def _so_far(now: Standing) -> str:
    return f"{now.done} of {now.of} answers." if now.of else "Loading the model and the documents …"


def _left(now: Standing) -> str:
    seconds = now.seconds_left()
    if not now.of:
        return ""
    if seconds is None:
        return "The time left is known after the first ones."
    if seconds < 60:
        return "Less than a minute left."
    minutes = round(seconds / 60)
    return f"About {minutes} min left." if minutes < 90 else f"About {minutes / 60:.1f} h left."
