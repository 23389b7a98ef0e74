"""What strangers may do: limits, folders of their own, and the owner's sign-in."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from core.errors import ProjectError
from core.settings import Settings, SettingsError, load_settings
from ui.gpu import on_gpu, zero_gpu
from ui.public import Guard, VisitorError, address_of
from ui.public_owner import OwnerLogin, owner_login
from ui.upload_gate import UploadGate
from ui.visitors import KEPT_SECONDS, UploadError, Visitors


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _request(session: str, address: str = "203.0.113.9", forwarded: str = "") -> Any:
    client = type("Client", (), {"host": address})()
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    return type("R", (), {"session_hash": session, "client": client, "headers": headers})()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard(tmp_path: Path, clock: Clock) -> Guard:
    settings = Settings(
        state=tmp_path / "state", visitor_questions_a_minute=2, visitor_upload_bytes=10,
        visitor_bytes=25, visitor_question_characters=20,
    )  # fmt: skip
    return Guard(settings, public=True, clock=clock)


@pytest.fixture
def upload(tmp_path: Path) -> Callable[..., Path]:
    def made(name: str, content: bytes = b"x") -> Path:
        path = tmp_path / "cache" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    return made


def test_a_visitor_asks_so_often_a_minute_and_others_are_not_held_up(
    guard: Guard, clock: Clock
) -> None:
    one = _request("one")
    guard.check_rate(one)
    clock.now += 20
    guard.check_rate(one)
    with pytest.raises(VisitorError, match=r"2 questions a minute from one session: .* in 41 s"):
        guard.check_rate(one)
    guard.check_rate(_request("two", "203.0.113.10"))
    # A refusal is not counted; the first question leaves the window after a minute.
    clock.now += 41
    guard.check_rate(one)
    with pytest.raises(VisitorError):
        guard.check_rate(one)


def test_new_sessions_do_not_lift_the_limit_of_an_address(guard: Guard, clock: Clock) -> None:
    for number in range(8):
        guard.check_rate(_request(f"s{number}"))
    with pytest.raises(VisitorError, match="8 questions a minute from one address"):
        guard.check_rate(_request("s9"))
    with pytest.raises(VisitorError, match="address"):
        guard.check_rate(_request(""))
    clock.now += 61
    guard.check_rate(_request("s10"))
    assert len(guard._asked) == 2, "who has not asked for a minute is forgotten"


def test_several_questions_at_once_count_as_so_many(guard: Guard, clock: Clock) -> None:
    one = _request("one")
    guard.check_rate(one, uses=guard.limits.questions_a_minute)
    with pytest.raises(VisitorError, match="a minute from one session"):
        guard.check_rate(one)
    clock.now += 61
    # More than a minute has are let through only when nothing else was asked in it.
    guard.check_rate(one, uses=10 * guard.limits.questions_a_minute)
    clock.now += 59
    with pytest.raises(VisitorError, match=r"ask again in [12] s"):
        guard.check_rate(one)


def test_an_address_uploads_its_share_of_an_hour_and_no_more(clock: Clock) -> None:
    kept: list[str] = []

    async def page(scope: Any, receive: Any, send: Any) -> None:
        kept.append(scope["path"])
        await JSONResponse(["a/path"])(scope, receive, send)

    def sent(
        size: int, address: str = "8.8.8.8", path: str = "/gradio_api/upload", **more: Any
    ) -> Any:
        client = TestClient(gate, client=(address, 1))
        return client.post(path, content=b"x" * size, **more)

    gate = UploadGate(page, bytes_an_hour=100, clock=clock)
    assert sent(60).status_code == 200 and sent(60, "9.9.9.9").status_code == 200
    refused = sent(60)
    assert refused.status_code == 413 and "100 bytes an hour" in refused.json()["detail"]
    assert sent(60, path="/gradio_api/queue/join").status_code == 200, "only uploads are counted"
    # Who does not say how much it is sends nothing.
    assert TestClient(gate, client=("8.8.4.4", 1)).post(
        "/gradio_api/upload", content=iter([b"x" * 1000])
    ).status_code == 413  # fmt: skip
    # Behind a proxy the visitor is whom the proxy names; a household is one address.
    assert sent(60, "10.0.0.1", headers={"x-forwarded-for": "2001:db8:1:2::7"}).status_code == 200
    assert sent(60, "2600:1:2:3::1").status_code == 200
    assert sent(60, "2600:1:2:3:4::9").status_code == 413
    clock.now += 3601
    assert sent(60).status_code == 200
    closed = UploadGate(page, bytes_an_hour=0, clock=clock)
    assert TestClient(closed).post("/gradio_api/upload", content=b"x").status_code == 413
    assert kept.count("/gradio_api/upload") == 5


def test_what_a_visitor_writes_into_the_header_is_not_believed() -> None:
    assert address_of(None) == "unknown"
    assert address_of(_request("", "8.8.8.8", "1.1.1.1")) == "8.8.8.8"
    assert address_of(_request("", "10.0.0.7", "1.1.1.1, 9.9.9.9")) == "9.9.9.9"
    assert address_of(_request("", "10.0.0.7", "1.1.1.1, 9.9.9.9, 10.2.3.4")) == "9.9.9.9"
    assert address_of(_request("", "127.0.0.1", "x, ")) == "127.0.0.1"


def test_a_long_question_is_refused_and_costs_nothing(guard: Guard) -> None:
    one = _request("one")
    for _ in range(3):
        with pytest.raises(VisitorError, match=r"has 21 characters; the most .* is 20"):
            guard.check_question("x" * 21, one)
    guard.check_question("short", one)


def test_an_owner_is_not_limited(guard: Guard, upload: Callable[..., Path]) -> None:
    owner = Guard(Settings(visitor_questions_a_minute=1), public=False)
    for _ in range(5):
        owner.check_question("x" * 999, _request("me"))
    owner.check_uploads([upload("large.md", b"x" * 99)], _request("me"))
    owner.check_text(["x" * 99_999], _request("me"))
    owner.check_room(_request("me"), 10**12)
    assert owner.corpora_of(_request("me")) == (None, None)
    assert ".pdf" in owner.suffixes
    assert owner.drafted_sentences is None


def test_visitors_corpora_lie_apart_and_go_with_them(guard: Guard) -> None:
    (mine, limits), (other, _) = (guard.corpora_of(_request(name)) for name in ("one", "two"))
    assert mine and other and limits
    assert limits.file_bytes == 10
    assert limits.suffixes == (".md", ".txt", ".csv")
    assert not mine.parent.exists(), "who gives nothing has no folder"
    assert mine.parent != other.parent
    assert mine.is_relative_to(guard.visitors._home)
    assert "one" not in str(mine.relative_to(guard.visitors._home))
    for folder in (mine, other):
        folder.mkdir(parents=True)
    guard.leave(_request("one"))
    assert not mine.parent.exists()
    assert other.exists()
    with pytest.raises(UploadError, match="from a page that is open"):
        guard.corpora_of(_request(""))


def test_an_upload_is_looked_at_before_it_is_taken(
    guard: Guard, upload: Callable[..., Path]
) -> None:
    one = _request("one")
    with pytest.raises(UploadError, match=r"b\.md has 11 bytes; the most .* is 10"):
        guard.check_uploads([upload("a.md"), upload("b.md", b"x" * 11)], one)
    with pytest.raises(UploadError, match="keeps 25 bytes of a visitor"):
        guard.check_uploads([upload(name, b"x" * 10) for name in ("a.md", "b.md", "c.md")], one)
    with pytest.raises(UploadError, match=r"gone\.md did not arrive"):
        guard.check_uploads([Path("gone.md")], one)
    guard.check_uploads([upload("a.md", b"x" * 10)], one)
    with pytest.raises(VisitorError, match=r"has 10,001 characters; the most .* is 10,000"):
        guard.check_text(["x" * 10_000, "y"], one)
    assert not guard.visitors._home.exists(), "looking makes nothing"


def test_a_visitor_may_keep_so_much_and_so_many_visitors_something(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.visitors.MOST_VISITORS", 3)
    monkeypatch.setattr("ui.visitors.MOST_AN_ADDRESS", 1)
    one, neighbour, two = _request("one"), _request("neighbour"), _request("two", "198.51.100.7")
    for visitor in (one, two):
        guard.check_room(visitor)
        folder, _ = guard.corpora_of(visitor)
        assert folder
        folder.mkdir(parents=True)
        (folder / "notes.md").write_bytes(b"x" * 20)
        guard.check_room(visitor, 5)
        with pytest.raises(UploadError, match="remove something first"):
            guard.check_room(visitor, 6)
    with pytest.raises(UploadError, match="Too many visitors"):
        guard.check_room(neighbour)  # of an address that has one
    third = _request("third", "198.51.100.8")
    monkeypatch.setattr("ui.visitors.MOST_VISITORS", 2)
    with pytest.raises(UploadError, match="Too many visitors"):
        guard.check_room(third)
    guard.leave(one)
    guard.check_room(neighbour)


def test_asking_keeps_what_a_visitor_gave(guard: Guard) -> None:
    one = _request("one")
    folder = guard.visitors.folder("one")
    folder.mkdir(parents=True)
    past = time.time() - KEPT_SECONDS - 1
    os.utime(folder, (past, past))
    guard.check_question("short", one)
    guard.visitors.sweep()
    assert folder.exists()


def test_old_folders_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "visitors", tmp_path / "precious"
    told: list[str] = []
    visitors = Visitors(home, gone=lambda: told.append("gone"))
    visitors.sweep()  # nobody came yet
    old, new = visitors.folder("old"), visitors.folder("new")
    nobodys, being_made = home / ("a" * 32), home / ("b" * 32)
    for folder in (old, new, elsewhere, nobodys, being_made):
        folder.mkdir(parents=True)
    os.utime(nobodys, (time.time() - 400, time.time() - 400))
    (elsewhere / "file").write_text("x")
    (home / "0123456789abcdef0123456789abcdef").symlink_to(elsewhere)
    (home / "notes").mkdir()
    past = time.time() - KEPT_SECONDS - 1
    for path in (old, home / "notes", elsewhere):
        os.utime(path, (past, past))
    visitors.sweep()
    assert not old.exists()
    assert not nobodys.exists(), "an earlier process's, or of a visitor who had left"
    assert new.exists()
    assert being_made.exists()
    assert told == ["gone"]
    assert (home / "notes").exists()
    assert (elsewhere / "file").exists()
    assert visitors.folder("old") != old


def test_closing_the_page_deletes_what_the_visitor_gave(guard: Guard) -> None:
    with gr.Blocks(analytics_enabled=False) as page:
        guard.attend(page)
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
    try:
        kept = guard.visitors.folder("visit1") / "corpora"
        kept.mkdir(parents=True)
        with httpx.stream("GET", f"{address}gradio_api/heartbeat/visit1", timeout=60) as beat:
            next(beat.iter_lines())
            assert kept.exists()
        deadline = time.monotonic() + 60
        while kept.exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not kept.parent.exists()
    finally:
        page.close()


def test_the_sign_in_knows_the_owner_and_slows_guessing(clock: Clock) -> None:
    login = OwnerLogin("ada", "correct horse", clock=clock)
    assert login("ada", "correct horse")
    assert not login("ada", "correct hors")
    assert not login("Ada", "correct horse")
    assert not login("ädä", "")
    for _ in range(7):
        assert not login("ada", "guess")
    assert not login("ada", "correct horse"), "after ten wrong ones none is looked at"
    clock.now += 61
    assert login("ada", "correct horse")


def test_half_a_sign_in_is_no_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    assert owner_login(Settings()) is None
    monkeypatch.setenv("SFT_VS_RAG_OWNER_PASSWORD", "correct horse")
    with pytest.raises(SettingsError, match="go together"):
        owner_login(load_settings())
    monkeypatch.setenv("SFT_VS_RAG_OWNER_NAME", "ada")
    login = owner_login(load_settings())
    assert login is not None
    assert login("ada", "correct horse")
    monkeypatch.setenv("SFT_VS_RAG_OWNER_PASSWORD", "short")
    with pytest.raises(SettingsError, match="12 characters") as told:
        owner_login(load_settings())
    assert "'short'" not in str(told.value)


def test_a_password_is_shown_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_VS_RAG_OWNER_PASSWORD", "correct horse")
    read = load_settings()
    assert "correct horse" not in f"{read!r} {read} {read.model_dump()} {read.model_dump_json()}"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.toml").write_text("owner_pasword = 'correct horse'\n")
    monkeypatch.delenv("SFT_VS_RAG_OWNER_PASSWORD")
    with pytest.raises(SettingsError, match="owner_pasword") as told:
        load_settings()
    assert "correct horse" not in str(told.value)


def test_the_gpu_decorator_is_nothing_where_no_gpu_is_lent() -> None:
    def answer() -> str:
        return "x"

    assert not zero_gpu()
    assert on_gpu(30)(answer) is answer


def test_refusals_are_sentences_for_people(guard: Guard) -> None:
    assert issubclass(VisitorError, ProjectError)
    assert issubclass(UploadError, ProjectError)
