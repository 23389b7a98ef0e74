"""Drawing an answer's tokens instead of taking the likeliest: for looking, never for scoring."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn: by the softmax of the logits over `temperature`, from a seed."""

    temperature: float
    seed: int = 0

    def __str__(self) -> str:
        return f"sampled at temperature {self.temperature:g} with seed {self.seed}"


class Sampler:
    """Draws one row's tokens with a generator of its own: its neighbours change nothing."""

    def __init__(self, sampling: Sampling) -> None:
        """Start from the seed."""
        self._temperature = sampling.temperature
        self._generator = torch.Generator().manual_seed(sampling.seed)

    def draw(self, logits: torch.Tensor) -> int:
        """Draw a token from the logits (vocabulary) of a position."""
        # On the processor, in one number format: the same seed draws the same on every device.
        shares = torch.softmax(logits.detach().cpu().double() / self._temperature, dim=-1)
        return int(torch.multinomial(shares, 1, generator=self._generator))


def decoded_by(decoding: str, sampling: Sampling | None) -> str:
    """Say how answers are decoded, where tokens may be drawn instead of taken greedily."""
    return decoding.replace("greedy", str(sampling), 1) if sampling else decoding
