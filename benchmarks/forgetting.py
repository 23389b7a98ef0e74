"""Learning against forgetting: what each way of holding on to the base costs and saves.

Trains one adapter a setting (family, strength, epochs, seed) on the facts of a small part of a
corpus, closed book, and measures how many held-out wordings it answers (learnt) and what of the
base it lost. Every family is then read off at the same learning score, by interpolation along its
best points, the untrained base among them. Points go to `points.jsonl` as they come: started again
after a stop, the campaign goes on with the next one.

    python benchmarks/forgetting.py --corpus halden --facts 40 --epochs 8 --seeds 0,1,2

On 2 cores a point takes about two to three minutes with the defaults; `--families` (of each, also
only some strengths: `kl=1,path=1/4`) and `--limit` make a campaign shorter, `--draw` only draws
what is there.
"""

import argparse
import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean

from forgetting_points import (
    BASE_FILE,
    Point,
    Setting,
    read_base,
    read_points,
    table,
    write_results,
)
from safetensors.torch import load_file, save_file

from core.corpus.read import INFO_FILE, Corpus
from core.errors import AdapterError
from core.prompts import PROMPT_VERSION
from core.settings import load_settings
from core.storage import append_line, write_folder, write_json
from eval.scores import accuracy
from sft.adapters import adapter_fingerprint, read_adapter, write_manifest
from sft.recipe import Recipe, load_recipe
from workbench import Workbench

#: What each family changes in the plain recipe: the field of its strengths, the strengths from weak
#: to strong, and what else it needs. A field of none: nothing is trained, the adapter is scaled.
PLANS: dict[str, tuple[str, tuple[float, ...], tuple[str, ...]]] = {
    "none": ("replay_share", (0.0,), ()),
    "replay": ("replay_share", (0.25, 1.0), ()),
    "kl": ("kl_weight", (0.3, 1.0, 3.0), ()),
    "path": ("path_weight", (1.0, 4.0, 16.0), ()),
    "scale": ("", (0.5, 0.7, 0.85), ()),
    "full": ("anchor_weight", (0.0,), ("method=full",)),
    "anchor": ("anchor_weight", (0.01, 0.1, 1.0), ("method=full",)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", default="halden")
    parser.add_argument("--facts", type=int, default=40, help="so many facts are trained")
    parser.add_argument("--epochs", default="8", help="lengths of a run, separated by commas")
    parser.add_argument("--seeds", default="0", help="separated by commas")
    parser.add_argument(
        "--families", default=",".join(PLANS), help="of one only some strengths: path=1/4"
    )
    parser.add_argument("--limit", type=int, help="general questions; all unless given")
    parser.add_argument("--work", type=Path, help="folder of points and adapters")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of the two files")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE of every recipe")
    parser.add_argument("--draw", action="store_true", help="only draw what was measured")
    given = parser.parse_args()
    settings = load_settings()
    work = given.work or settings.state / "forgetting-benchmark" / given.corpus
    if not given.draw:
        chosen = settings_of(
            given.families.split(","), _numbers(given.epochs), _numbers(given.seeds)
        )
        workbench = Workbench(settings.model_copy(update={"state": work}))
        campaign = Campaign(workbench, given.corpus, facts=given.facts, limit=given.limit)
        campaign.measure(chosen, changes=given.set)
    points, base = read_points(work), read_base(work)
    if not points or base is None:
        raise SystemExit("Nothing was measured yet: run without --draw.")
    write_results(points, given.out, base=base["learnt"])
    print(table(points, base=base["learnt"]))


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def settings_of(
    families: Sequence[str], epochs: Sequence[int], seeds: Sequence[int]
) -> list[Setting]:
    """What to train, seed by seed, so that a campaign that is stopped has whole seeds."""
    chosen = [strengths_of(one) for one in families]
    return [
        Setting(family, strength, length, seed)
        for seed in seeds
        for length in epochs
        for family, strengths in chosen
        for strength in strengths
    ]


def strengths_of(words: str) -> tuple[str, tuple[float, ...]]:
    """A family with its strengths: all of its plan, or those named, as in `path=1/4`."""
    family, _, named = words.partition("=")
    if family not in PLANS:
        raise SystemExit(f"There is no family {family}; there are {', '.join(PLANS)}.")
    if not named:
        return family, PLANS[family][1]
    try:
        return family, tuple(float(one) for one in named.split("/"))
    except ValueError:
        raise SystemExit(f"The strengths of {words} are no numbers: write {family}=1/4.") from None


def recipe_of(setting: Setting, changes: Sequence[str]) -> Recipe:
    """The plain recipe (closed book, no replay, no early stop) with the setting's own change."""
    field, _, fixed = PLANS[setting.family]
    plain = ["open_book_share=0", "replay_share=0", "patience=0"]
    own = [f"epochs={setting.epochs}", f"seed={setting.seed}", f"{field}={setting.strength}"]
    return load_recipe(changes=[*plain, *fixed, *own, *changes])


class Campaign:
    """Trains and measures the settings that have no point yet."""

    def __init__(self, workbench: Workbench, corpus: str, *, facts: int, limit: int | None) -> None:
        self.workbench, self.limit, self.work = workbench, limit, workbench.state
        self.folder = part_of(workbench.corpus(corpus), facts, self.work / "corpus" / corpus)
        self.corpus = workbench.corpus(str(self.folder))

    def measure(self, chosen: Sequence[Setting], *, changes: Sequence[str]) -> None:
        self.begin(changes)
        done = {point.key for point in read_points(self.work)}
        left = [one for one in chosen if one.key not in done]
        for number, setting in enumerate(left, start=1):
            began = time.perf_counter()
            self.adapter(setting, changes)
            point = self.point(setting, began)
            append_line(self.work / "points.jsonl", asdict(point))
            lost = f"lost {point.lost} of {point.base_right}, {point.seconds:.0f} s"
            print(
                f"{number}/{len(left)} {point.key}: learnt {point.learnt:.2f}, {lost}", flush=True
            )

    def begin(self, changes: Sequence[str]) -> None:
        """Measure the base, and refuse to mix points of another campaign with this one's."""
        about = {
            "corpus": self.corpus.fingerprint,
            "base_fingerprint": self.workbench.model().fingerprint,
            "prompt_version": PROMPT_VERSION,
            "limit": self.limit,
            "changes": list(changes),
        }
        before = read_base(self.work)
        if before is None:
            write_json(self.work / BASE_FILE, {**about, "learnt": self.learnt(None)})
        elif {name: before[name] for name in about} != about:
            raise SystemExit(f"{self.work} holds points of another campaign: name another --work.")

    def adapter(self, setting: Setting, changes: Sequence[str]) -> None:
        """Train the setting's adapter, or scale the plain one; one that is there is used again."""
        try:
            self.workbench.adapter(str(self.folder), setting.key)
            return
        except AdapterError:  # not there yet
            pass
        if setting.family != "scale":
            recipe = recipe_of(setting, changes)
            self.workbench.train(str(self.folder), recipe=recipe, name=setting.key)
            return
        plain = Setting("none", 0.0, setting.epochs, setting.seed)
        self.adapter(plain, changes)
        scale_adapter(self.workbench.adapter(str(self.folder), plain.key).folder, setting)

    def point(self, setting: Setting, began: float) -> Point:
        name = setting.key
        learnt = self.learnt(name)
        lost, _ = self.workbench.forgetting(str(self.folder), adapter=name, limit=self.limit)
        loaded_as = self.workbench.arms(str(self.folder), adapter=name).adapter_of("sft")
        if loaded_as:
            self.workbench.model().unload_adapter(loaded_as)
        return Point(
            **asdict(setting),
            learnt=learnt,
            lost_share=lost.lost_share.value,
            lost=lost.lost,
            gained=lost.gained,
            base_right=lost.base_right,
            loss_change=lost.loss_change.value if lost.loss_change else 0.0,
            text_kl=lost.text_kl.value if lost.text_kl else 0.0,
            answer_kl=lost.answer_kl.value,
            seconds=round(time.perf_counter() - began, 1),
        )

    def learnt(self, adapter: str | None) -> float:
        """Share of the held-out wordings (validation) answered right, closed book."""
        questions = self.corpus.of_split("validation")
        arms = self.workbench.arms(str(self.folder), adapter=adapter)
        arm = "sft" if adapter else "base"
        answers = arms.answer([one.question for one in questions], [arm])
        return mean(
            accuracy(answer.text, one.answers)
            for one, [answer] in zip(questions, answers, strict=True)
        )


def part_of(corpus: Corpus, facts: int, folder: Path) -> Path:
    """Write a corpus of so many drawn facts that have train and validation questions."""
    by_split = {
        split: {one.fact for one in corpus.of_split(split) if one.answers and one.kind == "fact"}
        for split in ("train", "validation")
    }
    able = sorted(by_split["train"] & by_split["validation"])
    if not able:
        raise SystemExit(f"{corpus.name} has no facts with train and validation questions.")
    chosen = set(random.Random(0).sample(able, min(facts, len(able))))
    kept = [
        one.model_dump_json(exclude_defaults=True)
        for one in corpus.questions
        if one.fact in chosen and one.split in by_split
    ]

    def fill(place: Path) -> None:
        if (corpus.folder / INFO_FILE).is_file():
            shutil.copy(corpus.folder / INFO_FILE, place)
        (place / "qa.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")

    write_folder(folder, fill)
    return folder


def scale_adapter(plain: Path, setting: Setting) -> None:
    """Lay a copy of a LoRA adapter beside it whose update is α times as large."""

    def fill(folder: Path) -> None:
        shutil.copytree(plain, folder, dirs_exist_ok=True)
        (folder / "forgetting.json").unlink(missing_ok=True)
        path = folder / "adapter_model.safetensors"
        # The update is B·A: scaling B alone scales it exactly.
        weights = {
            name: tensor * setting.strength if "lora_B" in name else tensor
            for name, tensor in load_file(path).items()
        }
        save_file(weights, path, metadata={"format": "pt"})
        made = read_adapter(plain).manifest
        changes = {"name": setting.key, "sha256": adapter_fingerprint(folder)}
        write_manifest(folder, made.model_copy(update=changes))

    write_folder(plain.with_name(setting.key), fill)


if __name__ == "__main__":
    main()
