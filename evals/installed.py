"""What is installed in this environment."""

import importlib.metadata

__all__ = ["DISTRIBUTION", "installed_version"]

DISTRIBUTION = "recursive-self-aggregation"


def installed_version(distribution: str) -> str | None:
    """The installed version of a distribution, None if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
