"""Words are counted as a reader would: case, endings and small words aside, names whole."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.terms import terms


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("How long are the warranties?", "en", ["how", "long", "warranti"]),
        ("The RX200's 2.5-gigabit ports", "en", ["rx200", "s", "2", "5", "gigabit", "port"]),
        ("Die Garantien der Geräte", "de", ["garanti", "gerat"]),
        ("Les garanties des appareils", "fr", ["garant", "appareil"]),
        ("Ｗｉ－Ｆｉ ﬁne", "en", ["wi", "fi", "fine"]),
        ("保証期間は24か月です", "ja", ["保証", "証期", "期間", "間は", "は2", "24", "4か", "か月", "月で", "です"]),
        ("ضمان الجهاز", "ar", ["ضمان", "الجهاز"]),
        ("", "en", []),
        ("the of and", "en", []),
        ("... !?", "en", []),
    ],
)  # fmt: skip
def test_terms_of_a_text(text: str, language: str, expected: list[str]) -> None:
    assert terms(text, language=language) == expected


@given(st.text(max_size=200), st.sampled_from(["en", "de", "ja", "xx"]))
def test_any_text_has_terms_without_quotes_or_spaces(text: str, language: str) -> None:
    for term in terms(text, language=language):
        assert term
        assert '"' not in term and not any(character.isspace() for character in term)


def test_threads_do_not_mix_their_stems() -> None:
    expected = terms("warranties resetting cameras " * 50)
    wrong = []

    def work() -> None:
        for _ in range(200):
            if terms("warranties resetting cameras " * 50) != expected:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
