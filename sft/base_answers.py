"""What the base model answers to general prompts, and how sure it was of each token.

Made once, before training, from the very weights that training begins with, and kept in the state
folder. Of each distribution the likeliest 64 tokens are kept with their log-probabilities, and the
probability of all others together: 128 answers take about a megabyte instead of half a gigabyte,
and training needs no second pass through the base. That is why LoRA runs read it too, instead of
switching the adapter off for a pass: it is cheaper, and with an initialiser such as PiSSA the model
without its adapter is not the base.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from core.answer_text import Stops, end_ids
from core.chat import prompt_ids
from core.decoding import Row, decode
from core.device import computes_in_bfloat16
from core.prompts import Prompt
from core.storage import fingerprint_text, write_bytes
from sft.compact_head import outputs_at

#: Tokens of which the probability is kept one by one.
TOP_TOKENS = 64
#: Tokens of an answer, at most; general answers are one short sentence.
_ANSWER_TOKENS = 32
#: Prompts answered together: enough to fill the processor, few enough for any memory.
_TOGETHER = 32
#: Raise this when what is kept, or how it is made, changes.
_VERSION = "1"


@dataclass(frozen=True)
class BaseAnswer:
    """One prompt with the base's greedy answer and the base's distributions along it.

    A distribution stands at each position from the prompt's last token on, which predicts the
    answer's first, to the answer's last, which predicts its end.
    """

    #: (length,): the prompt, then the answer.
    ids: torch.Tensor
    prompt_tokens: int
    #: (positions, top): the likeliest tokens, likeliest first.
    top: torch.Tensor
    #: (positions, top + 1): natural log-probabilities of those, then of all others together.
    log_probs: torch.Tensor

    @property
    def positions(self) -> int:
        """How many distributions there are: the answer's tokens and its end."""
        return len(self.top)


def base_answers(
    prompts: Sequence[Prompt],
    tokenizer: Any,
    base: Any,
    *,
    folder: Path,
    base_fingerprint: str,
    device: torch.device,
) -> list[BaseAnswer]:
    """Answer the prompts by the base, or read what it answered before.

    :param base: the loaded base without an adapter; it is moved to the device.
    :param folder: where answers are kept, a file for each base, number format and set of prompts.
    :raises StorageError: when the file cannot be written.
    """
    starts = [prompt_ids(prompt, tokenizer) for prompt in prompts]
    made_with = (
        f"{base.dtype} {getattr(base, 'quantization_method', None)} {device.type} "
        f"{computes_in_bfloat16(device)} {TOP_TOKENS} {_ANSWER_TOKENS}"
    )
    name = fingerprint_text(_VERSION, base_fingerprint, made_with, json.dumps(starts))
    path = folder / f"{name[:32]}.safetensors"
    kept = _read(path)
    if kept is not None:
        return kept
    # A quantised base is where it belongs already, and refuses to be moved.
    if base.device.type != device.type:
        base.to(device)
    was_training = base.training
    base.eval()
    with torch.no_grad(), _number_format(device):
        answers = []
        for first in range(0, len(starts), _TOGETHER):
            some = starts[first : first + _TOGETHER]
            answers += _distributions(some, _greedy(some, tokenizer, base), base)
    base.train(was_training)
    write_bytes(path, _packed(answers))
    return answers


def split_log_probs(logits: torch.Tensor, top: torch.Tensor) -> torch.Tensor:
    """Log-probabilities of some tokens, and of all others together.

    :param logits: (positions, vocabulary).
    :param top: (positions, some), fewer than the vocabulary.
    :returns: (positions, some + 1), in float32 or better.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    # Not log(1 − Σp): where the base is sure, nothing but rounding would be left of it.
    others = logits.scatter(-1, top, float("-inf")).logsumexp(dim=-1, keepdim=True)
    together = torch.cat([logits.gather(-1, top), others], dim=-1)
    return together - logits.logsumexp(dim=-1, keepdim=True)


def padded(rows: Sequence[torch.Tensor], device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Put rows of ids into one batch: ids and mask (rows, longest), padded on the right."""
    ids = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True).to(device)
    lengths = torch.tensor([len(row) for row in rows], device=device)
    return ids, (torch.arange(ids.shape[1], device=device) < lengths[:, None]).long()


def answer_positions(prompt_tokens: Sequence[int], mask: torch.Tensor) -> torch.Tensor:
    """Where in a padded batch the answers' distributions are: bool (rows, longest)."""
    first = torch.tensor(prompt_tokens, device=mask.device) - 1
    return (torch.arange(mask.shape[1], device=mask.device) >= first[:, None]) & mask.bool()


def _number_format(device: torch.device) -> AbstractContextManager:
    """Compute as training does, or the tuned model would differ from the base before it moved."""
    if computes_in_bfloat16(device):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def _greedy(starts: list[list[int]], tokenizer: Any, base: Any) -> list[list[int]]:
    """The base's answers: up to an end token, a line's end, or the longest allowed."""

    def forward(adapters: Sequence[str | None], inputs: dict[str, Any]) -> torch.Tensor:
        return base(**inputs, logits_to_keep=1).logits[:, -1]

    rows = [Row(list(start), None) for start in starts]
    stops = Stops(end_ids(tokenizer, base))
    for _ in decode(rows, forward, device=base.device, stops=stops, max_new_tokens=_ANSWER_TOKENS):
        pass
    return [_first_line(row.completion_ids, tokenizer) for row in rows]


def _first_line(ids: list[int], tokenizer: Any) -> list[int]:
    for index, token in enumerate(ids):
        if index and "\n" in tokenizer.decode([token]):
            return ids[:index]
    return ids


def _distributions(
    starts: list[list[int]], answers: list[list[int]], base: Any
) -> list[BaseAnswer]:
    rows = [torch.tensor(start + answer) for start, answer in zip(starts, answers, strict=True)]
    made = []
    # One row at a time would be slow, all at once would hold the vocabulary at every position.
    for first in range(0, len(rows), 8):
        some = rows[first : first + 8]
        ids, mask = padded(some, base.device)
        asked = answer_positions([len(start) for start in starts[first : first + 8]], mask)
        logits = outputs_at(
            base,
            {"input_ids": ids, "attention_mask": mask},
            asked,
            head=base.get_output_embeddings(),
        ).logits
        top = logits.topk(min(TOP_TOKENS, logits.shape[-1] - 1), dim=-1).indices
        log_probs = split_log_probs(logits, top)
        counts = asked.sum(dim=1).tolist()
        made += [
            BaseAnswer(row, len(row) - count + 1, tokens.cpu(), values.float().cpu())
            for row, count, tokens, values in zip(
                some, counts, top.split(counts), log_probs.split(counts), strict=True
            )
        ]
    return made


def _packed(answers: list[BaseAnswer]) -> bytes:
    tensors = {
        "ids": torch.cat([one.ids for one in answers]).int(),
        "lengths": torch.tensor([len(one.ids) for one in answers]),
        "positions": torch.tensor([one.positions for one in answers]),
        "top": torch.cat([one.top for one in answers]).int(),
        "log_probs": torch.cat([one.log_probs for one in answers]),
    }
    return save({**tensors, "sha256": _digest(tensors)})


def _digest(tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    """SHA-256 over the contents: a flipped byte loads without complaint."""
    digest = hashlib.sha256()
    for name in ("ids", "lengths", "positions", "top", "log_probs"):
        digest.update(tensors[name].numpy().tobytes())
    return torch.tensor(list(digest.digest()), dtype=torch.uint8)


def _read(path: Path) -> list[BaseAnswer] | None:
    """Read kept answers; None when there are none, or they are damaged and are made again."""
    try:
        kept = load(path.read_bytes())
        whole = torch.equal(kept["sha256"], _digest(kept))
    except Exception:  # missing, cut off or no such file: the reader raises its own many types
        return None
    if not whole:
        return None
    positions = kept["positions"].tolist()
    rows = kept["ids"].long().split(kept["lengths"].tolist())
    tops = kept["top"].long().split(positions)
    values = kept["log_probs"].split(positions)
    return [
        BaseAnswer(ids, len(ids) - count + 1, top, log_probs)
        for ids, count, top, log_probs in zip(rows, positions, tops, values, strict=True)
    ]
