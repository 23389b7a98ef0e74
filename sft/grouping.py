"""Which rows a step is made of: rows of like length, the same however many processes there are.

The library's sampler draws from the global random state, which dropout moves by another amount in
each process and which a resumed run does not have. This one is drawn from the seed and the epoch
alone.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices
from trl import SFTTrainer


class GroupedByLength(Sampler[int]):
    """Row numbers in an order drawn anew each epoch, rows of like length beside each other.

    `rows_a_step` in a row make a step: accelerate deals them out to the processes in turn.
    """

    def __init__(
        self, lengths: Sequence[int], *, rows_a_step: int, seed: int, epoch: Callable[[], int]
    ) -> None:
        """Take the rows' lengths in tokens.

        :param epoch: tells the epoch, from 0, when its order is drawn. (A `set_epoch` method would
            not be reached through all of accelerate's wrappers when a run goes on.)
        """
        self._lengths, self._rows_a_step, self._seed = list(lengths), rows_a_step, seed
        self._epoch = epoch

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        """Give every row once."""
        # Neither seed + epoch, which gives seed 1 the second epoch of seed 0 as its first.
        drawn = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch())
        order = get_length_grouped_indices(self._lengths, self._rows_a_step, generator=drawn)
        return iter(order)


class GroupedTrainer(SFTTrainer):
    """TRL's trainer with `GroupedByLength` for training and validation rows."""

    def _get_train_sampler(self, train_dataset: Any = None) -> GroupedByLength:
        rows = self.train_dataset if train_dataset is None else train_dataset
        arguments = self.args
        a_process = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps
        return GroupedByLength(
            _lengths(rows),
            rows_a_step=a_process * arguments.world_size,
            seed=arguments.seed,
            epoch=lambda: int(self.state.epoch or 0),
        )

    def _get_eval_sampler(self, eval_dataset: Any) -> GroupedByLength:
        # Always the same order, or two processes would not share out the same rows.
        return GroupedByLength(
            _lengths(eval_dataset),
            rows_a_step=self.args.per_device_eval_batch_size,
            seed=self.args.seed,
            epoch=lambda: 0,
        )


def _lengths(rows: Any) -> list[int]:
    return [len(ids) for ids in rows["input_ids"]]
