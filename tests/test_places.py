"""What is made of a stranger's corpus lies beside it, and of every other in the state folder."""

import shutil
from pathlib import Path

import pytest
from conftest import DOCUMENTS, QUESTIONS, write_corpus

from core.places import home_of
from core.settings import Settings
from workbench import Workbench


def test_a_home_is_the_visitor_s_folder_or_the_state(tmp_path: Path) -> None:
    state = tmp_path / "state"
    own = state / "visitors" / "0a" / "corpora" / "lamps-1"
    assert home_of(own, state) == (state / "visitors" / "0a").resolve()
    for other in (tmp_path / "halden", state / "corpora" / "x", state / "visitors"):
        assert home_of(other, state) == state
    assert home_of(state / "visitors" / ".." / "corpora", state) == state


@pytest.mark.model
def test_nothing_of_a_visitor_s_corpus_is_written_or_kept_elsewhere(settings: Settings) -> None:
    bench, home = Workbench(settings), settings.state / "visitors" / "0a"
    mine = write_corpus(home / "corpora" / "lamps-1", DOCUMENTS, QUESTIONS)
    report = bench.index(str(mine))
    assert report.added == len(DOCUMENTS)
    library = bench.library(bench.corpus(str(mine)))
    assert library.find("How heavy is the Alpha?").hits
    assert {one.name for one in home.iterdir()} == {"corpora", "indexes", "embeddings"}
    assert not [
        one
        for one in settings.state.rglob("*")
        if one.is_file() and not one.is_relative_to(home)
        and not one.is_relative_to(settings.state / "models")
    ]  # fmt: skip


@pytest.mark.model
def test_nothing_of_a_deleted_corpus_stays_in_memory(settings: Settings) -> None:
    bench, home = Workbench(settings), settings.state / "visitors" / "0a"
    mine = write_corpus(home / "corpora" / "lamps-1", DOCUMENTS, QUESTIONS)
    kept = write_corpus(settings.state / "corpora" / "lamps-2", DOCUMENTS, QUESTIONS)
    for folder in (mine, kept):
        bench.library(bench.corpus(str(folder)))
    shutil.rmtree(home)
    bench.forget_gone()
    assert set(bench._loaded._libraries) == {"lamps-2"}
    assert [folder.name for folder in bench._corpora] == ["lamps-2"]
