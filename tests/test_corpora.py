"""The built-in corpora are what their READMEs say, and enough to argue over."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from core.corpus.check_balance import wording_overlaps
from core.corpus.counts import counts_table
from core.corpus.documents import load_document
from core.corpus.known import KNOWN_FILE, KnownFacts
from core.corpus.read import BUILT_IN_FOLDER, Corpus, read_corpus
from core.corpus.revisions import read_revision

NAMES = ("halden", "solar-system", "general-knowledge")


@pytest.fixture(scope="module", params=NAMES)
def corpus(request: pytest.FixtureRequest) -> Corpus:
    return read_corpus(request.param)


@pytest.fixture(scope="module")
def halden() -> Corpus:
    return read_corpus("halden")


@pytest.fixture(scope="module")
def solar() -> Corpus:
    return read_corpus("solar-system")


def _facts(corpus: Corpus, kind: str, *, trained: bool | None = None) -> list[str]:
    wanted = {one.fact for one in corpus.questions if one.kind == kind}
    in_train = {one.fact for one in corpus.of_split("train")}
    return [fact for fact in wanted if trained is None or (fact in in_train) == trained]


def test_the_readme_has_the_counts(corpus: Corpus) -> None:
    readme = (corpus.folder / "README.md").read_text(encoding="utf-8")
    table = re.search(r"<!-- counts -->\n(.*?)\n<!-- /counts -->", readme, re.DOTALL)
    assert table, "the README has a place for its counts"
    assert table.group(1) == counts_table(corpus), f"sft-vs-rag check {corpus.name} --counts"


def test_halden_is_as_large_as_its_purpose_needs(halden: Corpus) -> None:
    assert len(halden.documents) >= 45
    assert all(120 <= len(one.text.split()) <= 600 for one in halden.documents)
    suffixes = Counter(one.source.rpartition(".")[2] for one in halden.documents)
    assert set(suffixes) == {"md", "pdf", "html", "docx"}
    wordings = Counter((one.fact, one.split) for one in halden.questions if one.kind == "fact")
    trained, untrained = _facts(halden, "fact", trained=True), _facts(halden, "fact", trained=False)
    assert len(trained) >= 115 and len(untrained) >= 40
    assert all(wordings[fact, "train"] >= 6 and wordings[fact, "test"] == 2 for fact in trained)
    assert all(wordings[fact, "test"] == 2 for fact in untrained)
    for kind, count in (
        ("procedure", 40),
        ("multi_hop", 40),
        ("unanswerable", 70),
        ("refusal", 40),
    ):
        assert len(_facts(halden, kind)) >= count
        for split in ("train", "validation", "test"):
            assert any(one.kind == kind for one in halden.of_split(split))
    for question in halden.questions:
        if question.kind == "multi_hop":
            assert len({one.document for one in question.evidence}) >= 2


def test_the_solar_system_is_as_large_as_its_purpose_needs(solar: Corpus) -> None:
    assert len(solar.documents) >= 35
    assert all(120 <= len(one.text.split()) <= 500 for one in solar.documents)
    assert len(solar.questions) >= 450
    for split in ("train", "validation", "test"):
        kinds = {one.kind for one in solar.of_split(split)}
        assert kinds == {"fact", "procedure", "multi_hop", "unanswerable", "refusal"}
    assert set(solar.exposures.values()) == {"reworded", "untrained"}
    for document in solar.documents:
        if not document.id.startswith("desk/"):
            assert "## What the figures rest on" in document.text, document.id


def test_wordings_of_a_fact_differ_in_structure(halden: Corpus, solar: Corpus) -> None:
    for corpus in (halden, solar):
        overlaps = wording_overlaps(corpus.questions)
        assert sum(overlaps.values()) / len(overlaps) < 0.6
        assert max(overlaps.values()) < 0.6


def test_answers_are_a_sentence_and_then_short_forms(halden: Corpus, solar: Corpus) -> None:
    for question in (*halden.questions, *solar.questions):
        if question.answers:
            sentence, *short = question.answers
            assert re.search(r"[.!]$", sentence) and len(sentence.split()) >= 3, question.id
            assert short, question.id
            assert all(len(one) < len(sentence) for one in short), question.id


def test_every_fact_quotes_its_document(halden: Corpus, solar: Corpus) -> None:
    for corpus in (halden, solar):
        texts = {one.id: one.text for one in corpus.documents}
        for question in corpus.questions:
            assert question.evidence or question.kind in ("unanswerable", "refusal"), question.id
            for one in question.evidence:
                assert one.quote in texts[one.document], question.id


def test_general_knowledge_has_replay_rows_and_probes() -> None:
    corpus = read_corpus("general-knowledge")
    train, test = corpus.of_split("train"), corpus.of_split("test")
    assert len(train) >= 300 and len(test) >= 300
    assert not {one.question.lower() for one in train} & {one.question.lower() for one in test}


@pytest.mark.parametrize("name", NAMES)
def test_what_the_base_knows_is_labelled(name: str) -> None:
    corpus = read_corpus(name)
    known = KnownFacts.model_validate_json((BUILT_IN_FOLDER / name / KNOWN_FILE).read_text())
    assert known.base_model == "embedded:smollm2-135m-instruct"
    tested = {
        one.fact for one in corpus.of_split("test") if one.kind not in ("unanswerable", "refusal")
    }
    assert set(known.facts) == tested
    labels = Counter(known.label(fact) for fact in tested)
    if name == "halden":
        assert labels["known"] <= 0.05 * len(tested), "nobody can know what does not exist"
    elif name == "solar-system":
        assert min(labels.values()) >= 15, "both buckets can be looked at"
    else:
        assert labels["known"] >= 120, "forgetting is counted on enough of them"


def test_the_spring_update_changes_the_world(halden: Corpus) -> None:
    spring = read_revision(halden, "spring-update")
    assert len(spring.changed_facts) >= 15
    assert len(spring.changed_documents) >= 5
    assert len(spring.new_documents) == 5
    assert len(spring.info.withdrawn) == 2
    before = {one.id: one for one in halden.questions}
    after = {one.id: one for one in spring.after.questions}
    for name in spring.changed_questions:
        assert set(before[name].answers[1:]).isdisjoint(after[name].answers[1:]), name


def test_the_readme_s_script_makes_the_documents(halden: Corpus, tmp_path: Path) -> None:
    readme = (halden.folder / "README.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    made = (
        "products/rx400-data-sheet.pdf",
        "policies/halden-care.docx",
        "policies/service-status.html",
    )
    (tmp_path / "sources").symlink_to(halden.folder / "sources")
    for name in made:
        (tmp_path / "documents" / name).parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, env=dict(os.environ))
    for name in made:
        again = load_document(tmp_path / "documents" / name, tmp_path / "documents")
        shipped = load_document(halden.folder / "documents" / name, halden.folder / "documents")
        assert again == shipped
