"""What must be true of a run directory whatever happened to the run. The files are read here, not by the code under test."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Record = dict[str, Any]
Place = tuple[Any, ...]
_TIMES = ("seconds",)
_EFFORT = (
    "seconds",
    "calls",
    "tokens",
    "without_usage",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "new_tokens",
)


def records(path: Path) -> list[Record]:
    """The records of all whole lines of a log; a line that ends in the middle is none."""
    if not path.exists():
        return []
    *whole, _torn = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in whole]


def place(record: Mapping[str, Any]) -> Place:
    """Which chain a record of either log is about."""
    return tuple(record[name] for name in ("problem", "repeat", "step", "slot"))


def identity(directory: Path) -> dict[Place, tuple[Any, ...]]:
    """What makes each chain what it is, its times and costs aside."""
    return {
        place(record): (tuple(record["parents"]), record["prompt_sha256"], record["text"], record["status"])
        for record in records(directory / "chains.jsonl")
    }


def timeless(directory: Path, also: tuple[str, ...] = ()) -> str:
    """The summary as text without its times and what else is named."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: strip(each) for name, each in value.items() if name not in (*_TIMES, *also)}
        return [strip(each) for each in value] if isinstance(value, list) else value

    return json.dumps(strip(json.loads((directory / "summary.json").read_text())), indent=1)


def effortless(directory: Path) -> str:
    """The summary without what failed attempts add to: calls and tokens."""
    return timeless(directory, _EFFORT)


def check(directory: Path, complete: bool) -> None:
    """Raise `AssertionError` if anything in a run directory is doubled, lost, empty or wrong."""
    chains, verdicts = records(directory / "chains.jsonl"), records(directory / "verdicts.jsonl")
    by_place = {place(chain): chain for chain in chains}
    assert len(by_place) == len(chains), "a recorded chain was generated twice"
    judged = {place(verdict): verdict for verdict in verdicts}
    assert len(judged) == len(verdicts), "a chain has two verdicts"
    assert judged.keys() <= by_place.keys(), "a verdict has no chain"
    golds = {problem["id"]: _golds(problem) for problem in records(directory / "problems.jsonl")}
    for where, chain in by_place.items():
        _check_chain(where, chain, by_place)
    for where, verdict in judged.items():
        assert by_place[where]["status"] != "dead", f"a dead chain has a verdict: {where}"
        _check_verdict(verdict, by_place[where]["text"], golds[where[0]])
    if complete:
        _check_complete(directory, by_place, judged)


def _golds(problem: Record) -> set[str]:
    answers = problem.get("golds", problem.get("answer"))
    return set(answers) if isinstance(answers, list) else {str(answers)}


def _check_chain(where: Place, chain: Record, by_place: Mapping[Place, Record]) -> None:
    problem, repeat, step, _ = where
    for slot in chain["parents"]:
        parent = by_place.get((problem, repeat, step - 1, slot))
        assert parent, f"{where} was recorded before its parent {slot}"
        assert parent["status"] != "dead", f"{where} read a dead chain"
    if chain["status"] == "dead":
        assert chain["error"], f"{where} is dead and does not say why"
    else:
        assert chain["text"].strip(), f"{where} is empty and alive"


def _check_verdict(verdict: Record, text: str, golds: set[str]) -> None:
    found = re.findall(r"\\boxed\{(\w+)\}", text)
    if verdict["status"] == "ok":
        assert verdict["answer"] == found[-1], f"a verdict on what was not said: {verdict}"
        assert verdict["solved"] == (found[-1] in golds), f"a wrong verdict: {verdict}"
    else:
        assert verdict["status"] == "no_answer", f"a fault became a verdict: {verdict}"
        assert not found, f"an answer was lost: {verdict}"


def _check_complete(directory: Path, by_place: Mapping[Place, Record], judged: Mapping[Place, Record]) -> None:
    summary = json.loads((directory / "summary.json").read_text())
    assert summary["complete"], "the run is done, but its summary says that it is not"
    (strategy,) = summary["strategies"].values()
    assert strategy["chains"] == strategy["planned"] == len(by_place), "chains are missing"
    assert strategy["dead"] == sum(chain["status"] == "dead" for chain in by_place.values())
    assert summary["errors"]["verdicts"] == 0
    judging = 2 if next(iter(by_place.values()))["strategy"].startswith("rejection") else None
    owed = {where for where, chain in by_place.items() if chain["status"] != "dead" and chain["step"] != judging}
    assert judged.keys() == owed, "a verdict is missing"
    assert "</html>" in (directory / "report.html").read_text()
    assert not [entry.name for entry in directory.rglob("*.tmp")], "something half written was left"
