"""Draws an answer's tokens, where they are not to be the likeliest."""

import torch

from core.sampling import Sampling


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
