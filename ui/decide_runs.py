"""A run as Decide shows it: with its change test, and what of it is taken away as files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from core.storage import Stamp, write_json, write_text
from eval.change_files import CHANGE_FILE
from eval.report import report_page
from eval.report_data import Run, read_run
from eval.results_csv import results_csv
from ui.run_offers import Offer, json_object


def change_stamp(runs: Path | None) -> Stamp:
    """Which change tests there are, and since when: another stamp, and they are read again."""
    return tuple((str(path), 0, path.stat().st_mtime_ns) for path in _changes(runs))


def _changes(runs: Path | None) -> list[Path]:
    found = runs.glob(f"*/{CHANGE_FILE}") if runs and runs.is_dir() else ()
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def newest_change(corpus: str, runs: Path | None) -> tuple[dict[str, Any], str]:
    """The user's newest change test of a corpus and its folder's name; empty where there is none.

    A change test is kept in a folder of its own unless the user says otherwise.
    """
    for path in _changes(runs):
        found = json_object(path)
        if found.get("corpus") == corpus:
            return found, path.parent.name
    return {}, ""


def read_offer(offer: Offer, runs: Path | None) -> tuple[Run, str]:
    """Read a run, with the user's change test where the run's folder has none.

    :returns: the run, and the name of another folder that its change test is from, or "".
    :raises EvaluationError: when the folder cannot be read.
    """
    run = read_run(offer.folder)
    if run.change:
        return run, ""
    change, where = newest_change(str(run.summary["corpus"]), runs)
    return (replace(run, change=change), where) if change else (run, "")


def take_away(run: Run, folder: Path) -> tuple[Path, Path, Path]:
    """Write the report, the table and the summary of a run into a folder.

    The run's own folder stays as it is: it may be another process's.

    :raises EvaluationError: when a file of the run has not the shape that it must have.
    """
    name = str(run.summary["corpus"])
    report = folder / f"{name}-report.html"
    rows, summary = folder / f"{name}-results.csv", folder / f"{name}-summary.json"
    write_text(report, report_page([run]))
    write_text(rows, results_csv(run))
    write_json(summary, dict(run.summary))
    return report, rows, summary
