"""Brings answers and references to one form, so that equal answers compare equal.

The rules are those of SQuAD v1.1's official `evaluate-v1.1.py` (lowercase; delete punctuation;
drop the articles a, an, the; collapse white space), carried over to Unicode and to quantities:

* NFKC comes first, so full-width forms, ligatures and "℃" equal their plain spellings.
* Punctuation is every character of Unicode category P, not ASCII's alone, and is deleted rather
  than replaced, as v1.1 does ("well-known" becomes "wellknown"). The em dash becomes a space:
  v1.1 does not know it, and deleting it would join two words.
* A point or comma between digits stays ("3.99" is one token); a comma before exactly three
  digits is a thousands separator and goes ("1,000" equals "1000").
* v1.1 deletes ASCII symbols such as "$" and "+". Symbols (category S) and the percent sign change
  what an answer says, so they stay, each a token of its own: "€59" equals "€ 59", "5%" equals
  "5 %". The backtick and the bar still go: in answers they are mark-up.
* As in v1.1, a hyphen before a number is punctuation like any other: "-5" equals "5".

SQuAD's v1.1 and v2.0 scripts differ where nothing is left: "the" against "a" scores exact match 1
and F1 0 under v1.1 (no token overlaps), but F1 1 under v2.0. This project keeps to v1.1.
"""

import re
import unicodedata
from collections.abc import Iterator

ARTICLES = frozenset({"a", "an", "the"})

_POINTS = frozenset(".,")
_AMOUNT_SIGNS = frozenset("%‰")  # category Po, yet part of the amount
_MARKUP = frozenset("`|")  # category S, yet mark-up, and deleted by v1.1
_WORD_BREAKS = frozenset("—―")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")

#: Blocks of scripts written without spaces, first and last code point of each.
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # ideographic iteration mark, closing mark and zero
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana extensions
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han, compatibility
    (0x20000, 0x3FFFF),  # Han, supplementary planes
)


def normalise(text: str) -> str:
    """Give the normalised text, its words joined by single spaces; "" where nothing is left."""
    visible = unicodedata.normalize("NFKC", "".join(_visible(text)))
    kept = "".join(_without_punctuation(visible.lower()))
    # Lowercasing and deleting may leave a letter beside its combining mark: compose them again.
    words = unicodedata.normalize("NFKC", _THOUSANDS.sub("", kept)).split()
    return " ".join(word for word in words if word not in ARTICLES)


def tokens(text: str) -> list[str]:
    """Give the words of the normalised text; scripts without spaces give single characters.

    Combining marks stay with the character before them.
    """
    return [piece for word in normalise(text).split() for piece in _pieces(word)]


def contains(prediction: str, reference: str) -> bool:
    """Say whether the reference's tokens are a contiguous run of the prediction's tokens.

    "24 months" is in "a warranty of 24 months.", and "4 months" is not. A reference that
    normalises to nothing is only in a prediction that normalises to nothing.
    """
    wanted, given = tokens(reference), tokens(prediction)
    if not wanted:
        return not given
    starts = range(len(given) - len(wanted) + 1)
    return any(given[start : start + len(wanted)] == wanted for start in starts)


def _visible(text: str) -> Iterator[str]:
    """Give the characters of `text` without controls, joiners and variation selectors."""
    for char in text:
        invisible = unicodedata.category(char) in {"Cc", "Cf"} and not char.isspace()
        if not invisible and not 0xFE00 <= ord(char) <= 0xFE0F:
            yield char


def _without_punctuation(text: str) -> Iterator[str]:
    """Give what stays of lowercase `text`, with spaces around symbols."""
    for position, char in enumerate(text):
        category = unicodedata.category(char)
        if char in _POINTS:
            around = text[max(position - 1, 0) : position + 2]
            if len(around) == 3 and around[0].isdecimal() and around[2].isdecimal():
                yield char
        elif char in _AMOUNT_SIGNS or (category[0] == "S" and char not in _MARKUP):
            yield f" {char} "
        elif char in _WORD_BREAKS:
            yield " "
        elif category[0] != "P" and char not in _MARKUP:
            yield char


def _pieces(word: str) -> Iterator[str]:
    """Split a word before and after every character of a script without spaces."""
    start = 0
    previous_unspaced = False
    for position, char in enumerate(word):
        if unicodedata.category(char)[0] == "M":
            continue
        unspaced = _is_unspaced(char)
        if position > start and (unspaced or previous_unspaced):
            yield word[start:position]
            start = position
        previous_unspaced = unspaced
    yield word[start:]


def _is_unspaced(char: str) -> bool:
    """Say whether the character is of a script without spaces; its digits form numbers."""
    code = ord(char)
    return not char.isdecimal() and any(first <= code <= last for first, last in _UNSPACED)
