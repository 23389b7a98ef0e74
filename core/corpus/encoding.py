"""Finds the encoding of a text file: Unicode where it is, else the likeliest of the old ones."""

import codecs
from pathlib import Path

from core.errors import CorpusError

#: What old office programs and exports leave behind; anything else has to be named.
_OLD = ["cp1252", "cp1250", "cp1251", "iso8859_15", "mac_roman", "koi8_r", "shift_jis", "euc_jp",
        "gb18030", "big5", "euc_kr", "cp1253", "cp1255", "cp1256"]  # fmt: skip
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Bytes that an old encoding is guessed from, around the first that is not UTF-8.
_SAMPLE = 1 << 17


def detect_encoding(path: Path) -> str:
    """Give the name of a file's encoding, as Python's codecs know it; reads in blocks."""
    with open(path, "rb") as file:
        head = file.read(4096)
        for mark, encoding in _MARKS:
            if head.startswith(mark):
                return encoding
        # UTF-16 without its mark: every other byte of plain letters is 0.
        pairs = head[: len(head) // 2 * 2]
        if pairs and not any(pairs[1::2]):
            return "utf-16-le"
        if pairs and not any(pairs[0::2]):
            return "utf-16-be"
        file.seek(0)
        wrong = _first_not_utf8(file)
        if wrong is None:
            return "utf-8"
        file.seek(max(0, wrong - _SAMPLE // 2))
        return _likeliest(file.read(_SAMPLE))


def check_encoding(name: str) -> str:
    """Refuse the name of an encoding that Python does not know.

    :raises CorpusError: names it.
    """
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise CorpusError(
            f"There is no encoding {name!r}; utf-8, utf-16, cp1252 or shift_jis are some."
        ) from error


def _first_not_utf8(file: object) -> int | None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    done = 0
    while block := file.read(1 << 20):  # type: ignore[attr-defined]
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            return done + error.start
        done += len(block)
    return done if decoder.getstate()[0] else None


def _likeliest(sample: bytes) -> str:
    from charset_normalizer import from_bytes  # noqa: PLC0415  (slow to import)

    found = from_bytes(sample, cp_isolation=_OLD)
    best = found.best()
    if best is None:
        return "cp1252"
    # Windows-1252 decodes Western text no worse than its neighbours and is by far the commonest.
    western = next((one for one in found if "cp1252" in one.could_be_from_charset), None)
    if western and western.chaos <= best.chaos + 0.01 and western.coherence >= best.coherence - 0.1:
        return "cp1252"
    return str(best.encoding)
