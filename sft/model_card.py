"""The README of an adapter folder: a model card for the hub, written from its manifest."""

from sft.manifest import AdapterManifest

#: What the embedded models are called on the hub.
_HUB_NAMES = {"embedded:smollm2-135m-instruct": "HuggingFaceTB/SmolLM2-135M-Instruct"}


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
base_model: {_HUB_NAMES.get(manifest.base_model, manifest.base_model)}
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

| score | value |
|---|---|
{scores}

| recipe | value |
|---|---|
{recipe}

Made with {libraries}.
"""
