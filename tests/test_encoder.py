"""The encoder's vectors are the same whatever computes them."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rag.compiled_encoder
from core.errors import ModelError
from rag.encoder import Encoder

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = "embedded:all-minilm-l6-v2"
TEXTS = [
    "The Alpha weighs 240 grams.",
    "",
    "Wie lange hält man den Knopf? 日本語 🙂",
    "To reset the Beta, hold the button. " * 60,  # longer than the model reads
    *(f"word {number} " * number for number in range(1, 40)),
]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    models = tmp_path_factory.mktemp("models")
    return Encoder(REFERENCE, device="cpu", backend="openvino", models_folder=models)


def test_openvino_gives_the_vectors_of_torch(compiled: Encoder, encoder: Encoder) -> None:
    for name in ("encode_documents", "encode_questions"):
        theirs, ours = getattr(encoder, name)(TEXTS), getattr(compiled, name)(TEXTS)
        assert ours.shape == (len(TEXTS), 384) and ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
        np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    # So an index that one has made is good for the other.
    assert compiled.fingerprint == encoder.fingerprint


def test_no_statistics_are_sent(compiled: Encoder) -> None:
    from openvino.tools.ovc import convert_impl

    # The stub: the package that would report each conversion is kept out.
    assert convert_impl.tm.__name__ == "openvino.tools.ovc.telemetry_stub"


def test_ctrl_c_does_not_crash_once_an_encoder_is_gone() -> None:
    # OpenVINO puts the signal stack into memory of its own, which must not be freed.
    script = (
        "import os, signal\n"
        "from rag.encoder import Encoder\n"
        f"for _ in range(2): Encoder({REFERENCE!r}, device='cpu', backend='openvino')\n"
        "import gc, mmap; gc.collect(); maps = [mmap.mmap(-1, 16384) for _ in range(64)]\n"
        "signal.signal(signal.SIGINT, lambda *_: print('told'))\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "print('alive')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (ran.returncode, ran.stdout.split()) == (0, ["told", "alive"])


def test_several_may_encode_at_once(compiled: Encoder) -> None:
    alone = [compiled.encode_documents([text]) for text in TEXTS]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: compiled.encode_documents([text]), TEXTS))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_what_was_converted_is_kept(
    compiled: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Encoder(REFERENCE, device="cpu", backend="openvino", models_folder=tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [f"openvino-{first.fingerprint[:12]}"]

    def never(*_: Any) -> None:
        raise AssertionError("it was converted again")

    monkeypatch.setattr("openvino.convert_model", never)
    again = Encoder(REFERENCE, device="cpu", backend="openvino", models_folder=tmp_path)
    np.testing.assert_array_equal(
        first.encode_documents(TEXTS[:2]), again.encode_documents(TEXTS[:2])
    )


def test_without_the_package_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError, match=r"encoder_backend is openvino, which is not installed"):
        Encoder(REFERENCE, device="cpu", backend="openvino")


def test_other_vectors_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = rag.compiled_encoder._forward_of

    def wrong(*arguments: Any) -> Any:
        forward = plain(*arguments)

        def shifted(**given: Any) -> Any:
            output = forward(**given)
            output.last_hidden_state += given["input_ids"][..., None] % 7
            return output

        return shifted

    monkeypatch.setattr(rag.compiled_encoder, "_forward_of", wrong)
    with pytest.raises(ModelError, match="gives other vectors"):
        Encoder(REFERENCE, device="cpu", backend="openvino")
