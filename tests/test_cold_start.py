"""The page opens before anything that computes is loaded: that takes seconds, and Decide needs none."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import app
from core.settings import Settings
from ui.page import build_page
from workbench import Workbench

ROOT = Path(__file__).resolve().parent.parent
#: What takes seconds to import; nothing of it shows a result.
HEAVY = {
    "torch",
    "transformers",
    "peft",
    "trl",
    "accelerate",
    "sentence_transformers",
    "faiss",
    "nltk",
}

LOADED = """
import sys
from core.settings import load_settings
from ui.page import build_page
from workbench import Workbench

build_page(Workbench(load_settings()))
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_the_page_is_built_without_what_computes(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=240,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SFT_VS_RAG_STATE": str(tmp_path)},
    ).stdout.split()  # fmt: skip
    assert "gradio" in told
    assert set(told) & HEAVY == set()


def test_the_models_wait_for_the_first_look_at_the_page(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed, seen, bench = threading.Event(), threading.Event(), Workbench(settings)
    monkeypatch.setattr(app, "_warm", lambda given: given is bench and warmed.set())
    page = build_page(bench, looked=seen.set)
    threading.Thread(target=app.warm_once_seen, args=[bench, seen], daemon=True).start()
    assert not warmed.wait(0.3)
    for one in page.fns.values():
        if one.fn is not None and one.fn == seen.set:
            assert [event for _, event in one.targets] == ["load"]
            one.fn()
    assert warmed.wait(5)


def test_a_page_that_nobody_opens_loads_them_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed: list[Workbench] = []
    monkeypatch.setattr(app, "_warm", warmed.append)
    monkeypatch.setattr(app, "_PATIENCE", 0.05)
    app.warm_once_seen(Workbench(settings), threading.Event())
    assert len(warmed) == 1
