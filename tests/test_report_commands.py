"""The commands `report` and `compare`: what they print, write and refuse; no model is loaded."""

import json
from pathlib import Path

import pytest
from run_folders import EVERYTHING, PATTERN, make_run

from core.language_model import LanguageModel


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(LanguageModel, "__init__", refuse)


def test_a_report_is_written_where_it_is_wanted(run, tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", parts=EVERYTHING)
    out = tmp_path / "pages" / "lamps.html"
    code, printed, _ = run("report", str(folder), "--out", str(out))
    assert (code, printed.strip()) == (0, str(out))
    assert "Do both" in out.read_text()
    assert {"results.csv", "table.md"} <= {path.name for path in folder.iterdir()}
    code, printed, _ = run("report", str(folder), str(make_run(tmp_path / "second")))
    assert (code, printed.strip()) == (0, str(folder / "report.html"))
    assert "At a glance" in (folder / "report.html").read_text()


def test_no_run_is_one_line_and_code_two(run, tmp_path: Path) -> None:
    code, printed, told = run("report", str(tmp_path))
    assert (code, printed) == (2, "")
    assert told.count("\n") == 1 and "nothing to report" in told


def test_runs_are_compared_in_words_and_as_json(run, tmp_path: Path) -> None:
    parts = ("run", "questions")
    before = make_run(tmp_path / "before", parts=parts)
    after = make_run(tmp_path / "after", parts=parts, pattern={**PATTERN, "base": "RRRRRRRRRRWW"})
    code, printed, _ = run("compare", str(before), str(after))
    assert code == 0 and "| base | accuracy | 0.08 | 0.83 |" in printed
    code, printed, _ = run("compare", str(before), str(after), "--json")
    assert code == 0
    assert json.loads(printed)["arms"]["base"]["metrics"]["accuracy"]["verdict"] == "better"


def test_runs_that_differ_are_refused_in_one_line(run, tmp_path: Path) -> None:
    before, after = (make_run(tmp_path / name, parts=("run",)) for name in ("before", "after"))
    found = json.loads((after / "run.json").read_text())
    (after / "run.json").write_text(json.dumps({**found, "corpus_fingerprint": "c2"}))
    code, printed, told = run("compare", str(before), str(after))
    assert (code, printed) == (2, "")
    assert told.count("\n") == 1 and "the corpora differ: c1 and c2" in told
