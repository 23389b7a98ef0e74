"""The table for spreadsheets: every answer once, and nothing a spreadsheet would run."""

import csv
import io
from pathlib import Path

import pytest
from run_folders import make_run

from eval.report import write_report
from eval.results_csv import safe_cell


def _rows(folder: Path) -> list[dict[str, str]]:
    write_report(folder)
    raw = (folder / "results.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf"), "Excel reads UTF-8 by its mark"
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def test_a_row_for_each_question_and_arm(tmp_path: Path) -> None:
    rows = _rows(make_run(tmp_path / "run", parts=("questions",)))
    assert len(rows) == 48 == len({(row["question_id"], row["arm"]) for row in rows})
    right = rows[2]
    assert (right["arm"], right["question"]) == ("rag", "How long do I hold the button of lamp 0?")
    assert (right["accuracy"], right["evidence_rank"], right["document"]) == (
        "1.0",
        "2",
        "lamps/l0",
    )
    assert right["team"] == "north", "the user's own columns come last"
    assert rows[0]["diagnosis"] == "other"


def test_answers_that_are_formulas_become_text(tmp_path: Path) -> None:
    words = {
        ("base", 0): '=HYPERLINK("x","y")', ("base", 1): "+1+cmd|' /C calc'!A0", ("base", 2): "-2", ("base", 3): "@SUM(A1)",
        ("base", 4): "  =1", ("base", 5): "\t=1", ("base", 6): "\r=1", ("base", 7): "＝1", ("base", 8): 'a "quoted", line\nand more',
    }  # fmt: skip
    rows = [row for row in _rows(make_run(tmp_path / "run", words=words)) if row["arm"] == "base"]
    for number in range(8):
        assert rows[number]["prediction"] == "'" + words["base", number]
    assert rows[8]["prediction"] == words["base", 8], "other texts stay as they are"


@pytest.mark.parametrize("text", ["", "plain", "2-1", "a=b", "8 seconds", "…"])
def test_harmless_cells_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text


def test_no_character_breaks_the_file() -> None:
    assert safe_cell("a\x00b\ud800c") == "a\ufffdb\ufffdc"
    assert safe_cell("a\x00b\ud800c").encode()


def test_the_table_for_a_readme_is_written(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    write_report(folder)
    assert "| sft+rag | 0.92 [" in (folder / "table.md").read_text()
