"""How a command ends: one message on stderr and an exit code for each of our own errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

__all__ = ["errors"]


@contextmanager
def errors(program: str = "rsa-eval") -> Iterator[None]:
    """Turn our own errors into one message of a program and an exit code."""
    import asyncio  # noqa: PLC0415

    from rsa.errors import Incomplete, RSAError, UsageError  # noqa: PLC0415

    try:
        yield
    except RSAError as error:
        typer.echo(f"{program}: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, UsageError) else 3 if isinstance(error, Incomplete) else 1) from error
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        typer.echo(f"{program}: interrupted", err=True)
        raise typer.Exit(3) from error
