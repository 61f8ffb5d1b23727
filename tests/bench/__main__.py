"""`make bench`: everything that is claimed to be fast, beside its baseline in the same run. Writes bench.json.

`python -m tests.bench verdicts sandbox` runs only those named; what bench.json has of others stays.
"""

import sys
import time
from importlib import import_module

from rich.console import Console

from tests.bench.rows import Unavailable, machine, save, table

BENCHES = (
    "verdicts", "sandbox", "startup", "scale", "client", "concurrency", "demand", "prefix", "schedule", "schedule_vllm",
    "throughput", "simulator",
)  # fmt: skip


def main(names: list[str]) -> None:
    unknown = set(names) - set(BENCHES)
    if unknown:
        sys.exit(f"there is no bench {', '.join(sorted(unknown))} (there are {', '.join(BENCHES)})")
    console = Console(width=150)
    for name in names or BENCHES:
        entry = {"machine": machine()}
        began = time.perf_counter()
        try:
            rows = list(import_module(f"tests.bench.{name}").measure())
        except Unavailable as reason:
            console.print(f"{name} is left out: {reason}")
            continue
        save(name, {**entry, "seconds": round(time.perf_counter() - began), "rows": rows})
        console.print(table(name, rows))


if __name__ == "__main__":
    main(sys.argv[1:])
