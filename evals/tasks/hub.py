"""Data sets from the Hugging Face hub."""

import os
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from evals.tasks.files import Row
from rsa.errors import UsageError

__all__ = ["HubSource", "folder_rows", "hub_folder", "hub_rows"]

_PROBE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class HubSource:
    """A data set on the hub. `revision` None is the newest, `subset` and `split` None are the only ones."""

    repository: str
    revision: str | None = None
    split: str | None = None
    subset: str | None = None


def hub_rows(source: HubSource) -> tuple[list[Row], str]:
    """The rows of one split and the revision they came from.

    Without a network the local cache is used; raises `UsageError` within about a second if the data set is not in it.
    """
    folder = hub_folder(source)
    try:
        return folder_rows(folder, source), folder.name  # the cache names its folders by revision
    except (OSError, ValueError) as error:
        raise _unloadable(source.repository, _first_line(error)) from error


def hub_folder(source: HubSource, files: Sequence[str] | None = None) -> Path:
    """The folder of a data set in the local cache, downloaded if need be; only the `files` (patterns) if given.

    Raises `UsageError` as `hub_rows` does.
    """
    from huggingface_hub import constants, snapshot_download  # noqa: PLC0415 - slow to import

    online = not constants.HF_HUB_OFFLINE and (bool(getproxies()) or _hub_answers())
    try:
        folder: str = snapshot_download(
            source.repository,
            repo_type="dataset",
            revision=source.revision,
            allow_patterns=list(files) if files else None,
            local_files_only=not online,
        )
    except (OSError, ValueError) as error:
        reason = _first_line(error) if online else "the hub cannot be reached and it is not in the local cache"
        raise _unloadable(source.repository, reason) from error
    return Path(folder)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [repr(error)])[0]


def _unloadable(repository: str, reason: str) -> UsageError:
    return UsageError(
        f"the data set {repository} cannot be loaded: {reason}; give the file yourself (--data FILE), or use "
        "a task that needs no network (rsa-eval tasks)"
    )


def folder_rows(folder: Path, source: HubSource) -> list[Row]:
    """The rows of one split of a data set in a folder laid out as on the hub. Raises `ValueError` if there is none."""
    from datasets import DatasetDict, load_dataset  # noqa: PLC0415 - takes seconds to import
    from datasets.exceptions import DatasetsError  # noqa: PLC0415

    try:
        loaded = load_dataset(str(folder), source.subset, split=source.split)
    except DatasetsError as error:
        raise ValueError(str(error)) from error
    if isinstance(loaded, DatasetDict):
        if len(loaded) > 1:
            raise ValueError(f"it has the splits {', '.join(loaded)}: name one (task.split)")
        loaded = next(iter(loaded.values()))
    return list(loaded)


def _hub_answers() -> bool:
    """Whether the hub can be connected to; the client library alone would try for 20 seconds."""
    parts = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    address = (parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443))

    def connect() -> bool:
        try:
            with socket.create_connection(address, _PROBE_SECONDS):
                return True
        except OSError:
            return False

    pool = ThreadPoolExecutor(max_workers=1)
    try:
        return pool.submit(connect).result(timeout=_PROBE_SECONDS)
    except TimeoutError:
        return False
    finally:
        pool.shutdown(wait=False)
