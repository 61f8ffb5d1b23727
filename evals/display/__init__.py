"""What a run shows while it works, on stderr: a live block on a terminal, plain lines elsewhere, nothing for `--json`."""

from evals.display.display import Display, make_display
from evals.display.outset import Outset, outset
from evals.display.vitals import Vitals, vitals
from evals.display.words import spent

__all__ = ["Display", "Outset", "Vitals", "make_display", "outset", "spent", "vitals"]
