"""How likely two sets of weights find the same text, token by token: losses and divergence.

The base model and a fine-tuned one (an adapter, or own weights, by the name they are loaded under)
read the same tokens in the same batches, so that nothing differs but the weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.chat import answer_ids
from core.prompts import Prompt

if TYPE_CHECKING:
    import torch

    from core.language_model import LanguageModel

#: Texts read in one pass; bounds the distributions held at once (tokens x vocabulary, float32).
_TEXTS_A_BATCH = 8


@dataclass(frozen=True)
class Stretch:
    """Tokens to judge, `wanted`, after tokens that are only read, `given`; neither is empty."""

    given: list[int]
    wanted: list[int]


@dataclass(frozen=True)
class Likelihoods:
    """Of one text: a value for each judged token, all in nats.

    `base` and `tuned` are negative log-likelihoods; `divergence` is KL(base ‖ tuned) of the whole
    distributions over the vocabulary, never below 0.
    """

    base: list[float]
    tuned: list[float]
    divergence: list[float]


def text_stretch(text: str, model: "LanguageModel") -> Stretch | None:
    """A text without a prompt: all tokens but the first are judged; None when it has only one.

    What is longer than the model reads is left out.
    """
    ids = answer_ids(text, model.tokenizer)[: model.context_tokens]
    return Stretch(ids[:1], ids[1:]) if len(ids) > 1 else None


def answer_stretch(prompt: Prompt, answer: str, model: "LanguageModel") -> Stretch:
    """An answer and the end after it, judged; the prompt before it is read."""
    end: int = model.tokenizer.eos_token_id
    return Stretch(model.encode(prompt), [*answer_ids(answer, model.tokenizer), end])


def compare_likelihoods(
    model: "LanguageModel",
    stretches: Sequence[Stretch],
    *,
    tuned: str,
    report: Callable[[int], None] = lambda done: None,
) -> list[Likelihoods]:
    """Read each stretch with the base weights and with the weights `tuned`.

    :param tuned: the name of an adapter or of own weights, as the model has it loaded.
    :param report: called with the number of stretches read so far.
    :returns: one for each stretch, in their order.
    :raises AdapterError: when no such weights are loaded.
    """
    # Like lengths together: less padding. The order is the same on every run.
    order = sorted(range(len(stretches)), key=lambda i: _length(stretches[i]))
    found: list[Likelihoods | None] = [None] * len(stretches)
    for first in range(0, len(order), _TEXTS_A_BATCH):
        indexes = order[first : first + _TEXTS_A_BATCH]
        batch = [stretches[index] for index in indexes]
        # The last wanted token predicts nothing that is judged, so it is not read.
        rows = [one.given + one.wanted[:-1] for one in batch]
        keep = max(len(one.wanted) for one in batch)
        before = model.logits(rows, keep)
        after = model.logits(rows, keep, adapter=tuned)
        for place, (index, one) in enumerate(zip(indexes, batch, strict=True)):
            count = len(one.wanted)
            found[index] = _compared(before[place, -count:], after[place, -count:], one.wanted)
        report(first + len(batch))
    return [one for one in found if one is not None]


def _length(one: Stretch) -> int:
    return len(one.given) + len(one.wanted)


def _compared(before: "torch.Tensor", after: "torch.Tensor", wanted: list[int]) -> Likelihoods:
    """Compare logits (tokens, vocabulary) over the tokens that follow."""
    import torch  # noqa: PLC0415  (slow to import)

    base, tuned = before.float().log_softmax(dim=-1), after.float().log_softmax(dim=-1)
    chosen = torch.tensor(wanted, device=base.device).unsqueeze(1)
    divergence = (base.exp() * (base - tuned)).sum(dim=-1).clamp(min=0)
    return Likelihoods(
        base=(-base.gather(1, chosen)).squeeze(1).tolist(),
        tuned=(-tuned.gather(1, chosen)).squeeze(1).tolist(),
        divergence=divergence.tolist(),
    )
