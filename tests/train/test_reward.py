"""The reward: right answers, wrong ones, and failures that are neither, from wherever a trainer may ask."""

import asyncio
import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import psutil
import pytest

from evals.problems import Problem
from evals.sandbox import CallResult, Sandbox
from evals.scoring import default_scorer
from evals.tasks.config import TaskConfig
from evals.tasks.ground_truth import GroundTruth
from evals.tasks.gym import gym_dataset
from evals.train import reward
from evals.train.reward import Referee, compute_score, rewards, trl_reward
from rsa.errors import RunFailed, UsageError

HALF = "tests.train.scorers:half"


def truth(problem: Problem, scorer: str | None = None, **how) -> str:
    return GroundTruth(problem, scorer or default_scorer(problem.kind), **how).to_json()


def math(gold: str = r"\frac{1}{2}") -> str:
    return truth(Problem("m", "?", (gold,), "math"))


def choice() -> str:
    return truth(Problem("c", "?", ("B",), "choice", extra={"options": ["A", "B"]}))


def failing() -> str:
    """Nothing can be judged by a right answer that is no number; that takes no process to find out."""
    return truth(Problem("s", "?", ("one",), "number"))


@pytest.fixture(scope="module")
def gym() -> tuple[str, str]:
    """A ground truth and its right answer."""
    (problem,) = gym_dataset("chain_sum", TaskConfig(name="reasoning_gym:chain_sum", size=1)).problems
    return truth(problem), problem.golds[0]


@pytest.fixture
def referee():
    with Referee() as made:
        yield made


@pytest.mark.parametrize(
    ("ground_truth", "right", "wrong"),
    [
        (math(), r"So \boxed{\frac{2}{4}}", r"So \boxed{\frac{2}{5}}"),
        (choice(), r"\boxed{B}", r"\boxed{A}"),
        (truth(Problem("n", "?", ("12",), "number")), "3 x 4 = 12", "3 x 4 = 13"),
        (truth(Problem("t", "?", ("a b",), "text"), "exact"), "a b", "a c"),
    ],
    ids=["math", "choice", "number", "exact"],
)
def test_right_is_one_and_wrong_or_missing_is_zero(referee, ground_truth, right, wrong):
    assert referee.rewards([ground_truth] * 3, [right, wrong, "no idea"]) == [1.0, 0.0, 0.0]


def test_gym_items_are_judged_in_the_sandbox(referee, gym):
    ground_truth, right = gym
    texts = [f"<answer>{right}</answer>", "<answer>no number</answer>", right]
    assert referee.rewards([ground_truth] * 3, texts) == [1.0, 0.0, 0.0]


def test_programs_are_judged_in_the_sandbox(referee):
    tests = [{"input": "3\n", "output": "6\n"}, {"input": "5\n", "output": "10\n"}]
    ground_truth = truth(Problem("p", "?", (), "code", extra={"style": "stdin", "tests": tests}))
    program = "```python\nprint({} * int(input()))\n```".format
    assert referee.rewards([ground_truth] * 2, [program(2), program(3)]) == [1.0, 0.0]


def test_partial_credit_only_where_the_row_says_so(referee):
    problem = Problem("h", "?", ("1",), "math")
    graded, binary = truth(problem, HALF, graded=True), truth(problem, HALF)
    assert referee.rewards([graded, binary], [r"\boxed{1}"] * 2) == [0.5, 0.0]


def test_equal_ids_of_different_problems_are_told_apart(referee, gym):
    other = GroundTruth.from_json(gym[0])
    (fresh,) = gym_dataset("chain_sum", TaskConfig(name="reasoning_gym:chain_sum", size=1, data_seed=5)).problems
    assert fresh.id == other.problem.id
    answer = f"<answer>{gym[1]}</answer>"
    assert referee.rewards([gym[0], truth(fresh)], [answer, answer]) == [1.0, 0.0]


def test_a_failure_is_none_and_told(referee, caplog):
    with caplog.at_level(logging.WARNING):
        assert referee.rewards([failing(), math()], [r"\boxed{1}", r"\boxed{0.5}"]) == [None, 1.0]
    assert "no verdict on a completion for problem s: the right answer 'one' is not a number" in caplog.text


@pytest.mark.parametrize(
    ("kind", "scorer"), [("math", "math"), ("math", "integer"), ("choice", "choice"), ("text", "exact")]
)
def test_a_problem_without_a_right_answer_has_no_reward_and_no_answer_to_it_is_wrong(referee, caplog, kind, scorer):
    assert referee.reward(truth(Problem("g", "?", (), kind), scorer), r"\boxed{1} \boxed{B}") is None
    assert "no verdict on a completion for problem g: the problem has no right answer" in caplog.text


def test_a_failure_that_passes_is_not_seen(referee, monkeypatch, tmp_path):
    """The second attempt is made in new processes."""
    monkeypatch.setenv("RSA_TEST_ONCE", str(tmp_path / "met"))
    assert referee.reward(truth(Problem("o", "?", ("1",), "math"), "tests.train.scorers:fails_once"), r"\boxed{1}") == 1.0


def test_verl_gets_a_number_and_stops_where_nothing_can_be_judged(monkeypatch, caplog):
    with Referee() as broken:
        monkeypatch.setattr(reward, "_own", lambda: broken)
        monkeypatch.setattr(reward, "_MOST_FAILURES", 3)
        scores = [compute_score("d", r"\boxed{1}", failing()) for _ in range(2)]
        assert scores == [0.0] * 2
        assert caplog.text.count("no verdict") == 2
        assert compute_score("d", r"\boxed{1}", math("1")) == 1.0, "one verdict, and counting begins anew"
        for _ in range(2):
            compute_score("d", r"\boxed{1}", failing())
        with pytest.raises(RunFailed, match="the last 3 completions could not be judged"):
            compute_score("d", r"\boxed{1}", failing())


def test_what_is_no_ground_truth_of_ours_is_told(referee):
    for text in ("42", "", '{"golds": ["1"]}', "[]"):
        with pytest.raises(UsageError, match="rsa-train build"):
            referee.reward(text, r"\boxed{1}")


def test_a_scorer_that_is_not_there_is_told(referee):
    with pytest.raises(UsageError, match="no_such"):
        referee.reward(truth(Problem("x", "?", ("1",), "math"), "no_such.module:function"), r"\boxed{1}")


def both(_: int = 0) -> list[float]:
    return [compute_score("d", text, math()) for text in (r"\boxed{\frac{2}{4}}", r"\boxed{\frac{2}{5}}")]


def test_from_eight_threads_at_once():
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(both, range(16))) == [[1.0, 0.0]] * 16


async def test_inside_a_running_event_loop():
    assert both() == [1.0, 0.0], "called as TRL calls a plain function"
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.ensure_future(tick())
    assert await rewards([math(), choice()], [r"\boxed{0.5}", r"\boxed{A}"]) == [1.0, 0.0]
    ticking.cancel()
    assert ticks > 1, "the loop went on while answers were judged"


def test_trl_gets_none_for_what_cannot_be_judged():
    model = [{"style": "rule", "ground_truth": each} for each in (math(), math(), failing())]
    completions = [[{"role": "assistant", "content": r"\boxed{0.5}"}], r"\boxed{3}", r"\boxed{1}"]
    assert trl_reward(completions, model, prompts=["?"] * 3, trainer_state=None) == [1.0, 0.0, None]


def test_a_message_without_content_is_no_answer():
    said = truth(Problem("t", "?", ("None",), "text"), "exact")
    assert trl_reward([[{"role": "assistant", "content": None}]], [{"ground_truth": said}]) == [0.0]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # so are trainers that fork
@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_in_worker_processes_which_leave_nothing_behind(method):
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as processes:
        assert list(processes.map(both, range(4))) == [[1.0, 0.0]] * 4
    left = [each for each in psutil.Process().children(recursive=True) if each.pid not in before]
    _, alive = psutil.wait_procs([each for each in left if "forkserver" not in " ".join(each.cmdline())], timeout=20)
    assert [each for each in alive if "resource_tracker" not in " ".join(each.cmdline())] == []


def test_nothing_is_started_before_it_is_needed():
    before = len(psutil.Process().children(recursive=True))
    with Referee() as made:
        assert made.reward(choice(), r"\boxed{B}") == 1.0
        assert len(psutil.Process().children(recursive=True)) == before


def test_closed_it_starts_nothing_more():
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    with Referee() as made:
        assert made.reward(math(r"\sqrt{2}"), r"\boxed{2^{1/2}}") == 1.0
    with pytest.raises(UsageError, match="this Referee is closed"):
        made.reward(math(), r"\boxed{1}")
    left = [each for each in psutil.Process().children(recursive=True) if each.pid not in before]
    assert [each for each in left if "resource_tracker" not in " ".join(each.cmdline())] == []


def test_a_sandbox_that_fails_is_no_wrong_answer(referee, gym, monkeypatch):
    failed = CallResult("sandbox_error", None, "the sandbox died", 0.0)
    monkeypatch.setattr(Sandbox, "call", lambda *_: failed)
    assert referee.reward(gym[0], f"<answer>{gym[1]}</answer>") is None


def test_an_answer_that_hangs_its_scorer_is_given_up_in_time():
    pattern = truth(Problem("r", "?", (r"(a+)+b",), "math"), "regex")
    with Referee(seconds=0.5) as hasty:
        assert hasty.reward(pattern, rf"\boxed{{{'a' * 60}}}") is None
