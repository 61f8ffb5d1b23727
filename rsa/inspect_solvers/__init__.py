"""The strategies as solvers of inspect_ai: `inspect eval TASK --solver rsa/rsa -S n=16 -S k=4`. Needs the extra `[inspect]`.

solvers   what inspect_ai finds under rsa/...
options   their options, checked
solving   one sample: its chains, and what becomes of its state
calls     inspect_ai's own model as the model of a run
records   what the log says of a run
internals what is used of inspect_ai beyond its documented names
"""

from rsa.inspect_solvers.solvers import (
    majority,
    rejection,
    rsa,
    sample,
    self_aggregation,
    self_refine,
)

__all__ = ["majority", "rejection", "rsa", "sample", "self_aggregation", "self_refine"]
