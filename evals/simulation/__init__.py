"""How a run would go on servers that are not there: the scheduler as it is, on simulated servers, in virtual time.

`costs` and `memory` make up a `replica`, a `fleet` has several, a `workload` says what is sent to them and `simulate` runs
it. Where the numbers come from: `profiles` calculates them from data sheets, `calibration` fits them to a `recorded` run.
`scene` puts all that together for `command`, which shows it.
"""

from evals.simulation.command import show_simulation
from evals.simulation.scene import Wish

__all__ = ["Wish", "show_simulation"]
