"""The ready adapters. vLLM's runs for real in `tests/integration`; LiteLLM's here where it is installed."""

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import openai
import pytest

import rsa
from rsa.adapters import from_litellm, from_vllm
from rsa.serving import LlamaCpp
from rsa.testing import check_adapter
from tests.integration.serving import running_server


class ContextWindowExceededError(openai.BadRequestError):
    pass


class UnsupportedParamsError(openai.BadRequestError):
    pass


def failure(kind: type[openai.APIStatusError], status: int, **headers: str) -> openai.APIStatusError:
    request = SimpleNamespace(method="POST", url="http://h")
    response = SimpleNamespace(request=request, status_code=status, headers=headers)
    return kind(f"status {status}", response=response, body=None)


class FakeLiteLLM(ModuleType):
    """As much of LiteLLM as the adapter uses. `script` holds what the next calls raise."""

    def __init__(self) -> None:
        super().__init__("litellm")
        self.exceptions = SimpleNamespace(
            ContextWindowExceededError=ContextWindowExceededError, UnsupportedParamsError=UnsupportedParamsError
        )
        self.calls: list[dict] = []
        self.script: list[Exception] = []
        self.takes = ["seed"]

    def get_supported_openai_params(self, model: str) -> list[str]:
        return self.takes

    async def acompletion(self, **call):
        self.calls.append(call)
        if self.script:
            raise self.script.pop(0)
        counts = {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3}}
        usage = SimpleNamespace(model_dump=lambda: counts)
        choice = SimpleNamespace(message=SimpleNamespace(content="\\boxed{1}"), finish_reason="stop")
        return SimpleNamespace(choices=[choice], usage=usage, model="m-1")


@pytest.fixture
def litellm(monkeypatch) -> FakeLiteLLM:
    fake = FakeLiteLLM()
    monkeypatch.setitem(sys.modules, "litellm", fake)
    return fake


def test_litellm_gets_the_call_and_gives_the_whole_reply(litellm):
    result = rsa.run("Q?", from_litellm("a/m", api_key="k"), rsa.Sample(), sampling=rsa.Sampling(max_tokens=7))
    (call,) = litellm.calls
    assert call == {
        "model": "a/m",
        "messages": [{"role": "user", "content": "Q?"}],
        "temperature": 1.0,
        "top_p": 1.0,
        "max_tokens": 7,
        "seed": result.chosen.seed,
        "num_retries": 0,
        "max_retries": 0,
        "api_key": "k",
    }
    assert (result.usage, result.chosen.model, result.answer) == (rsa.Usage(9, 3, 4), "m-1", "1")


def test_a_provider_without_seeds_is_spared_them(litellm):
    litellm.takes = ["temperature"]
    rsa.run("Q?", from_litellm("a/m"), rsa.Sample())
    assert "seed" not in litellm.calls[0]


@pytest.mark.parametrize(
    "passing",
    [
        failure(openai.RateLimitError, 429, **{"retry-after": "0"}),
        failure(openai.InternalServerError, 503),
        openai.APIConnectionError(request=SimpleNamespace()),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_pass_at_litellm_is_tried_again(clock, litellm, passing):
    litellm.script = [passing]
    assert rsa.run("Q?", from_litellm("a/m"), rsa.Sample()).chosen.attempts == 2


@pytest.mark.parametrize(
    ("final", "error", "says"),
    [
        (failure(openai.BadRequestError, 400), rsa.RunFailed, "status 400"),
        (failure(ContextWindowExceededError, 400), rsa.RunFailed, "lower max_tokens"),
        (failure(UnsupportedParamsError, 400), rsa.EndpointRefused, "additional_drop_params"),
        (failure(openai.AuthenticationError, 401), rsa.EndpointRefused, "status 401"),
        (failure(openai.NotFoundError, 404), rsa.EndpointRefused, "status 404"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
def test_what_is_final_at_litellm_is_told_as_what_it_is(litellm, final, error, says):
    litellm.script = [final]
    with pytest.raises(error, match=says):
        rsa.run("Q?", from_litellm("a/m"), rsa.Sample())
    assert len(litellm.calls) == 1


@pytest.mark.parametrize(
    ("make", "module", "extra"),
    [(lambda: from_litellm("a/m"), "litellm", "litellm"), (lambda: from_vllm(None), "vllm.v1.engine.exceptions", "vllm")],
)
def test_a_package_that_is_missing_is_named(monkeypatch, make, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(rsa.UsageError, match=rf"pip install 'recursive-self-aggregation\[{extra}\]'"):
        make()


@pytest.mark.llamacpp
@pytest.mark.timeout(400)
@pytest.mark.skipif(importlib.util.find_spec("litellm") is None, reason="litellm is not installed")
@pytest.mark.filterwarnings("default")  # what LiteLLM and its packages warn of is not ours
def test_litellm_against_a_real_model(tmp_path, monkeypatch):
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    sampling = rsa.Sampling(temperature=0.5, max_tokens=24)
    with running_server(LlamaCpp(context=1024, threads=1), tmp_path) as url:
        llm = from_litellm("openai/SmolLM2", api_base=url, api_key="none", context=1024)
        ours, theirs = (
            rsa.run("What is 3 times 4?", each, rsa.RSA(3, 2, 2), kind="number", sampling=sampling, prompts="brief")
            for each in (rsa.Endpoint(url), llm)
        )
        assert [chain.seed for chain in ours.chains] == [chain.seed for chain in theirs.chains]
        assert theirs.usage.prompt
        assert theirs.usage.completion
        assert not [chain for chain in theirs.chains if chain.dead]
        check_adapter(llm)
