"""The trainer of a run: it validates by answers, and can go on in the middle of an epoch."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers.trainer_pt_utils import get_length_grouped_indices
from transformers.trainer_utils import EvalLoopOutput

from sft.checkpoints import checkpoint_of, read_seal
from sft.curve import Row, ranked
from sft.supervised_trainer import SupervisedTrainer
from sft.validation import HeldOut, greedy_accuracy


class RunTrainer(SupervisedTrainer):
    """Adds `eval_accuracy` to each validation, and draws each epoch's order from its number."""

    #: What each validation asks; none where nothing is held out.
    questions: Sequence[HeldOut] = ()

    def evaluation_loop(
        self, dataloader: Any, description: str, *args: Any, **kwargs: Any
    ) -> EvalLoopOutput:
        """Run the parent's loop and ask the held-out questions."""
        output = super().evaluation_loop(dataloader, description, *args, **kwargs)
        if output.metrics is not None and self.questions:
            model = self.accelerator.unwrap_model(self.model)
            with self.compute_loss_context_manager():
                output.metrics["eval_accuracy"] = greedy_accuracy(
                    model, self.questions, self.processing_class
                )
        return output

    def take_best(self, curve: Sequence[Row], step: int) -> Row | None:
        """Take the best validated weights of a run that is at `step`.

        :returns: the row of their validation; None where nothing was validated, and the weights
            stay as they are.
        """
        for row in ranked(curve):
            if row["step"] == step:
                return row
            checkpoint = checkpoint_of(Path(str(self.args.output_dir)), int(row["step"]))
            if read_seal(checkpoint) is not None:  # a damaged one gives way to the next best
                self.go_to(checkpoint)
                return row
        return None

    def go_to(self, checkpoint: Path) -> None:
        """Take the weights of a checkpoint."""
        self._load_from_checkpoint(str(checkpoint))

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        data: Any = self.train_dataset if train_dataset is None else train_dataset
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(train_dataset)
        together = self.args.train_batch_size * self.args.gradient_accumulation_steps
        return EpochOrder(
            [len(ids) for ids in data["input_ids"]],
            together,
            seed=self.args.seed,
            epoch=lambda: int(self.state.epoch or 0),
        )


class EpochOrder(torch.utils.data.Sampler[int]):
    """Rows of like length together, in an order that seed and epoch alone decide.

    The library draws it from the run's random numbers, and a run that goes on in the middle of an
    epoch could not know what they were at its beginning.
    """

    def __init__(
        self, lengths: list[int], together: int, *, seed: int, epoch: Callable[[], int]
    ) -> None:
        """Remember the rows.

        :param lengths: tokens of each row.
        :param together: rows of a step.
        :param epoch: tells the epoch, from 0, when its order is drawn.
        """
        self._lengths, self._together, self._seed, self._epoch = lengths, together, seed, epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch())
        return iter(get_length_grouped_indices(self._lengths, self._together, generator=generator))
