"""The training benchmark runs: each contender trains the same rows, the examiner keeps its clock."""

from pathlib import Path
from types import ModuleType

import pytest
import training
from transformers import AutoTokenizer

from core.corpus.read import read_corpus
from sft.recipe import Recipe
from sft.rows import build_rows
from sft.training_row import tokenise


@pytest.fixture
def benchmark() -> ModuleType:
    return training


def _rows(corpus: Path, model: Path) -> list[dict]:
    read = read_corpus(str(corpus))
    rows = build_rows(read.of_split("train"), read.wording, contexts={}, recipe=Recipe())
    return tokenise(rows, AutoTokenizer.from_pretrained(model), max_tokens=768).rows


@pytest.mark.parametrize("contender", ["shipped", "trl", "trl-shape", "trainer"])
def test_each_contender_trains_and_is_measured(
    benchmark: ModuleType, tiny_corpus: Path, tiny_model_folder: Path, contender: str
) -> None:
    given = {"location": str(tiny_model_folder), "rows": _rows(tiny_corpus, tiny_model_folder)}
    measured = benchmark.alone(contender, given)
    assert measured["seconds"] > 0 and measured["peak"] > 2**20


def test_a_ratio_is_of_seconds_for_the_same_rows(benchmark: ModuleType) -> None:
    measured = {
        name: [{"seconds": seconds, "peak": 2**30}] * 2
        for name, seconds in {"shipped": 2.0, "trl": 5.0, "trl-shape": 4.0, "trainer": 6.0}.items()
    }
    lines = benchmark.speed_table("tiny", measured, rows=8, tokens=800).splitlines()
    assert {line.count("|") for line in lines} == {7}
    assert lines[2].endswith("| 4.00 | 400 | 1.00 GiB |  |  |")
    assert lines[3].endswith("| 1.60 | 160 | 1.00 GiB | 2.50 × | ≥ 1.8 |")


def test_the_examiner_asks_after_each_epoch_and_ends_a_run_that_knows(
    benchmark: ModuleType, tiny_corpus: Path, tiny_model_folder: Path, tmp_path: Path
) -> None:
    corpus = read_corpus(str(tiny_corpus))
    asked = benchmark.reworded_facts(corpus)
    assert [one.id for one in asked] == ["alpha-reset-4", "beta-reset-2"]
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_folder)
    rows = _rows(tiny_corpus, tiny_model_folder)
    recipe = Recipe(epochs=2, batch_size=4, patience=0)
    never = benchmark.Examiner(corpus, asked, tokenizer, goal=1.1, minutes=5)
    trainer = benchmark.shipped(str(tiny_model_folder), rows, tmp_path / "a", recipe, [never])
    trainer.train()
    assert [epoch for epoch, _, _ in never.course] == [1, 2]
    assert 0 < never.course[0][1] < never.course[1][1]
    at_once = benchmark.Examiner(corpus, asked, tokenizer, goal=0.0, minutes=5)
    benchmark.shipped(str(tiny_model_folder), rows, tmp_path / "b", recipe, [at_once]).train()
    assert len(at_once.course) == 1
    no_time = benchmark.Examiner(corpus, asked, tokenizer, goal=1.1, minutes=0)
    benchmark.shipped(str(tiny_model_folder), rows, tmp_path / "c", recipe, [no_time]).train()
    assert len(no_time.course) == 1
