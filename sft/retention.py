"""Mitigations of forgetting inside the training loss: stay near the base on general prompts.

With w the weights being trained, w₀ the base's, and x the positions along the base's own greedy
answers to general prompts (`sft.base_answers`), every `retention_every`-th step adds

    retention_every · [ kl_weight · KL + path_weight · d ]

    KL = mean over x of Σ_c p_w₀(c|x) · (log p_w₀(c|x) − log p_w(c|x))
    d  = mean over x of −log Σ_c √( p_w₀(c|x) · p_w(c|x) )

to the cross-entropy of the new task; a weight means the same however often it is applied.

KL to the model before training is the distillation of "Learning without Forgetting" (Li & Hoiem
2016) with the old model's answers as data. d is how Raghavan et al. (2024, "Engineering flexible
machine learning systems by traversing functionally invariant paths", Nature Machine Intelligence)
measure how far the output on old inputs has moved. They add a small ε under the root to keep its
slope finite at zero. Here the root is exp(½ log p_w₀ + ½ log p_w), whose slope is finite without:
over a vocabulary of 49,152 tokens even ε = 1e-8 would add 4.9 to a sum that is at most 1. Near the
base d is a quarter of the KL, and nowhere more than half of it (Jensen); d is symmetric.

Both sums run over the base's 64 likeliest tokens and all others as one, so both are lower bounds of
those over the whole vocabulary. What is compared is the model that will answer: without dropout and
without noise on the embeddings.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from core.errors import TrainingError
from core.prompts import Prompt, build_prompt
from core.records import Question, Wording
from core.storage import fingerprint_text
from sft.base_answers import (
    BaseAnswer,
    answer_positions,
    base_answers,
    padded,
    split_log_probs,
)
from sft.compact_head import outputs_at
from sft.recipe import Recipe

#: How many general prompts the base is held to...
GENERAL_PROMPTS = 128
#: ...and how many of them a step compares, over all processes.
PROMPTS_A_STEP = 8


@dataclass(frozen=True)
class RetentionLoss:
    """What a step adds: the weighted sum for the gradient, and this process's share of the means.

    Averaged over the processes, `loss`, `kl` and `path` are those of the whole batch.
    """

    loss: torch.Tensor
    #: Nats a position.
    kl: torch.Tensor
    path: torch.Tensor


class Retention:
    """Holds the model to the base on general prompts, every so many steps."""

    def __init__(self, answers: Sequence[BaseAnswer], recipe: Recipe) -> None:
        """Take the base's answers, and the weights and the seed from the recipe."""
        self._answers, self._recipe = tuple(answers), recipe

    def due(self, step: int) -> bool:
        """Whether the step that follows `step` finished ones is held to the base."""
        # Not the first: nothing has moved yet, and both terms and their gradients are zero.
        return (step + 1) % self._recipe.retention_every == 0

    def drawn(self, step: int) -> list[BaseAnswer]:
        """The answers of a step. They follow from the seed and the step, so a resumed run's do."""
        draw = random.Random(f"{self._recipe.seed} {step}")
        return draw.sample(self._answers, min(PROMPTS_A_STEP, len(self._answers)))

    def loss(self, model: Any, step: int, *, process: int = 0, processes: int = 1) -> RetentionLoss:
        """Compute the terms on this process's part of the step's answers.

        :param model: as it is trained, out of any wrapper for several processes; its mode is kept.
        """
        drawn = self.drawn(step)
        own = drawn[process::processes]
        device = next(model.parameters()).device
        if not own:  # more processes than answers
            nothing = torch.zeros((), device=device)
            return RetentionLoss(nothing, nothing, nothing)
        base = torch.cat([one.log_probs for one in own]).to(device)
        tuned = self._tuned(model, own, device)
        # DDP averages the gradients of the processes: so summed, they are those of the whole.
        share = processes / sum(one.positions for one in drawn)
        kl = divergence(base, tuned).sum() * share
        path = path_distance(base, tuned).sum() * share
        weighted = self._recipe.kl_weight * kl + self._recipe.path_weight * path
        return RetentionLoss(weighted * self._recipe.retention_every, kl.detach(), path.detach())

    def _tuned(self, model: Any, answers: list[BaseAnswer], device: Any) -> torch.Tensor:
        """Log-probabilities of the model now, where and of what the base's are kept."""
        ids, mask = padded([one.ids for one in answers], device)
        was_training = model.training
        model.eval()
        try:
            outputs = outputs_at(
                model,
                {"input_ids": ids, "attention_mask": mask},
                answer_positions([one.prompt_tokens for one in answers], mask),
                head=model.get_output_embeddings(),
            )
        finally:
            model.train(was_training)
        return split_log_probs(outputs.logits, torch.cat([one.top for one in answers]).to(device))


def divergence(base: torch.Tensor, tuned: torch.Tensor) -> torch.Tensor:
    """KL(base ‖ tuned) in nats of log-probabilities (…, classes)."""
    return (base.exp() * (base - tuned)).sum(dim=-1)


def path_distance(base: torch.Tensor, tuned: torch.Tensor) -> torch.Tensor:
    """−log Σ √(p·q), the Bhattacharyya distance, of log-probabilities (…, classes)."""
    return -((base + tuned) / 2).logsumexp(dim=-1)


def general_prompts(questions: Sequence[Question], wording: Wording) -> tuple[Prompt, ...]:
    """Up to `GENERAL_PROMPTS` prompts in their corpus's words, the same ones for every recipe."""
    draw = random.Random(0)
    chosen = draw.sample(list(questions), min(GENERAL_PROMPTS, len(questions)))
    return tuple(build_prompt(one.question, system_prompt=wording.system_prompt) for one in chosen)


def check_retention(recipe: Recipe, prompts: Sequence[Prompt]) -> None:
    """Refuse a recipe whose mitigations could do nothing.

    :raises TrainingError: says which, and what to use instead.
    """
    if recipe.anchor_weight and recipe.method == "lora":
        raise TrainingError(
            "The recipe's anchor_weight pulls trained weights back to their start, and lora leaves "
            "the base's weights where they are. Use kl_weight or path_weight, a scale below 1, or "
            "the method full or frozen."
        )
    if (recipe.kl_weight or recipe.path_weight) and not prompts:
        raise TrainingError(
            "The recipe's kl_weight and path_weight keep the base's answers to general prompts, "
            "and there are none: the corpus general-knowledge has no questions of the train split. "
            "Put its qa.jsonl back, or set both weights to 0."
        )


def general_fingerprint(recipe: Recipe, prompts: Sequence[Prompt]) -> str:
    """SHA-256 of the prompts that a recipe holds a run to its base by; empty where it does not."""
    if not (recipe.kl_weight or recipe.path_weight):
        return ""
    return fingerprint_text(*(repr(prompt.messages()) for prompt in prompts))


def build_retention(
    prompts: Sequence[Prompt],
    tokenizer: Any,
    base: Any,
    recipe: Recipe,
    *,
    folder: Path,
    base_fingerprint: str,
    device: torch.device,
) -> Retention | None:
    """Set up what the recipe asks for; None when it asks for nothing, and then nothing is computed.

    :param prompts: see `general_prompts`; they are put in the recipe's form.
    :param base: the loaded base, before an adapter or training changes it.
    :param folder: where the base's answers are kept from one run to the next.
    :raises TrainingError: see `check_retention`.
    """
    check_retention(recipe, prompts)
    if not recipe.kl_weight and not recipe.path_weight:
        return None
    answers = base_answers(
        [replace(prompt, form=recipe.form) for prompt in prompts],
        tokenizer,
        base,
        folder=folder,
        base_fingerprint=base_fingerprint,
        device=device,
    )
    return Retention(answers, recipe)
