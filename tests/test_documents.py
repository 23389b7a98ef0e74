"""A folder of documents as people have them: odd files are told one by one, and the rest loads."""

import re
import zipfile
from pathlib import Path

import docx
import fpdf
import pytest
from conftest import write_corpus
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from core.corpus.documents import MAX_BYTES, _without_furniture, load_document
from core.corpus.read import read_corpus
from core.errors import CorpusError
from rag.passages import split_document

TEXT = "The Alpha weighs 240 grams and stands on four feet of rubber. "


def _pdf(path: Path, *pages: str) -> Path:
    pdf = fpdf.FPDF()
    for text in pages:
        pdf.add_page()
        pdf.set_font("Times", size=11)
        if text:
            pdf.multi_cell(0, 6, text)
    pdf.output(str(path))
    return path


def test_a_pdf_keeps_its_page_numbers(tmp_path: Path) -> None:
    _pdf(tmp_path / "x.pdf", "First page. " + TEXT * 9, "", "Third page. " + TEXT * 9)
    document = load_document(tmp_path / "x.pdf", tmp_path)
    assert len(document.pages) == 3
    assert document.text[document.pages[2] :].startswith("Third page.")
    passages = split_document(document)
    pages = {passage.text.split(".")[0]: passage.page for passage in passages}
    assert pages["First page"] == 1
    assert pages["Third page"] == 3
    assert all(document.text[one.start : one.end] == one.text for one in passages)


def test_files_without_pages_have_none(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text(TEXT)
    document = load_document(tmp_path / "x.md", tmp_path)
    assert document.pages == ()
    assert [passage.page for passage in split_document(document)] == [None]


def test_an_encrypted_or_image_only_or_broken_pdf_is_refused_in_a_line(tmp_path: Path) -> None:
    plain = _pdf(tmp_path / "plain.pdf", TEXT)
    writer = PdfWriter(clone_from=PdfReader(plain))
    writer.encrypt("secret")
    writer.write(tmp_path / "locked.pdf")
    _pdf(tmp_path / "scan.pdf", "", "")
    (tmp_path / "cut.pdf").write_bytes(plain.read_bytes()[:300])
    for name, message in (
        ("locked", "is encrypted"), ("scan", "a scan without text"), ("cut", "is no readable PDF"),
    ):  # fmt: skip
        with pytest.raises(CorpusError, match=message) as raised:
            load_document(tmp_path / f"{name}.pdf", tmp_path)
        assert "\n" not in str(raised.value)
        assert str(raised.value).startswith(str(tmp_path / f"{name}.pdf"))


def test_a_word_file_keeps_headings_and_lists(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Alpha", 1)
    document.add_paragraph(TEXT)
    document.add_paragraph("four feet", style="List Bullet")
    document.save(tmp_path / "x.docx")
    loaded = load_document(tmp_path / "x.docx", tmp_path)
    assert loaded.title == "Alpha"
    assert "* four feet" in loaded.text


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("word/document.xml", b"0" * 60_000_000)
    with pytest.raises(CorpusError, match=r"would unpack from .* to 60000000 bytes"):
        load_document(path, tmp_path)


def test_a_csv_s_rows_are_paragraphs_that_name_their_columns(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text(
        'Product;Price;Note\r\nAlpha;"240\neuros";new\r\nBeta;;\r\n;;\r\nGamma;9;old;extra\r\n'
    )
    document = load_document(tmp_path / "prices.csv", tmp_path)
    assert document.text.split("\n\n") == [
        "Product: Alpha; Price: 240 euros; Note: new.",
        "Product: Beta.",
        "Product: Gamma; Price: 9; Note: old; extra.",
    ]
    (tmp_path / "empty.csv").write_text("Product;Price\n")
    with pytest.raises(CorpusError, match="no rows below its first line"):
        load_document(tmp_path / "empty.csv", tmp_path)


def test_scripts_and_menus_of_a_web_page_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text(
        "<html><head><title>T</title><style>p {}</style></head><body><nav>Menu</nav><h1>Alpha</h1>"
        f"<p>{TEXT}</p><script>alert('x')</script></body></html>"
    )
    text = load_document(tmp_path / "x.html", tmp_path).text
    assert text.startswith("# Alpha")
    assert "alert" not in text and "Menu" not in text and "p {}" not in text


def test_a_file_too_large_or_with_too_much_text_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "big.txt").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(CorpusError, match="the most is"):
        load_document(tmp_path / "big.txt", tmp_path)
    (tmp_path / "long.txt").write_text("word " * 1_100_000)
    with pytest.raises(CorpusError, match="holds 5500000 characters"):
        load_document(tmp_path / "long.txt", tmp_path)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a\x00b\r\nc\rd", "ab\nc\nd"),
        ("\ufeffcaf\u00e9".encode(), "caf\u00e9"),
        ("caf\u00e9 \u201eso\u201c und gr\u00fcn, sch\u00f6n, gro\u00df".encode("cp1252"),
         "caf\u00e9 \u201eso\u201c und gr\u00fcn, sch\u00f6n, gro\u00df"),
        ("гарантия 24 месяца на этот товар".encode("cp1251"), "гарантия 24 месяца на этот товар"),
        ("保証期間は二十四か月です。".encode("shift_jis"), "保証期間は二十四か月です。"),
        ("text".encode("utf-16-le"), "text"),
        ("😀 emoji and \u202eright-to-left عربي".encode(), "😀 emoji and \u202eright-to-left عربي"),
    ],
)  # fmt: skip
def test_any_encoding_and_any_character_is_read(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "x.txt").write_bytes(content)
    document = load_document(tmp_path / "x.txt", tmp_path)
    assert document.text == text
    for passage in split_document(document):
        assert document.text[passage.start : passage.end] == passage.text


def test_what_cannot_be_read_is_told_and_the_rest_loads(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "c", {"one": TEXT, "two": TEXT * 2}, [])
    (folder / "documents" / "broken.pdf").write_bytes(b"%PDF-1.4 no more")
    (folder / "documents" / "empty.md").write_text("  ")
    (tmp_path / "secret.md").write_text("the password")
    (folder / "documents" / "link.md").symlink_to(tmp_path / "secret.md")
    corpus = read_corpus(str(folder))
    assert [one.id for one in corpus.documents] == ["one", "two"]
    assert len(corpus.problems) == 2
    assert "broken.pdf: is no readable PDF" in corpus.problems[0]
    assert "empty.md: holds no text" in corpus.problems[1]


def test_a_corpus_of_nothing_readable_says_why(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "c", {"empty": " "}, [])
    with pytest.raises(CorpusError, match=r"empty\.md: holds no text"):
        read_corpus(str(folder))


def test_a_table_that_would_grow_without_end_is_refused_early(tmp_path: Path) -> None:
    # Its column's name, repeated in each row, would make some ten gigabytes of it.
    (tmp_path / "x.csv").write_text("N" * 100_000 + "\n" + "a\n" * 100_000)
    with pytest.raises(CorpusError, match="the most is 5000000"):
        load_document(tmp_path / "x.csv", tmp_path)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<nav>",
                "<NAV id='a'>",
                "</nav>",
                "<script>",
                "</script>",
                "<navy>",
                "<style",
                "x",
                ">",
            ]
        ),
        max_size=14,
    )
)
def test_furniture_is_what_the_plain_pattern_takes_out(parts: list[str]) -> None:
    html = "".join(parts)
    pattern = r"(?is)<(script|style|head|nav|template|noscript)\b.*?</\1>"
    assert _without_furniture(html) == re.sub(pattern, " ", html)


def test_menus_without_an_end_take_no_time() -> None:
    # The plain pattern would look for an end 150,000 times, through all of the file.
    assert _without_furniture("<nav " * 150_000).count("<nav") == 150_000
