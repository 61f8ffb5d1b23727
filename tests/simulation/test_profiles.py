import json

import pytest
import yaml

from evals.simulation.costs import StepCosts
from evals.simulation.profiles import profile
from rsa.errors import UsageError

QWEN = "Qwen/Qwen3-4B-Instruct-2507"
CONFIG = {
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "vocab_size": 151936,
    "tie_word_embeddings": True,
}


def test_a_token_of_qwen3_4b_takes_144_kib_and_an_h100_has_room_for_about_29_contexts_of_14k():
    found = profile("h100", QWEN, {})
    assert found.model is not None
    assert found.model.kv_bytes == 144 * 1024
    server = found.build()
    assert 28 <= server.kv_tokens / 14_336 <= 31
    assert server.costs.step > 8.04e9 / 3350e9, "the weights are read in each step"


def test_the_configuration_in_a_models_folder_says_the_same(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    read, known = (profile("h100", name, {}).model for name in (str(tmp_path), QWEN))
    assert read is not None
    assert known is not None
    assert read.billions == pytest.approx(known.billions, rel=0.01)
    assert read.model_copy(update={"billions": known.billions}) == known


def test_a_model_with_experts_is_not_counted_as_a_dense_one(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "num_experts": 128, "moe_intermediate_size": 768}))
    with pytest.raises(UsageError, match=r"config\.json has num_experts, and .* active_billions too\)$"):
        profile("h100", str(tmp_path), {})
    dense, sparse = (profile("h100", QWEN, more).build() for more in ({}, {"model.active_billions": 0.402}))
    assert sparse.costs.prompt == pytest.approx(dense.costs.prompt / 10)
    assert (sparse.costs.step, sparse.kv_tokens) == (dense.costs.step, dense.kv_tokens), "all of it is in memory and is read"


def test_two_gpus_a_replica_have_twice_the_speed_and_more_than_twice_the_room():
    one, two = (profile("h100", QWEN, {"server.gpus": gpus}).build() for gpus in (1, 2))
    assert two.kv_tokens > 2 * one.kv_tokens
    assert (two.costs.context, two.costs.prompt) == pytest.approx((one.costs.context / 2, one.costs.prompt / 2))


def test_whatever_is_assumed_can_be_said_and_nothing_unknown_is_taken():
    assert profile("a100", None, {"server.kv_tokens": 5000}).build(StepCosts(1.0)).kv_tokens == 5000
    given = yaml.safe_load("{layers: 2, heads: 2, kv_heads: 1, head_dim: 64, billions: 0.001}")
    numbers = {f"model.{name}": value for name, value in given.items()}
    assert profile("a100", None, numbers).build().kv_tokens > 10**7
    for overrides, told in (
        ({"server.kv_token": 1}, "--assume server.kv_token: unknown key.*kv_tokens"),
        ({"assumed.flops": 2.0}, "--assume assumed.flops: .*less than or equal to 1"),
    ):
        with pytest.raises(UsageError, match=told):
            profile("h100", QWEN, overrides)


@pytest.mark.parametrize(
    ("gpu", "model", "told"),
    [
        ("h1000", QWEN, "there is no 'h1000'.*h100"),
        ("h100", "org/unheard-of", "the model is not among those that are known"),
        ("l40s", "Qwen/Qwen3-32B", "the weights take 66 GB and 44 GB are there.*server.gpus=2"),
    ],
)
def test_what_is_not_known_or_has_no_room_is_told(gpu, model, told):
    with pytest.raises(UsageError, match=told):
        profile(gpu, model, {}).build()
