"""What was fine-tuned, as an arm answers with it."""

from dataclasses import dataclass

from core.prompts import Form


@dataclass(frozen=True)
class FineTuned:
    """What the fine-tuned arms answer with: an adapter or own weights."""

    name: str
    fingerprint: str
    #: The name it is loaded under in the language model.
    loaded_as: str
    #: The form of the prompts it was trained on, and is asked in.
    form: Form = "chat"
    #: What its effect is multiplied by; 1 as trained.
    scale: float = 1.0
    #: How many stretches of the documents it was trained to read, and is given; None leaves that
    #: to the library.
    windows: int | None = None

    @property
    def title(self) -> str:
        """Its name, with the scale where that is not the trained one."""
        return scaled_title(self.name, self.scale)


def scaled_title(name: str, scale: float) -> str:
    """What weights are called that count by `scale`; 1 is as trained, and not said."""
    return name if scale == 1 else f"{name} at scale {scale:g}"
