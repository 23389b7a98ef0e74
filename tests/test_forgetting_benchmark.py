"""Learning against forgetting: read off at one score, resumed, and drawn, on the two-layer model."""

from pathlib import Path

import pytest
import torch
from forgetting import PLANS, Campaign, recipe_of, settings_of
from forgetting_points import (
    FAMILIES,
    Point,
    Setting,
    cost_at,
    frontier,
    matched,
    matched_score,
    read_base,
    read_points,
    table,
    write_results,
)
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from core.settings import Settings
from sft.adapters import read_adapter
from workbench import Workbench

PAIRS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12)


@given(PAIRS)
def test_no_point_beats_the_frontier(points: list[tuple[float, float]]) -> None:
    best = frontier(points)
    assert best == sorted(best) and best == sorted(best, key=lambda one: one[1])
    for learnt, cost in points:
        assert any(a >= learnt and b <= cost for a, b in best)


@given(PAIRS, st.floats(0, 1))
def test_the_cost_at_a_score_lies_between_those_around_it(
    points: list[tuple[float, float]], score: float
) -> None:
    found = cost_at(points, score)
    best = frontier(points)
    if score > best[-1][0]:
        assert found is None
    else:
        assert found is not None
        assert best[0][1] - 1e-9 <= found <= best[-1][1] + 1e-9
        for learnt, cost in best:
            assert cost_at(points, learnt) == pytest.approx(cost)


def test_between_two_points_the_cost_is_linear() -> None:
    points = [(0.0, 0.0), (0.4, 0.1), (0.8, 0.3), (0.5, 0.9)]
    assert cost_at(points, 0.6) == pytest.approx(0.2)
    assert cost_at(points, 0.2) == pytest.approx(0.05)
    assert cost_at(points, 0.9) is None


def _point(family: str, strength: float, seed: int, learnt: float, lost: float) -> Point:
    return Point(
        family, strength, 8, seed, learnt=learnt, lost_share=lost, lost=1, gained=1,
        base_right=10, loss_change=0.1, text_kl=0.2, answer_kl=2 * lost, seconds=1.0,
    )  # fmt: skip


def test_families_are_compared_at_one_score_seed_by_seed(tmp_path: Path) -> None:
    points = [
        _point("none", 0, 0, 1.0, 0.4), _point("none", 0, 1, 0.8, 0.2),
        _point("kl", 1, 0, 0.9, 0.1), _point("kl", 1, 1, 0.9, 0.2),
        _point("replay", 1, 0, 0.5, 0.0), _point("replay", 1, 1, 0.9, 0.09),
    ]  # fmt: skip
    assert matched_score(points) == pytest.approx(0.72)
    assert matched(points, "none", "lost_share", base=0.0) == pytest.approx([0.288, 0.18])
    assert matched(points, "kl", "lost_share", base=0.0) == pytest.approx([0.08, 0.16])
    words = table(points, base=0.0)
    assert "| replay | 2 | not reached by 1 of 2 |" in words
    assert "| kl | 2 | 0.120 (0.080 to 0.160) | 0.240 (0.160 to 0.320) |" in words
    assert "| kl 1 | 8 | 2 | 0.90 | 0.150 |" in words
    write_results(points, tmp_path, base=0.0)
    picture = (tmp_path / "forgetting-measured.svg").read_bytes()
    assert picture.startswith(b"<?xml") and str(tmp_path).encode() not in picture
    write_results(points, tmp_path, base=0.0)
    assert (tmp_path / "forgetting-measured.svg").read_bytes() == picture, (
        "the same points, the same file"
    )
    assert words in (tmp_path / "forgetting-measured.md").read_text()


def test_every_setting_is_a_recipe_of_its_own() -> None:
    chosen = settings_of(list(PLANS), [8], [0, 1])
    assert len({one.key for one in chosen}) == len(chosen)
    assert [one.seed for one in chosen] == sorted(one.seed for one in chosen)
    assert set(PLANS) == set(FAMILIES)
    trained = [one for one in chosen if one.family != "scale"]
    recipes = [recipe_of(one, ["rank=4"]) for one in trained]
    assert all((one.replay_share > 0) == (s.family == "replay")
               for one, s in zip(recipes, trained, strict=True))  # fmt: skip
    assert len({one.model_dump_json() for one in recipes}) == len(recipes)
    with pytest.raises(SystemExit, match="no family hope"):
        settings_of(["hope"], [8], [0])
    some = settings_of(["none", "path=1/4"], [8], [0])
    assert [(one.family, one.strength) for one in some] == [("none", 0), ("path", 1), ("path", 4)]
    with pytest.raises(SystemExit, match="write kl=1/4"):
        settings_of(["kl=much"], [8], [0])


def test_a_campaign_measures_scales_and_resumes(
    settings: Settings, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench = Workbench(settings)
    changes = ["rank=2", "batch_size=4", "learning_rate=0.02", "warmup=0"]
    campaign = Campaign(workbench, str(tiny_corpus), facts=1, limit=6)
    assert {one.fact for one in campaign.corpus.questions} == {"alpha-reset"}
    plain, halved = Setting("none", 0.0, 3, 0), Setting("scale", 0.5, 3, 0)
    campaign.measure([plain, halved], changes=changes)
    points = read_points(settings.state)
    assert [one.key for one in points] == [plain.key, halved.key]
    assert points[0].answer_kl > points[1].answer_kl > 0, "half of the adapter moves less"
    folder = settings.state / "adapters"
    [whole] = [
        load_file(one / "adapter_model.safetensors") for one in folder.glob(f"*/{plain.key}")
    ]
    [half] = [
        load_file(one / "adapter_model.safetensors") for one in folder.glob(f"*/{halved.key}")
    ]
    for name, tensor in whole.items():
        wanted = tensor * 0.5 if "lora_B" in name else tensor
        assert torch.equal(half[name], wanted)
    [made] = [read_adapter(one) for one in folder.glob(f"*/{halved.key}")]
    assert made.manifest.name == halved.key
    base = read_base(settings.state)
    assert base is not None and 0 <= base["learnt"] <= 1

    monkeypatch.setattr(Workbench, "forgetting", None)
    campaign.measure([plain, halved], changes=changes)
    assert read_points(settings.state) == points, "nothing is measured twice"
    with pytest.raises(SystemExit, match="another campaign"):
        campaign.measure([plain], changes=[])
