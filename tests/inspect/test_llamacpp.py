"""`inspect eval` on a real model, through inspect_ai's OpenAI-compatible provider."""

import pytest

from rsa.serving import LlamaCpp
from tests.inspect.commands import TASKS, inspect_command, logs_in
from tests.inspect.evals import model_calls
from tests.integration.serving import running_server

pytestmark = [pytest.mark.llamacpp, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with running_server(LlamaCpp(context=4096, threads=1), tmp_path_factory.mktemp("llamacpp")) as running:
        yield running


def evaluated(folder, url, *options):
    model = (
        "--model",
        "openai-api/llamacpp/SmolLM2",
        "--max-tokens",
        "24",
        "--max-connections",
        "2",
        "--temperature",
        "0.5",
    )
    done = inspect_command(
        folder, "eval", f"{TASKS}@products", *model, *options, LLAMACPP_BASE_URL=url, LLAMACPP_API_KEY="none"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [log] = logs_in(folder)
    [sample] = log.samples
    return log, sample


def test_rsa_on_a_real_model(tmp_path, url):
    options = ("-S", "n=3", "-S", "k=2", "-S", "steps=2", "-S", "kind=number", "-S", "need=population")
    log, sample = evaluated(tmp_path, url, "--solver", "rsa/rsa", *options)
    [record] = sample.store["rsa"]
    calls = model_calls(sample)
    assert log.status == "success"
    assert [len(members) for members in record["populations"]] == [3, 3]
    assert all(chain["text"].strip() for members in record["populations"] for chain in members)
    assert len(calls) >= 6  # a blank reply is asked for again
    assert log.stats.model_usage["openai-api/llamacpp/SmolLM2"] == sample.output.usage
    assert sample.output.usage.output_tokens == sum(call.output.usage.output_tokens for call in calls)
    assert len({call.config.seed for call in calls}) == len(calls)
    aggregating = [call for call in calls if "What is 3 times 4?" in call.input[-1].text and len(call.input[-1].text) > 100]
    assert len(aggregating) >= 3
    chosen = record["populations"][1][record["chosen"]["slot"]]
    assert sample.output.completion == sample.messages[-1].text == chosen["text"]


def test_a_prompt_over_the_real_context_window(tmp_path, url):
    """The server refuses it. No chain of the last step lives then, and that is an error and no answer."""
    options = ("-S", "k=2", "-S", "kind=text", "-S", "prompts=long", "--max-tokens", "16")
    (tmp_path / "long").mkdir()
    (tmp_path / "long" / "aggregate.j2").write_text("{{ question }}\n" + "word " * 6000 + "{{ candidates | join }}")
    _, sample = evaluated(tmp_path, url, "--solver", "rsa/self_aggregation", "--no-fail-on-error", *options)
    assert "context" in sample.error.message
