"""Run directories written by hand, so that chains hold whatever a test wants, and pages with nothing but the viewer."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from evals.config import RunConfig
from evals.preparation import identity_sha256, prepare
from evals.records import open_records
from evals.report.texts import viewer_parts
from rsa.chain import Chain, Status, Usage
from rsa.compaction import COMPACTIONS
from rsa.generation import Generation, prompt_sha256
from rsa.plan import Plan, PlannedChain, Role
from rsa.strategies import label

__all__ = ["HOSTILE", "MODEL", "parts_of", "recorded", "unpacked", "write_page", "write_run"]

ASSETS = Path(__file__).parents[2] / "evals" / "report" / "assets"
SCRIPTS = ("math.js", "graph.js", "viewer*.js")
MODEL = "some/model"
HOSTILE = "</script><script>x()</script><!-- <![CDATA[ \u2028\u2029 \ud800 \x00 \u202e\u2066 \U0001f600 &amp; ]]> -->"

Told = dict[str, Any]
"""Fields of a chain that differ from those of any chain."""


def write_run(
    folder: Path, problems: Sequence[dict[str, Any]], told: Callable[[str, PlannedChain], Told], **keys: Any
) -> Path:
    """A run on these problems, of which chains say what `told` gives for their problem and place; judged."""
    data = folder.with_suffix(".jsonl")
    data.write_text("".join(json.dumps(row) + "\n" for row in problems))
    task = {"data": str(data), "instruction": "", **keys.pop("task", {})}
    content = {"endpoint": {"base_url": "http://127.0.0.1:1/v1", "model": MODEL}, **keys, "task": task, "out": str(folder)}
    run = prepare(RunConfig.model_validate(content))
    run.directory.freeze(run.dataset, run.prompts)
    source = {"source": run.dataset.source, "revision": None, "rows": len(problems), "sha256": run.dataset.sha256()}
    run.directory.write_run(
        {
            "model": MODEL,
            "strategy": label(run.strategy),
            "identity_sha256": identity_sha256(run),
            "config": run.config.model_dump(mode="json"),
            "provenance": {"dataset": source},
        }
    )
    parts = (None, run.prompts, None, COMPACTIONS[run.config.compaction], label(run.strategy))
    generation = Generation(*parts)  # type: ignore[arg-type]  # it only writes prompts
    with run.scoring() as scoring, run.directory.chains.open("w") as chains, run.directory.verdicts.open("w") as verdicts:
        for problem in run.dataset.problems:
            for repeat in range(run.config.task.repeats):
                question = problem.asked(run.config.sampling.system)
                plan = run.strategy.plan(run.config.seed, problem.id, repeat)
                for chain in _chains(plan, generation, question, told):
                    chains.write(json.dumps(chain.to_record()) + "\n")  # ASCII, so that lone surrogates stay
                    if not chain.dead and chain.step not in plan.judging_steps:
                        verdicts.write(json.dumps(scoring.score(problem, chain).to_record()) + "\n")
    return folder


def _chains(plan: Plan, generation: Generation, question: Any, told: Callable[[str, PlannedChain], Told]) -> Iterable[Chain]:
    made: dict[tuple[int, int], Chain] = {}
    for planned in plan:
        alive = {chain.slot for chain in made.values() if chain.step == planned.step - 1 and not chain.dead}
        slots = [slot for slot in planned.line if slot in alive][: planned.wanted]
        fields = {
            "text": "",
            "finish_reason": "stop",
            "status": Status.OK,
            "usage": Usage(100, 10, 20),
            **told(plan.problem, planned),
        }
        parents = [made[planned.step - 1, slot] for slot in slots]
        sent = planned.role is Role.SAMPLE or parents
        messages = generation.messages(question, planned, parents, fields.get("overflow")) if sent else []
        chain = Chain(
            problem=plan.problem,
            repeat=plan.repeat,
            strategy=generation.strategy,
            step=planned.step,
            slot=planned.slot,
            parents=tuple(slots),
            model=MODEL,
            seed=planned.slot,
            prompt_sha256=fields.pop("prompt_sha256", prompt_sha256(messages) if sent else ""),
            started=1.0,
            ended=2.5,
            attempts=1,
            **fields,
        )
        made[planned.place] = chain
        yield chain


def recorded(folder: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The records of a run's chains by problem, repeat, step and slot."""
    records = [json.loads(line) for line in (folder / "chains.jsonl").read_text().splitlines()]
    return {(record["problem"], record["repeat"], record["step"], record["slot"]): record for record in records}


def parts_of(*folders: Path, texts: int = 10**9) -> list[str]:
    """The viewer of these runs, piece by piece."""
    with ExitStack() as stack:
        return list(viewer_parts([stack.enter_context(open_records(each)) for each in folders], texts))


def unpacked(parts: Iterable[str]) -> dict[str, Any]:
    """The content of every block, by its name."""
    found = (
        re.fullmatch(r'<script type="application/octet-stream" id="([^"]+)">([\w+/=]*)</script>\n', part) for part in parts
    )
    return {match[1]: json.loads(gzip.decompress(base64.b64decode(match[2]))) for match in found if match}


def write_page(path: Path, parts: Iterable[str], names: str = "") -> Path:
    """A page with the viewer alone, under the policy of a report. The functions in `names` are within a test's reach."""
    files = (file for pattern in SCRIPTS for file in sorted(ASSETS.glob(pattern)))
    start = f"window.inside = {{ {names} }};" if names else "startViewer();"
    script = '(() => { "use strict";\n' + "\n".join(file.read_text() for file in files) + f"\n{start}\n}})();"
    sha256 = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; script-src 'sha256-{sha256}'; style-src 'unsafe-inline'"
    styles = "".join((ASSETS / name).read_text() for name in ("page.css", "viewer.css"))
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}"><title>viewer</title>'
    start = f'<!doctype html><html lang="en"><head>{head}<style>{styles}</style></head><body>'
    path.write_text(f"{start}{''.join(parts)}<script>{script}</script></body></html>")
    return path
