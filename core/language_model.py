"""The language model: prompts in, answers out, with the base weights or any that were loaded.

Which weights compute a row, and under which lock, is `core.weights`' job.
"""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from core.answer_text import answer_text, find_stops
from core.chat import answer_ids, prompt_ids
from core.decoding import Row, decode
from core.device import find_device, find_dtype
from core.errors import ModelError
from core.generation import Generation, GenerationRequest
from core.model_files import find_language_model
from core.prompts import Prompt
from core.sampler import Sampler
from core.weights import Weights


class LanguageModel:
    """A causal language model that answers chats, with any of its adapters, in mixed batches."""

    def __init__(
        self, reference: str, models_folder: Path, *, device: str = "auto", dtype: str = "auto"
    ) -> None:
        """Load the model.

        :raises ModelError: when the reference names no causal language model that loads.
        """
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        transformers_logging.disable_progress_bar()
        files = find_language_model(reference, models_folder)
        self.reference, self.fingerprint, self.location = reference, files.sha256, files.location
        self.device = find_device(device)
        self.dtype = find_dtype(self.device, dtype)
        try:
            # Typed loosely: transformers' annotations promise less than its methods return.
            self.tokenizer: Any = AutoTokenizer.from_pretrained(files.location)
            model: Any = AutoModelForCausalLM.from_pretrained(files.location, dtype=self.dtype)
            self._weights = Weights(model.to(self.device), files.location)
        except Exception as error:  # damaged files raise the libraries' own many types
            reason = str(error).partition("\n")[0]
            raise ModelError(
                f"{reference!r} does not load as a language model: {reason}"
            ) from error
        if not getattr(self.tokenizer, "chat_template", None):
            raise ModelError(f"{reference!r} has no chat template: use an instruction-tuned model.")
        self._stops = find_stops(self.tokenizer, model)
        self.context_tokens = int(getattr(model.config, "max_position_embeddings", 2048))

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names of the loaded adapters and own weights."""
        return self._weights.names

    @property
    def decoding(self) -> str:
        """The decoding setting, for provenance."""
        dtype = str(self.dtype).removeprefix("torch.")
        return f"greedy to the end token or the line's end, {dtype} on {self.device.type}"

    def load_adapter(self, name: str, folder: Path, *, scale: float = 1.0) -> None:
        """Make an adapter folder (PEFT's files) known under `name`; the same again costs nothing.

        :param scale: what the adapter's effect is multiplied by; 1 as trained, 0 is the base.
        :raises AdapterError: when the files do not load or do not fit this model, or the name
            stands for another folder or scale.
        """
        self._weights.load_adapter(name, folder, scale=scale)

    def load_weights(self, name: str, folder: Path, *, scale: float = 1.0) -> None:
        """Make a model folder of the base's shape known under `name`, as an adapter is.

        It takes the memory of one more model, less the tensors that are the base's.

        :param scale: own weights w stand for w₀ + scale · (w - w₀), where w₀ are the base's.
        :raises AdapterError: as for an adapter.
        """
        self._weights.load_weights(name, folder, scale=scale)

    def unload_adapter(self, name: str) -> None:
        """Forget an adapter or own weights, so that the name can stand for others.

        :raises AdapterError: when it is not loaded.
        """
        self._weights.unload(name)

    def encode(self, prompt: Prompt) -> list[int]:
        """Tokens of a prompt in the model's chat template, up to where the answer begins."""
        return prompt_ids(prompt, self.tokenizer)

    def checked(self, request: GenerationRequest, *, max_new_tokens: int) -> list[int]:
        """Tokens of a request's prompt, where it can be answered.

        :raises AdapterError: when it names an adapter that is not loaded.
        :raises ModelError: when the prompt is too long for the model.
        """
        self._weights.check(request.adapter)
        ids = self.encode(request.prompt)
        if len(ids) + max_new_tokens > self.context_tokens:
            raise ModelError(
                f"The prompt has {len(ids)} tokens; with {max_new_tokens} for the answer that "
                f"is more than the {self.context_tokens} the model reads. Ask less at once."
            )
        return ids

    def generate(
        self, requests: Sequence[GenerationRequest], *, max_new_tokens: int
    ) -> list[Generation]:
        """Answer all requests in one batch; see `stream`."""
        last: list[Generation | None] = [None] * len(requests)
        for index, generation in self.stream(requests, max_new_tokens=max_new_tokens):
            last[index] = generation
        return [generation for generation in last if generation is not None]

    def stream(
        self, requests: Sequence[GenerationRequest], *, max_new_tokens: int
    ) -> Iterator[tuple[int, Generation]]:
        """Answer all requests in one batch, yielding each row's text as it grows.

        Rows with own weights are a batch of their own; the batches take turns by the token.

        :returns: pairs of a request's index and its generation so far; each request's last one has
            `finished` set.
        :raises AdapterError: when a request names an adapter that is not loaded.
        :raises ModelError: when a prompt is too long for the model.
        """
        rows = [
            Row(
                self.checked(request, max_new_tokens=max_new_tokens),
                request.adapter,
                Sampler(request.sampling) if request.sampling else None,
            )
            for request in requests
        ]
        index_of = {id(row): index for index, row in enumerate(rows)}
        began = time.perf_counter()
        batches = [
            decode(
                [rows[index] for index in indexes],
                self._forward,
                device=self.device,
                stops=self._stops,
                max_new_tokens=max_new_tokens,
                began=began,
            )
            for indexes in self._batches([request.adapter for request in requests])
        ]
        for moved in _in_turns(batches):
            for row in moved:
                index = index_of[id(row)]
                yield index, self._generation(row, requests[index].prompt)

    def _batches(self, names: Sequence[str | None]) -> list[list[int]]:
        """Numbers of the rows that can share a pass, in the order they come in."""
        batches: dict[str | None, list[int]] = {}
        for index, name in enumerate(names):
            batches.setdefault(self._weights.own(name), []).append(index)
        return list(batches.values())

    def _generation(self, row: Row, prompt: Prompt) -> Generation:
        return Generation(
            text=answer_text(
                row.completion_ids, prompt.answer_prefix, self.tokenizer, finished=row.finished
            ),
            prompt_tokens=len(row.prompt_ids),
            completion_tokens=len(row.completion_ids),
            first_token_seconds=row.first_token_seconds,
            seconds=row.seconds,
            finished=row.finished,
        )

    def next_token_logits(self, requests: Sequence[GenerationRequest]) -> torch.Tensor:
        """Logits (requests, vocabulary) of the first answer token, all requests in one pass."""
        rows = [self.encode(request.prompt) for request in requests]
        names = [request.adapter for request in requests]
        found: dict[int, torch.Tensor] = {}
        for indexes in self._batches(names):
            ids, mask = self._padded([rows[index] for index in indexes])
            logits = self._forward([names[index] for index in indexes], _inputs(ids, mask))
            found.update(zip(indexes, logits, strict=True))
        return torch.stack([found[index] for index in range(len(rows))])

    def logits(
        self, rows: Sequence[list[int]], keep: int, *, adapter: str | None = None
    ) -> torch.Tensor:
        """Logits (rows, keep, vocabulary) of the last `keep` positions of tokens, in one pass."""
        ids, mask = self._padded(list(rows))
        last = torch.arange(ids.shape[1] - keep, ids.shape[1], device=self.device)
        return self._forward([adapter] * len(rows), _inputs(ids, mask), keep=last)

    def token_losses(
        self, prompt: Prompt, completion: str, *, adapter: str | None = None
    ) -> list[float]:
        """Negative log-likelihood in nats of each token of `completion` and of the end after it."""
        start = self.encode(prompt)
        wanted = [*answer_ids(completion, self.tokenizer), self.tokenizer.eos_token_id]
        ids, mask = self._padded([start + wanted])
        keep = torch.arange(len(start) - 1, len(start) + len(wanted) - 1, device=self.device)
        logits = self._forward([adapter], _inputs(ids, mask), keep=keep)
        losses = torch.nn.functional.cross_entropy(
            logits[0].float(), torch.tensor(wanted, device=self.device), reduction="none"
        )
        return losses.tolist()

    def _padded(self, rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        longest = max(len(row) for row in rows)
        ids = [[0] * (longest - len(row)) + row for row in rows]
        mask = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
        return torch.tensor(ids, device=self.device), torch.tensor(mask, device=self.device)

    def _forward(
        self,
        adapters: Sequence[str | None],
        inputs: dict[str, Any],
        keep: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """One pass; last-position logits (rows, vocabulary) unless `keep` is set."""
        logits = self._weights.forward(adapters, inputs, 1 if keep is None else keep)
        return logits[:, -1] if keep is None else logits


def _in_turns(batches: list[Iterator[list[Row]]]) -> Iterator[list[Row]]:
    """Take one step of each batch after the other until all have ended."""
    while batches:
        for batch in list(batches):
            moved = next(batch, None)
            if moved is None:
                batches.remove(batch)
            else:
                yield moved


def _inputs(ids: torch.Tensor, mask: torch.Tensor) -> dict[str, Any]:
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "position_ids": (mask.cumsum(dim=1) - 1).clamp(min=0),
        "use_cache": False,
    }
