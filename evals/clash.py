"""A warning for environments with two packages that import as `rsa`."""

import sys

from evals.installed import installed_version

__all__ = ["clashing_version", "warn_of_name_clash"]


def clashing_version() -> str | None:
    """The installed version of PyPI's cryptography package `rsa`, None if it is not there."""
    return installed_version("rsa")


def warn_of_name_clash() -> None:
    """Say plainly, on stderr, when both packages are installed: whichever came last owns the name."""
    version = clashing_version()
    if version:
        sys.stderr.write(
            f"rsa-eval: warning: the cryptography package 'rsa' {version} is installed in the same environment, and both "
            "import as 'rsa', so one of them is broken. Use an environment of its own, or: pip uninstall rsa, then "
            "pip install --force-reinstall --no-deps recursive-self-aggregation\n"
        )
