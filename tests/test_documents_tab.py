"""The Documents tab's HTML, and whose corpora a visitor may see and change."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import DOCUMENTS, QUESTIONS, write_corpus

from core.corpus.read import read_corpus
from core.errors import CorpusError
from core.records import Document, Hit, Passage
from core.settings import Settings
from own_corpora import AddedFile
from rag.floor import Floor
from rag.passages import split_document
from rag.sync import SyncReport
from ui.documents_desk import Desk, told
from ui.documents_html import ROWS, added, found, listing, preview, summary, synced
from ui.public import Guard
from workbench import Workbench

HOSTILE = '<img src=x onerror="alert(1)"> <script>alert(2)</script>'
VISITOR: Any = SimpleNamespace(session_hash="x")


def _document(text: str, **fields: Any) -> Document:
    return Document(**{"id": "d", "title": "T", "text": text, "source": "d.md", **fields})


def test_hostile_documents_are_shown_as_text(tmp_path: Path) -> None:
    text = f"# {HOSTILE}\n\n{HOSTILE}\n\n## {HOSTILE}\n\nMore {HOSTILE}\n"
    folder = write_corpus(tmp_path / "bad", {"one": text}, [])
    (folder / "corpus.toml").write_text(f"title = '{HOSTILE}'\n")
    (folder / "documents" / "broken.pdf").write_text(HOSTILE)
    corpus = read_corpus(str(folder))
    (document,) = corpus.documents
    hits = [Hit(passage=one, score=1) for one in split_document(document)]
    report = SyncReport("c", "1", 1, 1, 1, 0, 0, 0, 1, "e", "flat", 0.1, HOSTILE, (HOSTILE,))
    shown = "".join([
        summary(corpus, mine=True),
        listing(corpus, "", document.id),
        preview(document),
        found(hits, Floor(None), {"one": HOSTILE}),
        added([AddedFile(HOSTILE, "refused", HOSTILE, HOSTILE)]),
        synced(report, "/x"),
    ])  # fmt: skip
    assert "<img" not in shown
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") >= 12


def test_a_preview_draws_every_passage_where_it_stands() -> None:
    document = _document(DOCUMENTS["alpha"], title="Alpha router")
    shown = preview(document)
    passages = split_document(document)
    assert shown.count("<section") == len(passages) == 2
    for one in passages:
        assert f"<p>{one.text}</p>" in shown
        assert f"{one.start}–{one.end}" in shown
    assert "Alpha router › Reset" in shown
    # Nothing is lost or told twice: headings stand between, in the document's order.
    assert shown.index("# Alpha router<") < shown.index("weighs 240") < shown.index("## Reset<")
    assert shown.count("The Alpha weighs 240 grams.") == 1
    paged = _document("One.\n\nTwo.\n", pages=(0, 6), source="d.pdf")
    assert "page 2" in preview(paged)
    assert "Choose a document" in preview(None)


def test_the_list_tells_size_passages_and_pages_and_is_narrowed(tmp_path: Path) -> None:
    documents = {**DOCUMENTS, **{f"many/{n:03d}": f"# Page {n}\n\nWords.\n" for n in range(ROWS)}}
    corpus = read_corpus(str(write_corpus(tmp_path / "c", documents, [])))
    all_of_them = listing(corpus, "", "")
    assert all_of_them.count("data-pick") == ROWS
    assert "and 3 more" in all_of_them
    shown = listing(corpus, "ALPHA rout", "alpha")
    assert shown.count("data-pick") == 1
    size = (corpus.folder / "documents" / "alpha.md").stat().st_size
    assert f'<td class="n">{size} B</td><td class="n">2</td><td class="n">–</td>' in shown
    assert 'aria-pressed="true"' in shown
    assert "No document has these words" in listing(corpus, "zebra", "")


def test_hits_tell_their_ranks_and_the_floor() -> None:
    passage = Passage(id="d#0", document_id="d", start=0, end=4, text="Text", heading="H", page=3)
    hit = Hit(
        passage=passage, score=0.815, dense_rank=4, lexical_rank=None, sentence_rank=2,
        similarity=0.31, sentence_similarity=0.55,
    )  # fmt: skip
    floor = Floor(0.5, 60, 9, withheld_wrongly=0.0, answered_wrongly=0.4, area_under_curve=0.8)
    shown = found([hit], floor, {"d": "The title"})
    assert "<dt>fused</dt><dd><b>#1</b> <small>0.81</small>" in shown.replace("0.82", "0.81")
    assert "<dt>dense</dt><dd><b>#4</b> <small>0.31</small>" in shown
    assert "<dt>lexical</dt><dd>–</dd>" in shown
    assert "The title" in shown and "page 3" in shown
    assert "Above the score floor" in shown and "<b>0.55</b>" in shown
    assert "Below the score floor" in found([hit], Floor(0.9, 60, 9, 0.0, 0.4, 0.8), {})
    assert "no answer is withheld" in found([hit], Floor(None, 3), {})
    assert "Nothing was found" in found([], floor, {})


def test_a_sync_tells_four_counts_and_what_failed() -> None:
    report = SyncReport(
        "c", "1", 6, 21, 3, 4, 5, 7, 1, "e", "flat", 0.1, "", ("/x/documents/a.pdf: is broken.",)
    )
    shown = synced(report, "/x")
    for number, name in ((3, "added"), (4, "updated"), (5, "unchanged"), (7, "removed")):
        assert f"<b>{number}</b><span>{name}</span>" in shown
    assert "<li>documents/a.pdf: is broken.</li>" in shown


@pytest.fixture
def bench(settings: Settings) -> Workbench:
    return Workbench(settings)


def test_a_page_of_ones_own_lists_and_reads_even_an_empty_corpus(bench: Workbench) -> None:
    desk = Desk(bench, Guard(bench.settings, public=False))
    reference = desk.own(VISITOR).create("Fresh")
    assert desk.domains([("Halden", "halden")], VISITOR) == [
        ("Halden", "halden"), ("Fresh · yours", reference),
    ]  # fmt: skip
    assert desk.corpus(reference, VISITOR).documents == ()
    assert desk.mine(reference, VISITOR)
    assert not desk.mine("halden", VISITOR)
    assert "Empty so far" in summary(desk.corpus(reference, VISITOR), mine=True)


def test_a_stranger_reaches_what_is_built_in_and_his_own_corpora(
    bench: Workbench, tmp_path: Path
) -> None:
    other = Desk(bench, Guard(bench.settings, public=False)).own(VISITOR).create("Somebody's")
    elsewhere = str(write_corpus(tmp_path / "tiny", DOCUMENTS, QUESTIONS))
    shut = bench.settings.model_copy(update={"visitor_documents": 0})
    closed = Desk(bench, Guard(shut, public=True))
    apart = Desk(bench, Guard(bench.settings, public=True))
    assert closed.domains([("Halden", "halden")], VISITOR) == [("Halden", "halden")]
    with pytest.raises(CorpusError, match="uploads are closed"):
        closed.own(VISITOR)
    mine = apart.own(VISITOR).create("Mine")
    assert apart.mine(mine, VISITOR)
    for desk in (closed, apart):
        assert desk.corpus("halden", VISITOR).documents
        for reference in (other, elsewhere, "general-knowledge", "/etc"):
            assert not desk.mine(reference, VISITOR)
            with pytest.raises(CorpusError, match="no such domain"):
                desk.corpus(reference, VISITOR)
    assert not apart.mine(mine, SimpleNamespace(session_hash="y"))  # type: ignore[arg-type]


def test_what_nobody_foresaw_is_told_without_its_insides(caplog: pytest.LogCaptureFixture) -> None:
    assert told(CorpusError("A sentence.")) == "A sentence."
    assert told(RuntimeError("/secret/path")) == (
        "Something went wrong inside; the server's log says what."
    )
    assert "/secret/path" in caplog.text
