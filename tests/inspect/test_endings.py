"""What goes wrong, and what ends a sample early: failed calls over real HTTP, limits of inspect_ai, its cache."""

import asyncio
import json

import anyio
import pytest
from inspect_ai.model import ChatMessageUser, ModelName, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import TaskState, solver

from rsa.errors import UsageError
from rsa.inspect_solvers import majority, rsa, sample
from tests.fake_server import Trouble
from tests.inspect.evals import QUIET, Mock, digit, evaluated, model_calls, only_sample, record_of, said

pytestmark = QUIET


def served(server):
    """The fake server as inspect_ai's OpenAI-compatible provider calls it."""
    return get_model("openai-api/fake/fake", base_url=server.url, api_key="none", memoize=False, max_retries=0)


def refusal(words, code=None):
    body = {"error": {"message": words, "type": "invalid_request_error", "code": code}}
    return Trouble(400, json.dumps(body), {"Content-Type": "application/json"})


def test_a_failed_call_is_a_dead_chain_and_another_stands_in_for_it(tmp_path, server):
    server.script = [refusal("not this one")]
    done = only_sample(evaluated(tmp_path, rsa(n=4, k=2, steps=2, need="population"), model=served(server)))
    record = record_of(done)
    [dead] = [chain for chain in record["populations"][0] if chain["status"] == "dead"]
    assert "not this one" in dead["error"]
    assert all(len(chain["parents"]) == 2 and dead["slot"] not in chain["parents"] for chain in record["populations"][1])
    assert done.error is None
    assert next(event.data for event in done.events if event.event == "info").startswith("This chain is dead: ")
    assert record["calls"] == 8
    assert done.output.usage.output_tokens == sum(
        len(call.output.completion) for call in model_calls(done) if not call.error
    )


def test_out_of_retries_is_a_dead_chain(tmp_path, server):
    server.script = [Trouble(503)]
    done = only_sample(evaluated(tmp_path, majority(n=3), model=served(server), max_retries=0))
    [dead] = [chain for chain in record_of(done)["populations"][0] if chain["status"] == "dead"]
    assert "(out of retries)" in dead["error"]


def test_a_sample_without_a_living_chain_is_an_error_and_no_wrong_answer(tmp_path, server):
    server.trouble = lambda body: refusal("never")
    done = only_sample(evaluated(tmp_path, majority(n=3), model=served(server), scorer=match()))
    assert "every chain of the last population is dead" in done.error.message
    assert "never" in done.error.message
    assert not done.scores
    assert {chain["status"] for chain in record_of(done)["populations"][0]} == {"dead"}


def test_what_no_call_survives_ends_the_sample_as_it_does_without_us(tmp_path, server):
    server.trouble = lambda body: Trouble(401, json.dumps({"error": {"message": "wrong key"}}))
    done = only_sample(evaluated(tmp_path, majority(n=3), model=served(server)))
    assert done.error.message == "Error code: 401 - wrong key"


def test_a_blank_reply_is_asked_for_again(tmp_path, server):
    server.reply = lambda body: " " if len(server.requests) == 1 else "ANSWER: 4"
    done = only_sample(evaluated(tmp_path, sample(), model=served(server)))
    [[chain]] = record_of(done)["populations"]
    assert (chain["status"], chain["attempts"]) == ("ok", 2)
    assert server.requests[1]["seed"] == server.requests[0]["seed"] + 1 == chain["seed"]


@pytest.mark.parametrize(("rule", "left"), [("fail", 0), ("shrink_k", 1), ("tail", 2)])
def test_a_prompt_that_is_too_long(tmp_path, server, rule, left):
    server.reply = lambda body: "word " * 200
    server.trouble = lambda body: (
        refusal("too long", "context_length_exceeded") if len(body["messages"][-1]["content"]) > 2000 else None
    )
    done = only_sample(evaluated(tmp_path, rsa(n=2, k=2, steps=2, on_overflow=rule), model=served(server)))
    later = record_of(done)["populations"][1]
    if left:
        assert len(later[0]["parents"]) == left
        assert later[0]["overflow"]["rule"] == rule
    else:
        assert "too long" in done.error.message


def test_a_token_limit_leaves_the_best_answer_so_far(tmp_path):
    """Its four first samples fit, and one more call; what is there is scored, and inspect_ai says why it ended."""
    mock = Mock(lambda messages, config: said(f"ANSWER: {config.seed % 3}", new=100))
    growing = rsa(n=4, k=2, steps=9, need="population")
    done = only_sample(evaluated(tmp_path, growing, model=mock.model(), scorer=match(), token_limit=500))
    record = record_of(done)
    assert done.limit.type == "token"
    assert done.error is None
    assert (record["chosen"]["step"], len(record["populations"][0])) == (1, 4)
    assert "limit" in record["stopped"]
    assert done.output.completion == f"ANSWER: {record['answer']}"
    assert done.scores["match"].answer == done.output.completion
    assert len(mock.calls) < 36


@solver
def cancelled_by(event, then, inner):
    """Another solver in a scope that is cancelled at an event, as inspect_ai's time limits do it."""

    async def solve(state, generate):
        with anyio.CancelScope() as scope:
            waiting = asyncio.ensure_future(event.wait())
            waiting.add_done_callback(lambda _: scope.cancel())
            state = await inner(state, generate)
        then()
        return state

    return solve


def test_cancelled_it_has_ended_every_call_and_has_the_best_answer_so_far(tmp_path):
    under_way, left, all_there = [], [], asyncio.Event()

    async def hang_later(messages, config):
        if len(messages[-1].text) < 20:
            return digit(messages, config)
        under_way.append(config.seed)
        if len(under_way) == 4:
            all_there.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(5):  # turns in which a connection is closed, say
                await asyncio.sleep(0)
            under_way.remove(config.seed)

    mock = Mock(hang_later)
    inner = rsa(n=4, k=2, steps=2, need="population")
    solving = cancelled_by(all_there, lambda: left.extend(under_way), inner)
    done = only_sample(evaluated(tmp_path, solving, model=mock.model(), scorer=match()))
    record = record_of(done)
    assert (len(mock.calls), left) == (8, [])
    assert (record["chosen"]["step"], record["stopped"]) == (1, "a time limit or an interrupt ended the sample")
    assert done.output.completion.endswith(record["answer"])
    assert done.scores["match"].answer == done.output.completion


def test_a_time_limit_of_inspect(tmp_path):
    async def hang(messages, config):
        await asyncio.Event().wait()

    done = only_sample(evaluated(tmp_path, majority(n=3), model=Mock(hang).model(), time_limit=1))
    assert done.limit.type == "time"
    assert done.error is None
    assert record_of(done)["chosen"] is None


def test_a_message_limit_ends_the_sample_before_anything_is_there(tmp_path):
    mock = Mock()
    done = only_sample(evaluated(tmp_path, majority(n=3), model=mock.model(), message_limit=1))
    assert done.limit.type == "message"
    assert mock.calls == []
    assert record_of(done)["chosen"] is None
    assert [message.role for message in done.messages] == ["user"]


def test_no_more_calls_at_a_time_than_inspect_allows(tmp_path):
    most = [0, 0]

    async def counted(messages, config):
        most[0] += 1
        most[1] = max(most)
        await asyncio.sleep(0)
        most[0] -= 1
        return digit(messages, config)

    evaluated(tmp_path, rsa(n=6, k=2, steps=3, need="population"), model=Mock(counted).model(), max_connections=2)
    assert most == [0, 2]


def test_what_is_in_the_cache_is_not_generated_again(tmp_path):
    def run():
        mock = Mock()
        done = only_sample(evaluated(tmp_path, rsa(n=3, k=2, steps=2), model=mock.model(), cache=True, log_level="warning"))
        return len(mock.calls), [call.cache for call in model_calls(done)], done.output.completion

    calls, first, text = run()
    assert calls == len(first)
    assert run() == (0, ["read"] * calls, text)


def test_another_loop_than_that_of_asyncio_is_refused():
    """As inspect_ai runs with INSPECT_ASYNC_BACKEND=trio."""
    state = TaskState(ModelName("mockllm/model"), 1, 1, "How many?", [ChatMessageUser(content="How many?")])
    with pytest.raises(UsageError, match="need asyncio: unset INSPECT_ASYNC_BACKEND"):
        sample()(state, None).send(None)
