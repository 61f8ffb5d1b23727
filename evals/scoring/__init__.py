"""Verdicts: is what a chain answered right?"""

from evals.scoring.custom import Score, is_custom
from evals.scoring.golds import check_golds, check_has_gold
from evals.scoring.queue import ScoringQueue
from evals.scoring.scoring import SCORERS, Scoring, default_scorer, read_answer
from evals.scoring.verdicts import Attempt, Judgement, Verdict

__all__ = [
    "SCORERS",
    "Attempt",
    "Judgement",
    "Score",
    "Scoring",
    "ScoringQueue",
    "Verdict",
    "check_golds",
    "check_has_gold",
    "default_scorer",
    "is_custom",
    "read_answer",
]
