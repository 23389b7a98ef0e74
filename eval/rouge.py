"""rouge_score over this project's tokens."""

from functools import cache

from nltk.stem.porter import PorterStemmer
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import Tokenizer

from core.normalise import tokens


class _StemmedTokens(Tokenizer):
    """Gives rouge_score this project's tokens; English words are stemmed as its own would be."""

    def __init__(self) -> None:
        self._stemmer = PorterStemmer()

    def tokenize(self, text: str) -> list[str]:
        """Give the tokens of `text`; those of over three ASCII characters are stemmed."""
        return [
            self._stemmer.stem(token) if len(token) > 3 and token.isascii() else token
            for token in tokens(text)
        ]


@cache
def rouge_scorer(names: tuple[str, ...]) -> RougeScorer:
    """The scorer of these F-measures, made once."""
    # rouge_score passes use_stemmer to its own tokenizer alone; given ours, which stems, it has
    # no effect and is stated for the reader.
    return RougeScorer(list(names), use_stemmer=True, tokenizer=_StemmedTokens())
