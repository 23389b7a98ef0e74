"""What every tab of the page stands on."""

from dataclasses import dataclass

import gradio as gr

from ui.public import Guard
from workbench import Workbench

#: Every event that uses the model waits in this one queue, so visitors take turns.
MODEL_QUEUE = "model"


@dataclass(frozen=True)
class Stage:
    """The page that a tab is laid out in; made while its `Blocks` is open."""

    workbench: Workbench
    page: gr.Blocks
    tabs: gr.Tabs
    #: The corpus that all tabs show, and which it is at first.
    domain: gr.Dropdown
    first: str
    #: What a visitor may do here; an event that uses the model or takes a file asks it first.
    guard: Guard

    @property
    def public(self) -> bool:
        """Whether strangers use the page: then nothing is trained, and nothing shared."""
        return self.guard.public
