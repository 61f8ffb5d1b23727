"""The attacks and the idioms, and how each is judged. An attack's first lines say its verdict and the style of its tests."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from evals.sandbox import AssertSuite, FunctionSuite, FunctionTest, Judgement, Limits, Sandbox, StdinSuite, StdinTest

FOLDER = Path(__file__).parent
ATTACKS = {path.stem: path for path in sorted((FOLDER / "attacks").glob("*.py"))}
IDIOMS = {path.stem: path for path in sorted((FOLDER / "idioms").glob("*.py"))}

SQUARES = {
    "stdin": StdinSuite((StdinTest("3\n", "9\n"), StdinTest("7\n", "49\n"))),
    "function": FunctionSuite("square", (FunctionTest((3,), 9), FunctionTest((7,), 49))),
    "asserts": AssertSuite("square", ("assert square(3) == 9", "def check(candidate):\n    assert candidate(7) == 49")),
}
TOTALS = StdinSuite(
    (
        StdinTest("3\n5\n-2\n8\n", "11\n8\n"),
        StdinTest("2\r\n4\r\n4\r\n", "8\n4\n"),
        StdinTest("1\n7", "7\n7"),
        StdinTest("2\n1\n2\n\n\n", "3\n2\n\n"),
        StdinTest("1000\n" + "\n".join(map(str, range(1000))) + "\n", "499500\r\n999\r\n"),
    )
)
PATIENT = Limits(wall=30.0, cpu=15.0, memory=640 << 20)
STRICT = Limits(wall=1.2, cpu=0.4)  # for what never ends


def expected(attack: str) -> str:
    """The verdict that an attack must get."""
    found = re.match(r"# verdict: (\w+)\n", ATTACKS[attack].read_text())
    assert found, f"{attack}.py does not say its verdict in its first line"
    return found.group(1)


def style_of(attack: str) -> str:
    """The style of tests that an attack is judged by."""
    found = re.search(r"^# style: (\w+)$", ATTACKS[attack].read_text(), re.MULTILINE)
    return found.group(1) if found else "stdin"


def run_attack(sandbox: Sandbox, attack: str) -> Judgement:
    limits = STRICT if expected(attack) == "time_limit" else PATIENT
    return sandbox.judge(ATTACKS[attack].read_text(), SQUARES[style_of(attack)], limits)


def run_idiom(sandbox: Sandbox, idiom: str) -> Judgement:
    return sandbox.judge(IDIOMS[idiom].read_text(), TOTALS, PATIENT)


def run_all(sandbox: Sandbox, workers: int) -> dict[str, Judgement]:
    """Every attack and every idiom, mixed, by "attacks/name" and "idioms/name"."""
    jobs = {f"attacks/{name}": (run_attack, name) for name in ATTACKS} | {
        f"idioms/{name}": (run_idiom, name) for name in IDIOMS
    }
    with ThreadPoolExecutor(workers) as pool:
        running = {name: pool.submit(run, sandbox, case) for name, (run, case) in jobs.items()}
        return {name: future.result() for name, future in running.items()}
