"""Data sets from the Hugging Face hub."""

import os
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from rsa.errors import UsageError

__all__ = ["hub_rows"]

_PROBE_SECONDS = 1.0


def hub_rows(repository: str, split: str) -> tuple[list[Mapping[str, Any]], str | None]:
    """The rows of one split and the revision they came from.

    Without a network the local cache is used; raises `UsageError` within about a second if the data set is not in it.
    """
    online = not os.environ.get("HF_HUB_OFFLINE") and _hub_answers()
    from datasets import DownloadConfig, load_dataset  # noqa: PLC0415 - takes seconds to import
    from datasets.exceptions import DatasetNotFoundError  # noqa: PLC0415
    from huggingface_hub import HfApi  # noqa: PLC0415
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

    try:
        revision = HfApi().dataset_info(repository).sha if online else None
        table = load_dataset(
            repository, split=split, revision=revision, download_config=DownloadConfig(local_files_only=not online)
        )
    except (DatasetNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        reason = (
            str(error).strip().splitlines()[0] if online else "the hub cannot be reached and it is not in the local cache"
        )
        raise UsageError(
            f"the data set {repository} cannot be loaded: {reason}; give the file yourself (--data FILE), or use "
            "a task that needs no network (rsa-eval tasks)"
        ) from error
    return list(table), revision


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
