import json

import pytest

import rsa
from evals.config import RunConfig
from evals.loading import load_config, read_sets

MINIMAL = {"task": "aime25"}


def written(tmp_path, text: str):
    path = tmp_path / "run.yaml"
    path.write_text(text)
    return path


def test_defaults_file_and_command_line_in_this_order(tmp_path):
    path = written(tmp_path, "task: aime25\nseed: 3\nsampling: {temperature: 0.5}\n")
    config = load_config(path, {"sampling.temperature": 0.7, "task.limit": 2})
    assert (config.task.name, config.task.limit) == ("aime25", 2)
    assert (config.seed, config.sampling.temperature, config.sampling.top_p) == (3, 0.7, 1.0)


def test_plain_names_stand_for_sections(tmp_path):
    config = load_config(written(tmp_path, "task: hmmt25\nstrategy: majority\nserve: llamacpp\n"), {"strategy.n": 4})
    assert config.strategy.build() == rsa.Majority(4)
    assert config.serve is not None
    assert config.serve.engine == "llamacpp"


def test_all_mistakes_of_a_file_are_told_at_once_with_line_and_nearest_name(tmp_path):
    path = written(
        tmp_path, "task:\n  nam: aime25\nstrategy:\n  name: rsa\n  k: four\nsampling:\n  temprature: 1\nsede: 1\n"
    )
    with pytest.raises(rsa.UsageError) as caught:
        load_config(path, {"endpoint.basurl": "x", "endpont.model": "m"})
    message = str(caught.value)
    assert f"{path}, line 2: unknown key 'task.nam'; did you mean 'name'?" in message
    assert f"{path}, line 5: strategy.k: " in message
    assert "(given: 'four')" in message
    assert f"{path}, line 7: unknown key 'sampling.temprature'; did you mean 'temperature'?" in message
    assert f"{path}, line 8: unknown key 'sede'; did you mean 'seed'?" in message
    assert "command line: unknown key 'endpoint.basurl'; did you mean 'base_url'?" in message
    assert "command line: unknown key 'endpont'; did you mean 'endpoint'?" in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("task: aime25\nstrategy: {n: 2, k: 3}", "k=3 candidates cannot be drawn from a population of n=2"),
        ("task: aime25\nstrategy: {steps: 0}", "line 2: strategy.steps: .*greater than or equal to 1"),
        ("task: aime25\nstrategy: {name: majority, k: 2}", "strategy majority does not take k"),
        ("task: aime25\nstrategy: majorty", "did you mean 'majority'"),
        ("task: aime25\nserve: sglang", "line 2: serve.engine: .*'vllm' or 'llamacpp'"),
        ("task: aime25\nserve: vllm\nendpoint: {base_url: 'http://h/v1'}", "exclude each other"),
        ("task: {limit: 3}", "name a task"),
        ("seed: 1", "task is missing: name one"),
        ("task: aime25\nseed: 1\nseed: 2", "line 3: seed is given twice"),
        ("task: aime25\nseed: '1'", "seed: Input should be a valid integer"),
        ("task: aime25\nseed: true", "seed: Input should be a valid integer"),
        ("task: [aime25", "cannot be read as YAML"),
        ("- aime25", "must hold keys and values"),
        ("", "must hold keys and values"),
        ("task: aime25\nseed: 2024-99-99", "cannot be read as YAML"),
        ("task: &a {name: *a}", "cannot be read as YAML"),
        ("task: aime25\nendpoint: {timeout: .inf}", "line 2: endpoint.timeout: .*finite"),
        ("task: aime25\nserve: {engine: llamacpp, args: [x]}", "llamacpp takes no args"),
        ("task: aime25\nserve: {engine: vllm, parallel: 2}", "vllm takes no parallel"),
        ("task: aime25\ncompaction: anser", "did you mean 'answer'"),
        ("task: {name: aime25, kind: maths}", "did you mean 'math'"),
        ("task: aime25\nendpoint: {rate: {calls: 0}}", "endpoint.rate.calls"),
    ],
)
def test_mistakes_name_the_place_and_the_remedy(tmp_path, text, says):
    with pytest.raises(rsa.UsageError, match=says):
        load_config(written(tmp_path, text), {})


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(rsa.UsageError, match="cannot be read: No such file"):
        load_config(tmp_path / "nope.yaml", {})


def test_sets_are_yaml_values():
    assert read_sets(["a.b=1", "c=x=y", "d=null", "e=[1, 2]"]) == {"a.b": 1, "c": "x=y", "d": None, "e": [1, 2]}
    for wrong, says in (("novalue", "not of the form key=value"), ("a=[", "is not YAML")):
        with pytest.raises(rsa.UsageError, match=says):
            read_sets([wrong])
    for wrong in ("seed=2024-99-99", "seed=" + "9" * 5000):
        with pytest.raises(rsa.UsageError, match="is not YAML"):
            read_sets([wrong])
    with pytest.raises(rsa.UsageError, match="given twice"):
        read_sets(["a=1", "a=2"])


def test_null_takes_a_value_of_the_file_back(tmp_path):
    path = written(tmp_path, "task: aime25\nstrategy: {name: rsa, n: 4, k: 2, steps: 3}\n")
    config = load_config(path, read_sets(["strategy.name=majority", "strategy.k=null", "strategy.steps=null"]))
    assert config.strategy.build() == rsa.Majority(4)


def test_the_schema_describes_every_key():
    schema = json.loads(json.dumps(RunConfig.model_json_schema()))
    for section in ("TaskConfig", "StrategyConfig", "EndpointConfig", "SamplingConfig", "ServeConfig"):
        for name, field in schema["$defs"][section]["properties"].items():
            assert field.get("description"), (section, name)


def test_the_schema_knows_that_a_plain_name_may_stand_for_a_section():
    properties = RunConfig.model_json_schema()["properties"]
    for section in ("task", "strategy", "serve"):
        assert {"type": "string"} in properties[section]["anyOf"]


def test_a_configuration_survives_being_written_and_read():
    config = load_config(None, {"task": "aime25", "serve": "vllm", "endpoint.rate": {"calls": 3, "period": 1.5}})
    assert RunConfig.model_validate(config.model_dump(mode="json")) == config
