"""Which finished runs of a corpus the page can show: the shipped one, and the user's own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import EvaluationError
from core.settings import PROJECT_ROOT
from eval.rebuild import SUMMARY_FILE
from eval.report_html import TITLES, plural
from eval.run_files import RUN_FILE

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

    :param corpus: its built-in name, or the path of its folder, whose name its runs carry.
    :param runs: the folder of the user's runs; None where they are not to be shown.
    """
    shipped = _SHIPPED_FOLDER / corpus
    found = []
    # A corpus may be given by its path, which names no folder of ours.
    if Path(corpus).name == corpus and (shipped / SUMMARY_FILE).is_file():
        label = _label("Shipped results", json_object(shipped / RUN_FILE))
        found.append(Offer(SHIPPED, label, shipped))
    own, name = [], Path(corpus).resolve().name
    for path in runs.glob(f"*/{SUMMARY_FILE}") if runs and runs.is_dir() else ():
        info = json_object(path.parent / RUN_FILE)
        if info.get("corpus") == name:
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


def json_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty where the file holds none."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
