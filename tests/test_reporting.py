"""A report derives a run's results from its log, and takes along what its adapter forgot."""

from pathlib import Path

import pytest
from evaluate_a_process import Neighbourly, forty

from core.settings import Settings
from eval.runner import run_evaluation
from workbench import Workbench


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    return Workbench(Settings(state=tmp_path / "state"))


def _logged(folder: Path, **changes: object) -> Path:
    """A run that was killed before anything was derived from its log."""
    info, asked, gold = forty()
    run_evaluation(folder, info.model_copy(update=changes), asked, Neighbourly(), gold=gold)
    return folder


def test_results_are_derived_from_the_log_when_a_page_is_made(
    workbench: Workbench, tmp_path: Path
) -> None:
    run = _logged(tmp_path / "run")
    page = workbench.report([run])
    assert page == run / "report.html" and page.is_file()
    for name in ("results.jsonl", "summary.json", "results.csv", "table.md"):
        assert (run / name).is_file(), name
    first = page.read_bytes()
    (run / "summary.json").unlink()
    assert workbench.report([run]).read_bytes() == first


def test_what_the_adapter_forgot_goes_along(workbench: Workbench, tmp_path: Path) -> None:
    shipped = workbench.adapter("solar-system", "desk")
    kept = workbench.forgetting_of(shipped)
    assert kept is not None, "the shipped adapter tells what it forgot"
    info, _, _ = forty()
    tuned = {"adapter": shipped.manifest.name, "adapter_fingerprint": shipped.manifest.sha256}
    made = {arm: {**one, **(tuned if "sft" in arm else {})} for arm, one in info.provenance.items()}
    made.setdefault("sft", dict(tuned))
    arms = tuple(dict.fromkeys([*info.arms, "sft"]))
    run = _logged(tmp_path / "run", provenance=made, arms=arms)
    assert kept.told() in workbench.report([run]).read_text(encoding="utf-8")


def test_a_run_of_another_adapter_tells_nothing_of_it(workbench: Workbench, tmp_path: Path) -> None:
    run = _logged(tmp_path / "run")
    workbench.report([run])
    assert not (run / "forgetting.json").exists()
