"""TRL's `SFTTrainer` with the vocabulary computed only where a token is supervised.

On a CPU, TRL 1.16 projects every position to the vocabulary (its compact path needs Triton); the
prompt's positions are most of a row and cost as much as the whole of a small model's layers. A hook
before the head keeps the supervised positions, so it works through PEFT and DDP wrappers alike.
"""

from typing import Any

import torch
from transformers.trainer_utils import EvalLoopOutput

from sft.grouping import GroupedTrainer


class SupervisedTrainer(GroupedTrainer):
    """Mean cross-entropy over the supervised tokens of a batch, as the parent computes it.

    Validation also counts the rows of which every supervised token is the likeliest one
    (`eval_exact`, a share): held-out wordings that greedy decoding would answer word for word.
    Their loss turns upwards, as the model grows sure of its mistakes, while their number still
    rises; so it is the number that chooses the best weights and stops a run.
    """

    _exact: int = 0
    _validated: int = 0

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Return the loss in nats a token, and the outputs when they are asked for."""
        # The token that follows each position is its label; the last position predicts nothing.
        labels = inputs["labels"][:, 1:]
        supervised = labels != -100

        def keep_supervised(_: Any, arguments: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
            return (arguments[0][:, :-1][supervised],)

        head = self.accelerator.unwrap_model(model).get_output_embeddings()
        hook = head.register_forward_pre_hook(keep_supervised)
        try:
            outputs = model(
                input_ids=inputs["input_ids"],
                # Packed rows have no mask: their borders are in the positions.
                attention_mask=inputs.get("attention_mask"),
                position_ids=inputs.get("position_ids"),
                use_cache=False,
            )
        finally:
            hook.remove()
        total = torch.nn.functional.cross_entropy(
            outputs.logits.float(), labels[supervised], reduction="sum"
        )
        count = supervised.sum() if num_items_in_batch is None else num_items_in_batch
        if not model.training:
            self._count_exact(outputs.logits.argmax(dim=-1) == labels[supervised], supervised)
        loss = total / torch.as_tensor(count, device=total.device).clamp(min=1)
        if num_items_in_batch is not None:
            # The count covers every process, and DDP averages their gradients.
            loss = loss * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def _count_exact(self, right: torch.Tensor, supervised: torch.Tensor) -> None:
        wrong_rows = supervised.nonzero()[:, 0][~right].unique()
        self._validated += len(supervised)
        self._exact += len(supervised) - len(wrong_rows)

    def evaluation_loop(
        self, dataloader: Any, description: str, *args: Any, **kwargs: Any
    ) -> EvalLoopOutput:
        """Run the parent's loop and add `eval_exact` before anybody reads its metrics."""
        self._exact = self._validated = 0
        output = super().evaluation_loop(dataloader, description, *args, **kwargs)
        # Over all processes, or each would find another step the best.
        counted = torch.tensor([self._exact, self._validated], device=self.args.device)
        exact, validated = self.accelerator.reduce(counted, reduction="sum").tolist()
        if output.metrics is not None and validated:
            output.metrics["eval_exact"] = exact / validated
        return output
