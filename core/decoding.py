"""Decoding of many rows in one batch, each with its own prompt length and adapter.

A plain left-padded batch pads short closed-book prompts to the long open-book ones and copies the
whole key/value cache at every token. Here rows of like length are prefilled together, their caches
are joined (padded on the left) in one buffer with room for the answer, all rows are decoded
together, and finished rows leave the batch. The order of work depends on the rows alone, so the
same rows always give the same answers.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

from core.answer_text import Stops
from core.sampler import Sampler

#: Prompts longer than this share of the longest in their group start a group of their own...
_LENGTH_RATIO = 0.75
#: ...and no group holds more than this many prompt tokens, which bounds memory.
_PREFILL_TOKENS = 4096
#: The batch is packed anew when this share of its rows or more has finished.
_PACK_SHARE = 0.2


class ForwardPass(Protocol):
    """One pass through the model, with an adapter's name (or None) for every row."""

    def __call__(self, adapters: Sequence[str | None], inputs: dict[str, Any]) -> torch.Tensor:
        """Return the logits (rows, vocabulary) of each row's last position."""


@dataclass
class Row:
    """One prompt on its way to an answer. Times are seconds since the batch began."""

    prompt_ids: list[int]
    adapter: str | None
    #: Draws the tokens; None takes the likeliest.
    sampler: Sampler | None = None
    completion_ids: list[int] = field(default_factory=list)
    finished: bool = False
    first_token_seconds: float = 0.0
    seconds: float = 0.0


class _BufferedLayer(DynamicLayer):
    """A layer's keys and values in a buffer with room to grow: adding a token copies nothing."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, length: int) -> None:
        super().__init__()
        self.keys: torch.Tensor = keys
        self.values: torch.Tensor = values
        self._length = length
        self.dtype, self.device = keys.dtype, keys.device
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new keys and values into the buffer and return all that are in it."""
        end = self._length + key_states.shape[-2]
        self.keys[:, :, self._length : end] = key_states
        self.values[:, :, self._length : end] = value_states
        self._length = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_seq_length(self) -> int:
        """Return how many positions are filled."""
        return self._length

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return the mask's length and offset for the next `query_length` positions."""
        return self._length + query_length, 0

    def keep(self, rows: torch.Tensor) -> None:
        """Keep only these rows of the batch."""
        self.keys, self.values = self.keys[rows], self.values[rows]


def decode(
    rows: Sequence[Row],
    forward: ForwardPass,
    *,
    device: torch.device,
    stops: Stops,
    max_new_tokens: int,
    began: float | None = None,
) -> Iterator[list[Row]]:
    """Decode all rows; yields the rows that gained a token, step by step.

    The rows are changed in place. A row finishes where `stops` says or after `max_new_tokens`.

    :param began: the `time.perf_counter()` that the rows' times count from, where batches take
        turns; now unless given.
    """
    began = time.perf_counter() if began is None else began
    prefilled: list[tuple[list[Row], DynamicCache]] = []
    for group in _groups(rows):
        cache, logits = _prefill(group, forward, device)
        _take_tokens(group, logits, stops, max_new_tokens, began)
        prefilled.append((group, cache))
        yield group
    if all(row.finished for row in rows):
        return
    active = [row for group, _ in prefilled for row in group]
    layers, mask, positions = _join(prefilled, device, max_new_tokens)
    batch = Cache(layers=list(layers))
    prefilled.clear()
    while True:
        still = [index for index, row in enumerate(active) if not row.finished]
        if not still:
            return
        if len(active) - len(still) >= max(1, _PACK_SHARE * len(active)):
            kept = torch.tensor(still, device=device)
            for layer in layers:
                layer.keep(kept)
            mask, positions = mask[kept], positions[kept]
            active = [active[index] for index in still]
        mask = torch.cat([mask, mask.new_ones(len(active), 1)], dim=1)
        # A finished row that is still in the batch repeats its last token; nobody reads it.
        last = [[row.completion_ids[-1] if row.completion_ids else 0] for row in active]
        logits = forward(
            [row.adapter for row in active],
            {
                "input_ids": torch.tensor(last, device=device),
                "attention_mask": mask,
                "position_ids": positions,
                "past_key_values": batch,
            },
        )
        positions = positions + 1
        moved = [row for row in active if not row.finished]
        _take_tokens(active, logits, stops, max_new_tokens, began)
        yield moved


def _groups(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows of like length together, shortest first, so that first tokens come early."""
    groups: list[list[Row]] = []
    for row in sorted(rows, key=lambda row: len(row.prompt_ids), reverse=True):
        longest = len(groups[-1][0].prompt_ids) if groups else 0
        fits = groups and (len(groups[-1]) + 1) * longest <= _PREFILL_TOKENS
        if fits and len(row.prompt_ids) >= _LENGTH_RATIO * longest:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups[::-1]


def _prefill(
    group: list[Row], forward: ForwardPass, device: torch.device
) -> tuple[DynamicCache, torch.Tensor]:
    longest = len(group[0].prompt_ids)
    pads = [longest - len(row.prompt_ids) for row in group]
    ids = [[0] * pad + row.prompt_ids for pad, row in zip(pads, group, strict=True)]
    mask = torch.tensor(
        [[0] * pad + [1] * (longest - pad) for pad in pads], device=device, dtype=torch.long
    )
    cache = DynamicCache()
    logits = forward(
        [row.adapter for row in group],
        {
            "input_ids": torch.tensor(ids, device=device),
            "attention_mask": mask,
            "position_ids": (mask.cumsum(dim=1) - 1).clamp(min=0),
            "past_key_values": cache,
        },
    )
    return cache, logits


def _join(
    prefilled: list[tuple[list[Row], DynamicCache]], device: torch.device, room: int
) -> tuple[list[_BufferedLayer], torch.Tensor, torch.Tensor]:
    """Put the groups' caches into one buffer, each row's prompt ending at the same column."""
    rows = [row for group, _ in prefilled for row in group]
    longest = max(len(row.prompt_ids) for row in rows)
    layers: list[_BufferedLayer] = []
    for index in range(len(prefilled[0][1].layers)):
        template: Any = prefilled[0][1].layers[index]
        heads, width = template.keys.shape[1], template.keys.shape[3]
        shape = (len(rows), heads, longest + room, width)
        keys, values = template.keys.new_zeros(shape), template.values.new_zeros(shape)
        first = 0
        for group, cache in prefilled:
            layer: Any = cache.layers[index]
            rows_here = slice(first, first + len(group))
            columns = slice(longest - layer.keys.shape[2], longest)
            keys[rows_here, :, columns] = layer.keys
            values[rows_here, :, columns] = layer.values
            first += len(group)
        layers.append(_BufferedLayer(keys, values, longest))
    lengths = torch.tensor([len(row.prompt_ids) for row in rows], device=device)
    columns_from_end = torch.arange(longest, 0, -1, device=device)
    mask = (columns_from_end[None, :] <= lengths[:, None]).long()
    return layers, mask, lengths[:, None].clone()


def _take_tokens(
    rows: Sequence[Row],
    logits: torch.Tensor,
    stops: Stops,
    max_new_tokens: int,
    began: float,
) -> None:
    now = time.perf_counter() - began
    for index, (row, likeliest) in enumerate(
        zip(rows, logits.argmax(dim=-1).tolist(), strict=True)
    ):
        if row.finished:
            continue
        token = row.sampler.draw(logits[index]) if row.sampler else likeliest
        if not row.completion_ids:
            row.first_token_seconds = now
        row.seconds = now
        if token in stops.end_ids:
            row.finished = True
            continue
        row.completion_ids.append(token)
        line_ended = token in stops.line_ids and not stops.line_ids.issuperset(row.completion_ids)
        row.finished = line_ended or len(row.completion_ids) >= max_new_tokens
