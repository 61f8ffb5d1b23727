"""Data sets from the Hugging Face hub."""

import os
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from rsa.errors import UsageError

__all__ = ["folder_rows", "hub_rows"]

_PROBE_SECONDS = 1.0


def hub_rows(repository: str, split: str) -> tuple[list[Mapping[str, Any]], str]:
    """The rows of one split and the revision they came from.

    Without a network the local cache is used; raises `UsageError` within about a second if the data set is not in it.
    """
    from huggingface_hub import constants, snapshot_download  # noqa: PLC0415 - slow to import

    online = not constants.HF_HUB_OFFLINE and (bool(getproxies()) or _hub_answers())
    try:
        folder = Path(snapshot_download(repository, repo_type="dataset", local_files_only=not online))
        return folder_rows(folder, split), folder.name  # the cache names its folders by revision
    except (OSError, ValueError) as error:
        lines = str(error).strip().splitlines() or [repr(error)]
        reason = lines[0] if online else "the hub cannot be reached and it is not in the local cache"
        raise UsageError(
            f"the data set {repository} cannot be loaded: {reason}; give the file yourself (--data FILE), or use "
            "a task that needs no network (rsa-eval tasks)"
        ) from error


def folder_rows(folder: Path, split: str) -> list[Mapping[str, Any]]:
    """The rows of one split of a data set in a folder laid out as on the hub. Raises `ValueError` if there is none."""
    from datasets import load_dataset  # noqa: PLC0415 - takes seconds to import
    from datasets.exceptions import DatasetsError  # noqa: PLC0415

    try:
        return list(load_dataset(str(folder), split=split))
    except DatasetsError as error:
        raise ValueError(str(error)) from error


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
