"""A forward pass that computes the vocabulary only at the positions that are asked for.

The prompt's positions are most of a row, and projecting them to the vocabulary costs as much as the
whole of a small model's layers. A hook before the head keeps the wanted positions, so it works
through PEFT and DDP wrappers alike.
"""

from typing import Any

import torch


def outputs_at(
    model: Any, inputs: dict[str, torch.Tensor], positions: torch.Tensor, *, head: Any
) -> Any:
    """Run `model` and return its outputs, with logits (true positions, vocabulary).

    :param inputs: what the model takes, without a cache and without labels.
    :param positions: (rows, length), true where logits are wanted.
    :param head: the model's output embeddings, found inside whatever wraps it.
    """

    def keep(_: Any, arguments: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        return (arguments[0][positions],)

    hook = head.register_forward_pre_hook(keep)
    try:
        return model(**inputs, use_cache=False)
    finally:
        hook.remove()
