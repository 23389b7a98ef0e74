"""Which of several training processes this one is, under torchrun or `accelerate launch`."""

import torch


def process_count() -> int:
    """How many processes train together; 1 before they have joined (see `sft.arguments`)."""
    return torch.distributed.get_world_size() if _joined() else 1


def is_main_process() -> bool:
    """Say whether this process writes the run's files: one of those that train together does."""
    return not _joined() or torch.distributed.get_rank() == 0


def wait_for_all() -> None:
    """Return when every process has come here: before one reads what another has written."""
    if _joined():
        torch.distributed.barrier()


def _joined() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
