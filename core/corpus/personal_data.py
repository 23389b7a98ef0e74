"""Finds likely personal data: e-mail addresses, telephone, bank account and card numbers.

It finds forms, not people: a support line is found like a private one, and a name is not found at
all. Reserved examples (`@x.example`, 555-01xx) and free or premium numbers are passed over.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
_RESERVED = re.compile(r"(?:^|\.)(?:example|test|invalid|localhost|example\.(?:com|net|org))$")
_ACCOUNT = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b")
_CARD = re.compile(r"\b\d(?:[ -]?\d){12,18}\b")
#: Numbers without a country code are read as those of the language's largest countries.
_REGIONS = {"en": ("US", "GB"), "de": ("DE",), "fr": ("FR",), "es": ("ES",), "it": ("IT",)}

#: phonenumbers' Leniency.STRICT_GROUPING: digits grouped as the country groups them. Any valid
#: number is too many: "32.7-34.9/1000" passes for an American one.
_GROUPED = 2


@dataclass(frozen=True)
class PersonalData:
    """What was found, and where in the text; `shown` hides most of it."""

    what: str
    start: int
    shown: str


def find_personal_data(text: str, *, language: str = "en") -> list[PersonalData]:
    """Find what looks like personal data, in the order of the text."""
    if not any(character.isdigit() or character == "@" for character in text):
        return []
    found = [*_emails(text), *_accounts(text), *_phones(text, language)]
    return sorted(found, key=lambda one: one.start)


def _emails(text: str) -> Iterator[PersonalData]:
    for match in _EMAIL.finditer(text):
        name, _, domain = match.group().partition("@")
        if not _RESERVED.search(domain.lower()):
            yield PersonalData("an e-mail address", match.start(), f"{name[:1]}…@{domain}")


def _accounts(text: str) -> Iterator[PersonalData]:
    from stdnum import iban, luhn  # noqa: PLC0415  (slow to import)

    for match in _ACCOUNT.finditer(text):
        if iban.is_valid(match.group()):
            yield PersonalData("a bank account number", match.start(), _hidden(match.group()))
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        # The first digit names the industry: 3 to 6 are banks and travel.
        if digits[0] in "3456" and len(set(digits)) > 1 and luhn.is_valid(digits):
            yield PersonalData("a card number", match.start(), _hidden(match.group()))


def _phones(text: str, language: str) -> Iterator[PersonalData]:
    import phonenumbers  # noqa: PLC0415  (slow to import)

    of_no_one = {
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.UAN,
    }
    seen = set()
    for region in _REGIONS.get(language, (None,)):
        for match in phonenumbers.PhoneNumberMatcher(text, region, _GROUPED):
            written = match.raw_string
            # Ten digits in a row are an order number as often as a telephone's.
            separated = bool(re.search(r"[ ()+/-]", written))
            if match.start in seen or not separated:
                continue
            seen.add(match.start)
            if phonenumbers.number_type(match.number) not in of_no_one:
                yield PersonalData("a telephone number", match.start, _hidden(written))


def _hidden(number: str) -> str:
    return f"{number[:3]}…{number[-2:]}"
