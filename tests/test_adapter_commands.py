"""Adapters from the terminal: seen, merged, exported, pushed and pulled; two answer on one model."""

import json
from pathlib import Path

import pytest
import torch
from conftest import DOCUMENTS, QUESTIONS, write_corpus
from fakes import put_adapter
from safetensors.torch import load_file, save_file

from core.generation import GenerationRequest
from core.prompts import build_prompt
from core.settings import Settings
from sft.adapters import adapter_fingerprint
from sft.recipe import Recipe
from workbench import Workbench


@pytest.fixture
def adapter(settings: Settings, tiny_corpus: Path, tiny_adapter: Path) -> Path:
    """An adapter of the small corpus as it is now."""
    fingerprint = Workbench(settings).corpus(str(tiny_corpus)).fingerprint
    return put_adapter(
        settings.state,
        tiny_adapter,
        Path(settings.base_model),
        corpus_fingerprint=fingerprint,
        reading="Validation stopped improving at step 1.",
        row_counts={"closed book": 3, "replay": 2},
        left_out=4,
    )


def test_a_list_says_which_is_active_and_what_speaks_against_each(
    run, settings: Settings, tiny_corpus: Path, tiny_adapter: Path, adapter: Path
) -> None:
    corpus = str(tiny_corpus)
    put_adapter(settings.state, tiny_adapter, Path(settings.base_model), "old", prompt_version="1")
    assert run("adapters", "activate", corpus, "mine")[0] == 0
    code, out, _ = run("adapters", "list", corpus)
    lines = out.splitlines()
    assert code == 0
    assert (
        lines[0].startswith("* tiny mine: trained here, lora on ") and " MB, prompts " in lines[0]
    )
    assert "Forgetting was not measured yet" in lines[1]
    assert lines[2].startswith("  tiny old: ")
    assert "prompts of version 1" in lines[3] and "corpus tiny has changed" in lines[4]
    found = json.loads(run("adapters", "list", corpus, "--json")[1])["adapters"]
    assert [(one["manifest"]["name"], one["active"], len(one["marks"])) for one in found] == [
        ("mine", True, 0),
        ("old", False, 2),
    ]
    assert found[0]["size"] > 1000


def test_a_list_of_everything_marks_shipped_ones_of_another_base(run) -> None:
    code, out, _ = run("adapters", "list")
    assert code == 0
    assert "halden desk: shipped" in out and "not on " in out


def test_the_list_still_comes_when_the_chosen_one_is_gone(
    run, settings: Settings, tiny_corpus: Path, adapter: Path
) -> None:
    (settings.state / "adapters" / "tiny" / "active").write_text("gone\n")
    code, out, _ = run("adapters", "list", str(tiny_corpus))
    assert code == 0 and out.startswith("  tiny mine")


def test_show_tells_the_run_and_json_keeps_the_manifest_on_top(
    run, tiny_corpus: Path, adapter: Path
) -> None:
    _, out, _ = run("adapters", "show", str(tiny_corpus), "mine")
    for wanted in (
        "Validation stopped improving at step 1.",
        "rows by kind: closed book 3, replay 2",
        "4 rows were left out",
        "train_loss 0.5000",
        "rank 4",
        ", active,",
    ):
        assert wanted in out
    assert "mark:" not in out
    shown = json.loads(run("adapters", "show", str(tiny_corpus), "mine", "--json")[1])
    assert shown["recipe"]["rank"] == 4 and shown["marks"] == [] and shown["active"] is True


def test_removing_the_active_one_forgets_the_choice(
    run, settings: Settings, tiny_corpus: Path, adapter: Path
) -> None:
    corpus = str(tiny_corpus)
    assert run("adapters", "activate", corpus, "mine")[0] == 0
    assert run("adapters", "remove", corpus, "mine")[0] == 0
    assert not (settings.state / "adapters" / "tiny" / "active").exists()
    code, _, err = run("ask", corpus, "how long ?", "--arms", "sft")
    assert code == 2 and "has no adapter yet" in err


def test_a_merged_folder_is_a_base_model_of_this_program(
    run, tiny_corpus: Path, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, out = str(tiny_corpus), tmp_path / "merged"
    asked = ("ask", corpus, "how long ?", "--json", "--arms")
    wanted = json.loads(run(*asked, "sft")[1])["answers"][0]["text"]
    code, told, err = run("adapters", "merge", corpus, "mine", "--out", str(out), "--json")
    assert code == 0, err
    report = json.loads(told)
    assert report["merged"]["same_next"] == 1 and report["saved"]["largest_difference"] < 0.01
    assert report["prompts"] > 3
    code, _, err = run("adapters", "merge", corpus, "mine", "--out", str(out))
    assert code == 2 and "is there already" in err and len(err.splitlines()) == 1
    code, _, err = run("adapters", "merge", corpus, "mine", "--out", "x", "--dtype", "int8")
    assert code == 2 and "'int8' cannot be saved in" in err
    monkeypatch.setenv("SFT_VS_RAG_BASE_MODEL", str(out))
    assert json.loads(run(*asked, "base")[1])["answers"][0]["text"] == wanted


def test_pushed_to_a_folder_and_pulled_under_another_name(
    run, tiny_corpus: Path, adapter: Path, tmp_path: Path
) -> None:
    corpus, folder = str(tiny_corpus), str(tmp_path / "repository")
    assert run("adapters", "push", corpus, "mine", folder)[0] == 0
    card = (tmp_path / "repository" / "README.md").read_text()
    assert (
        "Validation stopped improving at step 1. Rows by kind: 3 closed book, 2 replay. "
        "4 rows were left out, being too long.\n\n| score" in card
    )
    assert run("adapters", "pull", folder, corpus, "--name", "theirs")[0] == 0
    assert "theirs: pulled from repository" in run("adapters", "list", corpus)[1]
    asked = ("ask", corpus, "how long ?", "--arms", "sft", "--json", "--adapter")
    one, two = (json.loads(run(*asked, name)[1])["answers"][0] for name in ("mine", "theirs"))
    assert one["text"] == two["text"]
    assert one["provenance"]["adapter_fingerprint"] == two["provenance"]["adapter_fingerprint"]
    assert run("adapters", "export", corpus, "mine", "--out", str(tmp_path / "peft"))[0] == 0
    for arguments, message in (
        (("pull", folder, corpus), "already an adapter mine"),
        (("pull", "./nowhere", corpus), "no folder"),
        (("pull", "nothing", corpus), "neither a folder nor a hub id"),
        (("pull", "a/b", corpus), "the hub cannot be reached"),
        (("push", corpus, "mine", "a/b", "--private"), "the hub cannot be reached"),
        (("push", corpus, "mine", "a b"), "neither a folder nor a hub id"),
        (("export", corpus, "mine", "--out", folder), "is there already"),
    ):
        code, out, err = run("adapters", *arguments)
        assert (code, out, len(err.splitlines())) == (2, "", 1), err
        assert message in err


def test_a_damaged_adapter_neither_leaves_nor_is_merged(
    run, tiny_corpus: Path, adapter: Path, tmp_path: Path
) -> None:
    (adapter / "adapter_config.json").write_text("{}")
    for verb in ("merge", "export"):
        code, _, err = run(
            "adapters", verb, str(tiny_corpus), "mine", "--out", str(tmp_path / "out")
        )
        assert code == 2 and "is damaged" in err
    assert not (tmp_path / "out").exists()


def test_two_corpora_s_adapters_answer_in_one_batch_each_in_its_own_way(
    settings: Settings, tmp_path: Path, tiny_corpus: Path, tiny_adapter: Path, adapter: Path
) -> None:
    second = write_corpus(tmp_path / "second", DOCUMENTS, QUESTIONS)
    folder = put_adapter(settings.state, tiny_adapter, Path(settings.base_model), "other", corpus="second", recipe=Recipe(rank=4))  # fmt: skip
    path = folder / "adapter_model.safetensors"
    save_file({name: -2 * tensor for name, tensor in load_file(path).items()}, path)
    manifest = folder / "manifest.json"
    values = json.loads(manifest.read_text()) | {"sha256": adapter_fingerprint(folder)}
    home = settings.state / "adapters" / "second"
    home.mkdir(parents=True)
    manifest.write_text(json.dumps(values))
    folder.rename(home / "other")
    bench = Workbench(settings)
    arms = {
        name: bench.arms(str(one)) for name, one in (("first", tiny_corpus), ("second", second))
    }
    model = bench.model()
    adapters = [arms["first"].adapter_of("sft"), None, arms["second"].adapter_of("sft")]
    assert len(set(adapters)) == 3 and set(model.adapters) == {adapters[0], adapters[2]}
    prompt = build_prompt("how long is alpha ?")
    together = model.next_token_logits([GenerationRequest(prompt, one) for one in adapters])
    for left in range(3):
        for right in range(left):
            assert not torch.allclose(together[left], together[right])
    for _ in range(2):  # by turns, and no turn leaves anything behind
        for row, one in enumerate(adapters):
            alone = model.next_token_logits([GenerationRequest(prompt, one)])
            torch.testing.assert_close(alone[0], together[row], atol=1e-4, rtol=1e-4)
    first, other = (
        arms[name].answer(["how long ?"], ["sft"])[0][0] for name in ("first", "second")
    )
    assert first.provenance.adapter == "mine" and other.provenance.adapter == "other"
    again = arms["first"].answer(["how long ?"], ["sft"])[0][0]
    assert again.text == first.text
    assert bench.model() is model, "nothing was loaded again"
