"""The Decide tab's words and figures, from runs made by hand; no page, no model."""

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from run_folders import ARMS, CHANGE, EVERYTHING, make_run

from core.errors import EvaluationError
from core.settings import Settings
from eval.cost import Cost, Line, Prices
from eval.report_data import read_run
from ui.decide_cost import cost_part, money
from ui.decide_lines import month_lines
from ui.decide_results import Results, prices_of
from ui.decide_runs import newest_change, read_offer, take_away
from ui.decide_view import figures_part, rest_part, verdict_part
from ui.run_offers import SHIPPED, chosen, offers
from workbench import Workbench

HOSTILE = '<img src=x onerror="alert(1)"> & co'
FREE = {"hour": 0.0, "person_hour": 0.0, "minutes_per_fact": 0.0, "facts_per_revision": 0.0}


def _plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("&nbsp;", " ").split())


def _renamed(folder: Path, corpus: str, **info: object) -> None:
    """Make a run one of another corpus."""
    for name in ("run", "summary"):
        path = folder / f"{name}.json"
        found = json.loads(path.read_text())
        path.write_text(json.dumps({**found, "corpus": corpus, **(info if name == "run" else {})}))


def test_the_answer_comes_first_then_the_doubt_then_each_arm(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", parts=EVERYTHING))
    told = _plain(verdict_part(run))
    assert told.index("Do both: SFT + RAG answers best.") < told.index("Settled by this evidence.")
    # Eleven of twelve were right, as the pattern says; the interval stands beside it.
    assert re.search(r"SFT \+ RAG .*? 92 % right 95 %: \d+ to \d+ %", told), told
    assert "1.50 s an answer, median" in told
    assert "It is right on 9 of 12." in told
    unsure = read_run(make_run(tmp_path / "bare"))
    assert "Not settled for every question." in _plain(verdict_part(unsure))


def test_the_shipped_verdict_is_one_clear_sentence_with_its_interval_aside() -> None:
    for corpus in ("halden", "solar-system"):
        offer = offers(corpus, None)[0]
        assert offer.name == SHIPPED
        html = verdict_part(read_run(offer.folder))
        lead = re.search(r'<p class="answer">(.*?)</p>', html)
        assert lead
        assert 20 < len(re.sub(r'<span class="aside">.*?</span>', "", lead[1])) < 120
        assert "95 % interval" in lead[1]
        assert html.count('class="share"') == 4


def test_figures_by_kind_and_exposure_and_the_change_test(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", parts=EVERYTHING))
    told = _plain(figures_part(run, change_from="", revisions=["spring"]))
    for words in (
        "Quality against time",
        "By kind of question",
        "By exposure",
        "The spring models",
    ):
        assert words in told
    assert "By document" not in told, "that is for the report"
    bare = read_run(make_run(tmp_path / "bare"))
    assert "sft-vs-rag change lamps spring --retrain" in _plain(
        figures_part(bare, change_from="", revisions=["spring"])
    )


def test_causes_and_forgetting_are_told_or_how_to_measure_them(tmp_path: Path) -> None:
    told = _plain(rest_part(read_run(make_run(tmp_path / "run", parts=EVERYTHING))))
    assert "evidence not in what it was given to read" in told
    assert "What fine-tuning forgot" in told
    assert "Examples, side by side" not in told, "they are in the report"
    bare = _plain(rest_part(read_run(make_run(tmp_path / "bare"))))
    assert "sft-vs-rag forgetting lamps" in bare


def test_hostile_words_of_a_run_stay_text(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", parts=EVERYTHING)
    _renamed(folder, "lamps", corpus_title=HOSTILE)
    summary = json.loads((folder / "summary.json").read_text())
    summary["verdict"] = {"sentence": f"{HOSTILE} ({HOSTILE})", "reasons": [HOSTILE], "sure": True}
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "change.json").write_text(json.dumps({**CHANGE, "title": HOSTILE}))
    run = read_run(folder)
    page = verdict_part(run) + figures_part(run, change_from=HOSTILE, revisions=[]) + rest_part(run)
    assert "<img" not in page
    assert page.count("&lt;img") >= 5


def test_runs_of_the_corpus_are_offered_newest_first_and_no_others(tmp_path: Path) -> None:
    for name, corpus, started in (
        ("a", "halden", "2026-11-01T10:00:00"), ("b", "halden", "2026-11-02T10:00:00"), ("c", "lamps", "2026-11-03T10:00:00")
    ):  # fmt: skip
        _renamed(make_run(tmp_path / name, parts=("run",)), corpus, started=started)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    (tmp_path / "broken" / "summary.json").write_text("{}")
    found = offers("halden", tmp_path)
    assert [one.name for one in found] == [SHIPPED, "b", "a"]
    assert found[1].label == "Your run of 2026-11-02 10:00, 12 questions"
    assert [one.name for one in offers("lamps", tmp_path)] == ["c"]
    assert chosen(found, "a").folder == tmp_path / "a"
    assert chosen(found, None).name == SHIPPED
    for name in ("../a", str(tmp_path / "a"), "gone"):
        with pytest.raises(EvaluationError, match="no longer there"):
            chosen(found, name)


def test_a_change_test_of_its_own_folder_is_found(tmp_path: Path) -> None:
    _renamed(make_run(tmp_path / "run", parts=("run",)), "halden")
    (tmp_path / "change-1").mkdir()
    (tmp_path / "change-1" / "change.json").write_text(json.dumps({**CHANGE, "corpus": "halden"}))
    assert newest_change("lamps", tmp_path) == ({}, "")
    run, where = read_offer(offers("halden", tmp_path)[1], tmp_path)
    assert (run.change["title"], where) == ("The spring models", "change-1")


def test_a_public_page_shows_no_run_of_its_users(settings: Settings) -> None:
    mine = settings.state / "runs" / "mine"
    _renamed(make_run(mine, parts=EVERYTHING), "halden", started="2026-11-02T10:00:00")
    own = Results(Workbench(settings))
    assert [name for _, name in own.offers("halden")] == [SHIPPED, "mine"]
    assert own.shown("halden", "mine").run.summary["n"] == 12
    public = Results(Workbench(settings), public=True)
    assert [name for _, name in public.offers("halden")] == [SHIPPED]
    assert "no longer there" in public.shown("halden", "mine").verdict


def test_what_is_shown_follows_the_files_and_leaves_them_alone(settings: Settings) -> None:
    mine = settings.state / "runs" / "mine"
    _renamed(make_run(mine, parts=EVERYTHING), "halden")
    before = sorted(path.name for path in mine.iterdir())
    results = Results(Workbench(settings))
    first = results.shown("halden", "mine")
    assert results.shown("halden", "mine") is first, "read once"
    assert sorted(path.name for path in mine.iterdir()) == before
    summary = json.loads((mine / "summary.json").read_text())
    summary["verdict"]["sentence"] = "Another sentence."
    (mine / "summary.json").write_text(json.dumps(summary))
    assert "Another sentence." in results.shown("halden", "mine").verdict
    (mine / "change.json").write_text(json.dumps({**CHANGE, "timeline": 3}))
    assert "has not the shape" in results.shown("halden", "mine").verdict


def test_a_run_of_ones_own_corpus_is_found_by_its_folder(
    settings: Settings, tiny_corpus: Path
) -> None:
    _renamed(make_run(settings.state / "runs" / "mine", parts=("run",)), tiny_corpus.name)
    results, reference = Results(Workbench(settings)), str(tiny_corpus)
    assert [name for _, name in results.offers(reference)] == ["mine"]
    shown = results.shown(reference, None)
    assert shown.run is not None and shown.run.summary["corpus"] == tiny_corpus.name
    # Commands take the folder: the name alone is none of the built-in ones.
    assert f"sft-vs-rag forgetting {reference}" in _plain(shown.rest)


def test_a_stranger_reads_neither_a_folder_nor_advice_to_run_commands(
    settings: Settings, tiny_corpus: Path
) -> None:
    told = Results(Workbench(settings), public=True).shown(str(tiny_corpus), None).verdict
    assert "Nothing was measured of" in told
    assert str(tiny_corpus) not in told and "sft-vs-rag" not in told
    shutil.rmtree(tiny_corpus / "documents")
    (tiny_corpus / "qa.jsonl").unlink()
    told = Results(Workbench(settings), public=True).shown(str(tiny_corpus), None).verdict
    assert "no documents and no questions" in told and str(tiny_corpus.parent) not in told


@pytest.mark.parametrize("price", [-1, 1e308, float("inf")])
def test_a_price_beyond_reason_is_a_sentence(price: float) -> None:
    with pytest.raises(EvaluationError, match="The price “hour” must be a number from 0 on, up to"):
        prices_of({"hour": price})


def test_a_corpus_without_a_run_says_how_to_make_one(settings: Settings, tiny_corpus: Path) -> None:
    results = Results(Workbench(settings))
    shown = results.shown(str(tiny_corpus), None)
    assert f"sft-vs-rag evaluate {tiny_corpus}" in shown.verdict
    assert shown.files is None
    assert results.month(str(tiny_corpus), None, Prices(), questions=1, revisions=1) == ""


def test_report_table_and_figures_are_taken_away(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", parts=EVERYTHING))
    report, rows, summary = take_away(run, tmp_path / "aside")
    assert report.read_text().startswith("<!DOCTYPE html>")
    assert len(rows.read_text().splitlines()) == 1 + 12 * len(ARMS)
    assert json.loads(summary.read_text()) == run.summary


def _month(run_folder: Path, prices: Prices, *, questions: float, revisions: float = 1) -> str:
    run = read_run(run_folder)
    cost = Cost.model_validate(run.cost)
    html = cost_part(run, cost, prices, questions=questions, revisions=revisions, measure="M")
    return _plain(html)


def test_a_month_follows_prices_questions_and_revisions(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", parts=EVERYTHING)
    hourly = Prices(hour=3600, person_hour=0, minutes_per_fact=0)  # one a second
    told = _month(folder, hourly, questions=100)
    # An answer of SFT takes 0.5 s, of RAG 1.5 s; SFT trains again for 720 s, RAG syncs for 1.4 s.
    assert "answering 50.00 50.00 150.00 150.00" in told
    assert "training again 0 720.00 0 720.00" in told
    assert "SFT against RAG ▲ RAG , from 719 questions on ■ SFT" in told
    assert "a month 50.00 770.00 151.40 871.40" in told
    assert "SFT against RAG ■ SFT at any number" in _month(
        folder, hourly, questions=100, revisions=0
    )
    assert "placeholders" not in told
    assert "placeholders" in _month(folder, Prices(facts_per_revision=4), questions=100)
    assert "wording changed answers 0 6.00" in _month(
        folder, Prices(facts_per_revision=4), questions=1
    )


def test_prices_that_are_none_are_refused_and_empty_ones_cost_nothing(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", parts=EVERYTHING)
    assert prices_of({**FREE, "hour": None}).hour == 0
    with pytest.raises(EvaluationError, match="“person hour” must be"):
        prices_of({**FREE, "person_hour": -1})
    with pytest.raises(EvaluationError, match="from 0 on"):
        _month(folder, Prices(), questions=-5)
    # All free and nothing asked: no division by nothing, no empty picture.
    assert "costs least" in _month(folder, prices_of(dict(FREE)), questions=0, revisions=0)


def test_money_has_the_digits_that_are_read() -> None:
    shown = [money(value) for value in (0, 0.001, 0.5, 12.345, 12345.6)]
    assert shown == ["0", "under 0.01", "0.50", "12.35", "12,346"]


def test_the_picture_of_a_month_is_sound_and_marks_the_break_even() -> None:
    arms = {"sft": Line(fixed=100, answer=1), "rag": Line(fixed=0, answer=2)}
    drawn = ElementTree.fromstring(month_lines(arms, 80))
    assert len(drawn.findall(".//circle")) == 1, "they meet at 100 questions"
    assert "SFT: 180.00; RAG: 160.00" in "".join(drawn.itertext())
    free = {"sft": Line(fixed=0, answer=0), "rag": Line(fixed=0, answer=0)}
    assert ElementTree.fromstring(month_lines(free, 0)).findall(".//circle") == []
