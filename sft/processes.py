"""Several processes that train one model (`accelerate launch`): what they share, and who writes."""

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from torch import distributed

from core.device import find_device


def meet(device: str) -> None:
    """Join the other processes of the launch; alone, nothing comes of it."""
    PartialState(cpu=find_device(device).type == "cpu")


def is_main() -> bool:
    """Say whether this process writes: one alone, or the first of several."""
    return not several() or distributed.get_rank() == 0


def agree(value: str) -> str:
    """Give every process the first one's value."""
    if not several():
        return value
    return str(broadcast_object_list([value])[0])


def any_of(flag: bool, device: torch.device) -> bool:
    """Say in every process whether the flag is set in one of them."""
    if not several():
        return flag
    flags = torch.tensor(int(flag), device=device)
    distributed.all_reduce(flags, op=distributed.ReduceOp.MAX)
    return bool(flags.item())


def wait_for_all() -> None:
    """Wait until every process is here."""
    if several():
        distributed.barrier()


def several() -> bool:
    """Say whether this process is one of several."""
    return (
        distributed.is_available()
        and distributed.is_initialized()
        and distributed.get_world_size() > 1
    )
