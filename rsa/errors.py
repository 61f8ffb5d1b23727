"""Every error that this package raises on purpose, and what becomes of whatever may go wrong: the failure model.

Each message says what went wrong, where, and what to do about it.

**A call.**

- 408, 409, 425, 5xx, a lost connection, the time limit, a reply that is unreadable, blank or broken off: it is sent again
  after a growing wait, or after `Retry-After`. Out of `retries`, its chain is dead.
- 429: the same, but ten of them use up one retry. A credit that is used up is a refusal.
- No connection, or ten failed attempts in a row without a success: the circuit opens. All calls wait, one tiny probe at a
  time goes out, and all go on when one is answered. After `patience` seconds the run stops (3).
- 429 for every call for `patience` seconds, or ten calls in a row out of retries: the run stops (3).
- The prompt is too long for the context window: `on_overflow` says whether it is shortened or its chain is dead.
- 400, 413, 422 of a prompt where another prompt is accepted: its chain is dead.
- Any other 3xx or 4xx, such as a wrong key, path, model or parameter: the run stops (1), for every other call would fail
  too.
- A budget does not allow it: it is not sent, its chain is left for a resumption, and the run stops (3).
- The server that was started for the run ends: the run stops (3).

A model that is an async function (`rsa.Adapter`) fails by the same rules, and what it raises says by which.

**A chain.**

- Cut by the token limit (`finish_reason` length): truncated, a candidate like any other.
- Dead: never a candidate, a vote or a wrong answer. The next in the lines of its children stands in for it.
- All that it could have read are dead: dead as well.

**A run** ends with an exit code.

- 0: done.
- 1: refused by the endpoint, or the server did not start.
- 2: bad usage, configuration or data.
- 3: it can be resumed. Interrupted; out of patience, budget or disk space; more than `max_dead` dead chains or failed
  verdicts.

What is recorded is on the disk before anything reads it, and is never made again. `UsageError` and what derives from it
end a command with 2 (`EndpointRefused` in mid-run with 1), `Incomplete` with 3, every other `RSAError` with 1.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rsa.chain import Usage

__all__ = [
    "BudgetSpent",
    "CallAbandoned",
    "CallFailed",
    "ContextOverflow",
    "EndpointRefused",
    "EndpointUnreachable",
    "Incomplete",
    "RSAError",
    "RunFailed",
    "ServerFailed",
    "TryAgain",
    "UsageError",
]


class RSAError(Exception):
    """Base of all errors of this package."""


class UsageError(RSAError, ValueError):
    """Bad input: an argument, a configuration or a file. Nothing was spent and nothing was overwritten."""


class RunFailed(RSAError):
    """A run cannot give an answer, for example because every chain of a population is dead."""


class Incomplete(RSAError):
    """A run stopped early and can be resumed. `remedy` is what a resumption needs in addition, as command-line options."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class CallFailed(RSAError):
    """One call failed for good. The chain it was for is dead; the run goes on.

    `attempts` counts its HTTP requests, `usage` (an `rsa.Usage`) what they cost all the same. `status` is the HTTP status
    that tells how it failed: the server's own, 504 where it said nothing in time, None where no status tells it.
    """

    def __init__(self, message: str, attempts: int = 0, usage: "Usage | None" = None, status: int | None = None) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.usage = usage
        self.status = status


class CallAbandoned(Incomplete):
    """A call was given up while it waited, because the run stops or its budget is spent. Its chain is left for later."""


class BudgetSpent(CallAbandoned):
    """A budget does not allow a further call."""


class ContextOverflow(CallFailed):
    """A prompt and its reply do not fit the model's context window."""


class EndpointRefused(UsageError):
    """The endpoint answered that no call of this kind can succeed: a wrong key, model, path or parameter.

    `status` is the HTTP status that it answered with, None where it is the answer's content that tells.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class TryAgain(RSAError):
    """Raised by an adapter (`rsa.Adapter`): this attempt failed, and another may succeed.

    `wait` are the seconds that were asked for. `busy` says that it was only turned away for now: ten of these use up one
    retry.
    """

    def __init__(self, message: str, wait: float | None = None, *, busy: bool = False) -> None:
        super().__init__(message)
        self.wait = wait
        self.busy = busy


class EndpointUnreachable(Incomplete):
    """No connection to the endpoint for longer than its patience."""


class ServerFailed(RSAError):
    """A model server that was to be started did not become healthy."""
