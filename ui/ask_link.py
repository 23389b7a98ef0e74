"""Links to a question: the page's own address with the question behind it, and back."""

from collections.abc import Collection, Mapping
from urllib.parse import urlencode

from ui.ask_state import FIRST_VIEW, VIEWS, Asking

#: How a view is called in a link: words on the page may change, links may not.
_SHORT = dict(zip(VIEWS, ("two", "four"), strict=True))


def link(asking: Asking) -> str:
    """Make the link, relative to the page."""
    return "?" + urlencode(
        {"domain": asking.domain, "q": asking.question, "view": _SHORT[asking.view]}
    )


def from_link(
    parameters: Mapping[str, str], domains: Collection[str], *, longest: int
) -> Asking | None:
    """Read what a link asks; None where it names no question or none of the page's domains.

    :param longest: characters that a question may have.
    """
    question, domain = parameters.get("q", "").strip()[:longest], parameters.get("domain", "")
    if not question or domain not in domains:
        return None
    view = next((one for one, short in _SHORT.items() if short == parameters.get("view")), None)
    return Asking(question, domain, view or FIRST_VIEW)
