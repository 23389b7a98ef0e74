"""One HTML page of a run, or of several, for people who decide on it.

The page is whole in itself: no script, no font, no picture from elsewhere. It is made from the
files of a run's folder alone; no model runs, and the same files give the same page.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from core.errors import EvaluationError
from core.storage import write_text
from eval.report_about import limits, provenance
from eval.report_cost import cost
from eval.report_data import Run, read_run
from eval.report_examples import failures
from eval.report_extras import change, forgetting
from eval.report_html import (
    NOTHING,
    Html,
    Level,
    arm,
    join,
    measured,
    numbers,
    paragraph,
    plural,
    table,
    text,
    words,
)
from eval.report_slices import slices
from eval.report_style import STYLE
from eval.report_tables import abstention, comparisons, metrics, retrieval
from eval.report_verdict import clauses, coverage, picture, plain_verdict, problems, verdict
from eval.results_csv import results_csv
from eval.tables import arms_table

#: Sections after the verdict: id, name in the list of contents, and what makes it.
_SECTIONS: tuple[tuple[str, str, Callable[[Run, Level], Html]], ...] = (
    ("picture", "Quality against time", picture),
    ("metrics", "Scores", metrics),
    ("comparisons", "Comparisons", comparisons),
    ("slices", "Slices", slices),
    ("abstention", "Declining", abstention),
    ("retrieval", "Retrieval", retrieval),
    ("change", "Change", change),
    ("cost", "Cost", cost),
    ("forgetting", "Forgetting", forgetting),
    ("failures", "Failures", failures),
    ("coverage", "Coverage", coverage),
    ("limits", "Limits", limits),
    ("provenance", "Provenance", provenance),
)
#: Even if something slipped through the escaping, a browser runs and fetches nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def write_report(folder: Path, out: Path | None = None, *, also: Sequence[Path] = ()) -> Path:
    """Write `report.html`, and beside each run its `results.csv` and `table.md`.

    :param out: the page's file; by default `report.html` in `folder`.
    :param also: folders of further runs, which follow on the same page.
    :returns: the page's file.
    :raises EvaluationError: when a folder holds no run that can be read.
    :raises StorageError: when the disk refuses.
    """
    folders = [folder, *also]
    if len({one.resolve() for one in folders}) < len(folders):
        raise EvaluationError("A run is named twice: name each folder once.")
    target = out or folder / "report.html"
    if target.is_dir():
        raise EvaluationError(f"{target} is a folder: name the file to write, such as report.html.")
    runs = [read_run(one) for one in folders]
    for run in runs:
        if run.rows:
            write_text(run.folder / "results.csv", results_csv(run))
        write_text(run.folder / "table.md", f"{arms_table(dict(run.summary))}\n")
    write_text(target, report_page(runs))
    return target


def report_page(runs: Sequence[Run]) -> Html:
    """The page as text."""
    if len(runs) == 1:
        title, inside = runs[0].title, _one(runs[0], Level())
        head = _masthead("Evaluation report", title, _meta(runs[0]))
    else:
        title = " · ".join(run.title for run in runs)
        head = _masthead("Evaluation report", title, f"{len(runs)} runs on one page")
        levels = [Level(rank=3, prefix=f"run{number}-") for number in range(1, len(runs) + 1)]
        inside = join(
            [
                _overview(runs, levels),
                *(_one_of_several(*pair) for pair in zip(runs, levels, strict=True)),
            ]
        )
    return Html(
        "<!DOCTYPE html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{text(title)} · SFT vs RAG</title><style>{STYLE}</style></head><body>"
        f'<a class="skip" href="#content">To the verdict</a>{head}'
        f'<main id="content">{inside}</main>'
        "<footer><p>Made by SFT vs RAG from the files of the run; no model ran for this page.</p>"
        "</footer></body></html>\n"
    )


def _masthead(eyebrow: str, title: str, meta: str) -> Html:
    return Html(
        f'<header class="masthead"><p class="eyebrow">SFT vs RAG · {text(eyebrow)}</p>'
        f'<h1 dir="auto">{text(title)}</h1>{paragraph(meta, css="meta")}</header>'
    )


def _meta(run: Run) -> str:
    parts = [
        plural(run.summary["n"], "question"),
        f"{run.summary.get('split', 'unknown')} split",
        plural(len(run.arms), "arm"),
    ]
    models = {
        str(one["base_model"])
        for one in (run.summary.get("provenance") or {}).values()
        if isinstance(one, dict) and one.get("base_model")
    }
    if len(models) == 1:
        parts.append(models.pop())
    if run.info.get("started"):
        parts.append(str(run.info["started"])[:10])
    return " · ".join(parts)


def _one(run: Run, level: Level) -> Html:
    """Every section of one run that has something to say, behind its verdict and its contents."""
    there = [
        (name, title, html)
        for name, title, section in _SECTIONS
        if (html := _made(run, level, title, section))
    ]
    links = join(
        Html(f'<li><a href="#{level.name(name)}">{text(title)}</a></li>')
        for name, title, _ in there
    )
    return join(
        [
            problems(run, level),
            _made(run, level, "Verdict", verdict),
            Html(f'<nav aria-label="Contents: {text(run.title)}"><ol>{links}</ol></nav>'),
            *(html for *_, html in there),
        ]
    )


def _made(run: Run, level: Level, title: str, section: Callable[[Run, Level], Html]) -> Html:
    """Make a section, or say which part of the folder's files has another shape than it must."""
    try:
        return section(run, level)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvaluationError(
            f"The part “{title}” of the report cannot be made: a file of {run.folder} has not the "
            f"shape it must have ({type(error).__name__}: {error}). Remove summary.json to have it "
            "made anew from results.jsonl, or evaluate again."
        ) from error


def _one_of_several(run: Run, level: Level) -> Html:
    return Html(
        f'<div class="one" id="{level.name("run")}"><h2 class="corpus" dir="auto">{text(run.title)}'
        f"</h2>{paragraph(_meta(run), css='meta')}{_one(run, level)}</div>"
    )


def _overview(runs: Sequence[Run], levels: Sequence[Level]) -> Html:
    """The runs below each other: who answered best in each, and the verdict's first clause."""
    rows = []
    for run, level in zip(runs, levels, strict=True):
        found = run.summary.get("verdict") or plain_verdict(run)
        best = found.get("best")
        share = run.arms.get(best, {}).get("metrics", {}).get("accuracy") if best else None
        link = Html(f'<a href="#{level.name("run")}">{text(run.title)}</a>')
        rows.append(
            [
                link,
                text(run.summary["n"]),
                arm(best) if best in run.arms else text("none is clearly best"),
                measured(share, track=True) if share else NOTHING,
                text(next(iter(clauses(str(found.get("sentence", "")))), "")),
            ]
        )
    columns = [
        *words("corpus"),
        *numbers("questions"),
        *words("best arm"),
        *numbers("its accuracy"),
        *words("verdict"),
    ]
    shown = table("The runs of this page", columns, rows)
    return Html(f'<section id="overview"><h2>At a glance</h2>{shown}</section>')
