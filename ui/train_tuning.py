"""What a tuning has tried: its table and its pictures, read from the study's folder."""

import re
from html import escape
from pathlib import Path

from ui.train_adapters import svg_image

_TABLE, _PICTURES = "trials.md", (
    ("history.svg", "Best accuracy of each trial"),
    ("importance.svg", "Which field of the recipe mattered how much"),
)  # fmt: skip


def tuning_report(folder: Path) -> str:
    """Show the trials of a study and its pictures; a sentence where there is none.

    :param folder: `state/tuning/<corpus>`.
    """
    try:
        text = (folder / _TABLE).read_text(encoding="utf-8")
    except OSError:
        return '<p class="train none">No recipe was tried on this corpus yet.</p>'
    table, words = [], []
    for line in text.splitlines():
        if line.startswith("|"):
            table.append(line)
        elif line.strip() and not line.startswith(("#", "![")):
            words.append(f"<p>{escape(line)}</p>")
    shown = "".join(
        svg_image(folder / name, told) for name, told in _PICTURES if (folder / name).is_file()
    )
    return (
        f'<section class="train tuning"><div class="scroll" tabindex="0">{_table(table)}</div>'
        f'{"".join(words)}<div class="plates">{shown}</div></section>'
    )


def _table(lines: list[str]) -> str:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    if len(rows) < 2:
        return ""
    heads = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in rows[0])
    body = "".join(_row(cells) for cells in rows[2:])
    return (
        '<table class="figures-table"><caption>Trials, the best one marked</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def _row(cells: list[str]) -> str:
    best = re.fullmatch(r"\*\*(.+)\*\*", cells[0])
    first = f"★ {best[1]}" if best else cells[0]
    rest = "".join(f"<td>{escape(cell)}</td>" for cell in cells[1:])
    style = "sum" if best else ""
    return f'<tr class="{style}"><th scope="row">{escape(first)}</th>{rest}</tr>'
