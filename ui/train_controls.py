"""The controls of the Train tab, laid out in the order they are used in."""

from typing import Any

import gradio as gr

from sft.recipe import Recipe
from ui.train_recipe import choices_table, knobs_of

_METHODS = [
    ("LoRA: small matrices beside the weights", "lora"),
    ("Full: all weights", "full"),
    ("Frozen: the last blocks only", "frozen"),
]


class Controls:
    """Every component that an owner uses or sees; made while the tab is open for layout."""

    def __init__(self) -> None:
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

    @property
    def shown(self) -> list[Any]:
        """What `Screen.update` gives, in its order."""
        return [
            self.status, self.curve, self.log, self.start, self.resume, self.stop, self.adapters,
            self.comparison, self.forgetting, self.chosen, self.tuning, self.seen,
        ]  # fmt: skip

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
        self.chosen = gr.Dropdown(
            [],
            label="Chosen adapter",
            # Another visitor may have made it: what does not exist is refused by name.
            allow_custom_value=True,
            filterable=False,
        )
        with gr.Row():
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
            with gr.Row():
                self.trials = gr.Number(
                    10, label="Trials in all", precision=0, minimum=1, maximum=500
                )
                self.restart = gr.Checkbox(label="Forget the trials so far")
            with gr.Row():
                self.tune = gr.Button("Try recipes")
                self.best = gr.Button("Use the best recipe")
            self.tuning = gr.HTML(js_on_load=None, elem_id="train-tuning")
