"""TRL's `SFTTrainer` with the vocabulary computed only where a token is supervised.

On a CPU, TRL 1.16 projects every position to the vocabulary (its compact path needs Triton); see
`sft.compact_head`. What holds the model to its start is added here: `sft.retention` to the loss,
`sft.anchor` to the gradients.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from transformers.trainer_utils import EvalLoopOutput

from sft.anchor import Anchor
from sft.compact_head import outputs_at
from sft.grouping import GroupedTrainer
from sft.retention import Retention

#: What the model takes of a batch; a packed one has positions in place of a mask.
_MODEL_INPUTS = ("input_ids", "attention_mask", "position_ids")
#: Tokens, padding included, that are computed at once where a processor's memory is used: what is
#: kept for the gradients takes some 2 MB a token in float32 and half in bfloat16 (135 million
#: parameters), and 16 rows of 768 tokens ended a process on a machine with 24 GB, without a word.
#: A constant, not what is free: a run that goes on elsewhere is to sum in the same order.
TOKENS_A_PASS = 4_096


class SupervisedTrainer(GroupedTrainer):
    """Mean cross-entropy over the supervised tokens of a batch, as the parent computes it.

    Validation also counts the rows of which every supervised token is the likeliest one
    (`eval_exact`, a share): held-out wordings that greedy decoding would answer word for word.
    Their loss turns upwards, as the model grows sure of its mistakes, while their number still
    rises; so it is the number that chooses the best weights and stops a run.

    The logged training loss is the cross-entropy alone, so that it compares with other runs; what
    is added to it is logged beside it, before its weight: `kl`, `path`, `anchor`.
    """

    #: How far training's targets are moved from the right token to all tokens alike (Szegedy et
    #: al. 2016): with s, (1 − s)·cross-entropy + s·mean over the vocabulary of −log p. Validation
    #: is never smoothed.
    label_smoothing: float = 0.0
    retention: Retention | None = None
    anchor: Anchor | None = None

    #: Whether this is the last of the parts that a batch is computed in.
    _last_part: bool = True
    _exact: int = 0
    _validated: int = 0
    _added: torch.Tensor | None = None

    def training_step(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Compute gradients and return the loss in nats a token, without what was added to it.

        A batch of long rows is computed in parts, whose gradients and losses add up to its own.
        """
        self._added = None
        parts = [inputs] if num_items_in_batch is None else list(self._parts(inputs))
        loss = torch.zeros((), device=self.args.device)
        for number, part in enumerate(parts, start=1):
            self._last_part = number == len(parts)
            loss = loss + super().training_step(model, part, num_items_in_batch)
        if self._added is not None:
            loss = loss - self._added
        if self.anchor is not None and self.accelerator.sync_gradients:
            self._metrics["train"]["anchor"].append(self.anchor.pull())
        return loss

    def _parts(self, inputs: dict[str, torch.Tensor]) -> Iterator[dict[str, torch.Tensor]]:
        """Cut a batch into parts of like many rows, each without the padding it does not need.

        Not on a GPU, which says when its memory is full, nor where several processes must make the
        same number of passes.
        """
        ids = inputs["input_ids"]
        most = max(1, TOKENS_A_PASS // ids.shape[1])
        whole = len(ids) <= most or self.accelerator.num_processes > 1
        if whole or self.args.device.type == "cuda":
            yield inputs
            return
        rows = math.ceil(len(ids) / math.ceil(len(ids) / most))
        for first in range(0, len(ids), rows):
            part = {name: values[first : first + rows] for name, values in inputs.items()}
            filled = part["attention_mask"].any(dim=0).nonzero()
            width = int(filled.max()) + 1
            yield {name: values[:, :width] for name, values in part.items()}

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
        bare = self.accelerator.unwrap_model(model)
        outputs = outputs_at(
            model,
            {name: inputs[name] for name in _MODEL_INPUTS if name in inputs},
            torch.nn.functional.pad(supervised, (0, 1)),
            head=bare.get_output_embeddings(),
        )
        total = torch.nn.functional.cross_entropy(
            outputs.logits.float(),
            labels[supervised],
            reduction="sum",
            label_smoothing=self.label_smoothing if model.training else 0.0,
        )
        count = supervised.sum() if num_items_in_batch is None else num_items_in_batch
        if not model.training:
            self._count_exact(outputs.logits.argmax(dim=-1) == labels[supervised], supervised)
        loss = total / torch.as_tensor(count, device=total.device).clamp(min=1)
        if num_items_in_batch is not None:
            # The count covers every process, and DDP averages their gradients.
            loss = loss * self.accelerator.num_processes
        if model.training:
            loss = self._held(loss, bare, counted=num_items_in_batch is not None)
        return (loss, outputs) if return_outputs else loss

    def _held(self, loss: torch.Tensor, model: Any, *, counted: bool) -> torch.Tensor:
        """Add what holds the model to the base, once a step: with the last part of its batch.

        :param counted: whether the parts' losses are summed as they are, or averaged by the parent.
        """
        step = self.state.global_step
        due = self.retention is not None and self.retention.due(step)
        last = self._last_part and self.accelerator.sync_gradients
        if self.retention is None or not due or not last:
            return loss
        # Not through DDP's wrapper, which expects one pass for each backward pass: its hooks on the
        # parameters see the gradients of both passes as one.
        held = self.retention.loss(
            model,
            step,
            process=self.accelerator.process_index,
            processes=self.accelerator.num_processes,
        )
        for name, value in (("kl", held.kl), ("path", held.path)):
            mean = self.accelerator.reduce(value, reduction="mean")
            self._metrics["train"][name].append(float(mean))
        self._added = held.loss.detach()
        return loss + (
            held.loss if counted else held.loss * self.current_gradient_accumulation_steps
        )

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
