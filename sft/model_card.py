"""The README of an adapter folder: a model card for the hub, written from its manifest."""

from sft.manifest import AdapterManifest, hub_name


def model_card(manifest: AdapterManifest) -> str:
    """Write the card: front matter for the hub, then what it is and how it was made."""
    recipe = "\n".join(f"| {key} | {value} |" for key, value in manifest.recipe)
    scores = "\n".join(f"| {name} | {value:.4f} |" for name, value in manifest.scores.items())
    libraries = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    method = manifest.recipe.method
    library = "peft" if method == "lora" else "transformers"
    base = f"`{manifest.base_model}` (SHA-256 `{manifest.base_fingerprint[:12]}`)"
    what = {
        "lora": f"A LoRA adapter for {base},",
        "full": f"{base} with all its weights",
        "frozen": f"{base} with the weights of its last {manifest.recipe.trained_blocks} blocks",
    }[method]
    return f"""---
base_model: {hub_name(manifest.base_model) or manifest.base_model}
library_name: {library}
pipeline_tag: text-generation
license: apache-2.0
tags: [{method}, sft, trl, sft-vs-rag]
---

# {manifest.name}

{what}
fine-tuned on the corpus *{manifest.corpus}* (`{manifest.corpus_fingerprint[:12]}`) with
{manifest.rows} rows in {manifest.steps} steps and {manifest.seconds:.0f} seconds. It answers
questions on that corpus, with or without retrieved context, in this project's prompts
(version {manifest.prompt_version}); for anything else it is not meant.
{_how_it_went(manifest)}
| score | value |
|---|---|
{scores}

| recipe | value |
|---|---|
{recipe}

Made with {libraries}.
"""


def _how_it_went(manifest: AdapterManifest) -> str:
    """Sentences on the run and its rows, between empty lines; empty for an adapter without any."""
    told = [one for one in (manifest.reading, manifest.stopped) if one]
    if manifest.row_counts:
        counts = ", ".join(f"{count} {kind}" for kind, count in manifest.row_counts.items())
        told.append(f"Rows by kind: {counts}.")
    if manifest.left_out:
        told.append(f"{manifest.left_out} rows were left out, being too long.")
    return "\n" + " ".join(told) + "\n" if told else ""
