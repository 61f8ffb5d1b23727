"""What one call has cost so far, and how long to wait before it is sent again."""

import asyncio
import time
from dataclasses import dataclass, field

from rsa.chain import Usage
from rsa.endpoint.faults import Fault, FaultKind, backoff
from rsa.keys import Key

__all__ = ["Spent", "wait_before_next"]


@dataclass(slots=True)
class Spent:
    """What one call has cost so far."""

    attempts: int = 0
    failed: int = 0
    blanks: int = 0
    usage: Usage = field(default_factory=Usage)
    unconnected_since: float | None = None

    def take(self, fault: Fault) -> None:
        """Count a failed attempt. One without a connection uses up patience, any other a retry."""
        self.usage = self.usage + fault.usage
        if fault.kind is FaultKind.UNREACHABLE:
            self.unconnected_since = self.unconnected_since or time.monotonic()
            return
        self.unconnected_since = None
        self.failed += 1
        self.blanks += fault.blank

    def unconnected_for(self) -> float:
        """Seconds since the connection was lost; negative while there is one."""
        return -1.0 if self.unconnected_since is None else time.monotonic() - self.unconnected_since


async def wait_before_next(seed: int, attempt: int, fault: Fault) -> None:
    """Sleep before attempt + 1. The jitter is a keyed draw, like every other."""
    await asyncio.sleep(backoff(attempt, Key(seed, "", purpose="backoff").uniform(attempt), fault.wait))
