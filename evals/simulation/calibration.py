"""What a step of a real server costs, fitted to a run that it has done, and how far off a simulation with that is.

The run's chains are put to a simulated server at the times at which they were really started, and the costs are moved until
those of every second problem take as long as they did. The other problems' chains say how good that is; so does the time of
the whole run, if the scheduler starts everything itself. How a step's time divides between what it takes anyway and what
each sequence adds can be told only from a run in which not always as many were in flight.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from numpy.typing import NDArray

from evals.simulation.clock import run_virtually
from evals.simulation.costs import StepCosts
from evals.simulation.recorded import Entry, Recorded
from evals.simulation.replica import Replica, Server
from evals.simulation.simulate import simulate
from rsa.endpoint.concurrency import Adaptive
from rsa.errors import UsageError

__all__ = ["Calibration", "calibrate"]

Array = NDArray[np.float64]
_FITTED = ("step", "sequence", "context", "prompt", "call")
_FEWEST, _MOST = 40, 4000  # chains
_RANGE = math.log(1e4)  # how far a cost may be from where its search begins
_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Calibration:
    """Costs, which were fitted to so many chains, and how far off they are, as shares.

    `chain_error` is the median error of the seconds of the `checked` chains, to which they were not fitted, `chain_bias` the
    error of all those seconds together. The whole run took `seconds`, and a simulation is off by `seconds_error`.
    """

    costs: StepCosts
    fitted: int
    checked: int
    chain_error: float
    chain_bias: float
    seconds: float
    seconds_error: float


def calibrate(run: Recorded, server: Server, limit: Callable[[], Adaptive]) -> Calibration:
    """Fit the costs of a server to a run on it. `limit` makes the run's limit on calls in flight.

    Raises `UsageError` where the run has too few chains.
    """
    entries = list(run)[:_MOST]
    if len(entries) < _FEWEST or len(run.entries) < 2:
        raise UsageError(
            f"a calibration needs {_FEWEST} chains of two problems, with token counts and times, and the run has "
            f"{len(entries)}"
        )
    groups = {group: number for number, group in enumerate(run.entries)}
    fitted = np.array([groups[entry.problem, entry.repeat] % 2 == 0 for entry in entries])
    real = np.array([max(1e-6, entry.ended - entry.started) for entry in entries])
    costs = _fit(run, entries, fitted, real, server)
    found = replace(server, costs=costs)
    takes, took = np.array(_replayed(run, entries, found))[~fitted], real[~fitted]
    return Calibration(
        costs,
        int(fitted.sum()),
        len(took),
        float(np.median(np.abs(takes / took - 1))),
        float(takes.sum() / took.sum() - 1),
        run.seconds,
        simulate(run, found, 1, limit()).seconds / run.seconds - 1,
    )


def _fit(run: Recorded, entries: Sequence[Entry], fitted: NDArray[np.bool_], real: Array, server: Server) -> StepCosts:
    from scipy.optimize import least_squares  # noqa: PLC0415 - takes half a second to import

    def off(logs: Array) -> Array:
        costs = StepCosts(**dict(zip(_FITTED, np.exp(logs), strict=True)))
        return np.extract(fitted, np.log(_replayed(run, entries, replace(server, costs=costs))) - np.log(real))

    start = np.log(_guess(entries))
    bounds = (start - _RANGE, start + _RANGE)
    found = least_squares(off, start, bounds=bounds, loss="soft_l1", f_scale=0.1, diff_step=0.02, max_nfev=_ROUNDS)
    costs = StepCosts(**dict(zip(_FITTED, map(float, np.exp(found.x)), strict=True)))
    simulated = np.extract(fitted, _replayed(run, entries, replace(server, costs=costs)))
    return costs.times(float(real[fitted].sum() / simulated.sum()))  # the fit is about a usual chain, a plan about all


def _guess(entries: Sequence[Entry]) -> list[float]:
    """Where the search begins: a step is half its own and half its sequences', all else a little."""
    seconds = sum(entry.ended - entry.started for entry in entries)
    span = max(entry.ended for entry in entries) - min(entry.started for entry in entries)
    running = max(1.0, seconds / span)
    step = median((entry.ended - entry.started) / entry.length.new for entry in entries)
    size = sum(entry.prompt + entry.length.new for entry in entries) / len(entries)
    return [step / 2, step / 2 / running, step / 10 / running / size, step / 200, step]


def _replayed(run: Recorded, entries: Sequence[Entry], server: Server) -> list[float]:
    """The seconds that each takes, started when it was."""
    return run_virtually(_replay(run, entries, server))


async def _replay(run: Recorded, entries: Sequence[Entry], server: Server) -> list[float]:
    loop = asyncio.get_running_loop()
    replica, seconds, left = Replica(server, loop), [0.0] * len(entries), len(entries)
    finished = asyncio.Event()

    def submit(number: int, entry: Entry) -> None:
        began = loop.time() - server.costs.call

        def done() -> None:
            nonlocal left
            seconds[number] = loop.time() - began
            left -= 1
            if not left:
                finished.set()

        replica.submit(run.call(entry), done)

    for number, entry in enumerate(entries):
        loop.call_at(entry.started - entries[0].started + server.costs.call, submit, number, entry)
    await finished.wait()
    return seconds
