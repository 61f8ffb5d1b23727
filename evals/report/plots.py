"""All plots of a report, by the section they stand in."""

from collections.abc import Mapping, Sequence
from typing import Any

from evals.report.budget import budget_plot, difference_plot, sample_plot
from evals.report.heatmap import Heat, heat_plots
from evals.report.plot import Plot
from evals.report.steps import cost_plots, step_plots, story_plots, token_plots
from evals.report.theme import Look, look
from evals.report.told import told

__all__ = ["SECTIONS", "known_looks", "plots"]

SECTIONS = ("comparison", "budget", "samples", "steps", "problems", "story", "tokens", "cost")


def known_looks(comparison: Mapping[str, Any]) -> dict[str, Look]:
    """The look of every curve and run by its name: the same in all plots."""
    names = [*(curve["name"] for curve in comparison["curves"]), *(run["name"] for run in comparison["runs"])]
    return {name: look(number) for number, name in enumerate(dict.fromkeys(names))}


def plots(
    summaries: Sequence[Mapping[str, Any]], comparison: Mapping[str, Any], heats: Sequence[Heat]
) -> dict[str, list[Plot]]:
    """The plots of each of the `SECTIONS`. A plot of which nothing is known is left out."""
    runs, known = told(summaries, comparison), known_looks(comparison)
    names = [run.name for run in runs]
    single = {
        "comparison": difference_plot(comparison),
        "budget": budget_plot(comparison, known),
        "samples": sample_plot(comparison, known),
    }
    several = {
        "steps": step_plots(runs),
        "problems": heat_plots(names, heats),
        "story": story_plots(runs, known),
        "tokens": token_plots(runs),
        "cost": cost_plots(runs, known),
    }
    return {**{section: [plot] if plot else [] for section, plot in single.items()}, **several}
