"""Train: the data, the recipe, the run as it goes, the adapters it made, and tuning."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from core.corpus.read import is_built_in
from ui.markup import sentence
from ui.stage import Stage
from ui.train_controls import Controls
from ui.train_recipe import Knobs, best_knobs
from ui.train_screen import Screen, done, told
from ui.trainings import Trainings

_NAME = "Train"
#: Seconds between two looks at the disk, while the tab is open.
_EVERY = 2.0
_WHY_NOT = (
    "This is a public demo, where strangers share one machine: nothing is trained, tuned, "
    "measured, activated or removed here. Install it, or duplicate the Space, to do so with data "
    "of your own."
)

Inputs = dict[Any, Any]


def train_tab(stage: Stage) -> None:
    """Lay out the tab; nothing is read for it before it is opened, but the first domain."""
    screen = Screen(Trainings(stage.workbench))
    with gr.Row():
        with gr.Column(min_width=320):
            data = gr.HTML(screen.data(stage.first), js_on_load=None)
        with gr.Column(min_width=320):
            findings = gr.HTML(js_on_load=None, min_height=160)
    if stage.public:
        _for_strangers(stage, screen, data)
    else:
        _Desk(stage, screen).react(data)

    # By itself: looking through the documents takes seconds the first time. Not at a stranger's
    # wish, who may change his own as often as he likes: under Documents that is counted.
    def on_findings(where: str) -> tuple[str]:
        if stage.public and not is_built_in(where):
            return ('<p class="hint">The check of your documents stands under Documents.</p>',)
        return (screen.findings(where),)

    _when_opened(stage, on_findings, [findings])


def _for_strangers(stage: Stage, screen: Screen, data: gr.HTML) -> None:
    """What the project ships, and why nothing can be started."""
    gr.HTML(f'<p class="train why">{_WHY_NOT}</p>', js_on_load=None)
    shown = [gr.HTML(js_on_load=None) for _ in range(3)]

    def on_open(where: str) -> tuple[str, ...]:
        return (screen.data(where), *screen.shipped(where))

    _when_opened(stage, on_open, [data, *shown])


class _Desk:
    """What an owner's controls do."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        self.stage, self.screen = stage, screen
        self.trainings, self.workbench = screen.trainings, stage.workbench
        self.controls = Controls()
        self.timer = gr.Timer(_EVERY, active=False)

    def react(self, data: gr.HTML) -> None:
        """Tie the controls to what they do."""
        controls, domain = self.controls, self.stage.domain
        seen, chosen = controls.seen, controls.chosen

        def on_open(where: str) -> tuple[Any, ...]:
            return ("", self.screen.data(where), *self.screen.update(where, {}, None))

        outputs = [controls.message, data, *controls.shown]
        _when_opened(self.stage, on_open, outputs, self.timer)
        self.timer.tick(
            self.screen.update,
            [domain, seen, chosen],
            controls.shown,
            queue=False,
            show_progress="hidden",
            trigger_mode="once",
            api_visibility="private",
        )
        every = {domain, seen, chosen}
        recipe = {*every, *controls.knobs}
        self._on(controls.start, self._train, {*recipe, controls.name, controls.measured})
        self._on(controls.resume, self._resume, every)
        self._on(controls.stop, lambda at: done(self.trainings.stop()), every)
        self._on(controls.tune, self._tune, {*recipe, controls.trials, controls.restart})
        self._on(controls.activate, self._activate, every)
        self._on(controls.measure, self._measure, every)
        removed = self._on(controls.sure, self._remove, every)
        removed.then(lambda: gr.Row(visible=False), None, controls.asked, api_visibility="private")
        controls.remove.click(
            lambda name: (gr.Row(visible=bool(name)), gr.Button(f"Yes, remove {name} for good")),
            chosen,
            [controls.asked, controls.sure],
            queue=False,
            api_visibility="private",
        )
        gr.on(
            [controls.keep.click, chosen.change, domain.change],
            lambda: gr.Row(visible=False),
            None,
            controls.asked,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        controls.best.click(
            self._use_best, domain, [controls.message, *controls.knobs], api_visibility="private"
        )

    def _on(self, button: gr.Button, act: Callable[[Inputs], str], inputs: set[Any]) -> Any:
        """Do it, say so, and show what is now; an error becomes its sentence."""

        def run(given: Inputs) -> tuple[Any, ...]:
            said = told(lambda: act(given))
            at = (given[self.stage.domain], given[self.controls.seen], given[self.controls.chosen])
            return (said, *self.screen.update(*at))

        return button.click(
            run,
            inputs,
            [self.controls.message, *self.controls.shown],
            queue=False,
            show_progress="hidden",
            trigger_mode="once",
            api_visibility="private",
        )

    def _knobs_of(self, given: Inputs) -> Knobs:
        method, epochs, rate, rank, share, further = (given[knob] for knob in self.controls.knobs)
        return Knobs(method, epochs, rate or "", rank, share, further or "")

    def _train(self, given: Inputs) -> str:
        self.trainings.train(
            given[self.stage.domain],
            self._knobs_of(given).changes(),
            name=(given[self.controls.name] or "").strip(),
            forgetting=given[self.controls.measured],
        )
        return done("The training has begun; it goes on when you leave this page.")

    def _resume(self, given: Inputs) -> str:
        self.trainings.resume(given[self.stage.domain])
        return done("It goes on from its last checkpoint.")

    def _tune(self, given: Inputs) -> str:
        if not given[self.controls.trials]:
            return sentence("Say how many trials: a whole number from 1 on.")
        self.trainings.tune(
            given[self.stage.domain],
            self._knobs_of(given).held(),
            trials=int(given[self.controls.trials]),
            restart=given[self.controls.restart],
        )
        return done("Recipes are being tried; it goes on when you leave this page.")

    def _activate(self, given: Inputs) -> str:
        adapter = self.workbench.activate(
            given[self.stage.domain], given[self.controls.chosen] or ""
        )
        return done(f"{adapter.manifest.name} answers from now on, for everybody on this page.")

    def _measure(self, given: Inputs) -> str:
        self.trainings.measure(given[self.stage.domain], given[self.controls.chosen] or "")
        return done("It is being measured; it goes on when you leave this page.")

    def _remove(self, given: Inputs) -> str:
        adapter = self.workbench.remove(given[self.stage.domain], given[self.controls.chosen] or "")
        return done(f"{adapter.manifest.name} is removed.")

    def _use_best(self, where: str) -> tuple[Any, ...]:
        knobs: Knobs | None = None

        def read() -> str:
            nonlocal knobs
            corpus = self.workbench.corpus(where).name
            knobs = best_knobs(self.workbench.state / "tuning" / corpus)
            return done("The knobs above are set to the best recipe of the trials; train it.")

        said = told(read)
        if knobs is None:
            return (said, *[gr.skip()] * len(self.controls.knobs))
        return (said, knobs.method, knobs.epochs, knobs.learning_rate, knobs.rank,
                knobs.open_book_share, knobs.further)  # fmt: skip


def _when_opened(
    stage: Stage,
    run: Callable[[str], tuple[Any, ...]],
    outputs: list[Any],
    timer: gr.Timer | None = None,
) -> None:
    """Run when a visitor opens the tab or chooses another domain in it; look on while it is open.

    Whoever looks at another tab costs nothing here.
    """
    opened = gr.State(False)
    rest = [timer] if timer is not None else []

    def on_select(where: str, event: gr.SelectData) -> tuple[Any, ...]:
        here = event.value == _NAME
        shown = run(where) if here else (gr.skip(),) * len(outputs)
        return (here, *shown, *([gr.Timer(active=here)] if rest else []))

    def on_domain(where: str, here: bool) -> tuple[Any, ...]:
        return run(where) if here else (gr.skip(),) * len(outputs)

    stage.tabs.select(
        on_select,
        stage.domain,
        [opened, *outputs, *rest],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    stage.domain.change(
        on_domain,
        [stage.domain, opened],
        outputs,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
