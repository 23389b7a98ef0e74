"""The language model: one copy of the weights, any number of adapters, one lock.

Every forward pass names the adapter of each of its rows (PEFT's mixed-adapter batches), so no
adapter is ever "switched on" between passes and a base row cannot pick one up from a neighbour.
The lock is held for one pass at a time: visitors take turns by the token and none can block the
others by reading its stream slowly.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from core.chat import answer_ids, prompt_ids
from core.decoding import Row, Stops, decode
from core.device import find_device, find_dtype
from core.errors import AdapterError, ModelError
from core.model_files import find_language_model
from core.prompts import Prompt

#: How PEFT names "no adapter" in a mixed batch.
_NO_ADAPTER = "__base__"


@dataclass(frozen=True)
class Generation:
    """One answer as the model gave it. Seconds count from the batch's start."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    first_token_seconds: float
    seconds: float
    finished: bool


@dataclass(frozen=True)
class GenerationRequest:
    """One row of a batch: a prompt and the adapter to answer with (None: base weights)."""

    prompt: Prompt
    adapter: str | None = None


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
        self.lock = threading.Lock()
        try:
            # Typed loosely: transformers' annotations promise less than its methods return.
            self.tokenizer: Any = AutoTokenizer.from_pretrained(files.location)
            model: Any = AutoModelForCausalLM.from_pretrained(files.location, dtype=self.dtype)
            # Frozen from the start: torch's CPU kernels differ in the last bit for weights that
            # ask for gradients, and PEFT freezes the base when the first adapter is loaded.
            self._model: Any = model.to(self.device).eval().requires_grad_(False)
        except Exception as error:  # damaged files raise the libraries' own many types
            reason = str(error).partition("\n")[0]
            raise ModelError(
                f"{reference!r} does not load as a language model: {reason}"
            ) from error
        if not getattr(self.tokenizer, "chat_template", None):
            raise ModelError(f"{reference!r} has no chat template: use an instruction-tuned model.")
        self._stops = Stops(_end_ids(self.tokenizer, model), _line_ids(self.tokenizer))
        self.context_tokens = int(getattr(model.config, "max_position_embeddings", 2048))
        self._adapters: dict[str, str] = {}

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names of the loaded adapters."""
        return tuple(self._adapters)

    @property
    def decoding(self) -> str:
        """The decoding setting, for provenance."""
        dtype = str(self.dtype).removeprefix("torch.")
        return f"greedy to the end token or the line's end, {dtype} on {self.device.type}"

    def load_adapter(self, name: str, folder: Path) -> None:
        """Make an adapter folder (PEFT's files) known under `name`; the same again costs nothing.

        :raises AdapterError: when the files do not load or do not fit this model.
        """
        with self.lock:
            if self._adapters.get(name) == str(folder):
                return
            if name in self._adapters:
                raise AdapterError(f"The name {name!r} already stands for {self._adapters[name]}.")
            try:
                if isinstance(self._model, PeftModel):
                    self._model.load_adapter(str(folder), adapter_name=name)
                else:
                    self._model = PeftModel.from_pretrained(
                        self._model, str(folder), adapter_name=name
                    )
            except Exception as error:  # damaged files raise the libraries' own many types
                self._remove_half_loaded(name)
                reason = str(error).partition("\n")[0]
                raise AdapterError(f"The adapter in {folder} does not load: {reason}") from error
            self._model.eval()
            self._adapters[name] = str(folder)

    def _remove_half_loaded(self, name: str) -> None:
        """Take out what PEFT had put in before it failed, or base rows would answer with it."""
        if isinstance(self._model, PeftModel):
            if name in self._model.peft_config:
                self._model.delete_adapter(name)
            return
        for path, module in list(self._model.named_modules()):
            if isinstance(module, BaseTunerLayer):
                self._model.set_submodule(path, module.get_base_layer())
        if hasattr(self._model, "peft_config"):
            del self._model.peft_config

    def unload_adapter(self, name: str) -> None:
        """Forget an adapter, so that its name can stand for another.

        :raises AdapterError: when it is not loaded.
        """
        with self.lock:
            self._check_adapter(name)
            if len(self._adapters) == 1:
                self._model = self._model.unload()
            else:
                self._model.delete_adapter(name)
            del self._adapters[name]

    def encode(self, prompt: Prompt) -> list[int]:
        """Tokens of a prompt in the model's chat template, up to where the answer begins."""
        return prompt_ids(prompt, self.tokenizer)

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
        """Answer all requests in one batch, greedily, yielding each row's text as it grows.

        :returns: pairs of a request's index and its generation so far; each request's last one has
            `finished` set.
        :raises AdapterError: when a request names an adapter that is not loaded.
        :raises ModelError: when a prompt is too long for the model.
        """
        rows = []
        for request in requests:
            if request.adapter is not None:
                self._check_adapter(request.adapter)
            ids = self.encode(request.prompt)
            if len(ids) + max_new_tokens > self.context_tokens:
                raise ModelError(
                    f"The prompt has {len(ids)} tokens; with {max_new_tokens} for the answer that "
                    f"is more than the {self.context_tokens} the model reads. Ask less at once."
                )
            rows.append(Row(ids, request.adapter))
        index_of = {id(row): index for index, row in enumerate(rows)}
        steps = decode(
            rows,
            self._forward,
            device=self.device,
            stops=self._stops,
            max_new_tokens=max_new_tokens,
        )
        for moved in steps:
            for row in moved:
                index = index_of[id(row)]
                yield index, self._generation(row, requests[index].prompt)

    def _generation(self, row: Row, prompt: Prompt) -> Generation:
        text = self.tokenizer.decode(row.completion_ids, skip_special_tokens=True).strip()
        if not row.finished:
            text = text.rstrip("�")  # half of a character: its other tokens are still to come
        text = text.split("\n")[0].strip()
        if prompt.answer_prefix.endswith('"'):
            text = text.removesuffix('"')
        return Generation(
            text=text,
            prompt_tokens=len(row.prompt_ids),
            completion_tokens=len(row.completion_ids),
            first_token_seconds=row.first_token_seconds,
            seconds=row.seconds,
            finished=row.finished,
        )

    def next_token_logits(self, requests: Sequence[GenerationRequest]) -> torch.Tensor:
        """Logits (requests, vocabulary) of the first answer token, all requests in one pass."""
        rows = [self.encode(request.prompt) for request in requests]
        ids, mask = self._padded(rows)
        return self._forward([request.adapter for request in requests], _inputs(ids, mask))

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
        """One pass under the lock; last-position logits (rows, vocabulary) unless `keep` is set."""
        for name in adapters:
            if name is not None:
                self._check_adapter(name)
        with self.lock, torch.inference_mode():
            arguments = {**inputs, "logits_to_keep": 1 if keep is None else keep}
            if isinstance(self._model, PeftModel):
                arguments["adapter_names"] = [name or _NO_ADAPTER for name in adapters]
            logits = self._model(**arguments).logits
        return logits[:, -1] if keep is None else logits

    def _check_adapter(self, name: str) -> None:
        # PEFT skips layers that do not know a name: a mistyped one would answer as the base.
        if name not in self._adapters:
            known = ", ".join(self._adapters) or "none"
            raise AdapterError(f"No adapter {name!r} is loaded (loaded: {known}).")


def _inputs(ids: torch.Tensor, mask: torch.Tensor) -> dict[str, Any]:
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "position_ids": (mask.cumsum(dim=1) - 1).clamp(min=0),
        "use_cache": False,
    }


def _end_ids(tokenizer: Any, model: Any) -> frozenset[int]:
    """Every token that ends an answer: the tokenizer's and those the model's files name."""
    named = model.generation_config.eos_token_id
    several = named if isinstance(named, list) else [named]
    return frozenset(token for token in [tokenizer.eos_token_id, *several] if token is not None)


def _line_ids(tokenizer: Any) -> frozenset[int]:
    """Every token that breaks the line: an answer here is one line."""
    vocabulary = [[token] for token in range(len(tokenizer))]
    texts = tokenizer.batch_decode(vocabulary)
    return frozenset(token for token, text in enumerate(texts) if "\n" in text)
