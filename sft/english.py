"""Rules that put an English question into other words; each gives None where it does not fit."""

import random
import re
from collections.abc import Sequence

_FUNCTION_WORD = re.compile(
    r"\b(?:the|is|are|was|were|what|which|who|how|when|where|does|do|did|of|and|my|for|with|to)\b",
    re.IGNORECASE,
)
_QUESTION_WORD = re.compile(
    r"(?:What|Which|Who|Whose|Whom|When|Where|Why|How|Is|Are|Was|Were|Does|Do|Did|Can|Could|May|"
    r"Must|Should|Will|Would|Has|Have|Had)\b"
)
#: Words that may begin a sentence and are small within one.
_SMALL = re.compile(
    rf"(?:{_QUESTION_WORD.pattern}|(?:At|By|For|From|In|On|To|Of|With|Within|Until|After|Before|If|"
    r"Once|The|A|An|My|Our|Your|This|That|Please|Tell)\b)"
)
_OPENINGS = (
    "Hello. {}", "Hi there, {}", "Good morning. {}", "A quick question: {}", "Please help me: {}",
    "I would like to know: {}", "My question: {}", "Excuse me, {}", "Sorry to bother you. {}",
    "Just to be sure: {}", "One more thing: {}", "{} Thank you.", "{} Thanks in advance.",
    "Dear team, {}", "I have been wondering: {}", "Somebody asked me: {}",
)  # fmt: skip
_POLITE = re.compile(
    r"(?:(?:Could|Can|Would|Will) you (?:please |kindly )?(?:tell me|let me know|say|remind me of)|"
    r"(?:Please|Kindly) (?:tell me|let me know|remind me of)|I (?:would like|want|need) to know|"
    r"Do you (?:happen to )?know) (?P<rest>[^?.]+)[?.]"
)
_WHAT_IS = re.compile(r"What (?:is|are|was|were) (?P<phrase>the [^?,;:.]+)\?")
#: Ends of a phrase that is half of a clause: "the lamp called", "the case made of".
_HALF = re.compile(r"\b(?:called|named|known|made|like|of|for|in|on|at|by|with|to|from|\w+ing)$")
_CLAUSE = re.compile(r"\b(?:when|while|if|because|that|which|who|called|named|doing|supposed)\b")
_NAME = re.compile(r"(?:[A-Z][\w-]*|\d+[A-Z]\w*)(?: (?:[A-Z][\w-]*|\d+)\b)*")
_ARTICLE = re.compile(r"\b(the|a|an|my|our|your) $", re.IGNORECASE)
_LAST_PHRASE = re.compile(
    r"(?P<body>.+?) (?P<preposition>of|on|for|with|in) (?P<name>(?:the |a |an |my |our )?"
    rf"{_NAME.pattern})\?"
)
#: Before "of": no owner follows.
_NO_OWNER = re.compile(r"\b(?:kind|sort|heard|made|out|because|instead|think|piece|part)$")
_STOP_WORDS = frozenset(
    "a an the is are was were be been do does did has have had can could may might must shall "
    "should will would i you he she it we they me my our your his her its their this that these "
    "those of to in on at by for from with and or but so as if then than there please tell what "
    "which who whom whose when where why how some any am not just many much say give look let know "
    "exactly".split()
)
_CONTRACTIONS = (
    ("What is", "What's"), ("what is", "what's"), ("Who is", "Who's"), ("Where is", "Where's"),
    ("How is", "How's"), ("that is", "that's"), ("I am", "I'm"), ("I have", "I've"),
    ("I would", "I'd"), ("do not", "don't"), ("does not", "doesn't"), ("did not", "didn't"),
    ("cannot", "can't"), ("is not", "isn't"), ("we are", "we're"),
)  # fmt: skip
#: As many keywords as somebody types.
_FEWEST, _MOST = 3, 8


def looks_english(texts: Sequence[str]) -> bool:
    """Say whether most of the texts hold an English function word and no other script's letters.

    A folder without a `corpus.toml` says it is English; this looks at what it holds.
    """
    held = [
        _FUNCTION_WORD.search(text) is not None
        and all(character < "ɐ" for character in text if character.isalpha())
        for text in texts
    ]
    return 2 * sum(held) > len(held)


def lower_first(text: str) -> str:
    """Begin a sentence small, where its first word is no name."""
    return text[:1].lower() + text[1:] if _SMALL.match(text) else text


def typed_quickly(text: str) -> str:
    """Write without capitals and without the mark at the end."""
    return text.lower().rstrip("?.! ")


def contracted(text: str) -> str | None:
    """Contract what is contracted when spoken: "What is" to "What's"."""
    short = text
    for full, contraction in _CONTRACTIONS:
        short = re.sub(rf"\b{full}\b(?=\s+\w)", contraction, short)
    return short if short != text else None


def politely(text: str, draw: random.Random) -> str:
    """Put a greeting or a request before the question, or thanks after it."""
    whole = re.search(r"[.;:!?] ", text) is None
    # A colon or comma opens one sentence, not two.
    frame = draw.choice([one for one in _OPENINGS if whole or not one.endswith((": {}", ", {}"))])
    inside = frame.endswith((": {}", ", {}"))
    return frame.format(lower_first(text) if inside else text)


def after_polite_words(text: str) -> str | None:
    """Give what a polite question is after: "when the guarantee ends"."""
    match = _POLITE.fullmatch(text)
    return match["rest"] if match else None


def noun_phrase(text: str) -> str | None:
    """Give what "What is the …?" asks for: "the weight of the Alpha"."""
    match = _WHAT_IS.fullmatch(text)
    if match is None or _HALF.search(match["phrase"]) or _CLAUSE.search(match["phrase"]):
        return None
    return match["phrase"]


def name_first(text: str) -> str | None:
    """Name the thing before the question: "For the Alpha: how long is the guarantee?"."""
    if not _QUESTION_WORD.match(text) or re.search(r"[.;:!?] ", text):
        return None
    match = _LAST_PHRASE.fullmatch(text)
    if match and not _NO_OWNER.search(match["body"]) and len(match["body"].split()) > 2:
        preposition = "for" if match["preposition"] == "of" else match["preposition"]
        return f"{preposition.capitalize()} {match['name']}: {lower_first(match['body'])}?"
    within = [found for found in _NAME.finditer(text) if found.start() and found.group() != "I"]
    if len(within) != 1 or _POLITE.fullmatch(text):
        return None
    name = within[0]
    article = _ARTICLE.search(text[: name.start()])
    before = f"{article[1].lower()} " if article else ""
    if before in ("a ", "an "):
        return None
    return f"About {before}{name.group()}: {lower_first(text)}"


def as_keywords(text: str, draw: random.Random) -> str | None:
    """Drop the small words, as in a search box; the words stay in order or the name comes first."""
    if re.search(r"[.,;:!] ", text) or not _NAME.search(text, 1):
        return None
    found = re.findall(r"[^\s?!.,;:\"“”()]+(?:[.,]\d+)*", text)
    kept = [word for word in found if word.lower() not in _STOP_WORDS]
    if not _FEWEST <= len(kept) <= _MOST:
        return None
    if draw.random() < 0.5:
        named = [word for word in kept if word[0].isupper() or any(c.isdigit() for c in word)]
        kept = [*named, *(word for word in kept if word not in named)]
    return " ".join(kept)
