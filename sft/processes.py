"""Several processes that train one model (`accelerate launch`): what they share, and who writes."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def meet(device: str) -> None:
    """Join the other processes of the launch; alone, nothing comes of it."""
    from accelerate import PartialState  # noqa: PLC0415  (loads torch)

    from core.device import find_device  # noqa: PLC0415

    PartialState(cpu=find_device(device).type == "cpu")


def is_main() -> bool:
    """Say whether this process writes: one alone, or the first of several."""
    return not several() or _distributed().get_rank() == 0


def agree(value: str) -> str:
    """Give every process the first one's value."""
    if not several():
        return value
    from accelerate.utils import broadcast_object_list  # noqa: PLC0415

    return str(broadcast_object_list([value])[0])


def any_of(flag: bool, device: "torch.device") -> bool:
    """Say in every process whether the flag is set in one of them."""
    if not several():
        return flag
    import torch  # noqa: PLC0415

    flags = torch.tensor(int(flag), device=device)
    _distributed().all_reduce(flags, op=_distributed().ReduceOp.MAX)
    return bool(flags.item())


def wait_for_all() -> None:
    """Wait until every process is here."""
    if several():
        _distributed().barrier()


def several() -> bool:
    """Say whether this process is one of several."""
    if "torch" not in sys.modules:  # then it has met nobody, and a page need not load it to know
        return False
    distributed = _distributed()
    return bool(
        distributed.is_available()
        and distributed.is_initialized()
        and distributed.get_world_size() > 1
    )


def _distributed() -> Any:
    from torch import distributed  # noqa: PLC0415  (slow to import)

    return distributed
