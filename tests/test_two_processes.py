"""Two processes on one machine give the loss curve of one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parent.parent


def _run(model: Path, folder: Path, processes: int, changes: dict[str, Any]) -> dict[str, Any]:
    folder.mkdir()
    # A port of its own on the loopback: the rendezvous takes a free one.
    launcher = [
        "-m", "torch.distributed.run", "--nnodes=1", f"--nproc-per-node={processes}",
        "--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0", "--local-addr=127.0.0.1",
    ]  # fmt: skip
    made = subprocess.run(
        [sys.executable, *(launcher if processes > 1 else []), str(ROOT / "tests" / "train_a_process.py"),
         str(model), str(folder), json.dumps(changes)],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1",
             "GLOO_SOCKET_IFNAME": "lo", "TOKENIZERS_PARALLELISM": "false"},
    )  # fmt: skip
    assert made.returncode == 0, made.stderr[-3000:]
    return json.loads((folder / "log.json").read_text())


@pytest.mark.parametrize(
    "changes", [{}, {"accumulation": 2, "method": "full"}], ids=["lora", "full"]
)
def test_two_processes_give_the_loss_curve_of_one(
    tiny_model_folder: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    one = _run(tiny_model_folder, tmp_path / "one", 1, changes)
    two = _run(tiny_model_folder, tmp_path / "two", 2, changes)
    assert (one["processes"], two["processes"]) == (1, 2)
    for name in ("loss", "eval_loss", "eval_exact"):
        alone = [row[name] for row in one["log"] if name in row]
        together = [row[name] for row in two["log"] if name in row]
        assert len(alone) == (12 if name == "loss" else 3)
        assert together == pytest.approx(alone, abs=2e-3), name
    losses = [row["loss"] for row in one["log"] if "loss" in row]
    assert losses[-1] < 0.8 * losses[0]
    name = "model.safetensors" if changes else "adapter_model.safetensors"
    alone, together = (load_file(tmp_path / side / "adapter" / name) for side in ("one", "two"))
    for key, weight in alone.items():
        assert (together[key].float() - weight.float()).abs().max() < 0.02, key
