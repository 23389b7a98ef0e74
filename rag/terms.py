"""Words as the lexical search counts them: lower case, without stop words, stemmed.

Snowball's stemmers for the languages that have one; other languages are matched word by word, and
scripts without spaces by pairs of characters.
"""

import re
import threading
import unicodedata
from functools import lru_cache
from typing import Any

import Stemmer
from bm25s import stopwords

_STEMMERS = {"en": "english", "de": "german", "fr": "french", "es": "spanish", "it": "italian",
             "nl": "dutch", "pt": "portuguese", "sv": "swedish", "no": "norwegian",
             "da": "danish", "fi": "finnish", "ru": "russian"}  # fmt: skip
_STOPWORDS = {
    "en": frozenset(stopwords.STOPWORDS_EN),
    "de": frozenset(stopwords.STOPWORDS_GERMAN),
    "fr": frozenset(stopwords.STOPWORDS_FRENCH),
    "es": frozenset(stopwords.STOPWORDS_SPANISH),
    "it": frozenset(stopwords.STOPWORDS_ITALIAN),
    "nl": frozenset(stopwords.STOPWORDS_DUTCH),
    "pt": frozenset(stopwords.STOPWORDS_PORTUGUESE),
    "sv": frozenset(stopwords.STOPWORDS_SWEDISH),
    "no": frozenset(stopwords.STOPWORDS_NORWEGIAN),
    "da": frozenset(stopwords.STOPWORDS_DANISH),
    "ru": frozenset(stopwords.STOPWORDS_RUSSIAN),
}
_WORD = re.compile(r"\w+")
#: Scripts that are written without spaces: kana, Han, Thai, Lao, Khmer, Myanmar.
_UNSPACED = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1780-\u17ff\u1000-\u109f]+"
)


def terms(text: str, *, language: str = "en") -> list[str]:
    """Terms of a text, in its order."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    kept = [word for word in words if word not in _STOPWORDS.get(language, ())]
    stemmer = _stemmer(language, threading.get_ident())
    spaced = [word for word in kept if not _UNSPACED.search(word)]
    stems = iter(stemmer.stemWords(spaced) if stemmer else spaced)
    found: list[str] = []
    for word in kept:
        if _UNSPACED.search(word):
            found += [word] if len(word) == 1 else [word[i : i + 2] for i in range(len(word) - 1)]
        else:
            found.append(next(stems))
    return found


@lru_cache(maxsize=64)
def _stemmer(language: str, _thread: int) -> Any:
    """A stemmer of the thread's own: it keeps its state between calls."""
    return Stemmer.Stemmer(_STEMMERS[language]) if language in _STEMMERS else None
