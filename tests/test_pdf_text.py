"""A PDF's lines become the paragraphs, headings and lists that its reader sees."""

from pathlib import Path

import fpdf
import pytest

from core.corpus.documents import load_document

LONG = (
    "The Alpha weighs 240 grams without its power unit, and it stands on four feet of rubber that "
    "can be ordered separately. It is sold in two colours, of which the second is far the rarer. "
)


def _load(folder: Path, *parts: tuple[int, str], pages: int = 1, space: int = 0) -> str:
    pdf = fpdf.FPDF()
    for _ in range(pages):
        pdf.add_page()
        for size, text in parts:
            pdf.set_font("Times", size=size)
            pdf.multi_cell(0, size / 2, text, new_x="LMARGIN", new_y="NEXT")
            pdf.ln(space)
    pdf.output(str(folder / "x.pdf"))
    return load_document(folder / "x.pdf", folder).text


def test_filled_lines_are_joined_and_paragraphs_stay_apart(tmp_path: Path) -> None:
    text = _load(tmp_path, (11, LONG * 2), (11, "A second paragraph."), (11, LONG), space=3)
    assert text.split("\n\n") == [
        " ".join((LONG * 2).split()),
        "A second paragraph.",
        LONG.strip() + "\n",
    ]


def test_larger_type_is_a_heading_and_lists_keep_their_items(tmp_path: Path) -> None:
    text = _load(
        tmp_path, (18, "Alpha router"), (11, LONG), (14, "In the box"), (11, "- the router"),
        (11, "- a cable"), (11, "1. Plug it in."), (11, LONG),
    )  # fmt: skip
    assert text.startswith("# Alpha router\n\nThe Alpha weighs")
    assert "\n\n## In the box\n\n- the router\n- a cable\n1. Plug it in.\n\nThe Alpha" in text


def test_every_page_s_text_is_there_and_the_title_is_the_heading(tmp_path: Path) -> None:
    _load(tmp_path, (18, "Alpha router"), (11, LONG), pages=3)
    document = load_document(tmp_path / "x.pdf", tmp_path)
    assert document.title == "Alpha router"
    assert document.text.count("The Alpha weighs 240 grams") == 3


def test_a_typesetter_s_hyphen_goes_and_a_compound_s_stays(tmp_path: Path) -> None:
    word = "x" * 60
    text = _load(
        tmp_path, (11, f"{word} and a won-\nderful lamp"), (11, f"{word} and the USB-\nC port")
    )
    assert "wonderful lamp" in text or "won-\n\nderful" in text
    assert "USB-" in text and "USBC" not in text


def test_a_page_without_text_is_refused_with_its_likely_reason(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="holds no text \\(a scan without text"):
        _load(tmp_path)
