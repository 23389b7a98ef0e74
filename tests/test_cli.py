"""The terminal: one line for each mistake, exit codes, one JSON document, state untouched."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from conftest import DOCUMENTS, QUESTIONS, write_corpus

from core.settings import Settings


def _besides_indexes(names: Iterable[str]) -> list[str]:
    """An index that a question made necessary is no half-written state, nor are its vectors."""
    return sorted(name for name in names if "/indexes/" not in name and "/embeddings/" not in name)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


BAD = [
    (["check", "nowhere"], "There is no corpus 'nowhere'"),
    (["index", "{broken}"], "qa.jsonl:2: is not JSON"),
    (["index", "{questions}"], "has no documents"),
    (["train", "{documents}"], "no questions of the train split"),
    (["ask", "{tiny}", "How long?", "--arms", "both"], "There is no arm 'both'"),
    (["ask", "{tiny}", "How long?", "--arms", "base,base"], "name each arm once"),
    (["ask", "{tiny}", "   "], "The question is empty"),
    (["ask", "{tiny}", "x" * 20_000], "has 20000 characters; the most is 2000"),
    (["ask", "{tiny}", "How long?", "--arms", "sft"], "has no adapter yet"),
    (["ask", "{tiny}", "How long?", "--adapter", "gone"], "no adapter 'gone'"),
    (["retrieve", "{tiny}", ""], "The question is empty"),
    (["retrieve", "{tiny}", "How long?", "-k", "0"], "-k"),
    (["evaluate", "{tiny}", "--split", "exam"], "no split 'exam'"),
    (["evaluate", "{tiny}", "--arms", "base", "--limit", "0"], "at least one question"),
    (["train", "{tiny}", "--set", "rank=0"], "recipe's rank"),
    (["train", "{tiny}", "--set", "rank"], "KEY=VALUE"),
    (["train", "{tiny}", "--config", "gone.toml"], "gone.toml"),
    (["train", "{tiny}", "--out", "../up"], "cannot name an adapter"),
    (["score", "gone.jsonl"], "gone.jsonl"),
    (["adapters", "show", "{tiny}", "gone"], "no adapter 'gone'"),
    (["adapters", "remove", "{tiny}", "gone"], "no adapter 'gone'"),
    (["adapters", "show", "{tiny}", "../../tiny/one"], "no adapter '../../tiny/one'"),
    (["adapters", "list", "nowhere"], "There is no corpus 'nowhere'"),
    (["ask", "nowhere", "How long?"], "There is no corpus 'nowhere'"),
    (["ask", "{broken}", "How long?"], "qa.jsonl:2: is not JSON"),
    (["ask", "{tiny}", "How long?", "--arms", ""], "name each arm once"),
    (["ask", "{questions}", "How long?", "--arms", "rag"], "has no documents"),
    (["check", "{empty}"], "no documents and no questions"),
    (["train", "{tiny}", "--out", "active"], "cannot name an adapter"),
    (["train", "{tiny}", "--set", "target_modules=lm_head"], "recipe's target_modules"),
    (["train", "{tiny}", "--set", "colour=red"], "recipe's colour"),
    (["evaluate", "{tiny}", "--limit", "some"], "--limit"),
    (["serve", "--port", "99999"], "port"),
    (["adapters", "frobnicate"], "frobnicate"),
    (["frobnicate"], "frobnicate"),
    (["check"], "'corpus'"),
    (["import", "squad", "gone.json", "--out", "new"], "gone.json: is no file"),
    (["import", "prose", "x", "--out", "new"], "'prose'"),
    (["import", "csv", "x"], "--out"),
    (["import", "csv", "{rows}", "--out", "{tiny}"], "is already there"),
    (["import", "csv", "{rows}", "--out", "new", "--split", "exam"], "no split 'exam'"),
    (["import", "csv", "{rows}", "--out", "new", "--column", "question"], "write FIELD=COLUMN"),
    (["import", "csv", "{rows}", "--out", "new"], "no column looks like the question"),
    (["import", "dataset", "{tiny}/documents", "--out", "new"], "is no dataset that loads"),
    (["draft", "{tiny}", "--document", "gone"], "no document 'gone'; some are: alpha, beta"),
    (["draft", "{tiny}"], "--document"),
    (["drafts", "accept", "{tiny}", "gone"], "no draft 'gone'"),
    (["drafts", "edit", "{tiny}", "gone", "--question", "Q?"], "no draft 'gone'"),
    (["known", "{documents}"], "nothing to know"),
    (["forgetting", "nowhere"], "There is no corpus 'nowhere'"),
    (["forgetting", "{tiny}"], "has no adapter yet"),
    (["forgetting", "{tiny}", "--adapter", "gone"], "no adapter 'gone'"),
    (["forgetting", "{tiny}", "--limit", "0"], "at least one question"),
    (["check", "{tiny}", "--fix", "--out", "{tiny}"], "is already there"),
    (["check", "{tiny}", "--loud"], "--loud"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(a)[:40] for a, _ in BAD])
def test_a_mistake_is_one_line_exit_2_and_changes_nothing(
    run, settings: Settings, tmp_path: Path, arguments: list[str], message: str
) -> None:
    folders = {
        "tiny": write_corpus(tmp_path / "tiny", DOCUMENTS, QUESTIONS),
        "broken": write_corpus(tmp_path / "broken", DOCUMENTS, QUESTIONS[:1]),
        "questions": write_corpus(tmp_path / "questions", {}, QUESTIONS),
        "documents": write_corpus(tmp_path / "documents", DOCUMENTS, []),
        "empty": write_corpus(tmp_path / "empty", {}, []),
        "rows": tmp_path / "rows.csv",
    }
    folders["rows"].write_text("Frage,Antwort\na,b\n")
    with (folders["broken"] / "qa.jsonl").open("a") as file:
        file.write("{oops\n")
    before = _files(settings.state)
    code, out, err = run(*(one.format_map(folders) for one in arguments))
    lines = err.splitlines()
    assert code == 2
    assert out == ""
    assert len(lines) == 1 and lines[0].startswith("error: ")
    assert message in lines[0]
    assert "Traceback" not in err
    after = _files(settings.state)
    assert _besides_indexes(after) == _besides_indexes(before)


@pytest.mark.parametrize("reference", ["embedded:nothing", "{folder}", "{file}"])
def test_a_reference_that_is_no_model_is_named(
    run, monkeypatch: pytest.MonkeyPatch, tiny_corpus: Path, tmp_path: Path, reference: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.gguf").write_text("not a model")
    named = reference.format(folder=tmp_path / "empty", file=tmp_path / "notes.gguf")
    monkeypatch.setenv("SFT_VS_RAG_BASE_MODEL", named)
    code, out, err = run("ask", str(tiny_corpus), "How long?", "--arms", "base")
    assert (code, out) == (2, "")
    assert named.removeprefix("embedded:") in err.splitlines()[-1]
    assert "Traceback" not in err


def test_a_bad_setting_is_named(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_VS_RAG_PORT", "seventy")
    code, _, err = run("doctor")
    assert code == 2
    assert "port" in err.splitlines()[-1]


def test_a_damaged_index_is_named_and_left_alone(
    run, settings: Settings, tiny_corpus: Path
) -> None:
    assert run("index", str(tiny_corpus))[0] == 0
    vectors = next((settings.state / "indexes").rglob("vectors-*.faiss"))
    content = bytearray(vectors.read_bytes())
    content[len(content) // 2] ^= 4
    vectors.write_bytes(bytes(content))
    code, out, err = run("retrieve", str(tiny_corpus), "How long?")
    assert (code, out) == (2, "")
    assert "is damaged" in err.splitlines()[-1]
    assert vectors.read_bytes() == bytes(content)
    code, out, err = run("index", str(tiny_corpus))
    assert (code, "is damaged" in err) == (0, True), "asked for, it is built anew"
    assert "5 passages" in out and "no answer is withheld" in out
    assert run("retrieve", str(tiny_corpus), "How long?")[0] == 0


def test_json_is_one_document_in_the_contract_s_shape(
    run, tiny_corpus: Path, tmp_path: Path
) -> None:
    corpus = str(tiny_corpus)
    (tmp_path / "rows.jsonl").write_text(
        '{"prediction": "8 seconds", "references": ["8 seconds"]}\n'
    )
    documents = {}
    for name, arguments in {
        "check": ["check", corpus],
        "index": ["index", corpus],
        "retrieve": ["retrieve", corpus, "reset the Beta", "-k", "2"],
        "support": [
            "support",
            corpus,
            "reset the Beta",
            "Hold it for 12 seconds. It is from Oslo.",
        ],
        "ask": ["ask", corpus, "how long ?", "--arms", "base,rag"],
        "evaluate": ["evaluate", corpus, "--arms", "base,rag", "--out", str(tmp_path / "run")],
        "score": ["score", str(tmp_path / "rows.jsonl")],
        "adapters": ["adapters", "list"],
        "doctor": ["doctor"],
    }.items():
        code, out, _ = run(*arguments, "--json")
        assert code == 0, name
        documents[name] = json.loads(out)
    assert set(documents["retrieve"]) == {"question", "hits"}
    assert len(documents["retrieve"]["hits"]) == 2
    assert {"documents", "passages", "added", "updated", "unchanged", "removed"} <= set(
        documents["index"]
    )
    assert documents["index"]["floor"]["value"] is None, "too few questions to choose one"
    assert [(one["start"], one["end"]) for one in documents["support"]["unsupported"]] == [(24, 40)]
    assert documents["support"]["citations"][0]["passage_id"].startswith("beta#")
    assert [one["arm"] for one in documents["ask"]["answers"]] == ["base", "rag"]
    assert set(documents["ask"]["answers"][0]) >= {
        "arm", "text", "hits", "citations", "abstained", "prompt_tokens", "completion_tokens",
        "seconds", "first_token_seconds", "provenance",
    }  # fmt: skip
    assert documents["evaluate"] == json.loads((tmp_path / "run" / "summary.json").read_text())
    assert documents["score"]["metrics"]["exact_match"]["value"] == 1
    assert {"device", "dtype", "threads", "versions", "models", "indexes"} <= set(
        documents["doctor"]
    )


def test_training_from_the_terminal_then_asking_the_adapter(run, tiny_corpus: Path) -> None:
    corpus = str(tiny_corpus)
    changes = ["max_steps=2", "rank=2", "batch_size=4", "replay_share=0", "open_book_share=0"]
    code, out, err = run(
        "train", corpus, "--out", "mine", "--json", *(f"--set={c}" for c in changes)
    )
    assert code == 0, err
    assert json.loads(out)["name"] == "mine"
    assert run("ask", corpus, "how long ?", "--arms", "sft")[0] == 0
    recipe = json.loads(run("adapters", "show", corpus, "mine", "--json")[1])["recipe"]
    assert recipe["rank"] == 2
    assert recipe["read_windows"] == 1, "what was set then is kept for when it is asked"
    assert run("adapters", "activate", corpus, "mine")[0] == 0
    assert run("adapters", "remove", corpus, "mine")[0] == 0


def test_a_training_that_was_broken_off_is_gone_on_with(
    run, settings: Settings, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = str(tiny_corpus)
    changes = [f"--set={one}" for one in ("max_steps=3", "replay_share=0", "open_book_share=0")]
    code, out, err = run("train", corpus, "--resume")
    assert (code, out) == (2, "") and "no unfinished training of tiny" in err
    code, _, err = run("train", corpus, "--resume", *changes)
    assert code == 2 and "leave out --config, --set, --out" in err

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("sft.training.write_folder", killed)
        assert run("train", corpus, "--out", "mine", *changes)[0] not in (0, 2)
    [folder] = (settings.state / "runs").glob("tiny-*")
    code, _, err = run("train", corpus, "--out", "other", *changes)
    assert code == 0 and f"{folder.name} was broken off (step 3 of 3)" in err
    code, out, err = run("train", corpus, "--resume")
    assert code == 0 and out.startswith("mine: "), err
    assert "validation" in out.casefold()
    assert run("train", corpus, "--resume")[0] == 2, "nothing is left to go on with"
    with monkeypatch.context() as patched:
        patched.setattr("sft.training.write_folder", killed)
        assert run("train", corpus, "--out", "third", *changes)[0] not in (0, 2)
    (tiny_corpus / "documents" / "alpha.md").write_text("# Alpha\n\nAnother one.\n")
    code, _, err = run("train", corpus, "--resume")
    assert code == 2 and "the corpus tiny changed since it began" in err


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("base_fingerprint", "0" * 64, "was trained on"),
        ("prompt_version", "0", "prompts of version 0"),
        ("sha256", "0" * 64, "is damaged"),
    ],
)
def test_an_adapter_that_does_not_fit_answers_nothing(
    run, settings: Settings, tiny_corpus: Path, field: str, value: str, message: str
) -> None:
    corpus = str(tiny_corpus)
    changes = ["max_steps=1", "rank=2", "replay_share=0", "open_book_share=0"]
    made = [f"--set={change}" for change in changes]
    assert run("train", corpus, "--out", "mine", "--no-forgetting", *made)[0] == 0
    path = settings.state / "adapters" / "tiny" / "mine" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    before = _files(settings.state / "adapters")
    for arguments in (["--arms", "sft"], ["--arms", "base", "--adapter", "mine"]):
        code, out, err = run("ask", corpus, "how long ?", *arguments)
        assert (code, out) == (2, "")
        assert len(err.splitlines()) == 1
        assert "The adapter mine" in err and message in err
    assert _files(settings.state / "adapters") == before
    assert run("ask", corpus, "how long ?", "--arms", "base")[0] == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{oops", ":2: is not JSON"),
        ('{"references": ["a"]}', ":2: prediction: "),
        ('{"prediction": "a", "references": []}', ":2: references: "),
    ],
)
def test_a_bad_row_to_score_is_named(run, tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"prediction": "a", "references": ["a"]}) + "\n" + line + "\n")
    code, out, err = run("score", str(path))
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1 and f"{path}{message}" in err


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["ask", "{tiny}", "How long?", "--arms", "both"], {}, "There is no arm 'both'"),
        (["ask", "{tiny}", "How long?"], {"BASE_MODEL": "/no/model"}, "'/no/model'"),
        (["doctor"], {"DEVICE": "abacus"}, "'abacus'"),
        (["doctor", "--json"], {"SETTINGS": "port = "}, "settings.toml cannot be read"),
    ],
)
def test_the_program_itself_says_one_line_and_touches_nothing(
    tiny_corpus: Path, tmp_path: Path, arguments: list[str], environment: dict[str, str],
    message: str,
) -> None:  # fmt: skip
    """As a shell sees it: warnings that libraries print past Python's streams would show here."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text(environment.get("SETTINGS", ""))
    done = subprocess.run(
        [sys.executable, "-m", "cli", *(one.format(tiny=tiny_corpus) for one in arguments)],
        capture_output=True, text=True, check=False, timeout=120, cwd=home,
        env={
            **os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
            "SFT_VS_RAG_STATE": str(tmp_path / "state"),
            **{f"SFT_VS_RAG_{name}": value for name, value in environment.items()
               if name != "SETTINGS"},
        },
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("error: ") and message in done.stderr
    assert _besides_indexes(_files(tmp_path / "state")) == []


def test_help_is_quick_and_lists_the_verbs() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cli", "--help"],
        capture_output=True, text=True, check=True, timeout=60,
        cwd=Path(__file__).resolve().parent.parent,
    )  # fmt: skip
    verbs = "serve check import draft drafts known index retrieve support train forgetting ask evaluate score adapters doctor"
    for verb in verbs.split():
        assert f"  {verb} " in done.stdout
    assert "torch" not in done.stderr, "help must not wait for the models' libraries"


def test_check_tells_every_error_and_names_the_first_in_one_line(
    run, tiny_corpus: Path, tmp_path: Path
) -> None:
    with (tiny_corpus / "qa.jsonl").open("a") as file:
        file.write('{oops\n{"id": "x"}\n')
    code, out, err = run("check", str(tiny_corpus))
    assert code == 2
    assert "qa.jsonl:12" in out and "qa.jsonl:13" in out
    assert len(err.splitlines()) == 1
    assert f"{tiny_corpus}/qa.jsonl:12: is not JSON" in err and "(1 more)" in err
    code, out, err = run("check", str(tiny_corpus), "--json")
    assert code == 2 and len(err.splitlines()) == 1
    found = json.loads(out)
    assert set(found) == {"corpus", "counts", "findings"}
    assert set(found["findings"][0]) == {"severity", "rule", "place", "message", "fix"}
    before = _files(tiny_corpus)
    code, out, err = run("check", str(tiny_corpus), "--fix", "--json")
    copy = json.loads(out)["copy"]
    assert [one["place"] for one in copy["mended"]] == ["qa.jsonl:12", "qa.jsonl:13"]
    assert _files(tiny_corpus) == before
    assert run("check", copy["folder"])[0] == 0


def test_counts_are_a_readme_s_table(run, tiny_corpus: Path) -> None:
    code, out, _ = run("check", str(tiny_corpus), "--counts")
    assert code == 0
    assert out.startswith("3 documents (3 .md)") and "| all | 7 | 5 | 1 | 5 | 11 |" in out


def test_importing_then_checking_then_asking(run, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(
        "Frage;Antwort;Text\nHow heavy?;240 grams;The lamp weighs 240 grams.\n;x;y\n", "cp1252"
    )
    out = tmp_path / "mine"
    columns = ["question=Frage", "answers=Antwort", "context=Text"]
    code, text, err = run(
        "import", "csv", str(rows), "--out", str(out), "--json", *(f"--column={c}" for c in columns)
    )
    assert code == 0, err
    report = json.loads(text)
    assert (report["documents"], report["questions"], report["skipped"]) == (2, 1, 1)
    assert "left out: line 3: question is empty" in err
    assert run("check", str(out))[0] == 0
    assert run("retrieve", str(out), "How heavy is it?")[0] == 0
    assert "Imported from rows.csv: 2 documents and 1 questions" in (out / "README.md").read_text()


def test_what_the_base_knows_is_asked_and_shown(run, settings: Settings, tiny_corpus: Path) -> None:
    code, out, err = run("known", str(tiny_corpus), "--json")
    assert code == 0, err
    found = json.loads(out)
    assert set(found["facts"]) == {"alpha-reset", "beta-reset", "beta-weight"}
    assert sum(found["counts"].values()) == 3
    assert (settings.state / "known" / "tiny.json").is_file()
    code, out, _ = run("evaluate", str(tiny_corpus), "--arms", "base", "--json")
    assert sum(one["n"] for one in json.loads(out)["arms"]["base"]["by_known"].values()) == 3
    assert run("known", str(tiny_corpus), "--out", str(tiny_corpus / "known.json"))[0] == 0


def test_drafts_from_the_terminal(run, settings: Settings, tiny_corpus: Path) -> None:
    code, out, _ = run("draft", str(tiny_corpus), "--document", "alpha", "--json")
    assert code == 0
    json.loads(out)  # the two-layer model writes nothing usable: the list may be empty
    box = settings.state / "drafts" / "tiny.jsonl"
    box.parent.mkdir(parents=True, exist_ok=True)
    row = {"id": "draft-x", "question": "Is it grey?", "answers": ["yes"], "status": "draft"}
    box.write_text(json.dumps(row) + "\n")
    corpus = str(tiny_corpus)
    assert json.loads(run("drafts", "list", corpus, "--json")[1])["drafts"][0]["id"] == "draft-x"
    assert (
        run("drafts", "edit", corpus, "draft-x", "--question", "Is it red?", "--answer", "no")[0]
        == 0
    )
    assert "Is it red?" not in (tiny_corpus / "qa.jsonl").read_text()
    assert "accepted: Is it red?" in run("drafts", "accept", corpus, "draft-x")[1]
    assert "Is it red?" in (tiny_corpus / "qa.jsonl").read_text()
    assert run("drafts", "reject", corpus, "draft-x")[0] == 2


def test_forgetting_is_measured_after_training_and_when_asked(run, tiny_corpus: Path) -> None:
    corpus = str(tiny_corpus)
    changes = ["max_steps=1", "rank=2", "replay_share=0", "open_book_share=0"]
    made = [f"--set={one}" for one in changes]
    code, out, err = run("train", corpus, "--out", "mine", "--json", *made)
    assert code == 0, err
    measured = json.loads(out)["forgetting"]
    assert measured["questions"] == 300
    code, out, err = run("forgetting", corpus, "--json")
    assert (code, json.loads(out)) == (0, measured)
    assert "general questions, sft: 300/300" in err and "general questions, base" not in err
    code, out, _ = run("forgetting", corpus, "--adapter", "mine", "--limit", "10")
    assert code == 0
    assert "| general questions answered right, base |" in out and "McNemar" in out
    code, out, _ = run("train", corpus, "--out", "other", "--no-forgetting", "--json", *made)
    assert (code, "forgetting" in json.loads(out)) == (0, False)


def test_an_evaluation_asks_the_oracle_and_goes_on_in_its_folder(
    run, tiny_corpus: Path, tmp_path: Path
) -> None:
    lines = (tiny_corpus / "qa.jsonl").read_text().splitlines()
    own = [{**json.loads(line), "level": 3, "tags": ["a"], "note": None} for line in lines]
    (tiny_corpus / "qa.jsonl").write_text("".join(json.dumps(one) + "\n" for one in own))
    call = ["evaluate", str(tiny_corpus), "--arms", "base,rag", "--out", str(tmp_path / "run")]
    code, out, err = run(*call, "--json")
    assert code == 0, err
    summary = json.loads(out)
    assert summary["oracle"]["oracle"]["n"] == 3, "three of the five have evidence"
    assert "13/13 answers" in err and "left" in err
    assert {"similarity", "support"} <= set(summary["signatures"])
    assert "similarity" in summary["arms"]["base"]
    logged = [
        json.loads(line) for line in (tmp_path / "run" / "answers.jsonl").read_text().splitlines()
    ]
    assert all("similarity" in one["measures"] for one in logged)
    oracle = [one for one in logged if one["arm"] == "oracle"]
    assert all(one["answer"]["read"] and not one["answer"]["hits"] for one in oracle)
    asked = [
        json.loads(line) for line in (tmp_path / "run" / "questions.jsonl").read_text().splitlines()
    ]
    assert asked[0]["columns"] == {"level": "3", "tags": '["a"]'}
    # Half of the log is lost, and the same command makes it whole again.
    log = tmp_path / "run" / "answers.jsonl"
    content = log.read_bytes()
    log.write_bytes(content[: len(content) // 2])
    code, out, err = run(*call, "--json")
    assert code == 0, err

    def answers(found: dict) -> dict:
        return {name: arm["metrics"] for name, arm in found["arms"].items()}

    assert answers(json.loads(out)) == answers(summary)
    code, _, err = run(*call, "--no-oracle")
    assert code == 2 and "there the oracles are oracle, here none" in err
    assert not json.loads(run(*call[:-2], "--no-oracle", "--json")[1]).get("oracle")


def test_an_arm_that_answers_nothing_is_a_failure(
    run, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFT_VS_RAG_MAX_NEW_TOKENS", "511")
    code, _, err = run("evaluate", str(tiny_corpus), "--arms", "base", "--no-oracle")
    assert code == 1
    assert "No question was answered by any arm. base: The prompt has" in err
