"""Problems that are solved by a program: the shipped ones, LiveCodeBench, HumanEval, MBPP and your own."""

from evals.tasks.code.assert_sets import HUMANEVAL, MBPP, humaneval_problems, mbpp_problems
from evals.tasks.code.errata import ERRATA
from evals.tasks.code.layout import code_problem, code_problems, limits, program, public_suite, suite
from evals.tasks.code.livecodebench import Selection, livecodebench_files, livecodebench_problems
from evals.tasks.code.sample import SampleSolution, load_code_sample, sample_solutions

__all__ = [
    "ERRATA",
    "HUMANEVAL",
    "MBPP",
    "SampleSolution",
    "Selection",
    "code_problem",
    "code_problems",
    "humaneval_problems",
    "limits",
    "livecodebench_files",
    "livecodebench_problems",
    "load_code_sample",
    "mbpp_problems",
    "program",
    "public_suite",
    "sample_solutions",
    "suite",
]
