"""The pull back to the first weights, for runs that train the weights themselves.

The loss gains λ·Σ(w − w₀)², over all trained parameters w with their start w₀: L2-SP of Li et al.
(2018, "Explicit inductive bias for transfer learning with convolutional networks"), whose α is 2λ.
"""

from typing import Any

import torch


class Anchor:
    """Where a model's trained parameters were when it was made: the base, if made before training.

    It keeps a copy of them in their own number format. Its gradient 2λ(w − w₀) is added in place,
    one parameter after another: through autograd it would cost a third copy of the weights.
    """

    def __init__(self, model: Any, weight: float) -> None:
        """Remember the model's trained parameters as they are now."""
        self.weight = weight
        self._pairs: list[tuple[Any, torch.Tensor]] = [
            (parameter, parameter.detach().clone())
            for parameter in model.parameters()
            if parameter.requires_grad
        ]

    @torch.no_grad()
    def distance(self) -> float:
        """Σ(w − w₀)² over the trained parameters."""
        return sum(
            float((parameter - start.to(parameter.device)).float().square().sum())
            for parameter, start in self._pairs
        )

    @torch.no_grad()
    def pull(self) -> float:
        """Add the gradient of the weighted distance to the parameters'; return the distance.

        Call it once a step, when the gradients of the loss are whole and not yet clipped. Every
        process adds the same, so nothing has to be divided by their number.
        """
        distance = 0.0
        for parameter, start in self._pairs:
            if parameter.grad is not None:
                moved = parameter - start.to(parameter.device)
                parameter.grad.add_(moved, alpha=2 * self.weight)
                distance += float(moved.float().square().sum())
        return distance
