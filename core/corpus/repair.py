"""Finds what a quote that is not word for word in its document was meant to be."""

#: How alike (0..100) a stretch of the document must be to pass for the quote.
_ALIKE = 85.0


def find_quote(quote: str, text: str) -> str | None:
    """Give the stretch of `text` that the quote stands for; None when there is none like it.

    Whole words are taken. Numbers must agree: a quote with another number is another claim.
    """
    from rapidfuzz.fuzz import partial_ratio_alignment  # noqa: PLC0415  (slow to import)

    if not quote.strip():
        return None
    found = partial_ratio_alignment(quote, text, score_cutoff=_ALIKE)
    if found is None:
        return None
    start, end = found.dest_start, found.dest_end
    while start > 0 and text[start].isalnum() and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    stretch = text[start:end].strip()
    return stretch if _digits(stretch) == _digits(quote) else None


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())
