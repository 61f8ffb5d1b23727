"""The shipped configurations: each is valid, says how it is run, and has the paper's numbers where it says so."""

import shlex
from pathlib import Path

import pytest
import typer

from evals.cli import app
from evals.commands import configured
from evals.comparison.config import ComparisonConfig, entries
from evals.config import RunConfig
from evals.loading import load
from evals.options import dotted
from evals.tasks import TASKS
from rsa.strategies import RSA, label

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
PAPERS = ("aime25", "hmmt25", "livecodebench", "rg_games", "rg_cognition", "supergpqa")
OURS = ("demo", "aime_style", "code_sample")  # small ones, with a server of their own


def path_of(name: str) -> Path:
    return next(path for path in CONFIGS if path.stem == name)


def command_of(path: Path) -> list[str]:
    return shlex.split(path.read_text().splitlines()[0].removeprefix("# "))


def loaded(path: Path, monkeypatch) -> RunConfig:
    """The configuration as the command in the file's first line makes it, read by the real command line."""
    program, name, *arguments = command_of(path)
    assert program == "rsa-eval"
    monkeypatch.chdir(path.parents[1])
    command = typer.main.get_command(app).commands[name]
    with command.make_context(name, arguments) as context:
        options = context.params
    overrides = dotted(options)
    if name == "compare":
        (target,) = options["targets"]
        assert Path(target) == Path("configs") / path.name
        return load(Path(target), overrides, ComparisonConfig)
    assert (name, Path(options["target"])) == ("run", Path("configs") / path.name)
    return configured(options["target"], overrides, options["sets"] or [])


def runs_of(config: RunConfig) -> list[RunConfig]:
    if not isinstance(config, ComparisonConfig):
        return [config]
    made, notes = entries(config)
    assert not notes, "a combination cannot be run"
    return [entry.config for entry in made]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_its_first_line_is_a_command_that_runs_it(path, monkeypatch):
    config = loaded(path, monkeypatch)
    for run in runs_of(config):
        run.strategy.build()
        assert (run.task.name or "").partition(":")[0] in TASKS
        assert bool(run.serve) != bool(run.endpoint.base_url)
        assert run.endpoint.model or run.serve
        assert run.sampling.max_tokens
    assert max(map(len, path.read_text().splitlines())) <= 125


def test_every_task_has_a_config(monkeypatch):
    named = {(loaded(path, monkeypatch).task.name or "").partition(":")[0] for path in CONFIGS}
    assert named == set(TASKS)
    assert {path.stem for path in CONFIGS} >= set(TASKS) - {"arithmetic"}, "of the same name, but for the demo's"


@pytest.mark.parametrize("path", [path for path in CONFIGS if path.stem not in OURS], ids=lambda path: path.stem)
def test_its_sampling_and_last_strategy_are_the_papers(path, monkeypatch):
    config = loaded(path, monkeypatch)
    assert (config.sampling.temperature, config.sampling.top_p, config.sampling.top_k) == (1.0, 1.0, -1)
    assert config.seed == 0
    assert RSA(16, 4, 10) in [run.strategy.build() for run in runs_of(config)]
    assert config.task.repeats == (1 if path.stem in ("humaneval", "mbpp") else 4)
    assert config.task.limit is None


@pytest.mark.parametrize("name", PAPERS)
def test_the_main_setting(name, monkeypatch):
    config = loaded(path_of(name), monkeypatch)
    assert config.task.name == name
    assert config.strategy.build() == RSA(n=16, k=4, steps=10)
    assert (config.endpoint.model, config.sampling.max_tokens) == ("Qwen/Qwen3-4B-Instruct-2507", 8192)


@pytest.mark.parametrize(
    ("name", "tokens"), [("aime25_thinking", 32768), ("aime25_gpt_oss", 16384), ("aime25_nemotron", 16384)]
)
def test_models_that_think_may_write_longer_and_show_their_answers_alone(name, tokens, monkeypatch):
    config = loaded(path_of(name), monkeypatch)
    assert (config.sampling.max_tokens, config.compaction) == (tokens, "answer")
    assert config.endpoint.timeout >= tokens / 10, "seconds at ten tokens a second"


def test_the_sweeps(monkeypatch):
    by_k = [run.strategy.build() for run in runs_of(loaded(path_of("compare_k_aime25"), monkeypatch))]
    assert by_k == [RSA(16, k, 10) for k in (1, 2, 3, 4)]
    by_n = [run.strategy.build() for run in runs_of(loaded(path_of("compare_n_aime25"), monkeypatch))]
    assert by_n == [RSA(n, 4, 10) for n in (4, 8, 16, 32)]


def test_the_comparison_of_the_methods(monkeypatch):
    config = loaded(path_of("compare_aime25"), monkeypatch)
    strategies = [run.strategy.build() for run in runs_of(config)]
    assert {label(each): len(each.plan(0, "")) for each in strategies} == {
        "sample": 1,
        "majority(n=160)": 160,
        "rejection(n=80)": 160,
        "self_refine(steps=10,n=16)": 160,
        "self_aggregation(k=4)": 5,
        "rsa(n=16,k=4,steps=10)": 160,
    }
    assert isinstance(config, ComparisonConfig)
    assert (config.match, config.task.name) == ("generations", "aime25")
