"""`make bench`: everything that is claimed to be fast, beside its baseline in the same run. Writes bench.json.

`python -m tests.bench verdicts sandbox` runs only those named.
"""

import json
import os
import platform
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

BENCHES = ("verdicts", "sandbox", "scale", "concurrency", "prefix")


def main(names: list[str]) -> None:
    unknown = set(names) - set(BENCHES)
    if unknown:
        sys.exit(f"there is no bench {', '.join(sorted(unknown))} (there are {', '.join(BENCHES)})")
    rows = [{"bench": name, **row} for name in names or BENCHES for row in import_module(f"tests.bench.{name}").measure()]
    machine = {"cpu": cpu(), "cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    content = {"machine": machine, "how": "make bench", "rows": rows}
    Path("bench.json").write_text(json.dumps(content, indent=2) + "\n")
    Console(width=120).print(table(rows))


def cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def table(rows: list[dict[str, Any]]) -> Table:
    shown = Table("bench", "what", "ours", "baseline", "", "unit", "ratio", "spread")
    for row in rows:
        spread = " to ".join(f"{bound:g}" for bound in row["spread"])
        shown.add_row(
            row["bench"], row["name"], f"{row['ours']:,g}", f"{row['theirs']:,g}", row["baseline"], row["unit"],
            f"{row['ratio']:g}", spread,
        )  # fmt: skip
    return shown


if __name__ == "__main__":
    main(sys.argv[1:])
