"""A run, or several, as one self-contained page, and all plots and tables as files."""

from evals.report.page import write_report
from evals.report.texts import MOST_TEXTS

__all__ = ["MOST_TEXTS", "write_report"]
