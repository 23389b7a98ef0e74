"""The terminal's verbs about adapters."""

from pathlib import Path
from typing import Annotated, Any

import typer

from terminal import Corpus, Json, done, dumped, open_workbench, print_json, say

adapter_program = typer.Typer(
    help="List, show, activate, remove, merge, export, push or pull adapters.",
    no_args_is_help=True,
)
Out = Annotated[Path, typer.Option("--out", help="The folder to write, which is not there yet.")]
Repository = Annotated[str, typer.Argument(help="A hub id (OWNER/NAME) or a folder (./FOLDER).")]


def add_to(program: typer.Typer) -> None:
    """Put the commands into the program."""
    program.add_typer(adapter_program, name="adapters")


@adapter_program.command("list")
def list_command(
    corpus: Annotated[str | None, typer.Argument(help="Of this corpus only.")] = None,
    as_json: Json = False,
) -> None:
    """List the adapters; the one that answers is marked with a star."""
    states = open_workbench().adapter_states(corpus)
    if as_json:
        print_json({"adapters": dumped(states)})
        return
    for state in states:
        made = state.manifest
        star = "*" if state.active else " "
        print(
            f"{star} {made.corpus} {made.name}: {_origin(state)}, {made.recipe.method} on "
            f"{made.base_model}, {_size(state.size)}, prompts {made.prompt_version or 'unknown'}"
        )
        for line in (*state.marks, state.forgetting):
            print(f"    {line}")


@adapter_program.command("show")
def show_command(corpus: Corpus, name: str, as_json: Json = False) -> None:
    """Show what one adapter is, how its run went and what speaks against it."""
    state = open_workbench().adapter_state(corpus, name)
    if as_json:
        # The manifest's own fields stay at the top, where they always were.
        extra = state.model_dump(mode="json", include={"shipped", "size", "active", "marks"})
        manifest = state.manifest.model_dump(mode="json")
        print_json({**manifest, **extra, "forgetting": state.forgetting})
        return
    for line in _shown(state):
        print(line)


def _shown(state: Any) -> list[str]:
    made = state.manifest
    active = ", active" if state.active else ""
    lines = [
        f"{made.name}: {_origin(state)}{active}, {_size(state.size)}",
        f"  {made.recipe.method} on {made.base_model} ({made.base_fingerprint[:12]}), corpus "
        f"{made.corpus} ({made.corpus_fingerprint[:12] or 'unknown'}), prompts "
        f"{made.prompt_version or 'unknown'}",
        f"  {made.rows} rows, {made.steps} steps, {made.seconds:.0f} s",
    ]
    if made.row_counts:
        counts = ", ".join(f"{kind} {count}" for kind, count in made.row_counts.items())
        lines.append(f"  rows by kind: {counts}")
    if made.left_out:
        lines.append(f"  {made.left_out} rows were left out: too long for max_tokens")
    if made.scores:
        lines.append("  " + ", ".join(f"{name} {value:.4f}" for name, value in made.scores.items()))
    told = (made.reading, made.stopped, state.forgetting)
    lines += [f"  {sentence}" for sentence in told if sentence]
    lines += [f"  mark: {mark}" for mark in state.marks]
    lines.append(f"  files {made.sha256[:12]}, made with " + _pairs(made.versions))
    lines.append("  recipe: " + _pairs(dict(made.recipe)))
    return lines


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "unknown"


def _origin(state: Any) -> str:
    if state.shipped:
        return "shipped"
    return f"pulled from {state.manifest.origin}" if state.manifest.origin else "trained here"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


@adapter_program.command("activate")
def activate_command(corpus: Corpus, name: str, as_json: Json = False) -> None:
    """Answer with this adapter from now on."""
    adapter = open_workbench().activate(corpus, name)
    done(adapter.manifest.name, "active", as_json)


@adapter_program.command("remove")
def remove_command(corpus: Corpus, name: str, as_json: Json = False) -> None:
    """Delete an adapter that was trained or pulled here."""
    adapter = open_workbench().remove(corpus, name)
    done(adapter.manifest.name, "removed", as_json)


@adapter_program.command("merge")
def merge_command(
    corpus: Corpus,
    name: str,
    out: Out,
    dtype: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
    as_json: Json = False,
) -> None:
    """Write base and adapter as one model, once it was found to say the same."""
    report = open_workbench().merge(corpus, name, out, saved_as=dtype)
    if report is None:
        say(f"{name} is a whole model of its own: there is nothing to merge, it was copied.")
        done(name, f"copied to {out}", as_json)
    elif as_json:
        print_json({"name": name, "done": f"merged into {out}", **report.as_json()})
    else:
        print(f"{name}: merged into {out}: {report.told()}")


@adapter_program.command("export")
def export_command(corpus: Corpus, name: str, out: Out, as_json: Json = False) -> None:
    """Write an adapter as a folder that plain peft loads."""
    adapter = open_workbench().export(corpus, name, out)
    done(adapter.manifest.name, f"exported to {out}", as_json)


@adapter_program.command("push")
def push_command(
    corpus: Corpus,
    name: str,
    repository: Repository,
    private: Annotated[bool, typer.Option("--private", help="For you alone.")] = False,
    as_json: Json = False,
) -> None:
    """Put an adapter on the Hugging Face hub, as its own login, or into a folder."""
    adapter = open_workbench().push(corpus, name, repository, private=private)
    done(adapter.manifest.name, f"pushed to {repository}", as_json)


@adapter_program.command("pull")
def pull_command(
    repository: Repository,
    corpus: Corpus,
    name: Annotated[str | None, typer.Option(help="Call it so here.")] = None,
    as_json: Json = False,
) -> None:
    """Take an adapter in from the hub or a folder, once it is checked."""
    adapter = open_workbench().pull(corpus, repository, name=name)
    done(adapter.manifest.name, f"pulled from {repository}", as_json)
