"""Prompts that are too long, by rule: the laws of what is left of them."""

import asyncio
import json

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import rsa
from rsa.chain import Chain, Status
from rsa.endpoint import most_tokens
from rsa.overflow import CUT_MARK, OVERFLOWS, Draft, Room, Unfit, common_length, ending, fit, shown

QUESTION = "What is 1+1?"


def written(candidates) -> tuple[dict, ...]:
    return ({"role": "user", "content": "\n".join([QUESTION, *(f"- {candidate}" for candidate in candidates)])},)


class Counter:
    """One token a character, or one a word; it remembers what it counted."""

    def __init__(self, words: bool = False, silent: frozenset[int] = frozenset()) -> None:
        self.words = words
        self.silent = silent  # the counts that nobody answers
        self.counts = 0

    def size(self, messages) -> int:
        text = messages[0]["content"]
        return len(text.split()) if self.words else len(text)

    async def __call__(self, messages) -> int | None:
        self.counts += 1
        return None if self.counts in self.silent else self.size(messages)


def fitted(rule: str, candidates, size: int, counter: Counter | None = None, condense=None):
    draft = Draft(candidates, written, *([condense] if condense else []))
    return asyncio.run(fit(rule, draft, Room(size, counter or Counter())))


lines = st.text("ab 12.\n", min_size=1, max_size=9).filter(str.strip)
odd = st.text(min_size=1, max_size=9).filter(str.strip)
long = st.builds(str.__mul__, lines | odd, st.integers(20, 200))
populations = st.lists(long | lines | odd, min_size=1, max_size=5)
SHORTENING = sorted(set(OVERFLOWS) - {"fail"})


async def halved(index: int) -> str | None:
    """A summary, for every second candidate."""
    return None if index % 2 else "in short: " + "x" * (20 * index)


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("rule", SHORTENING)
@given(candidates=populations, part=st.floats(0.1, 1))
def test_what_is_left_fits_and_its_record_tells_the_prompt(rule, words, candidates, part):
    counter = Counter(words)
    size = round(part * counter.size(written(candidates)))
    try:
        result = fitted(rule, candidates, size, counter, halved)
    except Unfit:
        return
    assert counter.size(result.messages) <= size
    overflow = json.loads(json.dumps(result.overflow))
    assert written(shown(candidates[: result.shown], overflow)) == result.messages
    assert (overflow is None) == (counter.size(written(candidates)) <= size)


@pytest.mark.parametrize("rule", OVERFLOWS)
@given(candidates=st.lists(lines, max_size=4), more=st.integers(0, 50))
def test_what_fits_is_left_as_it_is(rule, candidates, more):
    messages = written(candidates)
    result = fitted(rule, candidates, len(messages[0]["content"]) + more)
    assert (result.messages, result.shown, result.overflow) == (messages, len(candidates), None)


@pytest.mark.parametrize("rule", OVERFLOWS)
def test_no_rule_helps_where_the_question_alone_is_too_long(rule):
    for candidates in ([], ["some text"], ["some text", "more text"]):
        with pytest.raises(Unfit):
            fitted(rule, candidates, len(QUESTION) - 1)


def test_by_default_nothing_is_shortened():
    with pytest.raises(Unfit) as unfit:
        fitted("fail", ["x" * 100], 100)
    assert unfit.value.size == len(QUESTION) + 3 + 100


def test_shrinking_keeps_as_many_of_the_first_as_fit():
    candidates = ["a" * 40, "b" * 30, "c" * 20, "d" * 10]
    for number in (3, 2, 1):
        size = len(written(candidates[:number])[0]["content"])
        result = fitted("shrink_k", candidates, size)
        assert result.messages == written(candidates[:number])
        assert result.overflow == {"rule": "shrink_k", "wanted": 4, "shown": number}
    with pytest.raises(Unfit):
        fitted("shrink_k", candidates, size - 1)
    with pytest.raises(Unfit):
        fitted("shrink_k", candidates[:1], size - 1)


def texts_of(result) -> list[str]:
    return result.messages[0]["content"].removeprefix(f"{QUESTION}\n- ").split("\n- ")


def test_tails_share_the_room_fairly():
    long, longer, short = "a" * 600, "b" * 1000, "short"
    result = fitted("tail", [long, short, longer], 800)
    kept = result.overflow["kept"]
    assert kept[1] == len(short)
    assert kept[0] == kept[2]
    assert texts_of(result) == [CUT_MARK + long[-kept[0] :], short, CUT_MARK + longer[-kept[0] :]]
    assert 0.85 * 800 < len(result.messages[0]["content"]) <= 800


@given(st.lists(long, min_size=1, max_size=5), st.floats(0.3, 0.99))
def test_every_part_that_is_kept_is_an_end_and_none_is_cut_for_a_longer_one(candidates, part):
    size = len(written([""] * 5)[0]["content"]) + int(sum(map(len, candidates)) * part)
    try:
        overflow = fitted("tail", candidates, size).overflow
    except Unfit:  # the marks take more than there is
        return
    assume(overflow)
    bodies = [candidate.rstrip() for candidate in candidates]
    longest = max(overflow["kept"])
    for body, kept, text in zip(bodies, overflow["kept"], shown(candidates, overflow), strict=True):
        assert 1 <= kept <= len(body)
        assert text == (body if kept == len(body) else CUT_MARK + body[-kept:])
        if kept < len(body):  # up to what is given up for a whole word
            assert kept >= longest - longest // 8 - 2


def test_few_counts_find_the_length():
    counter = Counter(words=True)
    numbers = " ".join(map(str, range(4000)))
    prose = "wording " * 3000
    result = fitted("tail", [numbers, prose, numbers, "short"], 6000, counter)
    assert counter.counts <= 6
    assert 5000 < counter.size(result.messages) <= 6000


@given(st.text(min_size=1), st.integers(1, 500))
@example("e\u0301" * 40, 41)
def test_an_ending_begins_with_a_whole_character(text, length):
    end = ending(text, length)
    assert end
    assert text.endswith(end)
    assert len(end) <= length


def test_an_ending_begins_with_a_line_or_a_word_if_one_is_near():
    assert ending("first line\nsecond line" + "x" * 90, 104) == "second line" + "x" * 90
    assert ending("some words " + "x" * 90, 95) == "x" * 90
    assert ending("x" * 200, 90) == "x" * 90
    assert ending("ab e\u0301\u0302z", 3) == "z"
    assert ending("line\nnext", 4) == "next"


@given(st.lists(st.integers(0, 100), min_size=1, max_size=8), st.integers(0, 600))
def test_a_common_length_is_the_greatest_that_the_total_allows(lengths, total):
    def used(limit: int) -> int:
        return sum(min(length, limit) for length in lengths)

    common = common_length(lengths, total)
    assert used(common) <= total
    assert common == max(lengths) or used(common + 1) > total


def test_summaries_stand_for_the_candidates_that_would_be_cut():
    asked = []

    async def condense(index: int) -> str | None:
        asked.append(index)
        return f"summary {index}"

    result = fitted("summarize", ["a" * 500, "short", "b" * 500], 400, condense=condense)
    assert sorted(asked) == [0, 2]
    assert texts_of(result) == ["summary 0", "short", "summary 2"]
    assert result.overflow == {"rule": "summarize", "summaries": ["summary 0", None, "summary 2"], "kept": [9, 5, 9]}


def test_summaries_that_fail_or_are_too_long_fall_back_to_ends():
    async def condense(index: int) -> str | None:
        return [None, "s" * 450, "s" * 600, ""][index]  # failed, too long, longer than the candidate, of no use

    result = fitted("summarize", ["a" * 500, "b" * 500, "c" * 500, "d" * 500], 500, condense=condense)
    assert (result.overflow["summaries"], result.overflow["failed"]) == ([None, "s" * 450, None, None], [0])
    assert [text.removeprefix(CUT_MARK)[:1] for text in texts_of(result)] == ["a", "s", "c", "d"]
    assert all(text.startswith(CUT_MARK) for text in texts_of(result))
    assert len(set(result.overflow["kept"])) == 1


async def test_a_summary_that_stops_the_run_ends_the_others():
    cancelled = asyncio.Event()

    async def condense(index: int) -> str | None:
        if index:
            raise KeyError("stop")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(KeyError):
        await fit("summarize", Draft(["a" * 500, "b" * 500], written, condense), Room(300, Counter()))
    assert cancelled.is_set()


def test_white_space_at_the_end_goes_first():
    result = fitted("tail", ["answer" + "\n" * 1000, "other"], 100)
    assert texts_of(result) == ["answer", "other"]


@pytest.mark.parametrize("rule", ["tail", "shrink_k"])
def test_a_count_that_fails_in_between_never_makes_a_prompt_too_long(rule):
    candidates = ["a" * 900, "b" * 900, "c" * 900]
    for number in range(2, 9):
        result = fitted(rule, candidates, 1500, Counter(silent=frozenset({number, number + 1})))
        assert len(result.messages[0]["content"]) <= 1500


def test_what_nobody_can_count_is_left_to_the_server():
    messages = written(["x" * 1000])
    assert fitted("tail", ["x" * 1000], 100, Counter(silent=frozenset({1}))).messages == messages


def test_what_surely_fits_is_not_counted():
    counter = Counter()
    fitted("tail", ["x"], most_tokens(written(["x"])), counter)
    assert counter.counts == 0


overflows = st.none() | st.one_of(
    st.builds(lambda wanted, shown: {"rule": "shrink_k", "wanted": wanted, "shown": shown}, st.integers(), st.integers()),
    st.builds(lambda kept: {"rule": "tail", "kept": kept}, st.lists(st.integers())),
    st.builds(
        lambda summaries, kept: {"rule": "summarize", "summaries": summaries, "kept": kept},
        st.lists(st.none() | st.text()),
        st.lists(st.integers()),
    ),
)


@given(overflows)
def test_a_chain_and_what_was_done_to_its_prompt_survive_its_record(overflow):
    chain = Chain("p", 0, "rsa", 1, 0, (), "m", 0, "", "text", "stop", Status.OK, overflow=overflow)
    record = chain.to_record()
    assert Chain.from_record(json.loads(json.dumps(record))) == chain
    assert ("overflow" in record) == (overflow is not None)


def test_what_is_no_overflow_is_refused():
    record = Chain("p", 0, "rsa", 1, 0, (), "m", 0, "", "text", "stop", Status.OK).to_record()
    with pytest.raises(rsa.UsageError, match="overflow is not an object"):
        Chain.from_record({**record, "overflow": "tail"})
