"""The chaos report: what was done to the runs of a test session, and what they lost by it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.faults import Kind
from tests.chaos.invariants import records
from tests.chaos.server import ChaosServer


@dataclass
class Tally:
    """Counts over many runs. `lost` are chains that were recorded or owed and are not there in the end."""

    faults: Counter[Kind] = field(default_factory=Counter)
    retries: int = 0
    seconds_lost: float = 0.0
    runs: int = 0
    chains: int = 0
    dead: int = 0
    lost: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    full_disks: Counter[str] = field(default_factory=Counter)
    interruptions: Counter[str] = field(default_factory=Counter)

    def add_server(self, server: ChaosServer) -> None:
        """Count what a server did since it last forgot."""
        waits = server.retries()
        self.faults += server.faults()
        self.retries += len(waits)
        self.seconds_lost += sum(waits)

    def add_run(self, directory: Path, planned: int) -> None:
        """Count the chains of a run that is done."""
        found = records(directory / "chains.jsonl")
        self.runs += 1
        self.chains += len(found)
        self.dead += sum(chain["status"] == "dead" for chain in found)
        self.lost += planned - len(found)

    def plain(self) -> dict[str, Any]:
        """All counts as numbers, and as numbers by name."""
        return {
            name: {str(kind): number for kind, number in count.items()} if isinstance(count, Counter) else count
            for name, count in vars(self).items()
        }

    def add(self, plain: Mapping[str, Any]) -> None:
        """Add what the `plain` of another one gave."""
        for name, count in plain.items():
            setattr(self, name, getattr(self, name) + (Counter(count) if isinstance(count, dict) else count))

    def lines(self) -> Iterator[str]:
        """The report."""
        yield f"{sum(self.faults.values())} faults injected: {_counts(self.faults)}"
        yield f"{self.retries} retries, {self.seconds_lost:.1f} s of calls lost to them"
        yield f"{sum(self.kills.values())} kills: {_counts(self.kills)}"
        yield f"{sum(self.full_disks.values())} full disks, hit while writing: {_counts(self.full_disks)}"
        yield f"{sum(self.interruptions.values())} interruptions: {_counts(self.interruptions)}"
        yield f"{self.runs} runs ended with {self.chains} chains, {self.dead} of them dead; chains lost: {self.lost}"


def _counts(counter: Counter[str] | Counter[Kind]) -> str:
    named: Iterable[tuple[str, int]] = sorted((str(name), count) for name, count in counter.items())
    return ", ".join(f"{name} ({count})" for name, count in named) or "none"
