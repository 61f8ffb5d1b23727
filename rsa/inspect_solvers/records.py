"""What the log says of a run: in the sample's store for programs, in its transcript for readers."""

from collections.abc import Mapping, Sequence
from typing import Any

from rsa.chain import Chain
from rsa.inspect_solvers.options import Settings
from rsa.plan import Plan, PlannedChain, Role
from rsa.result import Result
from rsa.strategies import label

__all__ = ["STORE_KEY", "record_of", "span_name", "table_of"]

STORE_KEY = "rsa"
"""In a sample's store: a list of records, one for each time that a solver of this package answered."""

_OF_THE_RUN = frozenset({"problem", "repeat", "strategy", "step", "model"})  # the same for all chains, or said by the place
_DOES = {Role.SAMPLE: "", Role.AGGREGATE: ", reads ", Role.VERIFY: ", judges "}


def span_name(planned: PlannedChain, parents: Sequence[Chain]) -> str:
    """How a chain is called in the transcript."""
    return f"step {planned.step}, slot {planned.slot}{_DOES[planned.role]}{', '.join(str(chain.slot) for chain in parents)}"


def record_of(
    settings: Settings, plan: Plan, chains: Sequence[Chain], result: Result | None, stopped: str | None
) -> dict[str, Any]:
    """A run as JSON: its populations step by step, each chain with its parents (slots of the step before) and its answer."""
    members: list[list[dict[str, Any]]] = [[] for _ in plan.populations]
    for chain in sorted(chains, key=lambda chain: chain.place):
        record = {name: value for name, value in chain.to_record().items() if name not in _OF_THE_RUN}
        answer = None if chain.dead or chain.step in plan.judging_steps else settings.kind.extract(chain.text)
        members[chain.step - 1].append({**record, "answer": answer})
    return {
        "strategy": label(settings.strategy),
        "seed": plan.seed,
        "problem": plan.problem,
        "repeat": plan.repeat,
        "kind": settings.kind.name,
        "select": settings.select,
        "answer": result.answer if result else None,
        "votes": result.votes if result else {},
        "chosen": {"step": result.chosen.step, "slot": result.chosen.slot} if result else None,
        "stopped": stopped,
        "populations": members,
    }


def table_of(record: Mapping[str, Any], result: Result | None) -> str:
    """The run as Markdown: what came of it, and a row for each chain."""
    ended = f" (ended early: {record['stopped']})" if record["stopped"] else ""
    lines = [f"**{record['strategy']}**{ended}: {result or 'no answer'}", ""]
    lines += ["| step | slot | reads | answer | status | new tokens |", "|---|---|---|---|---|---|"]
    for step, members in enumerate(record["populations"], 1):
        for member in members:
            chosen = record["chosen"] == {"step": step, "slot": member["slot"]}
            reads = ", ".join(map(str, member["parents"]))
            status = f"{member['status']}, **answers**" if chosen else member["status"]
            cells = (step, member["slot"], reads, _cell(member["answer"] or ""), status, member["usage"]["completion"] or "")
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    """A text for one cell of a table."""
    line = " ".join(text.split()).replace("|", "\\|").replace("`", "'")
    return f"`{line[:80]}`" if line else ""
