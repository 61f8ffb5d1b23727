"""The chain viewer with 100 problems x 160 chains of 8 KB: `python -m tests.bench.viewer [FOLDER]` says how long what takes.

It has no baseline and so no place in bench.json. With FOLDER the run stays there, and is not made again.
"""

import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evals.records import open_records
from evals.report.texts import viewer_parts
from rsa.plan import PlannedChain
from tests.report.viewer_runs import write_page, write_run

PROBLEMS, SIZE = 100, 8000
FORMULAS = (r"$\frac{a_{%d}}{b^2}$", r"\(x_{%d} \le \sqrt{y}\)", "\n\n$$\\sum_{k=1}^{%d} k^2$$\n\n")
FIRST = """async ({ problem, step, slot }) => {
  const start = performance.now();
  location.hash = `#0/${problem}/0/${step}/${slot}`;
  const wanted = `Step ${step}, slot ${slot}`;
  while (!document.querySelector(".viewer-head").textContent.includes(wanted) ||
         document.querySelector(".viewer-title").textContent !== problem) await new Promise((done) => setTimeout(done, 1));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  return performance.now() - start;
}"""


def text_of(problem: str, planned: PlannedChain) -> dict[str, Any]:
    """Words that compress about as well as those of models, with a formula in every tenth place."""
    draw = random.Random(f"{problem} {planned.place}")
    vocabulary = [f"{chr(97 + number % 26)}{number:x}" for number in range(3000)]
    words: list[str] = []
    length = 0
    while length < SIZE:
        word = draw.choice(FORMULAS) % draw.randrange(99) if draw.random() < 0.1 else draw.choice(vocabulary)
        words.append(word)
        length += len(word) + 1
    return {"text": f"{' '.join(words)} \\boxed{{{draw.randrange(3)}}}"}


def made(folder: Path) -> Path:
    """The run, made if it is not there."""
    if not (folder / "chains.jsonl").exists():
        problems = [{"id": f"p{number}", "question": f"Question {number}?", "answer": "1"} for number in range(PROBLEMS)]
        keys = {"strategy": {"name": "rsa", "n": 16, "k": 4, "steps": 10}, "task": {"scorer": "integer"}}
        write_run(folder, problems, text_of, **keys)
    return folder


def timed(work: Callable[[], Any]) -> float:
    """Seconds that some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def report(run: Path, texts: int, told: Callable[[str], object]) -> None:
    """Time the making of the viewer's part of a report, and the page in a browser."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a tool of the tests that need a browser

    page_file = run.with_suffix(".html")
    with open_records(run) as records:
        seconds = timed(lambda: write_page(page_file, viewer_parts([records], texts)))
    told(f"texts={texts:,}: made in {seconds:.1f} s, {page_file.stat().st_size / 1e6:.1f} MB")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        start = time.perf_counter()
        page.goto(page_file.as_uri() + "#0/p0/0/1/0")
        loaded = time.perf_counter() - start
        page.get_by_text("Step 1, slot 0").wait_for()
        first = time.perf_counter() - start
        others = [page.evaluate(FIRST, {"problem": f"p{at}", "step": 10, "slot": 7}) for at in (20, 50, 99)]
        chains = [page.evaluate(FIRST, {"problem": "p99", "step": step, "slot": 3}) for step in (2, 5, 9)]
        memory = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
        browser.close()
    told(f"  page loaded {loaded:.2f} s, first chain readable {first:.2f} s, JavaScript heap {memory:.0f} MB")
    told(f"  another problem's chain {', '.join(f'{each:.0f}' for each in others)} ms")
    told(f"  another chain of the problem {', '.join(f'{each:.0f}' for each in chains)} ms")


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        run = made(Path(arguments[0]) if arguments else Path(scratch) / "run")
        for texts in (10**9, 32_000_000):
            report(run, texts, lambda line: sys.stdout.write(f"{line}\n"))


if __name__ == "__main__":
    main(sys.argv[1:])
