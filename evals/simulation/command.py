"""`rsa-eval plan --simulate`: how long a run would take on so many GPUs, and how many it needs to be done in time."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.table import Table

from evals.config import RunConfig
from evals.console import output, write_json
from evals.simulation.calibration import Calibration
from evals.simulation.scene import Scene, Wish, scene_of
from evals.simulation.search import smallest
from evals.simulation.simulate import Simulated

__all__ = ["show_simulation"]

_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600}
_TRIED = (1, 2, 4, 8)  # replicas, where nothing else is asked


def show_simulation(config: RunConfig, wish: Wish, mean_tokens: int | None, as_json: bool) -> None:
    """Print how a run goes on so many GPUs, and the smallest number that is done in time."""
    deadline, scene = wish.deadline, scene_of(config, wish, mean_tokens)
    found: dict[int, Simulated] = {}

    def seconds(replicas: int) -> float:
        if replicas not in found:
            found[replicas] = scene.run(replicas)
        return found[replicas].seconds

    wanted = wish.replicas(scene.gpus_each)
    for replicas in wanted or (() if deadline else _TRIED):
        seconds(replicas)
    enough = None
    if deadline and wanted:
        enough = min((number for number in wanted if seconds(number) <= deadline), default=None)
    elif deadline:
        enough = smallest(seconds, deadline, scene.sessions)
    results = [found[number] for number in sorted(found)]
    gpus = enough and enough * scene.gpus_each
    if as_json:
        write_json(_told(scene, results, deadline, gpus))
        return
    console = output()
    console.print(f"simulated   {scene.title}")
    console.print(f"lengths     {scene.told_lengths}")
    console.print(f"server      {scene.told_server}", soft_wrap=True)
    console.print(_words(scene.calibration), soft_wrap=True)
    console.print(_table(scene, results))
    if any(each.replicas > 1 for each in results):
        most = f"--max-concurrency {scene.endpoint.max_concurrency} times the replicas"
        console.print(f"behind a router, run it with --concurrency fixed and {most}, as simulated", soft_wrap=True)
    if deadline:
        useful = scene.sessions * scene.gpus_each
        among = "of these" if wanted else f"up to {useful:,} GPUs; with more some have nothing to do at any time"
        needed = f"{gpus:,} GPU{'s' if gpus > 1 else ''}, the smallest number found" if gpus else f"no number {among}"
        console.print(f"done within {wish.within}: {needed}")


def _words(calibration: Calibration | None) -> str:
    if calibration is None:
        return (
            "speed       NOT CALIBRATED: arithmetic from data sheets and assumed efficiencies, measured on no GPU; "
            "--calibrate RUN fits it to a run"
        )
    return (
        f"speed       fitted to {calibration.fitted} chains; of {calibration.checked} others the time is off by "
        f"{calibration.chain_error:.1%} (median; all together {calibration.chain_bias:+.1%}); the whole run took "
        f"{calibration.seconds:.1f} s, and its simulation is off by {calibration.seconds_error:+.1%}"
    )


def _row(scene: Scene, each: Simulated) -> dict[str, Any]:
    gpus = each.replicas * scene.gpus_each
    return {
        "gpus": gpus,
        "seconds": each.seconds,
        "hours": each.seconds / 3600,
        "tokens_a_second": each.tokens_a_second,
        "running_a_replica": each.running,
        "kv_used": each.kv_used(scene.server),
        "preemptions": each.stats.preemptions,
        "prefix_hits": each.hits,
        "gpu_hours": gpus * each.seconds / 3600,
        "calls": each.calls,
    }


def _told(scene: Scene, results: Sequence[Simulated], deadline: float | None, gpus: int | None) -> dict[str, Any]:
    return {
        "strategy": scene.title,
        "lengths": scene.told_lengths,
        "gpu": scene.gpu,
        "model": scene.model,
        "speed_of": scene.speed_of,
        "server": asdict(scene.server),
        "calibration": asdict(scene.calibration) if scene.calibration else None,
        "results": [_row(scene, each) for each in results],
        "within_seconds": deadline,
        "gpus_needed": gpus,
    }


def _table(scene: Scene, results: Sequence[Simulated]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    longest = max((each.seconds for each in results), default=0.0)
    unit = next((name for name, size in _UNITS.items() if longest < 100 * size), "hours")
    heads = (
        "GPUs",
        unit,
        "new\ntokens/s",
        "running\na replica",
        "KV cache\nheld",
        "preempted",
        "prefix\nhits",
        "GPU-hours",
    )
    for head in heads:
        table.add_column(head, justify="right")
    for each in results:
        row = _row(scene, each)
        gpu_hours = row["gpu_hours"]
        table.add_row(
            f"{row['gpus']:,}",
            f"{each.seconds / _UNITS[unit]:,.2f}",
            f"{row['tokens_a_second']:,.0f}",
            f"{row['running_a_replica']:.1f}",
            f"{row['kv_used']:.0%}",
            f"{row['preemptions']:,}",
            f"{row['prefix_hits']:.1%}",
            f"{gpu_hours:,.1f}" if gpu_hours >= 1 else f"{gpu_hours:.2g}",
        )
    return table
