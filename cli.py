"""The terminal: the same verbs as the page, one method of the `Workbench` each.

Logs and progress go to standard error. With `--json` standard output is exactly one JSON document.
Exit 0 done, 2 bad input or usage (one line), 1 failure.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, cast

import typer

import adapter_commands
import change_commands
import corpus_commands
import report_commands
import retrieval_commands
import training_commands
from core.errors import ProjectError
from core.records import ARM_NAMES, AnswerDelta, Split
from core.settings import load_settings
from terminal import Corpus, Json, arm_names, dumped, open_workbench, print_json, say

# Typer reads these annotations when a command is called; heavy imports wait in `open_workbench`.
ArmList = Annotated[str, typer.Option("--arms", help="Arms, separated by commas.")]

ALL_ARMS = ",".join(ARM_NAMES)

#: Typer keeps its own copy of click; this is the class of every wrong option or argument.
USAGE_ERROR: Any = typer.BadParameter.__base__

#: What typer makes of Ctrl-C.
_INTERRUPTED = 130

program = typer.Typer(
    help="Fine-tune, retrieve, both or neither? One question, four answers, scored.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)
corpus_commands.add_to(program)
training_commands.add_to(program)
adapter_commands.add_to(program)
retrieval_commands.add_to(program)
report_commands.add_to(program)
change_commands.add_to(program)


def main() -> None:
    """Run the program; every expected error is one line and an exit code."""
    # Nothing here asks a hub for a metric script, and a page sends no statistics.
    os.environ.setdefault("HF_EVALUATE_OFFLINE", "1")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    try:
        # Not standalone: a usage error would print three lines, and ours is one.
        code = program(standalone_mode=False) or 0
        if code == _INTERRUPTED:  # typer's own, of Ctrl-C within a command
            say("stopped.")
        sys.exit(1 if code == _INTERRUPTED else code)
    except USAGE_ERROR as error:
        say(f"error: {error.format_message()} See `sft-vs-rag --help`.")
        sys.exit(2)
    except ProjectError as error:
        say("error: " + " ".join(str(error).split()))
        sys.exit(2 if error.bad_input else 1)
    except (KeyboardInterrupt, typer.Abort):
        say("stopped.")
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


@program.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    public_demo: Annotated[bool, typer.Option("--public-demo", help="For strangers.")] = False,
) -> None:
    """Open the page."""
    from app import launch  # noqa: PLC0415  (gradio is slow to import)

    given: dict[str, Any] = {"host": host, "port": port, "public_demo": public_demo or None}
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    launch(settings)


@program.command()
def ask(
    corpus: Corpus,
    question: str,
    arms: ArmList = ALL_ARMS,
    adapter: Annotated[str | None, typer.Option(help="Instead of the active one.")] = None,
    as_json: Json = False,
) -> None:
    """Ask one question of several arms side by side."""
    names = arm_names(arms)
    answers: dict[str, AnswerDelta] = {}
    for delta in open_workbench().ask(corpus, question, names, adapter=adapter):
        answers[delta.arm] = delta
    found = [one for name in names if (one := answers[name].answer) is not None]
    if as_json:
        print_json({"question": question, "answers": dumped(found)})
        return
    for answer in found:
        print(f"{answer.arm:8} {answer.text}")
        print(
            f"{'':8} first token {answer.first_token_seconds:.2f} s, all {answer.seconds:.2f} s, "
            f"{answer.prompt_tokens} + {answer.completion_tokens} tokens"
        )


@program.command()
def evaluate(
    corpus: Corpus,
    arms: ArmList = ALL_ARMS,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    limit: Annotated[int | None, typer.Option(help="A seeded sample of so many.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of sample and intervals.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; one that was broken off goes on.")
    ] = None,
    oracle: Annotated[
        bool, typer.Option("--oracle/--no-oracle", help="Also ask with the evidence given.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Ask a split's questions of the arms, score the answers, and write the results."""
    names = arm_names(arms)
    if split not in ("train", "validation", "test"):
        raise ProjectError(f"There is no split {split!r}; use train, validation or test.")
    summary, folder = open_workbench(seed=seed).evaluate(
        corpus,
        arms=names,
        split=cast(Split, split),
        limit=limit,
        out=out,
        oracle=oracle,
        report=lambda done, of, left: say(f"{done}/{of} answers{_time_left(left)}"),
    )
    say(f"written to {folder}")
    if as_json:
        print_json(summary)
    else:
        from eval.tables import arms_table  # noqa: PLC0415

        print(arms_table(summary))


@program.command()
def score(file: Path, as_json: Json = False) -> None:
    """Score any system's answers: rows of {"prediction", "references"}."""
    result = open_workbench().score(file)
    if as_json:
        print_json(result)
        return
    for name, found in result["metrics"].items():
        print(f"{name:12} {found['value']:.4f}  [{found['low']:.4f}, {found['high']:.4f}]")
    print(f"n = {result['n']}")


@program.command()
def doctor(as_json: Json = False) -> None:
    """Say what this machine offers: versions, device, number format, models, indexes."""
    facts = open_workbench().doctor()
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        pairs = value.items() if isinstance(value, dict) else [("", value)]
        for key, detail in pairs:
            print(f"{name} {key}".rstrip() + f": {detail}")


def _time_left(seconds: float | None) -> str:
    if not seconds:
        return ""
    if seconds < 60:
        return f", about {seconds:.0f} s left"
    minutes = round(seconds / 60)
    hours = f"{minutes // 60} h " if minutes >= 60 else ""
    return f", about {hours}{minutes % 60} min left"


if __name__ == "__main__":
    main()
