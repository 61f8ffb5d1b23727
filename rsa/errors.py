"""Every error that this package raises on purpose.

Each message says what went wrong, where, and what to do about it. The command line turns them into exit codes:
`UsageError` and what derives from it 2, `Incomplete` 3, every other `RSAError` 1.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rsa.chain import Usage

__all__ = [
    "CallFailed",
    "ContextOverflow",
    "EndpointRefused",
    "EndpointUnreachable",
    "Incomplete",
    "RSAError",
    "RunFailed",
    "ServerFailed",
    "UsageError",
]


class RSAError(Exception):
    """Base of all errors of this package."""


class UsageError(RSAError, ValueError):
    """Bad input: an argument, a configuration or a file. Nothing was spent and nothing was overwritten."""


class RunFailed(RSAError):
    """A run cannot give an answer, for example because every chain of a population is dead."""


class Incomplete(RSAError):
    """A run stopped early and can be resumed."""


class CallFailed(RSAError):
    """One call failed for good. The chain it was for is dead; the run goes on.

    `attempts` counts its HTTP requests, `usage` (an `rsa.Usage`) what they cost all the same.
    """

    def __init__(self, message: str, attempts: int = 0, usage: "Usage | None" = None) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.usage = usage


class ContextOverflow(CallFailed):
    """A prompt and its reply do not fit the model's context window."""


class EndpointRefused(UsageError):
    """The endpoint answered that no call of this kind can succeed: a wrong key, model, path or parameter."""


class EndpointUnreachable(Incomplete):
    """No connection to the endpoint for longer than its patience."""


class ServerFailed(RSAError):
    """A model server that was to be started did not become healthy."""
