"""Likely personal data is found by its form; what belongs to nobody is passed over."""

import pytest

from core.corpus.personal_data import find_personal_data

PERSONAL = [
    ("Write to jane.roe+home@corp-mail.co.uk.", "en", "an e-mail address"),
    ("Call (415) 555-2671 after six.", "en", "a telephone number"),
    ("Ring +49 30 901820 in Berlin.", "en", "a telephone number"),
    ("Ruf 030 901820 an.", "de", "a telephone number"),
    ("Pay to DE89 3704 0044 0532 0130 00 today.", "en", "a bank account number"),
    ("GB82WEST12345698765432", "en", "a bank account number"),
    ("My card is 4111 1111 1111 1111.", "en", "a card number"),
    ("5500-0055-5555-5559", "en", "a card number"),
]


@pytest.mark.parametrize(("text", "language", "what"), PERSONAL)
def test_personal_data_is_found_and_not_shown_in_full(text: str, language: str, what: str) -> None:
    found = find_personal_data(text, language=language)
    assert [one.what for one in found] == [what]
    assert found[0].shown not in text
    assert "…" in found[0].shown


NOBODY = [
    "Write to help@halden.example or ask@example.com or a@b.test.",
    "Our free line is 0800 555 0142.",
    "Pay to DE00 3704 0044 0532 0130 00 today.",  # no such check digits
    "The number 4111 1111 1111 1112 is no card.",
    "Item 1234567890123456 and 9781861972712 are an article and a book.",
    "From 1999-2003, n = 1234567 and p = 0.05; 32.7-34.9/1000 of the children.",
    "The address 192.168.77.200 is that of a router, and port 7707 is closed.",
    "It costs €1,499.00 and weighs 1,150 grams (2024-06-01 12:30:45).",
    "An @ alone, or user@localhost, is none.",
    "",
]


@pytest.mark.parametrize("text", NOBODY)
def test_what_belongs_to_nobody_is_passed_over(text: str) -> None:
    assert find_personal_data(text) == []


def test_all_are_found_in_the_order_of_the_text() -> None:
    text = "Ring +44 20 7946 0958, or write to a.b@corp.com; IBAN DE89 3704 0044 0532 0130 00."
    found = find_personal_data(text)
    assert [one.what.split()[-1] for one in found] == ["number", "address", "number"]
    assert [one.start for one in found] == sorted(one.start for one in found)
