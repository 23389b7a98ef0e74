"""Train: the data, the recipe, the run as it goes, the adapters it made, and tuning."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from sft.recipe import Recipe
from ui.markup import sentence
from ui.stage import Stage
from ui.train_recipe import Knobs, best_knobs, choices_table, knobs_of
from ui.train_screen import Screen, done, told
from ui.train_style import TRAIN_CSS
from ui.trainings import Trainings

_NAME = "Train"
#: Seconds between two looks at the disk, while the tab is open.
_EVERY = 2.0
_WHY_NOT = (
    "This is a public demo, where strangers share one machine: nothing is trained, tuned, measured, "
    "activated or removed here. Install it, or duplicate the Space, to do so with your own data."
)
_METHODS = [
    ("LoRA: small matrices beside the weights", "lora"),
    ("Full: all weights", "full"),
    ("Frozen: the last blocks only", "frozen"),
]

Inputs = dict[Any, Any]


def train_tab(stage: Stage) -> None:
    """Lay out the tab; nothing is read for it before it is opened, but the first domain."""
    screen = Screen(Trainings(stage.workbench))
    gr.HTML(f"<style>{TRAIN_CSS}</style>", js_on_load=None)
    with gr.Row():
        with gr.Column(min_width=320):
            data = gr.HTML(screen.data(stage.first), js_on_load=None)
        with gr.Column(min_width=320):
            findings = gr.HTML(js_on_load=None, min_height=160)
    if stage.public:
        _for_strangers(stage, screen, data, findings)
    else:
        _Desk(stage, screen).lay_out(data, findings)


def _for_strangers(stage: Stage, screen: Screen, data: gr.HTML, findings: gr.HTML) -> None:
    """What the project ships, and why nothing can be started."""
    gr.HTML(f'<p class="train why">{_WHY_NOT}</p>', js_on_load=None)
    shown = [gr.HTML(js_on_load=None) for _ in range(3)]

    def on_open(where: str) -> tuple[str, ...]:
        return (screen.data(where), *screen.shipped(where), screen.findings(where))

    _when_opened(stage, on_open, [stage.domain], [data, *shown, findings])


class _Desk:
    """The controls of an owner's page and what they do."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        self.stage, self.screen = stage, screen
        self.trainings, self.workbench = screen.trainings, stage.workbench

    def lay_out(self, data: gr.HTML, findings: gr.HTML) -> None:
        """Lay the controls out in the order they are used in."""
        self.seen = gr.State({})
        self._recipe()
        self.message = gr.HTML(js_on_load=None, elem_id="train-message")
        self.status = gr.HTML(js_on_load=None, min_height=120, elem_id="train-status")
        self.curve = gr.HTML(js_on_load=None, elem_id="train-curve")
        with gr.Accordion("Log", open=False):
            self.log = gr.Textbox(
                label="Log of the last job of this corpus",
                lines=10,
                max_lines=16,
                interactive=False,
                elem_classes="train-log",
            )
        self._adapters()
        self._tuning()
        self.timer = gr.Timer(_EVERY, active=False)
        self.shown: list[Any] = [
            self.status,
            self.curve,
            self.log,
            self.start,
            self.resume,
            self.stop,
            self.adapters,
            self.comparison,
            self.forgetting,
            self.chosen,
            self.tuning,
            self.seen,
        ]
        self._events(data, findings)

    def _recipe(self) -> None:
        knobs = knobs_of(Recipe.model_validate({}))
        with gr.Group():
            with gr.Row():
                self.method = gr.Radio(_METHODS, value=knobs.method, label="Method", scale=3)
                self.epochs = gr.Slider(
                    1, 40, value=knobs.epochs, step=1, label="Epochs", info="At most"
                )
                self.rate = gr.Textbox(
                    value=knobs.learning_rate,
                    label="Learning rate",
                    placeholder="method's own",
                    info="1e-3 for LoRA, else 1e-4",
                    min_width=140,
                )
            with gr.Row():
                self.rank = gr.Slider(
                    1, 128, value=knobs.rank, step=1, label="Rank", info="Size of LoRA's matrices"
                )
                self.share = gr.Slider(
                    0,
                    1,
                    value=knobs.open_book_share,
                    step=0.05,
                    label="Open-book share",
                    info="Rows with retrieved text for each without",
                )
                self.name = gr.Textbox(
                    label="Adapter's name", placeholder="the run's own", info="Letters, digits, -"
                )
        with gr.Accordion("All other choices of the recipe", open=False):
            self.further = gr.Textbox(
                label="Further choices, KEY=VALUE, one a line",
                lines=3,
                placeholder="dropout=0.1\nbatch_size=8",
                info="One that stands here wins over its knob. LoRA's scale goes with the rank.",
            )
            gr.HTML(choices_table(), js_on_load=None)
        self.measured = gr.Checkbox(
            value=True, label="Measure what was forgotten afterwards (some minutes)"
        )
        with gr.Row():
            self.start = gr.Button("Train", variant="primary", elem_id="train-start")
            self.stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="train-stop")
            self.resume = gr.Button("Go on with the broken-off run", visible=False)
        self.knobs = [self.method, self.epochs, self.rate, self.rank, self.share, self.further]

    def _adapters(self) -> None:
        self.comparison = gr.HTML(js_on_load=None, elem_id="train-comparison")
        self.adapters = gr.HTML(js_on_load=None, elem_id="train-adapters")
        self.forgetting = gr.HTML(js_on_load=None, elem_id="train-forgetting")
        with gr.Row(equal_height=True):
            self.chosen = gr.Dropdown([], label="Chosen adapter", min_width=200)
            self.activate = gr.Button("Activate")
            self.measure = gr.Button("Measure forgetting")
            self.remove = gr.Button("Remove …", variant="stop")
        with gr.Row(visible=False) as self.asked:
            self.sure = gr.Button("Yes, remove it for good", variant="stop")
            self.keep = gr.Button("Keep it")

    def _tuning(self) -> None:
        with gr.Accordion("Tuning: try recipes and take the best", open=False):
            gr.Markdown(
                "Learning rate, rank, epochs, dropout and batch size are tried; all else is as set "
                "above, and what stands under all other choices is held. A study goes on where it "
                "was stopped."
            )
            with gr.Row(equal_height=True):
                self.trials = gr.Number(
                    10, label="Trials in all", precision=0, minimum=1, maximum=500
                )
                self.restart = gr.Checkbox(label="Forget the trials so far")
                self.tune = gr.Button("Try recipes")
                self.best = gr.Button("Use the best recipe")
            self.tuning = gr.HTML(js_on_load=None, elem_id="train-tuning")

    def _events(self, data: gr.HTML, findings: gr.HTML) -> None:
        domain, seen, chosen = self.stage.domain, self.seen, self.chosen

        def on_open(where: str) -> tuple[Any, ...]:
            fresh = self.screen.update(where, {}, None)
            return ("", self.screen.data(where), *fresh, self.screen.findings(where))

        _when_opened(
            self.stage, on_open, [domain], [self.message, data, *self.shown, findings], self.timer
        )
        self.timer.tick(
            self.screen.update,
            [domain, seen, chosen],
            self.shown,
            queue=False,
            show_progress="hidden",
            trigger_mode="once",
            api_visibility="private",
        )
        every = {domain, seen, chosen}
        recipe = {*every, *self.knobs}
        self._on(self.start, self._train, {*recipe, self.name, self.measured})
        self._on(self.resume, self._resume, every)
        self._on(self.stop, lambda at: done(self.trainings.stop()), every)
        self._on(self.tune, self._tune, {*recipe, self.trials, self.restart})
        self._on(self.activate, self._activate, every)
        self._on(self.measure, self._measure, every)
        removed = self._on(self.sure, self._remove, every)
        removed.then(lambda: gr.Row(visible=False), None, self.asked, api_visibility="private")
        self.remove.click(
            lambda name: (gr.Row(visible=bool(name)), gr.Button(f"Yes, remove {name} for good")),
            chosen,
            [self.asked, self.sure],
            queue=False,
            api_visibility="private",
        )
        gr.on(
            [self.keep.click, chosen.change, domain.change],
            lambda: gr.Row(visible=False),
            None,
            self.asked,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        self.best.click(
            self._use_best, domain, [self.message, *self.knobs], api_visibility="private"
        )

    def _on(self, button: gr.Button, act: Callable[[Inputs], str], inputs: set[Any]) -> Any:
        """Do it, say so, and show what is now; an error becomes its sentence."""

        def run(given: Inputs) -> tuple[Any, ...]:
            said = told(lambda: act(given))
            at = (given[self.stage.domain], given[self.seen], given[self.chosen])
            return (said, *self.screen.update(*at))

        return button.click(
            run,
            inputs,
            [self.message, *self.shown],
            queue=False,
            show_progress="hidden",
            trigger_mode="once",
            api_visibility="private",
        )

    def _knobs_of(self, given: Inputs) -> Knobs:
        method, epochs, rate, rank, share, further = (given[knob] for knob in self.knobs)
        return Knobs(method, epochs, rate or "", rank, share, further or "")

    def _train(self, given: Inputs) -> str:
        self.trainings.train(
            given[self.stage.domain],
            self._knobs_of(given).changes(),
            name=(given[self.name] or "").strip(),
            forgetting=given[self.measured],
        )
        return done("The training has begun; it goes on when you leave this page.")

    def _resume(self, given: Inputs) -> str:
        self.trainings.resume(given[self.stage.domain])
        return done("It goes on from its last checkpoint.")

    def _tune(self, given: Inputs) -> str:
        if not given[self.trials]:
            return sentence("Say how many trials: a whole number from 1 on.")
        self.trainings.tune(
            given[self.stage.domain],
            self._knobs_of(given).held(),
            trials=int(given[self.trials]),
            restart=given[self.restart],
        )
        return done("Recipes are being tried; it goes on when you leave this page.")

    def _activate(self, given: Inputs) -> str:
        adapter = self.workbench.activate(given[self.stage.domain], given[self.chosen] or "")
        return done(f"{adapter.manifest.name} answers from now on, for everybody on this page.")

    def _measure(self, given: Inputs) -> str:
        self.trainings.measure(given[self.stage.domain], given[self.chosen] or "")
        return done("It is being measured; it goes on when you leave this page.")

    def _remove(self, given: Inputs) -> str:
        adapter = self.workbench.remove(given[self.stage.domain], given[self.chosen] or "")
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
            return (said, *[gr.skip()] * len(self.knobs))
        return (said, knobs.method, knobs.epochs, knobs.learning_rate, knobs.rank,
                knobs.open_book_share, knobs.further)  # fmt: skip


def _when_opened(
    stage: Stage,
    run: Callable[[str], tuple[Any, ...]],
    inputs: list[Any],
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
        inputs,
        [opened, *outputs, *rest],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    stage.domain.change(
        on_domain,
        [*inputs, opened],
        outputs,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
