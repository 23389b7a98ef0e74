"""The page's verbs as programs call them: over HTTP, as MCP tools, and refused in sentences."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from browsing import served

from core.errors import EvaluationError
from core.settings import Settings
from ui.api import MOST_IN_PUBLIC, Verbs
from ui.evaluations import Evaluations
from ui.public import Guard
from workbench import Workbench

QUESTION = "How long do I hold the reset button on the Halden RX100?"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, tiny_model_folder: Path) -> Iterator[str]:
    state = tmp_path_factory.mktemp("state")
    with served(state, base_model=str(tiny_model_folder), max_new_tokens="8") as address:
        yield address


def test_exactly_the_verbs_show_and_say_what_they_do(address: str) -> None:
    from gradio_client import Client

    shown = Client(address, verbose=False).view_api(return_format="dict", print_info=False)
    assert set(shown["named_endpoints"]) == {"/ask", "/retrieve", "/evaluate"}
    assert shown["unnamed_endpoints"] == {}
    described = httpx.get(f"{address}gradio_api/openapi.json").json()
    paths = " ".join(described["paths"])
    assert all(verb in paths for verb in ("ask", "retrieve", "evaluate"))
    assert "Answer one question" in json.dumps(described)


def test_a_python_program_asks_and_retrieves(address: str) -> None:
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    client = Client(address, verbose=False)
    found = client.predict(domain="halden", question=QUESTION, k=3, api_name="/retrieve")
    assert found["question"] == QUESTION
    assert found["hits"][0]["passage"]["document_id"] == "products/rx100"
    assert len(found["hits"]) == 3 and found["hits"][0]["dense_rank"] >= 1
    asked = client.predict(
        domain="halden", question=QUESTION, arms=["base", "rag"], api_name="/ask"
    )
    assert [answer["arm"] for answer in asked["answers"]] == ["base", "rag"]
    assert asked["answers"][1]["read"] and not asked["answers"][0]["read"]
    assert asked["answers"][0]["provenance"]["base_model"]
    # The shipped adapter does not fit the two-layer model, and the error says so in a sentence.
    with pytest.raises(AppError, match="The adapter desk was trained on embedded:smollm2"):
        client.predict(domain="halden", question=QUESTION, arms=["sft"], api_name="/ask")
    with pytest.raises(AppError, match="The question is empty: type one"):
        client.predict(domain="halden", question=" ", arms=["base"], api_name="/ask")


def test_an_agent_finds_the_tools_and_uses_them(address: str) -> None:
    tools, results = asyncio.run(_agent(f"{address}gradio_api/mcp/"))
    assert set(tools) == {"ask", "retrieve", "evaluate"}
    assert tools["ask"].description.startswith("Answer one question")
    properties = tools["ask"].inputSchema["properties"]
    assert properties["arms"]["description"].startswith("Who answers")
    assert tools["ask"].inputSchema["required"] == ["domain", "question"]
    asked, found, scored, refused = results
    assert not asked.isError
    answers = json.loads(asked.content[0].text)["answers"]
    assert [answer["arm"] for answer in answers] == ["base"]
    assert len(json.loads(found.content[0].text)["hits"]) == 2
    summary = json.loads(scored.content[0].text)
    assert summary["n"] == 2 and set(summary["arms"]) == {"base"}
    assert "low" in summary["arms"]["base"]["metrics"]["accuracy"]
    assert refused.isError
    assert "There is no domain 'nowhere'; the domains are" in refused.content[0].text


async def _agent(endpoint: str) -> tuple[dict[str, Any], list[Any]]:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    calls: list[tuple[str, dict[str, Any]]] = [
        ("ask", {"domain": "halden", "question": QUESTION, "arms": ["base"]}),
        ("retrieve", {"domain": "halden", "question": QUESTION, "k": 2}),
        ("evaluate", {"domain": "halden", "limit": 2, "arms": ["base"]}),
        ("retrieve", {"domain": "nowhere", "question": QUESTION}),
    ]
    async with (
        streamable_http_client(endpoint) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        return tools, [await session.call_tool(name, given) for name, given in calls]


class Slow(Workbench):
    """A workbench whose evaluations go on until they are let go."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.asked: list[dict[str, Any]] = []

    def evaluate(self, reference: str, **given: Any) -> Any:
        self.asked.append(given)
        self.begun.set()
        assert self.let_go.wait(60)
        return {"n": given["limit"]}, Path()


def test_a_second_evaluation_is_refused_while_one_runs(settings: Settings) -> None:
    workbench = Slow(settings)
    verbs = Verbs(workbench, Guard(workbench.settings, public=False))
    first = threading.Thread(target=verbs.evaluate, args=["halden"])
    first.start()
    try:
        assert workbench.begun.wait(60)
        with pytest.raises(gr.Error, match="An evaluation is going on"):
            verbs.evaluate("halden")
        with pytest.raises(EvaluationError, match="A program or another page evaluates"):
            Evaluations(workbench).start("halden", arms=["base", "rag"], limit=2)
    finally:
        workbench.let_go.set()
        first.join()
    assert verbs.evaluate("halden", limit=50) == {"n": 50}, "the next one is heard again"


def test_strangers_get_short_runs_of_which_nothing_is_kept(settings: Settings) -> None:
    workbench = Slow(settings)
    workbench.let_go.set()
    verbs = Verbs(workbench, Guard(workbench.settings, public=True))
    with pytest.raises(gr.Error, match=f"from 1 to {MOST_IN_PUBLIC}, not 6"):
        verbs.evaluate("halden", limit=6)
    verbs.evaluate("halden", limit=MOST_IN_PUBLIC)
    out = workbench.asked[0]["out"]
    assert not out.is_relative_to(settings.state) and not out.parent.exists()


@pytest.mark.parametrize(
    ("verb", "given", "told"),
    [
        ("ask", {"domain": "/etc", "question": "x"}, "There is no domain '/etc'"),
        ("ask", {"domain": ["halden"], "question": "x"}, "There is no domain"),
        ("ask", {"domain": "halden", "question": 5}, "question must be text"),
        ("ask", {"domain": "halden", "question": "x", "arms": "sft"}, "arms must be a list"),
        ("ask", {"domain": "halden", "question": "x", "arms": ["oracle"]}, "no arm 'oracle'"),
        ("ask", {"domain": "halden", "question": "x", "arms": [{}]}, "no arm {}"),
        ("ask", {"domain": "halden", "question": "x", "arms": ["rag", "rag"]}, "each arm once"),
        ("retrieve", {"domain": "halden", "question": "x" * 2001}, "the most is 2000"),
        ("retrieve", {"domain": "halden", "question": "x", "k": 51}, "from 1 to 50, not 51"),
        ("retrieve", {"domain": "halden", "question": "x", "k": True}, "not True"),
        ("evaluate", {"domain": "halden", "limit": 51}, "from 1 to 50, not 51"),
        ("evaluate", {"domain": "halden", "split": "all"}, "no split 'all'"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(
    settings: Settings, verb: str, given: dict[str, Any], told: str
) -> None:
    with pytest.raises(gr.Error) as refused:
        getattr(Verbs(Workbench(settings), Guard(settings, public=False)), verb)(**given)
    assert told in str(refused.value)


def test_what_nobody_foresaw_is_logged_and_not_shown(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise OSError("/secret/path")

    workbench = Workbench(settings)
    monkeypatch.setattr(workbench, "retrieve", broken)
    with pytest.raises(gr.Error) as refused:
        Verbs(workbench, Guard(workbench.settings, public=False)).retrieve("halden", "x")
    assert "secret" not in str(refused.value) and "/secret/path" in caplog.text
