"""Votes are whole lines with all that is needed to judge them; links lead back to a question."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import StorageError
from core.records import Answer, ArmName, Provenance
from core.storage import read_lines
from ui.ask_link import from_link, link
from ui.ask_state import VIEWS, Asked, Asking, Variation
from ui.votes import REASON_OF_STRANGERS, VoteError, record_vote

LATER = tuple(VIEWS)[1]


def _answer(arm: ArmName, text: str) -> Answer:
    made = Provenance(
        base_model="m", base_fingerprint="f", prompt_version="1", decoding="g", seed=0
    )
    return Answer(
        arm=arm, text=text, prompt_tokens=9, completion_tokens=3, seconds=0.4,
        first_token_seconds=0.2, provenance=made,
    )  # fmt: skip


def _asked(text: str = "x") -> Asked:
    both: dict[ArmName, Answer] = {"sft": _answer("sft", text), "rag": _answer("rag", "y")}
    return Asked(Asking("Why?\u2028", "halden", variation=Variation(3, 1)), answers=both)


def test_a_vote_holds_what_was_seen(tmp_path: Path) -> None:
    record_vote(tmp_path, _asked("<b>\n"), "left", reason=" it is shorter ", public=True)
    [row] = read_lines(tmp_path / "feedback.jsonl")
    assert (row["vote"], row["left"], row["right"]) == ("left", "sft", "rag")
    assert (row["question"], row["reason"]) == ("Why?\u2028", "it is shorter")
    assert row["answers"]["sft"]["text"] == "<b>\n"
    assert row["answers"]["rag"]["provenance"]["base_fingerprint"] == "f"
    assert row["settings"] == "k 3, read 1"


def test_votes_at_once_are_all_kept_whole(tmp_path: Path) -> None:
    def vote(number: int) -> None:
        for _ in range(10):
            asked = _asked(str(number) * 20_000)
            record_vote(tmp_path, asked, "tie", reason=str(number), public=False)

    threads = [threading.Thread(target=vote, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = list(read_lines(tmp_path / "feedback.jsonl"))
    assert len(rows) == 60
    assert all(row["answers"]["sft"]["text"] == row["reason"] * 20_000 for row in rows)


def test_what_cannot_be_voted_on_is_refused_and_nothing_written(tmp_path: Path) -> None:
    one = replace(_asked(), answers={"sft": _answer("sft", "x")})
    for asked in (None, one, replace(_asked(), voted=True)):
        with pytest.raises(VoteError, match="no two answers"):
            record_vote(tmp_path, asked, "tie", reason="", public=False)
    with pytest.raises(VoteError, match="the most is 300"):
        record_vote(tmp_path, _asked(), "tie", reason="x" * (REASON_OF_STRANGERS + 1), public=True)
    assert list(tmp_path.iterdir()) == []
    record_vote(tmp_path, _asked(), "tie", reason="x" * (REASON_OF_STRANGERS + 1), public=False)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / "feedback.jsonl").mkdir()
    with pytest.raises(StorageError, match=r"feedback\.jsonl could not be written"):
        record_vote(tmp_path, _asked(), "tie", reason="", public=False)


def test_a_link_leads_back() -> None:
    from urllib.parse import parse_qsl

    asking = Asking("What & why? 100% <b>", "halden", LATER)
    back = from_link(dict(parse_qsl(link(asking)[1:])), {"halden"}, longest=2000)
    assert back == asking


@pytest.mark.parametrize(
    "parameters",
    [{}, {"q": "x"}, {"q": " ", "domain": "halden"}, {"q": "x", "domain": "../../etc"}],
)
def test_a_link_to_nothing_known_opens_the_page_as_it_is(parameters: dict[str, str]) -> None:
    assert from_link(parameters, {"halden"}, longest=2000) is None


def test_a_link_is_cut_and_its_unknown_view_is_the_first() -> None:
    asking = from_link({"q": "x" * 99, "domain": "a", "view": "none"}, {"a"}, longest=10)
    assert asking == Asking("x" * 10, "a")


def test_a_public_page_keeps_no_vote_on_a_stranger_s_own_documents(tmp_path: Path) -> None:
    asked = _asked("x")
    mine = replace(asked, asking=replace(asked.asking, domain="/state/visitors/a/corpora/b"))
    with pytest.raises(VoteError, match="keeps nothing of your own documents"):
        record_vote(tmp_path, mine, "tie", reason="", public=True)
    assert not (tmp_path / "feedback.jsonl").exists()
    record_vote(tmp_path, mine, "tie", reason="", public=False)
