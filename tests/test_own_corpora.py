"""Corpora of a user's own: made, copied and changed; what is wrong is told and changes nothing."""

import io
import os
import zipfile
from pathlib import Path

import pytest
from conftest import DOCUMENTS, QUESTIONS, write_corpus

from core.corpus.read import BUILT_IN_FOLDER, built_in_corpora, read_corpus
from core.errors import CorpusError, StorageError
from core.settings import Settings
from core.storage import folder_stamp
from curation import Curation
from own_corpora import Limits, OwnCorpora


@pytest.fixture
def own(tmp_path: Path) -> OwnCorpora:
    return OwnCorpora(tmp_path / "state")


@pytest.fixture
def mine(own: OwnCorpora, tmp_path: Path) -> str:
    """A corpus of one's own, copied from the small one."""
    return own.copy(read_corpus(str(write_corpus(tmp_path / "tiny", DOCUMENTS, QUESTIONS))), "Mine")


def _file(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / "handed in" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("word/document.xml", b"0" * 40_000_000)
    return packed.getvalue()


def test_a_copy_is_the_same_data_and_the_built_in_corpus_is_as_it_was(own: OwnCorpora) -> None:
    before = folder_stamp(BUILT_IN_FOLDER)
    for name in built_in_corpora():
        original = read_corpus(name)
        copied = read_corpus(own.copy(original))
        assert copied.documents == original.documents
        assert copied.questions == original.questions
        assert copied.info.title == f"{original.info.title} (copy)"
        assert copied.info.system_prompt == original.info.system_prompt
        assert copied.name != original.name, "indexes and adapters lie by name"
    assert folder_stamp(BUILT_IN_FOLDER) == before
    assert len(own.all()) == len(built_in_corpora())


def test_only_ones_own_corpora_are_changed(own: OwnCorpora, tiny_corpus: Path, mine: str) -> None:
    stamp = folder_stamp(tiny_corpus), folder_stamp(BUILT_IN_FOLDER / "halden")
    file = _file(tiny_corpus.parent, "new.md", "# New\n\nWords.\n")
    others = ["", "halden", str(tiny_corpus), str(BUILT_IN_FOLDER / "halden"), f"{mine}/../../x",
              f"{mine}/documents", "../corpora/x", str(own.folder), f"{own.folder}/..", "/"]  # fmt: skip
    link = own.folder / "link"
    link.symlink_to(tiny_corpus)
    for reference in [*others, str(link)]:
        assert not own.owns(reference)
        for change in (
            lambda one: own.add_documents(one, [file]),
            lambda one: own.remove_document(one, "alpha"),
            lambda one: own.put_question(one, {"question": "Who?", "answers": ["I."]}),
            own.remove,
        ):
            with pytest.raises(CorpusError, match="make a copy"):
                change(reference)
    assert (folder_stamp(tiny_corpus), folder_stamp(BUILT_IN_FOLDER / "halden")) == stamp


def test_an_empty_corpus_keeps_its_words_and_is_filled(own: OwnCorpora, tmp_path: Path) -> None:
    prompt = 'Say "hello" \\ and\nstop.\tÄ ☃'
    reference = own.create(" My\nown  ", system_prompt=prompt, abstain_text="No idea.")
    empty = own.read(reference)
    assert (empty.info.title, empty.info.system_prompt) == ("My own", prompt)
    assert not empty.documents
    with pytest.raises(CorpusError, match="needs a title"):
        own.create(" \n ")
    own.add_documents(reference, [_file(tmp_path, "one.txt", "The lamp is red.")])
    assert read_corpus(reference).wording.abstain_text == "No idea."
    assert own.all() == [("My own", reference)]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.exe", b"MZ", "is a .exe file"),
        ("noname", b"words", "no suffix"),
        ("a.md", b"", "is empty"),
        ("a.md", b" \n\n ", "holds no text"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xfe", "is no text"),
        ("a.txt", bytes(range(1, 256)) * 9, "is no text"),
        ("a.pdf", b"%PDF-1.4 broken", "is no readable PDF"),
        ("a.pdf", b"just words", "is no readable PDF"),
        ("a.docx", b"PK\x03\x04 broken", "no readable .docx"),
        ("a.docx", _bomb(), "would unpack"),
        ("a.csv", b"only,names\n", "no rows"),
        ("a.html", "<div>" * 30_000 + "deep" + "</div>" * 30_000, "damaged"),
        ("a.md", b"x" * 200_001, "the most is 0.2 MB"),
    ],
)
def test_a_bad_file_is_a_sentence_and_the_corpus_is_as_it_was(
    tmp_path: Path, mine: str, name: str, content: bytes | str, told: str
) -> None:
    small = OwnCorpora(tmp_path / "state", limits=Limits(file_bytes=200_000))
    limited = small if "most" in told else OwnCorpora(tmp_path / "state")
    before = folder_stamp(Path(mine))
    file = _file(tmp_path, name, content)
    (result,) = limited.add_documents(mine, [file])
    assert result.outcome == "refused"
    assert told in result.told
    assert str(tmp_path) not in result.told, "nobody is told where files lie"
    assert folder_stamp(Path(mine)) == before


def test_good_files_go_in_beside_bad_ones(own: OwnCorpora, mine: str, tmp_path: Path) -> None:
    files = [
        _file(tmp_path, "Gamma Lamp.md", "# Gamma\n\nGreen.\n"),
        _file(tmp_path, "a.pdf", b"broken"),
        _file(tmp_path, "gamma-lamp.md", "# Gamma\n\nBlue.\n"),
        _file(tmp_path, "old.txt", "Größe: fünf Meter für Läden.".encode("cp1252")),
        _file(tmp_path, "alpha.md", "# Alpha router\n\nThe Alpha weighs 250 grams.\n"),
        _file(tmp_path, "WARRANTY.MD", "# Warranty\n\nNone.\n"),
        _file(tmp_path, "beta.md", DOCUMENTS["beta"]),
        _file(tmp_path, "beta.txt", "Another beta."),
    ]
    done = own.add_documents(mine, files)
    assert [one.outcome for one in done] == [
        "added", "refused", "refused", "added", "updated", "updated", "unchanged", "refused",
    ]  # fmt: skip
    assert "another of these files" in done[2].told
    assert "kept as UTF-8" in done[3].told
    assert done[5].document == "shop/warranty", "it replaces its namesake, where that lies"
    assert "already as beta.md" in done[7].told
    texts = {one.id: one.text for one in read_corpus(mine).documents}
    assert texts["old"] == "Größe: fünf Meter für Läden."
    assert "Green" in texts["gamma-lamp"]
    assert texts["beta"] == DOCUMENTS["beta"]
    assert set(texts) == {"alpha", "beta", "gamma-lamp", "old", "shop/warranty"}


@pytest.mark.parametrize(
    "name", ["..\\..\\up.md", "....md", " .md", "a\nb\t<script>.md", "%2e%2e%2fup.md", "-rf.md",
             "x" * 240 + ".md", "nul\u202egnp.md"]
)  # fmt: skip
def test_a_hostile_name_stays_in_the_folder(
    own: OwnCorpora, mine: str, tmp_path: Path, name: str
) -> None:
    before = {path for path, *_ in folder_stamp(tmp_path / "state")}
    done = own.add_documents(mine, [_file(tmp_path, name, "# Words\n\nHere.\n")])
    new = {path for path, *_ in folder_stamp(tmp_path / "state")} - before
    written = [path for path in new if not path.endswith(".lock")]
    if done[0].outcome == "refused":
        assert written == []
        return
    (path,) = written
    assert Path(path).parent == Path(mine) / "documents"
    assert len(Path(path).name) < 90
    assert not set(Path(path).stem) & set("/\\. \n<>%\u202e")


def test_a_full_disk_leaves_the_old_document(
    own: OwnCorpora, mine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = folder_stamp(Path(mine))

    def full(_from: object, _to: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError, match="disk is full"):
        own.add_documents(mine, [_file(tmp_path, "alpha.md", "# Alpha\n\nNew.\n")])
    with pytest.raises(StorageError):
        own.put_question(mine, {"question": "Which lamp?", "answers": ["Red."]})
    with pytest.raises(StorageError):
        own.create("Another")
    monkeypatch.undo()
    assert folder_stamp(Path(mine)) == before
    assert [title for title, _ in own.all()] == ["Mine"]


def test_documents_and_corpora_are_removed_with_what_holds_their_words(
    own: OwnCorpora, mine: str, tmp_path: Path
) -> None:
    own.remove_document(mine, "shop/warranty")
    assert {one.id for one in read_corpus(mine).documents} == {"alpha", "beta"}
    for name in ("shop/warranty", "../qa", ""):
        with pytest.raises(CorpusError, match="no document"):
            own.remove_document(mine, name)
    name = Path(mine).name
    for path in (f"indexes/{name}/1/passages.bin", f"drafts/{name}.jsonl", f"known/{name}.json"):
        (tmp_path / "state" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "state" / path).write_text("words")
    own.remove(mine)
    left = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert left == []
    assert own.all() == []


def test_what_one_may_keep_is_limited(tmp_path: Path) -> None:
    few = OwnCorpora(tmp_path / "state", limits=Limits(corpora=1, documents=1, questions=1))
    reference = few.create("One")
    with pytest.raises(CorpusError, match="remove one first"):
        few.create("Two")
    files = [_file(tmp_path, f"{name}.txt", "Words.") for name in "ab"]
    assert [one.outcome for one in few.add_documents(reference, files)] == ["added", "refused"]
    few.put_question(reference, {"question": "What is it?", "answers": ["Words."]})
    with pytest.raises(CorpusError, match="no more than 1"):
        few.put_question(reference, {"question": "And that?", "answers": ["Words."]})


def test_visitors_folders_are_apart(tmp_path: Path) -> None:
    bench = Curation(Settings(state=tmp_path / "state"))
    ann, bob = (bench.own_corpora(tmp_path / "visitors" / name) for name in ("ann", "bob"))
    of_ann = ann.create("Same title")
    of_bob = bob.create("Same title")
    assert Path(of_ann).name != Path(of_bob).name
    assert not bob.owns(of_ann)
    assert bob.all() == [("Same title", of_bob)]
    assert bench.own_corpora().folder == (tmp_path / "state" / "corpora").resolve()
