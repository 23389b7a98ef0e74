"""Loads a document file as text: Markdown and text as they stand, HTML, PDF and DOCX converted.

Every library does what it is best at: `markdownify` for HTML, `mammoth` for DOCX (to HTML, so
headings survive), `pypdf` for PDF. Offsets of passages refer to the text given back here.
"""

import re
from pathlib import Path

from core.corpus.pdf_text import common_size, page_text
from core.errors import CorpusError
from core.records import Document

SUFFIXES = (".md", ".txt", ".html", ".pdf", ".docx")

#: A help page is some kilobytes; beyond this a file is a mistake, not a document.
MAX_BYTES = 20_000_000


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
    if path.stat().st_size > MAX_BYTES:
        raise CorpusError(f"{path}: {path.stat().st_size} bytes; the most is {MAX_BYTES}.")
    text = _READERS[path.suffix.lower()](path).replace("\r\n", "\n").replace("\0", "")
    if not text.strip():
        raise CorpusError(f"{path}: holds no text (a scan without text?). Remove or replace it.")
    document_id = path.relative_to(folder).with_suffix("").as_posix()
    return Document(
        id=document_id,
        title=_title(text) or document_id,
        text=text,
        source=path.relative_to(folder).as_posix(),
    )


def _title(text: str) -> str:
    """Take the first heading, if a heading opens the document."""
    match = re.match(r"\s*#\s+(.+)", text)
    return match.group(1).strip() if match else ""


def _read_text(path: Path) -> str:
    raw = path.read_bytes()
    for encoding in (
        ("utf-8-sig", "utf-16") if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",)
    ):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    # Neither Unicode form: Windows-1252 is what old office files use; it decodes nearly any byte.
    return raw.decode("cp1252", errors="replace")


def _read_html(path: Path) -> str:
    from markdownify import markdownify  # noqa: PLC0415  (slow to import; most corpora have none)

    body = re.sub(r"(?is)<(script|style|head|nav)\b.*?</\1>", " ", _read_text(path))
    return re.sub(r"\n{3,}", "\n\n", markdownify(body, heading_style="ATX")).strip() + "\n"


def _read_docx(path: Path) -> str:
    import mammoth  # noqa: PLC0415  (slow to import)
    from markdownify import markdownify  # noqa: PLC0415

    try:
        with open(path, "rb") as file:
            html = mammoth.convert_to_html(file).value
    except Exception as error:  # zip and XML errors of many types all mean one thing
        raise CorpusError(f"{path}: is no readable .docx file ({error}).") from error
    return markdownify(html, heading_style="ATX").strip() + "\n"


def _read_pdf(path: Path) -> str:
    from pypdf import PdfReader  # noqa: PLC0415  (slow to import)
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    try:
        reader = PdfReader(path)
        if reader.is_encrypted:
            raise CorpusError(f"{path}: is encrypted; save it without a password.")
        body_size = common_size(list(reader.pages))
        pages = [page_text(page, body_size=body_size) for page in reader.pages]
        return "\n\n".join(page for page in pages if page).strip() + "\n"
    except (PyPdfError, ValueError, KeyError, OSError) as error:
        raise CorpusError(f"{path}: is no readable PDF ({error}).") from error


_READERS = {
    ".md": _read_text,
    ".txt": _read_text,
    ".html": _read_html,
    ".pdf": _read_pdf,
    ".docx": _read_docx,
}
