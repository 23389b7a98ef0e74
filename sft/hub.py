"""Adapters on the Hugging Face hub; who pushes is who the hub's own login says."""

import re
from pathlib import Path

from core.errors import AdapterError
from sft.incoming import check_names


def is_folder(repository: str) -> bool:
    """Say whether a reference means a local folder rather than a hub id."""
    return repository.startswith((".", "/", "~")) or Path(repository).is_dir()


def check_hub_id(repository: str) -> None:
    """Refuse what is no hub id.

    :raises AdapterError: says how one is written.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", repository):
        raise AdapterError(
            f"{repository!r} is neither a folder nor a hub id: write OWNER/NAME, or ./FOLDER."
        )


def upload(folder: Path, repository: str, *, private: bool) -> None:
    """Put a folder's files into a model repository, which is made if it is not there.

    :raises AdapterError: when the hub is out of reach or refuses.
    """
    from huggingface_hub import HfApi  # noqa: PLC0415  (only this path needs the hub)

    check_hub_id(repository)
    try:
        api = HfApi()
        api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repository, folder_path=folder, commit_message=f"Adapter {folder.name}"
        )
    except Exception as error:  # the hub client raises many unrelated types
        raise AdapterError(_told(repository, "pushed to", error)) from error


def download(repository: str, folder: Path) -> None:
    """Fetch a repository's files into a folder, after their names and sizes were found harmless.

    :raises AdapterError: when it holds what no adapter needs, or the hub cannot be reached or
        refuses.
    """
    from huggingface_hub import HfApi, snapshot_download  # noqa: PLC0415

    check_hub_id(repository)
    try:
        info = HfApi().model_info(repository, files_metadata=True)
        sizes = {one.rfilename: one.size or 0 for one in info.siblings or ()}
    except Exception as error:  # the hub client raises many unrelated types
        raise AdapterError(_told(repository, "pulled from", error)) from error
    names = check_names(sizes, repository)
    try:
        # Of the revision that was looked at: what is pushed meanwhile was not.
        snapshot_download(
            repository, revision=info.sha, local_dir=folder, allow_patterns=sorted(names)
        )
    except Exception as error:
        raise AdapterError(_told(repository, "pulled from", error)) from error


def _told(repository: str, done: str, error: Exception) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    kind = type(error).__name__
    if status in (401, 403) or kind in ("LocalTokenNotFoundError", "GatedRepoError"):
        advice = "the hub does not let you: log in with `hf auth login`, with rights to it"
    elif kind in ("OfflineModeIsEnabled", "ConnectError", "ConnectionError", "ConnectTimeout"):
        advice = "the hub cannot be reached: connect, or name a local folder"
    elif status == 404:
        advice = "there is no such repository, or it is not yours to see: log in first"
    else:
        advice = f"{kind}: {str(error).partition(chr(10))[0]}"
    return f"{repository} could not be {done} ({advice})."
