"""From a summary to a sentence that a decision can rest on, with its reasons and its limits.

Arms are ranked by accuracy, or by F1 where no answer of any arm holds an accepted one, as with
references of whole sentences. Only what a test of the summary found is called better. Nothing is
called equal: where no difference is clear, the difference that would have been seen is told.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from eval.tables import shown_p

#: What a reader calls an arm.
_NAMES = {
    "base": "the model as it is",
    "sft": "fine-tuning",
    "rag": "retrieval",
    "sft+rag": "using both",
}
_GROUPS = {
    "reworded": "on trained facts in other words",
    "untrained": "on facts it was not trained on",
    "declined": "on questions to be declined",
}
#: A set that cannot see a difference of this size is too small to decide on.
TOO_COARSE = 0.10
_UNCLEAR = "no clear difference"
_NONE_RIGHT = (
    "no answer of any arm holds an accepted one, so accuracy tells nothing: by F1, the words in "
    "common with a reference"
)

_Summary = Mapping[str, Any]


def verdict(summary: _Summary) -> dict[str, Any]:
    """Give `{"sentence", "reasons", "best", "sure"}`.

    `best` is the arm that is clearly better than every other arm, or None. It is `sure` where,
    besides, accuracy decided, no group of questions has another arm clearly better than it, nothing
    failed or lacked a reference, and the F1 does not clearly say the opposite.

    :param summary: with the contract's keys `arms` and `comparisons`, and `group_comparisons` and
        `coverage` where known.
    """
    arms = list(summary["arms"])
    if len(arms) == 1:
        only = arms[0]
        return {
            "sentence": f"Only {_name(only)} was asked, and answers {_share(summary, only)} "
            "rightly: nothing is compared.",
            "reasons": list(_limits(summary)),
            "best": None,
            "sure": False,
        }
    right = any(_value(summary, arm, "accuracy") > 0 for arm in arms)
    metric = "accuracy" if right else "f1"
    pairs = {(one["a"], one["b"]): one for one in _of(metric, summary["comparisons"])}
    # A stable sort: of equal arms the one asked first, which is the simpler.
    ranked = sorted(arms, key=lambda arm: -_value(summary, arm, metric))
    best = ranked[0] if all(_is_better(pairs, ranked[0], arm) for arm in ranked[1:]) else None
    against = list(_against(summary, best)) if best and right else []
    sentence = "; ".join([*_clauses(pairs, ranked, best), *(_mix(summary) if right else ())])
    if not right:
        sentence = f"{_NONE_RIGHT}, {sentence}"
    return {
        "sentence": sentence[0].upper() + sentence[1:] + ".",
        "reasons": [
            *_evidence(summary, pairs, ranked, metric),
            *against,
            *_limits(summary, metric),
        ],
        "best": best,
        "sure": best is not None and right and not against and not any(_gaps(summary)),
    }


def _clauses(
    pairs: Mapping[tuple[str, str], Any], ranked: list[str], best: str | None
) -> Iterator[str]:
    """Tell what was found, the choice between fine-tuning and retrieval first."""
    singles = [arm for arm in ranked if arm in ("sft", "rag")]
    first = singles if len(singles) == 2 else ranked[:2]
    yield _told(pairs, first[0], first[1], where=" on this set")
    lead = first[0]
    if "sft+rag" in ranked and "sft+rag" not in first:
        # Where neither of the two is clearly ahead, using both is held against each.
        held = [lead] if _is_better(pairs, *first) else first
        for arm in held:
            yield _told(pairs, "sft+rag", arm, where=" alone")
    if "base" in ranked and "base" not in first:
        top = best or ranked[0]
        if top == "base":
            top = ranked[1]
        yield _told(pairs, top, "base")
    level = [arm for arm in ranked[1:] if not _is_better(pairs, ranked[0], arm)]
    if any(_too_coarse(pairs, ranked[0], arm) for arm in level):
        together = ", ".join(_name(arm) for arm in [ranked[0], *level[:-1]])
        yield f"this set is too small to tell {together} and {_name(level[-1])} apart"


def _told(pairs: Mapping[tuple[str, str], Any], a: str, b: str, *, where: str = "") -> str:
    """Tell how `a` does against `b`, in points with the interval, no more than was found."""
    pair = _oriented(pairs, a, b)
    if pair is None:
        return f"{_name(a)} and {_name(b)} answered no question in common"
    alone, on_set = (where, "") if where == " alone" else ("", where)
    points, low, high = (100 * pair[key] for key in ("difference", "low", "high"))
    if pair["verdict"] == _UNCLEAR:
        return (
            f"{_name(a)} shows no clear difference from {_name(b)}{alone}{on_set} "
            f"({_signed(points)} point{'' if abs(round(points)) == 1 else 's'}, "
            f"95 % interval {_signed(low)} to {_signed(high)}; "
            f"{_unseen(pair['detectable'], pair['documents'])})"
        )
    if pair["verdict"] == "worse":
        points, low, high = -points, -high, -low
    return (
        f"{_name(a)} answers {pair['verdict']} than {_name(b)}{alone}{on_set} by "
        f"{_points(points)} (95 % interval {low:.0f} to {high:.0f})"
    )


def _unseen(detectable: float, documents: int | None = None) -> str:
    if detectable >= 1:
        few = f": {documents} documents are too few" if documents else ""
        return f"no difference could have been detected{few}"
    return f"differences below some {_points(100 * detectable)} would mostly go unseen"


def _mix(summary: _Summary) -> Iterator[str]:
    """Tell where the answer between fine-tuning and retrieval depends on the question."""
    by_group: dict[str, Any] = {}
    for one in summary.get("group_comparisons", []):
        if {one["a"], one["b"]} == {"sft", "rag"}:
            by_group[one["group"]] = one
    clear = {group: one for group, one in by_group.items() if one["verdict"] != _UNCLEAR}
    whole = next(
        (
            one
            for one in _of("accuracy", summary["comparisons"])
            if {one["a"], one["b"]} == {"sft", "rag"}
        ),
        None,
    )
    for group, one in by_group.items():
        if group not in clear:
            # Worth saying only where the whole set seems to have settled it.
            if whole is not None and whole["verdict"] != _UNCLEAR:
                yield f"{_GROUPS[group]} ({one['n']}) no difference between the two is clear"
            continue
        winner, loser = (one["a"], one["b"]) if one["verdict"] == "better" else (one["b"], one["a"])
        yield (
            f"{_GROUPS[group]} ({one['n']}) {_name(winner)} is better than {_name(loser)} by "
            f"{_points(100 * abs(one['difference']))}"
        )


def _against(summary: _Summary, best: str) -> Iterator[str]:
    """Give what speaks against the best arm although it is best on the whole."""
    for one in summary.get("group_comparisons", []):
        if best in (one["a"], one["b"]) and one["verdict"] != _UNCLEAR:
            other = one["b"] if one["a"] == best else one["a"]
            if (one["verdict"] == "better") == (one["a"] == other):
                yield (
                    f"{_sentence(_GROUPS[one['group']])} {_name(other)} is better than "
                    f"{_name(best)}: another mix of questions would change the answer."
                )
    for one in summary["comparisons"]:
        if one["metric"] == "f1" and best in (one["a"], one["b"]) and one["verdict"] != _UNCLEAR:
            other = one["b"] if one["a"] == best else one["a"]
            if (one["verdict"] == "better") == (one["a"] == other):
                yield (
                    f"By F1 {_name(other)} is better than {_name(best)}: it words its answers more "
                    "like the references, though fewer of them are right."
                )


def _evidence(
    summary: _Summary, pairs: Mapping[tuple[str, str], Any], ranked: list[str], metric: str
) -> Iterator[str]:
    what = "Right answers" if metric == "accuracy" else "F1 in hundredths"
    yield f"{what}: " + ", ".join(f"{_name(arm)} {_share(summary, arm, metric)}" for arm in ranked)
    for a, b in ((a, b) for i, a in enumerate(ranked) for b in ranked[i + 1 :]):
        pair = _oriented(pairs, a, b)
        if pair is not None:
            yield (
                f"{_sentence(_name(a))} against {_name(b)}: {pair['verdict']}; {pair['wins']} "
                f"questions won, {pair['losses']} lost, {pair['ties']} level, of {pair['n']} in "
                f"{pair['documents']} groups by document or fact; p "
                f"{shown_p(pair['p_adjusted'])} after Holm "
                f"({pair['test']})"
            )


def _limits(summary: _Summary, metric: str = "accuracy") -> Iterator[str]:
    """Give what the set cannot say, and what is missing from it."""
    unclear = [one for one in _of(metric, summary["comparisons"]) if one["verdict"] == _UNCLEAR]
    detectable = [one["detectable"] for one in unclear]
    if detectable:
        coarsest = max(detectable)
        size = "Too small a set" if coarsest > TOO_COARSE else "The set's limit"
        yield (
            f"{size}: {_unseen(coarsest)} with 80 % power, between arms that are not clearly told "
            "apart."
        )
    yield from _gaps(summary)


def _gaps(summary: _Summary) -> Iterator[str]:
    coverage = summary.get("coverage", {})
    for arm, one in coverage.get("arms", {}).items():
        if one["answered"] < coverage["asked"]:
            yield (
                f"{_sentence(_name(arm))} answered {one['answered']} of {coverage['asked']} "
                "questions: it is compared on those the other arm answered too."
            )
    if bare := coverage.get("without_reference"):
        yield f"{len(bare)} questions have no reference answer and are not scored."


def _too_coarse(pairs: Mapping[tuple[str, str], Any], a: str, b: str) -> bool:
    pair = _oriented(pairs, a, b)
    return pair is not None and pair["detectable"] > TOO_COARSE


def _of(metric: str, comparisons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in comparisons if one["metric"] == metric]


def _oriented(pairs: Mapping[tuple[str, str], Any], a: str, b: str) -> dict[str, Any] | None:
    """Give the comparison as `a` against `b`, whichever way round it was made."""
    if (a, b) in pairs:
        return dict(pairs[a, b])
    if (b, a) not in pairs:
        return None
    one = dict(pairs[b, a])
    turned = {"better": "worse", "worse": "better"}
    return {
        **one,
        "a": a,
        "b": b,
        "difference": -one["difference"],
        "low": -one["high"],
        "high": -one["low"],
        "wins": one["losses"],
        "losses": one["wins"],
        "verdict": turned.get(one["verdict"], one["verdict"]),
    }


def _is_better(pairs: Mapping[tuple[str, str], Any], a: str, b: str) -> bool:
    pair = _oriented(pairs, a, b)
    return pair is not None and pair["verdict"] == "better"


def _value(summary: _Summary, arm: str, metric: str) -> float:
    return float(summary["arms"][arm]["metrics"][metric]["value"])


def _share(summary: _Summary, arm: str, metric: str = "accuracy") -> str:
    found = summary["arms"][arm]["metrics"][metric]
    low, high = 100 * found["low"], 100 * found["high"]
    sign = " %" if metric == "accuracy" else ""
    return f"{100 * found['value']:.0f}{sign} ({low:.0f} to {high:.0f})"


def _name(arm: str) -> str:
    return _NAMES.get(arm, arm)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _points(points: float) -> str:
    rounded = f"{points:.0f}"
    if rounded == "0":
        rounded = f"{points:.1f}"
    return f"{rounded} point{'' if rounded == '1' else 's'}"


def _signed(points: float) -> str:
    rounded = round(points)
    return f"{rounded:+d}" if rounded else "0"
