"""The one place that knows of ZeroGPU, the Spaces hardware that lends a GPU for a call's length."""

from collections.abc import Callable
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])


def on_gpu(seconds: int) -> Callable[[_Function], _Function]:
    """Decorate a function that uses the model: on ZeroGPU it gets a GPU for so long at most.

    Everywhere else the function stays what it is. On ZeroGPU it runs in a process of its own, so
    what it is given and gives back must be picklable, and what it changes in memory is lost.
    """
    if not zero_gpu():
        return lambda function: function
    import spaces  # noqa: PLC0415  (only there)

    decorate: Callable[[_Function], _Function] = spaces.GPU(duration=seconds)
    return decorate


def zero_gpu() -> bool:
    """Whether this is a Space on ZeroGPU."""
    try:
        from spaces.config import Config  # noqa: PLC0415  (the package is there on Spaces only)
    except ImportError:
        return False
    return bool(Config.zero_gpu)
