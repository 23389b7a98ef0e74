"""Running out of memory, said with the knobs that help."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from core.errors import TrainingError
from sft.recipe import Recipe

#: How PyTorch says it for a processor, for MPS, and for a library under it.
_SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")


@contextmanager
def memory_named(recipe: Recipe) -> Iterator[None]:
    """Turn a library's error about memory into a sentence.

    :raises TrainingError: names what to lower, with its present value.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(
            f"Training ran out of memory. Raise accumulation (now {recipe.accumulation}), so that "
            f"a step is computed in more parts; or lower batch_size (now {recipe.batch_size}) or "
            f"max_tokens (now {recipe.max_tokens}; longer rows are left out). If something else "
            "took the memory, free it and go on with --resume."
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error means that memory is full, on whatever device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)
