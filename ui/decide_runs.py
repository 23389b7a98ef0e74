"""Which finished runs of a corpus can be shown, and what of them is taken away as files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import EvaluationError
from core.settings import PROJECT_ROOT
from core.storage import Stamp, write_json, write_text
from eval.change_files import CHANGE_FILE
from eval.report import report_page
from eval.report_data import Run, read_run
from eval.report_html import TITLES, plural
from eval.results_csv import results_csv

#: The choice that is always meant when nothing else is: what came with the project.
SHIPPED = "shipped"
_SHIPPED_FOLDER = PROJECT_ROOT / "eval" / "shipped"


@dataclass(frozen=True)
class Offer:
    """A run that can be chosen: by a name without a path, as names come back from a browser."""

    name: str
    label: str
    folder: Path


def offers(corpus: str, runs: Path | None) -> list[Offer]:
    """List the runs of a corpus: the shipped one first, then the user's, newest first.

    :param runs: the folder of the user's runs; None where they are not to be shown.
    """
    shipped = _SHIPPED_FOLDER / corpus
    found = []
    # A corpus may be given by its path, which names no folder of ours.
    if Path(corpus).name == corpus and (shipped / "summary.json").is_file():
        label = _label("Shipped results", _object(shipped / "run.json"))
        found.append(Offer(SHIPPED, label, shipped))
    own = []
    for path in runs.glob("*/summary.json") if runs and runs.is_dir() else ():
        info = _object(path.parent / "run.json")
        if info.get("corpus") == corpus:
            own.append((str(info.get("started") or ""), path.parent, info))
    for started, folder, info in sorted(own, reverse=True, key=lambda one: one[:2]):
        when = started[:16].replace("T", " ") or folder.name
        found.append(Offer(folder.name, _label(f"Your run of {when}", info), folder))
    return found


def _label(head: str, info: Mapping[str, Any]) -> str:
    arms = [TITLES.get(arm, str(arm)) for arm in info.get("arms") or ()]
    asked = info.get("n")
    parts = [plural(asked, "question")] if isinstance(asked, int) else []
    return ", ".join([head, *parts, *([" · ".join(arms)] if len(arms) < 4 else [])])


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
        found = _object(path)
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


def chosen(offered: list[Offer], name: str | None) -> Offer | None:
    """The run of this name, else the first; None where there is none.

    :raises EvaluationError: when the run that was chosen is no longer there.
    """
    if not name:
        return offered[0] if offered else None
    for one in offered:
        if one.name == name:
            return one
    if name == SHIPPED:
        return offered[0] if offered else None
    raise EvaluationError("That run is no longer there; choose another.")


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
