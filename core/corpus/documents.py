"""Loads a document file as text: Markdown and text as they stand, the others converted.

Every library does what it is best at: `markdownify` for HTML, `mammoth` for DOCX (to HTML, so
headings survive), `pypdf` for PDF, page by page. Offsets of passages refer to the text given back
here.
"""

import csv
import io
import re
import zipfile
from bisect import bisect
from pathlib import Path

from core.corpus.encoding import detect_encoding
from core.corpus.pdf_text import common_size, page_text
from core.errors import CorpusError
from core.records import Document

SUFFIXES = (".md", ".txt", ".html", ".pdf", ".docx", ".csv")

#: A help page is some kilobytes; beyond this a file is a mistake, not a document.
MAX_BYTES = 20_000_000
#: What an office file may unpack to, and how many times its own size: beyond is a zip bomb.
_MAX_UNPACKED, _MAX_RATIO = 200_000_000, 200
#: Text that comes out of a file; a book has two million characters.
MAX_CHARACTERS = 5_000_000
_MAX_PAGES = 2_000
#: Elements of a web page that hold no text of it.
_FURNITURE = "script|style|head|nav|template|noscript"


def document_paths(folder: Path) -> list[Path]:
    """All document files below `folder`, in the order of their ids; links out are not followed."""
    root = folder.resolve()
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and path.resolve().is_relative_to(root)
    ]
    return sorted(found, key=lambda path: (path.relative_to(folder).with_suffix(""), path.suffix))


def load_document(path: Path, folder: Path) -> Document:
    """Load one file; its id is its path below `folder` without the suffix.

    :raises CorpusError: when the file is too large, damaged, or holds no text.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CorpusError(f"{path}: {path.stat().st_size} bytes; the most is {MAX_BYTES}.")
        parts = _READERS[path.suffix.lower()](path)
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror or error}).") from error
    parts = [_plain(part) for part in parts]
    text = "\n\n".join(part for part in parts if part.strip())
    if path.suffix.lower() == ".pdf":
        text = f"{text}\n"
    if len(text) > MAX_CHARACTERS:
        raise CorpusError(
            f"{path}: holds {len(text)} characters; the most is {MAX_CHARACTERS}. Split it."
        )
    if not text.strip():
        raise CorpusError(f"{path}: holds no text (a scan without text?). Remove or replace it.")
    document_id = path.relative_to(folder).with_suffix("").as_posix()
    return Document(
        id=document_id,
        title=_title(text) or document_id,
        text=text,
        source=path.relative_to(folder).as_posix(),
        pages=_page_starts(parts) if path.suffix.lower() == ".pdf" else (),
    )


def _plain(text: str) -> str:
    """Text as it is kept: one kind of line end, no null characters, no halves of characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.encode("utf-8", "replace").decode("utf-8")


def _page_starts(parts: list[str]) -> tuple[int, ...]:
    """Where each page begins; a page without text begins where the next one does."""
    starts, position = [], 0
    for part in parts:
        starts.append(position)
        if part.strip():
            position += len(part) + 2
    return tuple(starts)


def _title(text: str) -> str:
    """Take the first heading, if a heading opens the document."""
    match = re.match(r"\s*#\s+(.+)", text)
    return match.group(1).strip() if match else ""


def _decoded(path: Path) -> str:
    text = path.read_bytes().decode(detect_encoding(path), errors="replace")
    return text.removeprefix("\ufeff")


def _read_text(path: Path) -> list[str]:
    return [_decoded(path)]


def _read_html(path: Path) -> list[str]:
    from markdownify import markdownify  # noqa: PLC0415  (slow to import; most corpora have none)

    return [_spaced(markdownify(_without_furniture(_decoded(path)), heading_style="ATX"))]


def _without_furniture(html: str) -> str:
    """Take out what is no text of the page, from each opening tag to the next closing one.

    In one pass: a pattern that looks for both ends takes minutes where many ends are missing.
    """
    closings: dict[str, list[int]] = {}
    for found in re.finditer(rf"(?i)</({_FURNITURE})>", html):
        closings.setdefault(found[1].lower(), []).append(found.end())
    kept, position = [], 0
    for found in re.finditer(rf"(?i)<({_FURNITURE})\b", html):
        ends = closings.get(found[1].lower(), [])
        after = bisect(ends, found.end())
        if found.start() >= position and after < len(ends):
            kept.append(html[position : found.start()])
            position = ends[after]
    return " ".join([*kept, html[position:]])


def _read_docx(path: Path) -> list[str]:
    import mammoth  # noqa: PLC0415  (slow to import)
    from markdownify import markdownify  # noqa: PLC0415

    _refuse_zip_bomb(path)
    try:
        with open(path, "rb") as file:
            html = mammoth.convert_to_html(file).value
    except Exception as error:  # zip and XML errors of many types all mean one thing
        raise CorpusError(f"{path}: is no readable .docx file ({error}).") from error
    return [_spaced(markdownify(html, heading_style="ATX"))]


def _refuse_zip_bomb(path: Path) -> None:
    """Look at what an office file says it unpacks to before unpacking it."""
    try:
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(member.file_size for member in packed.infolist())
            encrypted = any(member.flag_bits & 1 for member in packed.infolist())
    except (zipfile.BadZipFile, ValueError) as error:
        raise CorpusError(f"{path}: is no readable .docx file ({error}).") from error
    if encrypted:
        raise CorpusError(f"{path}: is encrypted; save it without a password.")
    size = path.stat().st_size
    if unpacked > min(_MAX_UNPACKED, max(_MAX_RATIO * size, 1_000_000)):
        raise CorpusError(
            f"{path}: would unpack from {size} to {unpacked} bytes, which no document does."
        )


def _read_pdf(path: Path) -> list[str]:
    from pypdf import PdfReader  # noqa: PLC0415  (slow to import)
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    try:
        reader = PdfReader(path)
        if reader.is_encrypted:
            raise CorpusError(f"{path}: is encrypted; save it without a password.")
        if len(reader.pages) > _MAX_PAGES:
            raise CorpusError(f"{path}: has {len(reader.pages)} pages; the most is {_MAX_PAGES}.")
        pages = list(reader.pages)
        body_size = common_size(pages)
        return [page_text(page, body_size=body_size) for page in pages]
    except CorpusError:
        raise
    except (PyPdfError, RecursionError, MemoryError, Exception) as error:
        # Broken files raise pypdf's own and nearly every builtin type.
        raise CorpusError(f"{path}: is no readable PDF ({error}).") from error


def _read_csv(path: Path) -> list[str]:
    """Each row as a paragraph of `column: value`, so that it can be found and read alone."""
    csv.field_size_limit(MAX_BYTES)
    text = _decoded(path)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise CorpusError(f"{path}: is no CSV that can be read ({error}).") from error
    if len(rows) < 2:
        raise CorpusError(f"{path}: has no rows below its first line, which names the columns.")
    names = [name.strip() for name in rows[0]]
    paragraphs, length = [], 0
    for row in rows[1:]:
        cells = [
            f"{name}: {' '.join(value.split())}" if name else " ".join(value.split())
            for name, value in zip([*names, *[""] * len(row)], row, strict=False)
            if value.strip()
        ]
        if cells:
            paragraphs.append("; ".join(cells) + ".")
            # Each row repeats the columns' names: a small file may be a long text.
            length += len(paragraphs[-1])
            if length > MAX_CHARACTERS:
                break  # it is too long as it is; `load_document` says so
    return ["\n\n".join(paragraphs)]


def _spaced(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


_READERS = {
    ".md": _read_text,
    ".txt": _read_text,
    ".html": _read_html,
    ".pdf": _read_pdf,
    ".docx": _read_docx,
    ".csv": _read_csv,
}
