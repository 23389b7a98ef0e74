"""Adapters on disk: found by name, refused when they do not fit, removed only if made here."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.errors import AdapterError
from core.prompts import PROMPT_VERSION
from sft.adapters import (
    SHIPPED_FOLDER,
    activate_adapter,
    active_adapter,
    adapter_fingerprint,
    adapter_marks,
    check_adapter,
    check_adapter_name,
    find_adapter,
    list_adapters,
    read_adapter,
    remove_adapter,
    write_manifest,
)
from sft.manifest import AdapterManifest
from sft.recipe import Recipe

BASE = "b" * 64


def _put(state: Path, weights: Path, name: str, **changes: object) -> Path:
    """Lay an adapter into a state folder as a training run would."""
    folder = state / "adapters" / "tiny" / name
    shutil.copytree(weights, folder)
    values = {
        "name": name, "corpus": "tiny", "corpus_fingerprint": "c", "base_model": "the base",
        "base_fingerprint": BASE, "prompt_version": PROMPT_VERSION, "recipe": Recipe(),
        "sha256": adapter_fingerprint(folder), "versions": {}, "rows": 1, "steps": 1,
        "seconds": 1.0, "scores": {}, **changes,
    }  # fmt: skip
    write_manifest(folder, AdapterManifest.model_validate(values))
    return folder


def test_an_adapter_that_fits_is_accepted(tmp_path: Path, tiny_adapter: Path) -> None:
    folder = _put(tmp_path, tiny_adapter, "one")
    check_adapter(read_adapter(folder), base_fingerprint=BASE, base_model="the base")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_fingerprint": "d" * 64}, "was trained on the base .* not on this one"),
        ({"prompt_version": "0"}, "prompts of version 0"),
        ({"sha256": "0" * 64}, "is damaged"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(
    tmp_path: Path, tiny_adapter: Path, changes: dict[str, str], message: str
) -> None:
    adapter = read_adapter(_put(tmp_path, tiny_adapter, "one", **changes))
    with pytest.raises(AdapterError, match=message):
        check_adapter(adapter, base_fingerprint=BASE, base_model="this one")


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), weights=st.booleans())
def test_any_flipped_bit_is_found(
    tmp_path: Path, tiny_adapter: Path, place: float, bit: int, weights: bool
) -> None:
    folder = tmp_path / "adapters" / "tiny" / "one"
    if not folder.exists():
        _put(tmp_path, tiny_adapter, "one")
    path = folder / ("adapter_model.safetensors" if weights else "adapter_config.json")
    whole = path.read_bytes()
    content = bytearray(whole)
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)
    try:
        with pytest.raises(AdapterError, match="is damaged"):
            check_adapter(read_adapter(folder), base_fingerprint=BASE, base_model="x")
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json"])
def test_a_missing_file_is_named(tmp_path: Path, tiny_adapter: Path, name: str) -> None:
    folder = _put(tmp_path, tiny_adapter, "one")
    (folder / name).unlink()
    with pytest.raises(AdapterError, match=f"{name} is missing"):
        check_adapter(read_adapter(folder), base_fingerprint=BASE, base_model="x")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"name": "one"}', b"\xff"])
def test_a_manifest_that_cannot_be_read_names_its_folder(
    tmp_path: Path, tiny_adapter: Path, content: bytes
) -> None:
    folder = _put(tmp_path, tiny_adapter, "one")
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(AdapterError, match="tiny/one is no adapter of this project"):
        list_adapters(tmp_path)


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path, tiny_adapter: Path) -> None:
    _put(tmp_path, tiny_adapter, "one")
    _put(tmp_path, tiny_adapter, "two")
    for name in ("three", "../one", "", "ONE"):
        with pytest.raises(AdapterError, match=r"no adapter .* \(there are: one, two\)"):
            find_adapter(tmp_path, "tiny", name)
    with pytest.raises(AdapterError, match=r"\(there are: none\)"):
        find_adapter(tmp_path, "other", "one")


@pytest.mark.parametrize(
    "name",
    ["../up", "a/b", "a\\b", "..", ".hid", ".hidden", "", "a b", "x" * 65, "a\n", "ä", "active", "a.writing-b"],
)  # fmt: skip
def test_a_name_that_is_no_folder_of_its_own_is_refused(name: str) -> None:
    with pytest.raises(AdapterError, match="cannot name an adapter"):
        check_adapter_name(name)


@pytest.mark.parametrize("name", [None, "desk", "halden-1.2_b", "x" * 64, "active2"])
def test_a_plain_name_is_taken(name: str | None) -> None:
    check_adapter_name(name)


def test_activating_and_removing(tmp_path: Path, tiny_adapter: Path) -> None:
    assert active_adapter(tmp_path, "tiny") is None
    _put(tmp_path, tiny_adapter, "one")
    _put(tmp_path, tiny_adapter, "two")
    one = find_adapter(tmp_path, "tiny", "one")
    assert active_adapter(tmp_path, "tiny").manifest.name == "two", "the newest, until chosen"
    activate_adapter(tmp_path, one)
    assert active_adapter(tmp_path, "tiny") == one
    remove_adapter(one)
    assert not one.folder.exists()
    assert active_adapter(tmp_path, "tiny").manifest.name == "two"
    with pytest.raises(AdapterError, match=r"no adapter 'one' .*there are: two"):
        find_adapter(tmp_path, "tiny", "one")


def test_an_active_adapter_that_is_gone_is_not_replaced_silently(
    tmp_path: Path, tiny_adapter: Path
) -> None:
    one = read_adapter(_put(tmp_path, tiny_adapter, "one"))
    _put(tmp_path, tiny_adapter, "two")
    activate_adapter(tmp_path, one)
    shutil.rmtree(one.folder)
    with pytest.raises(AdapterError, match="no adapter 'one'"):
        active_adapter(tmp_path, "tiny")


def test_what_a_killed_run_left_aside_is_not_listed(tmp_path: Path, tiny_adapter: Path) -> None:
    folder = _put(tmp_path, tiny_adapter, "one")
    shutil.copytree(folder, folder.with_name("two.writing-1234abcd"))
    (folder.with_name("three")).mkdir()
    assert [one.manifest.name for one in list_adapters(tmp_path, "tiny")] == ["one"]


def test_what_speaks_against_an_adapter_is_said_in_sentences(
    tmp_path: Path, tiny_adapter: Path
) -> None:
    folder = _put(tmp_path, tiny_adapter, "one")

    def marks(corpus: str | None = "c", base: str = BASE) -> str:
        found = adapter_marks(
            read_adapter(folder),
            corpus_fingerprint=corpus,
            base_fingerprint=base,
            base_model="this one",
        )
        return "\n".join(found)

    assert marks() == "" and marks(corpus=None) == ""
    assert "The corpus tiny has changed since it was trained" in marks(corpus="d")
    assert "was trained on the base (bbbbbbbbbbbb), not on this one" in marks(base="d" * 64)
    (folder / "adapter_config.json").write_text("{}")
    assert "is damaged" in marks()
    both = marks(corpus="d", base="d" * 64)
    assert both.count("\n") == 2, "all of them are said"
    (folder / "adapter_model.safetensors").unlink()
    assert "adapter_model.safetensors is missing" in marks()


def test_manifests_of_before_are_read(tmp_path: Path, tiny_adapter: Path) -> None:
    path = _put(tmp_path, tiny_adapter, "one") / "manifest.json"
    values = json.loads(path.read_text())
    for later in ("reading", "origin", "left_out", "row_counts", "stopped", "run"):
        values.pop(later, None)
    for later in ("method", "form", "scale", "read_windows", "kl_weight"):
        values["recipe"].pop(later, None)
    path.write_text(json.dumps(values))
    made = read_adapter(path.parent).manifest
    assert (made.recipe.method, made.recipe.scale, made.reading, made.origin) == ("lora", 1, "", "")
    assert (made.left_out, made.row_counts, made.stopped) == (0, {}, "")
    assert made.recipe.read_windows is None, "it reads what is set, as it did then"


def test_an_unknown_field_of_a_manifest_is_named(tmp_path: Path, tiny_adapter: Path) -> None:
    path = _put(tmp_path, tiny_adapter, "one") / "manifest.json"
    values = json.loads(path.read_text())
    values["recipe"]["ranks"] = 3
    path.write_text(json.dumps(values))
    with pytest.raises(AdapterError, match=r"recipe\.ranks: Extra inputs are not permitted"):
        read_adapter(path.parent)


def test_an_adapter_that_is_removed_meanwhile_is_not_chosen(
    tmp_path: Path, tiny_adapter: Path
) -> None:
    one = read_adapter(_put(tmp_path, tiny_adapter, "one"))
    remove_adapter(one)
    for act in (lambda: activate_adapter(tmp_path, one), lambda: remove_adapter(one)):
        with pytest.raises(AdapterError, match="one was removed meanwhile"):
            act()
    assert active_adapter(tmp_path, "tiny") is None


def test_a_removal_that_is_killed_leaves_no_half_adapter_and_is_finished_by_the_next(
    tmp_path: Path, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = read_adapter(_put(tmp_path, tiny_adapter, "one"))
    two = read_adapter(_put(tmp_path, tiny_adapter, "two"))
    activate_adapter(tmp_path, one)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("core.storage.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove_adapter(one)
    assert [a.manifest.name for a in list_adapters(tmp_path) if a.manifest.corpus == "tiny"] == [
        "two"
    ]
    with pytest.raises(AdapterError, match=r"no adapter 'one' .*there are: two"):
        active_adapter(tmp_path, "tiny")  # said, not silently answered by another
    activate_adapter(tmp_path, two)
    trained_meanwhile = tmp_path / "adapters" / "tiny" / "three.writing-1234abcd"
    trained_meanwhile.mkdir()
    remove_adapter(two)
    assert sorted(path.name for path in trained_meanwhile.parent.iterdir()) == [
        ".active.lock", "three.writing-1234abcd",
    ]  # fmt: skip


def test_processes_that_choose_at_once_leave_one_choice(tmp_path: Path, tiny_adapter: Path) -> None:
    names = [f"n{number}" for number in range(6)]
    adapters = [read_adapter(_put(tmp_path, tiny_adapter, name)) for name in names]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda one: activate_adapter(tmp_path, one), adapters * 3))
    assert active_adapter(tmp_path, "tiny").manifest.name in names
    left = [path.name for path in (tmp_path / "adapters" / "tiny").iterdir() if path.is_file()]
    assert sorted(left) == [".active.lock", "active"]


def test_another_process_that_chooses_is_waited_for_and_then_named(
    tmp_path: Path, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = read_adapter(_put(tmp_path, tiny_adapter, "one"))
    monkeypatch.setattr("sft.adapters._LOCK_SECONDS", 0.01)
    busy = pytest.raises(AdapterError, match="Another process is choosing")
    with FileLock(one.folder.parent / ".active.lock"), busy:
        activate_adapter(tmp_path, one)


def test_one_trained_here_comes_before_the_shipped_one_of_its_name(
    tmp_path: Path, tiny_adapter: Path
) -> None:
    shipped = find_adapter(tmp_path, "halden", "desk")
    assert shipped.shipped and shipped.folder.is_relative_to(SHIPPED_FOLDER)
    own = tmp_path / "adapters" / "halden" / "desk"
    shutil.copytree(shipped.folder, own)
    found = find_adapter(tmp_path, "halden", "desk")
    assert (found.folder, found.shipped) == (own, False)
    remove_adapter(found)
    assert find_adapter(tmp_path, "halden", "desk") == shipped
    with pytest.raises(AdapterError, match="ships with the project"):
        remove_adapter(shipped)
    assert json.loads((shipped.folder / "manifest.json").read_text())["name"] == "desk"
