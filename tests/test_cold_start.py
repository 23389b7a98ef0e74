"""The page opens before anything that computes is loaded: that takes seconds, and Decide needs none."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import gradio as gr
import pytest

import app

ROOT = Path(__file__).resolve().parent.parent
#: What takes seconds to import; nothing of it shows a result.
HEAVY = {"torch", "transformers", "peft", "trl", "accelerate", "sentence_transformers", "faiss"}

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


def test_the_models_wait_for_the_first_look_at_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    warmed, bench = threading.Event(), object()
    monkeypatch.setattr(app, "_warm", lambda given: given is bench and warmed.set())
    with gr.Blocks() as page:
        pass
    app.warm_once_seen(page, bench)  # type: ignore[arg-type]
    assert not warmed.wait(0.3)
    (look,) = [one for one in page.fns.values() if ("load" in {event for _, event in one.targets})]
    assert look.fn is not None
    look.fn()
    assert warmed.wait(5)


def test_a_page_that_nobody_opens_loads_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    warmed = threading.Event()
    monkeypatch.setattr(app, "_warm", lambda given: warmed.set())
    monkeypatch.setattr(app, "_PATIENCE", 0.05)
    with gr.Blocks() as page:
        pass
    app.warm_once_seen(page, object())  # type: ignore[arg-type]
    assert warmed.wait(5)
