"""A cleaned copy mends what needs no judgement, says so, and leaves the original as it was."""

import json
from pathlib import Path

import pytest
from conftest import write_corpus

from core.corpus.check import check_folder
from core.corpus.clean import clean_copy
from core.corpus.repair import find_quote
from core.errors import CorpusError

TEXT = "# Alpha\n\nThe Alpha weighs 240 grams.\nIt stands on four rubber feet, and it is grey. " + (
    "The lamp shows when the Alpha is ready. " * 3
)


def _line(name: str, text: str, split: str, **fields: object) -> dict:
    return {"id": name, "question": text, "answers": ["240 grams"], "split": split, **fields}


def _quote(quote: str, document: str = "alpha") -> list[dict]:
    return [{"document": document, "quote": quote}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [
        _line("a", "How heavy is it?", "train", evidence=_quote("The Alpha  weighs 240 grams. It stands")),
        _line("b", "What does it weigh?", "validation", reviewer="me"),
        _line("c", "how heavy is it", "test", evidence=_quote("The Alpha weighs 240 grams.", "copy")),
        _line("d", "What does it weigh?", "validation"),
        _line("e", "Its colour?", "train", answers=["grey"], evidence=_quote("It is painted bright red")),
        _line("f", "Its colour?", "train", answers=["red"]),
        _line("g", "Is the lamp grÃ¼n?", "test", answers=["grÃ¼n"], exposure="reworded"),
        _line("g", "Does it have feet?", "test", answers=["four feet", " "]),
        _line("g", "And hands?", "test", answers=["no hands"]),
    ]  # fmt: skip
    folder = write_corpus(tmp_path / "c", {"alpha": TEXT, "copy": TEXT.upper()}, lines)
    (folder / "documents" / "empty.md").write_text(" ")
    (folder / "corpus.toml").write_text('title = "T"')
    (folder / "note.txt").write_text("kept")
    with (folder / "qa.jsonl").open("a") as file:
        file.write("{broken\n")
    return folder


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_copy_is_mended_and_the_original_untouched(folder: Path, tmp_path: Path) -> None:
    before = _files(folder)
    mended = clean_copy(check_folder(str(folder)), tmp_path / "copy")
    assert _files(folder) == before
    lines = [json.loads(one) for one in (tmp_path / "copy" / "qa.jsonl").read_text().splitlines()]
    by_id = {one["id"]: one for one in lines}
    # The tested one of a pair stays; an exact repetition goes; a contradiction is a person's.
    assert list(by_id) == ["b", "c", "e", "f", "g", "g-2", "g-3"]
    assert by_id["b"]["reviewer"] == "me", "the user's own columns are kept"
    assert by_id["c"]["evidence"] == _quote("The Alpha weighs 240 grams.")
    assert by_id["e"]["evidence"] == []
    assert (by_id["g"]["question"], by_id["g"]["answers"]) == ("Is the lamp grün?", ["grün"])
    assert "exposure" not in by_id["g"]
    assert by_id["g-2"]["answers"] == ["four feet"]
    names = {path.name for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert names == {"alpha.md", "qa.jsonl", "corpus.toml", "note.txt"}
    told = "\n".join(f"{one.place}: {one.what}" for one in mended)
    for place in ("qa.jsonl:1 a: removed: repeats c", "qa.jsonl:4 d: removed: repeats b",
                  "qa.jsonl:5 e: evidence removed", "qa.jsonl:10: left out", "documents/copy.md: left out",
                  "documents/empty.md: left out", "qa.jsonl:7 g: no exposure"):  # fmt: skip
        assert place in told
    left = {
        one.rule for one in check_folder(str(tmp_path / "copy")).findings if one.severity == "error"
    }
    assert left == {"contradiction"}


def test_a_copy_of_a_clean_corpus_is_the_corpus(tiny_corpus: Path, tmp_path: Path) -> None:
    mended = clean_copy(check_folder(str(tiny_corpus)), tmp_path / "copy")
    assert mended == []
    names = [path.relative_to(tiny_corpus) for path in tiny_corpus.rglob("*") if path.is_file()]
    for name in names:
        original = (tiny_corpus / name).read_text()
        assert (tmp_path / "copy" / name).read_text() == original


def test_a_folder_that_is_there_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(CorpusError, match="already there"):
        clean_copy(check_folder(str(folder)), tmp_path / "there")
    assert list((tmp_path / "there").iterdir()) == []


def test_a_copy_that_fails_leaves_nothing(folder: Path, tmp_path: Path, monkeypatch) -> None:
    checked = check_folder(str(folder))

    def refuse(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr("shutil.copyfile", refuse)
    with pytest.raises(Exception, match="could not be written"):
        clean_copy(checked, tmp_path / "copy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c"]


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("The Alpha  weighs 240 grams.", "The Alpha weighs 240 grams."),
        ("the alpha weighs 240 grams", "The Alpha weighs 240 grams"),
        ("It stands on four rubber feet and it is grey", "It stands on four rubber feet, and it is grey"),
        ("The Alpha weighs 250 grams.", None),  # another number is another claim
        ("It is painted bright red", None),
        (" ", None),
    ],
)  # fmt: skip
def test_a_quote_is_found_as_it_stands_in_the_text(quote: str, found: str | None) -> None:
    assert find_quote(quote, TEXT) == found
    if found:
        assert found in TEXT
