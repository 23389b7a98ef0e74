"""Drawing an answer's tokens instead of taking the likeliest: for looking, never for scoring."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn: by the softmax of the logits over `temperature`, from a seed."""

    temperature: float
    seed: int = 0

    def __str__(self) -> str:
        return f"sampled at temperature {self.temperature:g} with seed {self.seed}"


def decoded_by(decoding: str, sampling: Sampling | None) -> str:
    """Say how answers are decoded, where tokens may be drawn instead of taken greedily."""
    return decoding.replace("greedy", str(sampling), 1) if sampling else decoding
