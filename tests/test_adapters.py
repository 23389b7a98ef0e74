"""Adapters on disk: found by name, refused when they do not fit, removed only if made here."""

import json
import shutil
from pathlib import Path

import pytest
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
