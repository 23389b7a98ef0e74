"""An adapter merged into its base, as a model folder, after both were found to say the same.

A merged model is not always the adapter: sums round, and a scale may be left out. So the logits of
base and adapter together are compared with the merged model's, and with those of the saved files
read back, before anything is left on disk.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.chat import answer_ids, prompt_ids
from core.errors import AdapterError
from core.prompts import Prompt
from core.storage import write_folder, write_text
from sft.adapters import Adapter
from sft.sharing import refuse_scaled_dora

SavedAs = Literal["float32", "bfloat16"]
#: Largest difference of a logit and least share of the same likeliest tokens that are accepted.
#: In float32 only the order of sums differs; bfloat16 rounds each weight to 8 bits.
TOLERANCES: dict[str, tuple[float, float]] = {"float32": (0.01, 0.99), "bfloat16": (1.0, 0.95)}
#: Questions that are compared, with the tokens of their answers.
COMPARED = 48


@dataclass(frozen=True)
class Comparison:
    """How two models' logits compare over the tokens of the same answers."""

    tokens: int
    #: The largest absolute difference of any logit.
    largest_difference: float
    #: Share of tokens where greedy decoding would go on alike, in 0-1.
    same_next: float


@dataclass(frozen=True)
class MergeReport:
    """What was merged, and how near it came to the adapter."""

    folder: str
    saved_as: SavedAs
    prompts: int
    merged: Comparison
    saved: Comparison

    def as_json(self) -> dict[str, Any]:
        """Return the report for `--json`."""
        return asdict(self)

    def told(self) -> str:
        """Say it in a sentence."""
        return (
            f"over {self.prompts} questions ({self.merged.tokens} tokens) the merged model differs "
            f"from base and adapter by at most {self.merged.largest_difference:.2g} a logit and "
            f"goes on alike in {self.merged.same_next:.1%}; saved in {self.saved_as} and read "
            f"back, by {self.saved.largest_difference:.2g} and in {self.saved.same_next:.1%}"
        )


def merge_adapter(
    adapter: Adapter,
    examples: Sequence[tuple[Prompt, str]],
    out: Path,
    *,
    base_location: str,
    saved_as: SavedAs = "float32",
) -> MergeReport:
    """Write the base with the adapter merged into it as a model folder that loads by its path.

    :param examples: prompts with answers, over whose tokens the logits are compared.
    :param base_location: folder or hub id of the base.
    :raises AdapterError: when `out` is there already, there is nothing to compare on, or the merged
        model differs beyond `TOLERANCES`; nothing is then written.
    """
    if out.exists():
        raise AdapterError(f"{out} is there already; choose another folder with --out.")
    if not examples:
        raise AdapterError("There is no question to compare the merged model on: label some.")
    if saved_as not in TOLERANCES:
        raise AdapterError(f"{saved_as!r} cannot be saved in; use {' or '.join(TOLERANCES)}.")
    tokenizer: Any = AutoTokenizer.from_pretrained(base_location)
    rows = [_row(prompt, answer, tokenizer) for prompt, answer in examples[:COMPARED]]
    refuse_scaled_dora(adapter.manifest)
    together = _load_together(adapter, base_location)
    wanted = [_logits(together, row) for row in rows]
    try:
        merged = together.merge_and_unload(safe_merge=True)
    except ValueError as error:  # weights that are no numbers
        reason = str(error).partition("\n")[0]
        raise AdapterError(
            f"The adapter {adapter.manifest.name} cannot be merged: {reason}"
        ) from error
    compared = _compare(wanted, merged, rows)
    _refuse_if_different(adapter, compared, "float32")
    reports: list[MergeReport] = []

    def fill(folder: Path) -> None:
        merged.to(getattr(torch, saved_as)).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        again = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        saved = _compare(wanted, again, rows)
        _refuse_if_different(adapter, saved, saved_as)
        reports.append(MergeReport(str(out), saved_as, len(rows), compared, saved))
        write_text(folder / "README.md", _readme(adapter, reports[0]))

    write_folder(out, fill)
    return reports[0]


def _load_together(adapter: Adapter, base_location: str) -> Any:
    """Base and adapter in float32, with the scale that the recipe answers with."""
    base = AutoModelForCausalLM.from_pretrained(base_location, dtype=torch.float32)
    try:
        model = PeftModel.from_pretrained(base, str(adapter.folder)).eval()
    except Exception as error:  # damaged files raise the libraries' own many types
        reason = str(error).partition("\n")[0]
        raise AdapterError(f"The adapter in {adapter.folder} does not load: {reason}") from error
    for module in model.modules():
        if isinstance(module, LoraLayer):
            for name in module.scaling:
                module.scaling[name] *= adapter.manifest.recipe.scale
    return model


def _row(prompt: Prompt, answer: str, tokenizer: Any) -> tuple[list[int], int]:
    """Tokens of a prompt with its answer, and where the answer begins."""
    start = prompt_ids(prompt, tokenizer)
    return start + answer_ids(answer.strip(), tokenizer), len(start)


def _logits(model: Any, row: tuple[list[int], int]) -> torch.Tensor:
    """Logits (answer tokens and the end, vocabulary) that the answer is predicted by."""
    ids, start = row
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, start - 1 :].float()


def _compare(
    wanted: Sequence[torch.Tensor], model: Any, rows: Sequence[tuple[list[int], int]]
) -> Comparison:
    tokens, same, largest = 0, 0, 0.0
    for one, row in zip(wanted, rows, strict=True):
        got = _logits(model, row)
        tokens += len(got)
        same += int((got.argmax(dim=-1) == one.argmax(dim=-1)).sum())
        # A number that is none is the largest difference of all, and `max` would pass over it.
        largest = max(largest, float((got - one).abs().nan_to_num(nan=float("inf")).max()))
    return Comparison(tokens, largest, same / tokens)


def _refuse_if_different(adapter: Adapter, compared: Comparison, saved_as: str) -> None:
    most, least = TOLERANCES[saved_as]
    if compared.largest_difference > most or compared.same_next < least:
        raise AdapterError(
            f"The adapter {adapter.manifest.name} merged into its base is not the adapter: in "
            f"{saved_as} a logit differs by {compared.largest_difference:.2g} (at most {most:g}) "
            f"and {compared.same_next:.1%} of the tokens are the same (at least {least:.0%}). "
            "Nothing was written: use the adapter as it is"
            + ("." if saved_as == "float32" else ", or save in float32.")
        )


def _readme(adapter: Adapter, report: MergeReport) -> str:
    made = adapter.manifest
    return f"""# {made.corpus}-{made.name}, merged

The base model (SHA-256 `{made.base_fingerprint[:12]}`) with the adapter *{made.name}* of the corpus
*{made.corpus}* (SHA-256 `{made.sha256[:12]}`) merged into its weights. It is asked in the prompts
of version {made.prompt_version or "unknown"} of SFT vs RAG, and loads as its `base_model`.

Compared in float32: {report.told()}.
"""
