"""The terminal's verbs about training: train, tune, forgetting."""

from pathlib import Path
from typing import Annotated, Any

import typer

from core.errors import ProjectError, TrainingError
from sft.processes import is_main
from terminal import Corpus, Json, done, open_workbench, print_json, say


def add_to(program: typer.Typer) -> None:
    """Put the commands into the program."""
    program.command()(train)
    program.command()(tune)
    program.command()(forgetting)


def train(
    corpus: Corpus,
    config: Annotated[Path | None, typer.Option(help="A recipe in TOML.")] = None,
    changes: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE")] = None,
    out: Annotated[str | None, typer.Option(help="The adapter's name.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the newest run that was broken off.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for a training that is going on.")
    ] = False,
    stop: Annotated[
        bool, typer.Option("--stop", help="Stop the one that is going on; it keeps its best.")
    ] = False,
    measure: Annotated[
        bool, typer.Option("--forgetting/--no-forgetting", help="Measure it afterwards.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Fine-tune an adapter on a corpus's questions."""
    from sft.recipe import load_recipe  # noqa: PLC0415  (before the model is touched)

    if resume and (config or changes or out):
        raise TrainingError(
            "--resume goes on with the run's own recipe and name: leave out --config, --set, --out."
        )
    recipe = load_recipe(config, changes or [])

    def report(row: dict[str, float]) -> None:
        parts = [f"{name} {value:.4g}" for name, value in row.items() if name not in _STEP_KEYS]
        say(f"step {row['step']}/{row['steps']} {' '.join(parts)}")

    workbench = open_workbench()
    if stop:
        done(workbench.stop(), "stopping", as_json)
        return
    if resume:
        result = workbench.resume(corpus, wait=wait, report=report)
    else:
        broken_off = workbench.unfinished(corpus)
        if broken_off is not None:
            say(
                f"The training {broken_off.name} was broken off ({broken_off.progress()}). This "
                "begins another; `train --resume` goes on with that one, and removing "
                f"{broken_off.path} forgets it."
            )
        result = workbench.train(corpus, recipe=recipe, name=out, wait=wait, report=report)
    if not is_main():  # of several processes one tells
        return
    forgot = None
    if measure and not result.manifest.stopped:
        forgot = _what_it_forgot(workbench, corpus, result.manifest.name)
    if as_json:
        measured = {"forgetting": forgot.model_dump(mode="json")} if forgot else {}
        print_json({**result.manifest.model_dump(mode="json"), "curve": result.curve, **measured})
    else:
        made = result.manifest
        print(f"{made.name}: {made.rows} rows, {made.steps} steps, {made.seconds:.0f} s")
        print("  " + ", ".join(f"{name} {value:.4f}" for name, value in made.scores.items()))
        for line in (made.stopped, made.reading):
            if line:
                print(f"  {line}")
        if forgot:
            print(forgot.told())


def _what_it_forgot(workbench: Any, corpus: str, name: str) -> Any:
    """Measure it; the adapter is there, whatever becomes of this."""
    try:
        return workbench.forgetting(corpus, adapter=name, report=_say_how_far)[0]
    except ProjectError as error:
        say(f"Forgetting was not measured: {error}")
        return None


def tune(
    corpus: Corpus,
    trials: Annotated[int, typer.Option(min=1, help="Finished trials in all, earlier ones too.")],
    config: Annotated[Path | None, typer.Option(help="The recipe to begin with, in TOML.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE; it is held, not tried.")
    ] = None,
    restart: Annotated[bool, typer.Option(help="Forget the trials so far.")] = False,
    as_json: Json = False,
) -> None:
    """Try recipes on a corpus and save the best; it goes on where it was stopped."""
    from sft.recipe import load_recipe  # noqa: PLC0415  (before the model is touched)

    recipe = load_recipe(config, changes or [])
    held = frozenset(change.partition("=")[0].strip() for change in changes or [])

    def report(row: dict[str, float]) -> None:
        if "eval_loss" in row:
            parts = [f"{name} {row[name]:.4g}" for name in row if name.startswith("eval_")]
            say(f"trial {row['trial']}, step {row['step']}/{row['steps']}: {', '.join(parts)}")

    result = open_workbench().tune(
        corpus, recipe=recipe, trials=trials, held=held, restart=restart, report=report
    )
    if as_json:
        print_json(result.as_json())
        return
    from sft.tuning_report import BEST_FILE, importance_words  # noqa: PLC0415
    from sft.tuning_table import trials_table  # noqa: PLC0415

    print(trials_table(result.trials))
    print(f"\n{result.doubt}\n{importance_words(result)}")
    if result.recipe is not None:
        print(f"Train it: sft-vs-rag train {corpus} --config {result.folder / BEST_FILE}")


def forgetting(
    corpus: Corpus,
    adapter: Annotated[str | None, typer.Option(help="Instead of the active one.")] = None,
    limit: Annotated[int | None, typer.Option(help="A seeded sample of so many.")] = None,
    out: Annotated[Path | None, typer.Option(help="A file to keep it in instead.")] = None,
    as_json: Json = False,
) -> None:
    """Measure what an adapter forgot of general knowledge and plain text, and keep it."""
    measured, path = open_workbench().forgetting(
        corpus, adapter=adapter, limit=limit, out=out, report=_say_how_far
    )
    say(f"written to {path}" if path else "not kept: what is kept was asked of more questions")
    if as_json:
        print_json(measured.model_dump(mode="json"))
    else:
        print(f"{measured.table()}\n\n{measured.told()}")


def _say_how_far(what: str, done: int, of: int) -> None:
    say(f"{what}: {done}/{of}")


_STEP_KEYS = ("step", "steps", "epoch")
