"""The shipped configuration of the paper's training set."""

from pathlib import Path

import pytest

from evals.train.building.commands import load_build
from evals.train.building.config import BuildConfig
from evals.train.building.lengths import check_lengths, reply_tokens
from evals.train.building.mixing import amounts

PAPERS = {
    "deepscaler": 16_000,
    "reasoning_gym:tower_of_hanoi": 2048,
    "reasoning_gym:sokoban": 2048,
    "reasoning_gym:knight_swap": 2048,
    "reasoning_gym:rush_hour": 2048,
    "reasoning_gym:arc_1d": 2048,
    "reasoning_gym:sentence_reordering": 2048,
}
DEEPSCALER_ROWS = 40_315


@pytest.fixture
def config() -> BuildConfig:
    return load_build(Path(__file__).parents[2] / "configs" / "train" / "aggregation.yaml", {})


def test_it_is_the_papers_mix(config):
    sizes = [source.task.size or DEEPSCALER_ROWS for source in config.sources]
    shares = [source.share or 0 for source in config.sources]
    names = [source.name or source.task.name for source in config.sources]
    assert dict(zip(names, amounts(sizes, shares, None), strict=True)) == PAPERS


def test_it_has_the_papers_numbers(config):
    check_lengths(config)
    assert (config.n, config.k, config.aggregation_share, config.max_prompt_tokens) == (4, 4, 0.5, 33_792)
    assert (config.sampling.temperature, config.sampling.max_tokens) == (1.0, 8192)
    assert (
        reply_tokens(config.model_copy(update={"sampling": config.sampling.model_copy(update={"max_tokens": None})})) == 8192
    )


def test_reasoning_gym_has_its_data_sets(config):
    from reasoning_gym.factory import DATASETS  # noqa: PLC0415 - more than a second

    named = [source.task.name.partition(":")[2] for source in config.sources if source.task.name]
    assert len(named) == 6
    assert set(named) <= DATASETS.keys()
