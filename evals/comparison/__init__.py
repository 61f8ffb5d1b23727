"""Comparing strategies at equal budgets: run them on shared samples, count everything, say what differs."""

from evals.comparison.comparing import compare

__all__ = ["compare"]
