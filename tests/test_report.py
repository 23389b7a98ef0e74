"""The report: whole in itself, safe, readable to all, and honest about what is missing."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from run_folders import EVERYTHING, PATTERN, make_run

from core.errors import EvaluationError
from eval.report import write_report
from eval.report_data import read_run
from eval.report_picture import quality_against_time

SECTIONS = {
    "verdict", "picture", "metrics", "comparisons", "slices", "abstention", "retrieval", "change",
    "cost", "forgetting", "failures", "coverage", "limits", "provenance",
}  # fmt: skip
#: What the contract's two files alone give.
PLAIN = {
    "verdict",
    "picture",
    "metrics",
    "comparisons",
    "slices",
    "retrieval",
    "failures",
    "limits",
    "provenance",
}
VOID = {"meta", "br", "path", "rect"}


class Page(HTMLParser):
    """Reads a page strictly: every element is closed in order; keeps what the tests ask for."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.captions = 0
        self.feed(page)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "caption":
            assert self.open[-1] == "table"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def sections(self) -> set[str]:
        return {one["id"] for one in self.all("section")}


@pytest.fixture
def full(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", parts=EVERYTHING)


def _page(folder: Path, *also: Path) -> Page:
    return Page(write_report(folder, also=also).read_text(encoding="utf-8"))


def test_everything_measured_has_its_section(full: Path) -> None:
    page = _page(full)
    assert page.sections == SECTIONS
    linked = {one["href"].removeprefix("#") for one in page.all("a")} - {"content"}
    assert linked == SECTIONS - {"verdict"}
    for told in (
        "Do both: SFT + RAG answers best.", "It is right on 9 of 12.", "Lamps & lights", "0.31",
        "The prompt is too long.", "14 were lost and 4 others gained", "The spring models",
        "adapter trained again", "Hours of this machine a month", "By the column “team”",
        "gave another fact's answer", "Hold it for 20 seconds.", "2 processor cores",
        "sft-vs-rag evaluate lamps --arms base,sft,rag,sft+rag --split test --limit 12 --seed 0 --out run",
        "Handed the right passage",
    ):  # fmt: skip
        assert told in page.text, told


def test_the_contract_s_two_files_are_enough(tmp_path: Path) -> None:
    page = _page(make_run(tmp_path / "old"))
    assert page.sections == PLAIN
    assert "SFT + RAG answered best: accuracy 0.92" in page.text
    assert "Read this first" not in page.text


@pytest.mark.parametrize("part", ["change", "cost", "forgetting"])
def test_a_part_without_its_data_is_absent(tmp_path: Path, part: str) -> None:
    parts = tuple(name for name in EVERYTHING if name != part)
    page = _page(make_run(tmp_path / "run", parts=parts))
    assert page.sections == SECTIONS - {part}
    assert part not in {one["href"].removeprefix("#") for one in page.all("a")}


def test_nothing_is_fetched_and_nothing_runs(full: Path) -> None:
    raw = write_report(full).read_text(encoding="utf-8")
    page = Page(raw)
    assert (
        not page.all("script")
        and not page.all("link")
        and not page.all("img")
        and not page.all("iframe")
    )
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), f"{tag} {name}"
            if name in ("src", "href", "action", "data", "xlink:href"):
                assert value.startswith("#"), f"{tag} {name}={value}"
    assert not re.search(r"https?:|//|@import|url\(", raw), (
        "nothing from elsewhere, in the style either"
    )
    policy = [one["content"] for one in page.all("meta") if one.get("http-equiv")]
    assert policy == [
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    ]


HOSTILE = "</p><script>alert(1)</script><img src=x onerror=alert(2)>\x00\u202e\ud800 &amp; ' \""


def test_a_hostile_corpus_comes_out_as_text(full: Path) -> None:
    """Script in every text that a stranger can write: answers, questions, names, errors, columns."""
    for name in ("run.json", "change.json", "summary.json", "questions.jsonl", "results.jsonl"):
        path = full / name
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps(_poisoned(row)) + "\n" for row in rows))
    page = _page(full)
    assert not page.all("script") and not page.all("img")
    assert page.sections == SECTIONS
    assert "<script>alert(1)</script>" in page.text
    assert "\x00" not in page.text


def _poisoned(value: object) -> object:
    """A copy whose free texts, and names that a user chooses, hold script."""
    if isinstance(value, dict):
        free = {"prediction", "references", "question", "answers", "quote", "error", "sentence", "reasons",
                "corpus_title", "title", "what", "old", "new", "before", "after_sync", "base_model", "dtype"}  # fmt: skip
        names = {"team": HOSTILE, "north": HOSTILE, "lamps/l0": HOSTILE}
        return {
            names.get(key, key): _hostile(one) if key in free else _poisoned(one)
            for key, one in value.items()
        }
    return [_poisoned(one) for one in value] if isinstance(value, list) else value


def _hostile(value: object) -> object:
    if isinstance(value, str):
        return value + HOSTILE
    return [_hostile(one) for one in value] if isinstance(value, list) else _poisoned(value)


def test_tables_and_pictures_can_be_read_aloud(full: Path) -> None:
    page = _page(full)
    tags = [tag for tag, _ in page.elements]
    assert tags.count("caption") == tags.count("table") > 15
    assert {one["scope"] for one in page.all("th")} == {"col", "row"}
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids)), "no id twice"
    for picture in page.all("svg"):
        assert picture["role"] == "img"
        assert set(picture["aria-labelledby"].split()) <= set(ids)
    for region in page.all("div"):
        if "scroll" in region.get("class", ""):
            assert region["tabindex"] == "0" and region["role"] == "region" and region["aria-label"]
    assert page.all("html") == [{"lang": "en"}]


@pytest.mark.parametrize("runs", [1, 2])
def test_headings_stand_in_order(tmp_path: Path, runs: int) -> None:
    folders = [make_run(tmp_path / f"run{number}", parts=EVERYTHING) for number in range(runs)]
    ranks = [int(tag[1]) for tag, _ in _page(*folders).elements if re.fullmatch(r"h[1-6]", tag)]
    assert ranks[0] == 1 and ranks.count(1) == 1
    assert all(rank <= before + 1 for before, rank in pairwise(ranks))


def test_it_suits_paper_the_dark_and_a_telephone(full: Path) -> None:
    raw = write_report(full).read_text(encoding="utf-8")
    style = raw[raw.index("<style>") : raw.index("</style>")]
    printed = style[style.index("@media print") :]
    assert "@page" in printed and "break-inside: avoid" in printed
    assert "@media screen and (prefers-color-scheme: dark)" in style, "paper stays white"
    assert "@media (max-width: 620px)" in style
    assert 'name="viewport"' in raw
    assert style.count("{") == style.count("}")


def test_several_runs_stand_on_one_page(tmp_path: Path, full: Path) -> None:
    other = make_run(tmp_path / "second")
    page = _page(full, other)
    assert "overview" in page.sections
    assert page.sections >= {f"run1-{name}" for name in SECTIONS} | {
        f"run2-{name}" for name in PLAIN
    }
    assert (other / "results.csv").is_file(), "each run has its own tables"
    with pytest.raises(EvaluationError, match="twice"):
        write_report(full, also=[full])


def test_a_rebuilt_report_is_the_same(full: Path) -> None:
    before = write_report(full).read_bytes()
    assert write_report(full).read_bytes() == before


def test_results_cut_in_the_middle_are_told(full: Path) -> None:
    path = full / "results.jsonl"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    page = _page(full)
    assert "1 line(s) that cannot be read" in page.text
    assert re.search(
        r"results.jsonl holds \d answers of base where summary.json counts 12", page.text
    )
    assert page.sections == SECTIONS


def test_results_cut_in_the_middle_without_a_summary_count_what_is_missing(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "lamps", parts=("run", "questions"))
    (folder / "summary.json").unlink()
    path = folder / "results.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:20]))
    run = read_run(folder)
    assert run.summary["n"] == 12 and run.summary["coverage"]["asked"] == 12
    base = run.summary["coverage"]["arms"]["base"]
    assert base["answered"] == 5 and len(base["failed"]) == 7
    assert "Every arm answered all" not in _page(folder).text


def test_the_commands_are_those_that_were_run(full: Path) -> None:
    told = json.loads((full / "change.json").read_text())
    told["asked"] = {"arms": ["sft", "rag"], "limit": 40, "seed": 3}
    told["timeline"][-1] = {
        "step": "retrain", "seconds": 9.0, "what": "trained", "recipe": {"epochs": 5}
    }  # fmt: skip
    (full / "change.json").write_text(json.dumps(told))
    info = json.loads((full / "run.json").read_text())
    (full / "run.json").write_text(json.dumps({**info, "oracles": []}))
    page = _page(full).text
    command = f"change lamps {told['revision']} --arms sft,rag --limit 40 --seed 3 --retrain --set epochs=5"
    assert command in page
    assert "--no-oracle --out run" in page


def test_a_missing_summary_is_made_from_the_results(tmp_path: Path) -> None:
    whole = make_run(tmp_path / "whole", parts=("questions",))
    broken = make_run(tmp_path / "lamps", parts=("questions",))
    (broken / "summary.json").write_text('{"n": 12, "arms"')
    page = _page(broken)
    assert "summary.json was missing or damaged" in page.text
    assert page.sections >= PLAIN
    figures = re.compile(r"\b0\.\d\d–\d\.\d\d\b")  # the intervals in the tables
    expected = figures.findall(_page(whole).text)
    assert expected and set(expected) <= set(figures.findall(page.text))


def test_doubled_and_senseless_rows_are_left_out(full: Path) -> None:
    path = full / "results.jsonl"
    lines = path.read_text().splitlines()
    row = json.loads(lines[1])
    row["metrics"]["f1"] = float("nan")
    path.write_text("\n".join([lines[0], lines[0], json.dumps(row), *lines[2:]]) + "\n")
    page = _page(full)
    assert "1 line(s) that cannot be read" in page.text
    assert "names 1 answer(s) twice" in page.text


@pytest.mark.parametrize("left", [(), ("questions.jsonl",), ("run.json", "questions.jsonl")])
def test_a_folder_without_a_run_is_refused(full: Path, left: tuple[str, ...]) -> None:
    for path in full.iterdir():
        if path.name not in left:
            path.unlink()
    with pytest.raises(EvaluationError, match="nothing to report"):
        write_report(full)
    assert not (full / "report.html").exists()


def test_no_folder_and_a_folder_as_file_are_refused(full: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no folder"):
        write_report(tmp_path / "nowhere")
    with pytest.raises(EvaluationError, match="is a folder"):
        write_report(full, tmp_path)


def test_a_summary_of_another_shape_is_named(full: Path) -> None:
    found = json.loads((full / "summary.json").read_text())
    del found["comparisons"][0]["p_adjusted"]
    (full / "summary.json").write_text(json.dumps(found))
    with pytest.raises(EvaluationError, match=r"“Comparisons”.*p_adjusted"):
        write_report(full)


def test_few_arms_and_no_wrong_answer(tmp_path: Path) -> None:
    page = _page(make_run(tmp_path / "run", pattern={"rag": "RRRRRRRRRRDD"}))
    assert "comparisons" not in page.sections and "failures" not in page.sections
    assert "Only rag ran" in page.text


def test_names_in_the_picture_cover_nothing() -> None:
    time = {"p50": 1.0, "p95": 1.0}
    quality = {"value": 0.5, "low": 0.3, "high": 0.7}
    arms = {name: {"metrics": {"accuracy": quality}, "seconds": time} for name in PATTERN}
    drawn = quality_against_time(arms, name="p")
    names = re.findall(r'class="name" x="([\d.]+)" y="([\d.]+)">([^<]+)<', drawn)
    assert len(names) == 4
    boxes = [
        (float(x), float(y) - 13, float(x) + 8 * len(words), float(y) + 4) for x, y, words in names
    ]
    for at, one in enumerate(boxes):
        for other in boxes[:at]:
            apart = (
                one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]
            )
            assert apart, (one, other)
    marks = re.findall(r'class="whisker" d="M([\d.]+)', drawn)
    assert len(set(marks)) == 4, "equal times stand side by side"
