"""The trainer of a run: it validates by answers, and takes the weights of a checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers.trainer_utils import EvalLoopOutput

from sft.checkpoints import checkpoint_of, read_seal
from sft.curve import Row, ranked
from sft.supervised_trainer import SupervisedTrainer
from sft.validation import HeldOut, greedy_accuracy


class RunTrainer(SupervisedTrainer):
    """Adds `eval_accuracy` to each validation, and can go back to its best weights."""

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
