"""The solvers inside of evals, on inspect_ai's mock model."""

import pytest
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, ContentImage, ContentText
from inspect_ai.scorer import choice, match
from inspect_ai.solver import generate, multiple_choice, prompt_template, system_message, use_tools
from inspect_ai.tool import think
from inspect_ai.util import registry_info

from rsa.inspect_solvers import majority, rejection, rsa, sample, self_aggregation, self_refine
from rsa.strategies import RSA
from tests.inspect.evals import QUIET, Mock, evaluated, model_calls, only_sample, record_of, said, spans

pytestmark = QUIET
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def test_rsa_answers_a_sample(tmp_path):
    mock = Mock()
    log = evaluated(tmp_path, rsa(n=4, k=2, steps=3, need="population"), model=mock.model(), scorer=match())
    done = only_sample(log)
    record = record_of(done)
    assert log.status == "success"
    assert len(mock.calls) == 12
    chosen = record["populations"][record["chosen"]["step"] - 1][record["chosen"]["slot"]]
    assert done.output.completion == chosen["text"]
    assert record["answer"] == chosen["answer"] == done.output.completion[-1]
    assert [message.role for message in done.messages] == ["user", "assistant"]
    assert done.messages[-1].text == done.output.completion
    assert done.messages[0].text == "How many?"
    assert done.scores["match"].value == ("C" if record["answer"] == "1" else "I")


def test_the_log_has_populations_and_their_lineage(tmp_path):
    done = only_sample(evaluated(tmp_path, rsa(n=4, k=2, steps=3, need="population", seed=5)))
    record = record_of(done)
    plan = RSA(4, 2, 3).plan(5, "1", 0)
    assert [[chain["parents"] for chain in members] for members in record["populations"]] == [
        [list(chain.parents) for chain in population] for population in plan.populations
    ]
    assert sum(record["votes"].values()) == 4
    named = [span.name for span in spans(done, "rsa_chain")]
    assert len(named) == 12
    for chain in plan:
        reads = f", reads {chain.parents[0]}, {chain.parents[1]}" if chain.parents else ""
        assert f"step {chain.step}, slot {chain.slot}{reads}" in named
    [run] = spans(done, "rsa")
    assert {span.parent_id for span in spans(done, "rsa_chain")} == {run.id}
    assert {event.span_id for event in model_calls(done)} == {span.id for span in spans(done, "rsa_chain")}
    [told] = [event.data for event in done.events if event.event == "info"]
    assert "**answers**" in told
    assert told.count("\n") == 3 + 12


def test_usage_is_summed(tmp_path):
    log = evaluated(tmp_path, rsa(n=4, k=2, steps=3))
    done = only_sample(log)
    calls = model_calls(done)
    assert 3 < len(calls) < 12  # only the ancestors of the answer
    assert record_of(done)["calls"] == len(calls)
    assert done.output.usage == log.stats.model_usage["mockllm/model"]
    assert done.output.usage.output_tokens == sum(call.output.usage.output_tokens for call in calls)
    assert record_of(done)["populations"][0][0]["usage"]["prompt"] == 13  # with the three that inspect_ai counts apart


@pytest.mark.parametrize(
    ("solver", "calls", "selected"),
    [
        (lambda: majority(n=5), 5, "majority"),
        (lambda: self_refine(steps=3), 3, "sample"),
        (lambda: self_aggregation(k=3), 4, "sample"),
        (lambda: rejection(n=3), 6, "sample"),
        (sample, 1, "sample"),
    ],
    ids=["majority", "self_refine", "self_aggregation", "rejection", "sample"],
)
def test_baselines(tmp_path, solver, calls, selected):
    mock = Mock()
    done = only_sample(evaluated(tmp_path, solver(), model=mock.model()))
    record = record_of(done)
    assert (len(mock.calls), record["select"]) == (calls, selected)
    assert done.output.completion.endswith(record["answer"])
    if selected == "majority":
        assert record["answer"] == next(iter(record["votes"]))


def test_rejection_answers_with_what_was_accepted(tmp_path):
    def reply(messages, config):
        if "Judge whether" not in messages[-1].text:
            return said(f"ANSWER: {config.seed % 2}")
        return said(r"\boxed{correct}" if "ANSWER: 1" in messages[-1].text else r"\boxed{incorrect}")

    record = record_of(only_sample(evaluated(tmp_path, rejection(n=8), model=Mock(reply).model())))
    assert {chain["answer"] for chain in record["populations"][0]} == {"0", "1"}
    assert record["answer"] == "1"
    assert {chain["answer"] for chain in record["populations"][1]} == {None}


def test_seeds_differ_by_sample_and_epoch_and_are_the_same_again(tmp_path):
    samples = [Sample(input="How many?", target="1"), Sample(input="How many?", target="1")]

    def seeds(**options):
        mock = Mock()
        evaluated(tmp_path, majority(n=3), samples, mock.model(), epochs=2, **options)
        return sorted(config.seed for _, config in mock.calls)

    first = seeds()
    assert len(set(first)) == 12
    assert seeds() == first
    assert set(seeds(seed=7)).isdisjoint(first)


def test_the_own_seed_goes_before_that_of_the_eval(tmp_path):
    def seed(solver, **options):
        return record_of(only_sample(evaluated(tmp_path, solver, **options)))["seed"]

    assert seed(sample()) == 0
    assert seed(sample(), seed=7) == 7
    assert seed(sample(seed=0), seed=7) == 0


def test_the_conversation_and_its_images_are_kept(tmp_path):
    turns = [
        ChatMessageSystem(content="Be brief."),
        ChatMessageUser(content=[ContentText(text="What is this?"), ContentImage(image=PIXEL)]),
        ChatMessageAssistant(content="A dot."),
        ChatMessageUser(content=[ContentText(text="And"), ContentImage(image=PIXEL), ContentText(text="this?")]),
    ]
    mock = Mock()
    done = only_sample(evaluated(tmp_path, rsa(n=2, k=2, steps=2), [Sample(input=turns)], mock.model()))
    assert [message.role for message in done.messages] == ["system", "user", "assistant", "user", "assistant"]
    for messages, _ in mock.calls:
        assert [message.content for message in messages[:-1]] == [turn.content for turn in turns[:-1]]
        assert [part for part in messages[-1].content if part.type == "image"] == [ContentImage(image=PIXEL)]
    aggregating = [messages[-1] for messages, _ in mock.calls][-1]
    assert [part.type for part in aggregating.content] == ["text", "image"]
    assert "And\nthis?" in aggregating.text
    assert "=== Attempt 2 ===" in aggregating.text


@pytest.mark.parametrize(
    ("before", "words"),
    [(use_tools(think()), "the sample has tools"), (generate(), "the sample's last message is of the assistant")],
    ids=["tools", "no question"],
)
def test_what_cannot_be_aggregated_is_refused(tmp_path, before, words):
    log = evaluated(tmp_path, [before, rsa(n=2, k=2, steps=2)])
    assert words in only_sample(log).error.message


def test_in_a_chain_of_solvers(tmp_path):
    mock = Mock()
    chain = [
        system_message("Be brief."),
        prompt_template("Q: {prompt}"),
        rsa(n=2, k=2, steps=2),
        prompt_template("{prompt}"),
    ]
    done = only_sample(evaluated(tmp_path, chain, model=mock.model()))
    assert mock.prompts[0] == "Q: How many?"
    assert [message.role for message in done.messages] == ["system", "user", "assistant"]
    assert "Q: How many?" in mock.prompts[-1]


def test_every_answer_of_a_chain_has_its_record(tmp_path):
    def again():
        from inspect_ai.solver import solver  # noqa: PLC0415

        @solver
        def ask_again():
            async def solve(state, generate):
                state.messages.append(ChatMessageUser(content="Are you sure?"))
                return state

            return solve

        return ask_again()

    done = only_sample(evaluated(tmp_path, [sample(), again(), majority(n=3)]))
    assert [record["strategy"] for record in done.store["rsa"]] == ["sample", "majority(n=3)"]
    assert [message.role for message in done.messages] == ["user", "assistant"] * 2


QUESTION = Sample(input="What is a fruit?", choices=["stone", "pear", "nail"], target="B")


def pears(messages, config):
    return said(f"ANSWER: {'B' if config.seed % 3 else 'A'}")


def test_multiple_choice(tmp_path):
    mock = Mock(pears)
    done = only_sample(evaluated(tmp_path, majority(n=9), [QUESTION], mock.model(), scorer=choice()))
    assert set(record_of(done)["votes"]) == {"A", "B"}
    assert done.scores["choice"].value == "C"
    assert all("B) pear" in prompt and "Think step by step" in prompt for prompt in mock.prompts)


def test_letters_vote_together_whatever_stands_behind_them(tmp_path):
    def reply(messages, config):
        return said(["ANSWER: B", "ANSWER: B) pear", "ANSWER: A"][(config.seed or 0) % 3])

    done = only_sample(evaluated(tmp_path, majority(n=24), [QUESTION], Mock(reply).model(), scorer=choice()))
    assert set(record_of(done)["votes"]) == {"A", "B"}
    assert done.scores["choice"].answer == record_of(done)["answer"] == "B"


def test_multiple_choice_as_somebody_else_asks_for_it(tmp_path):
    mock = Mock(pears)
    ask = multiple_choice(template="{question} Choose:\n{choices}", max_tokens=7)
    log = evaluated(tmp_path, rsa(n=3, k=2, steps=2, around=ask), [QUESTION], mock.model(), scorer=choice())
    done = only_sample(log)
    assert log.plan.steps[0].params["around"]["name"] == "multiple_choice"
    assert mock.prompts[0] == "What is a fruit? Choose:\nA) stone\nB) pear\nC) nail"
    assert {config.max_tokens for _, config in mock.calls} == {7}
    assert done.scores["choice"].answer == record_of(done)["answer"]
    done = only_sample(evaluated(tmp_path, sample(choices="plain"), [QUESTION], mock.model()))
    assert mock.prompts[-1].startswith("Answer the following multiple choice question. The entire content")
    done = only_sample(evaluated(tmp_path, sample(choices="leave"), [QUESTION], mock.model()))
    assert done.messages[0].text == mock.prompts[-1] == "What is a fruit?"


def test_the_names_that_a_log_has():
    made = [rsa(), majority(), self_refine(), self_aggregation(), rejection(), sample()]
    assert [registry_info(each).name for each in made] == [
        f"rsa/{name}" for name in ("rsa", "majority", "self_refine", "self_aggregation", "rejection", "sample")
    ]
