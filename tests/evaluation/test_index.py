import gc
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from evals.config import RunConfig
from evals.directory import RunDirectory
from evals.index import ChainIndex, Layout, VerdictIndex
from evals.preparation import Preparation
from evals.problems import Dataset, Problem
from evals.records import Records
from evals.rescoring import score_missing
from evals.stats import Subject
from evals.store import AppendLog, read_log
from evals.summary import summarise
from rsa.chain import Chain, Status, Usage
from rsa.equivalence import AS_TEXT
from rsa.prompts import Prompts
from rsa.strategies import label

RSA = rsa.RSA(4, 2, 3)
LAYOUT = Layout(RSA, "ab", 2)
BYTES_A_CHAIN = 80


def chain(problem="a", repeat=0, step=1, slot=0, strategy=RSA, **changes) -> Chain:
    fields = {"text": f"{problem} ∑ {step} {slot}", "status": Status.OK, "usage": Usage(3, None, 5), "attempts": 2} | changes
    return Chain(
        problem, repeat, label(strategy), step, slot, (), "m", 0, "", finish_reason="stop", started=1.5, ended=4.0, **fields
    )


def verdict(of: Chain, **changes) -> dict:
    name = {field: getattr(of, field) for field in ("problem", "repeat", "strategy", "step", "slot")}
    rest = {"answer": "1", "status": "ok", "score": 1.0, "solved": True, "method": "m", "scorer_version": "s/1", "ms": 1.0}
    return {**name, **rest, **changes}


def write(path, records) -> None:
    with path.open("ab") as file:
        file.writelines(json.dumps(record).encode() + b"\n" for record in records)


def indexed(path, layout=LAYOUT) -> ChainIndex:
    index = ChainIndex(path, layout)
    index.refresh()
    return index


def test_the_index_finds_texts_without_holding_them(tmp_path):
    path = tmp_path / "chains.jsonl"
    made = [chain(problem, slot=slot) for problem in "ab" for slot in range(3)]
    second = {**made[0].to_record(), "text": "a second record of the same place"}
    write(path, [*(each.to_record() for each in made), second])
    index = ChainIndex(path, LAYOUT)
    assert list(index.read()) == made
    assert (index.groups, index.count(("a", 0)), index.count(("a", 1))) == ([("a", 0), ("b", 0)], 3, 0)
    assert index.load(("b", 0)) == {each.place: each for each in made[3:]}
    assert index.load(("a", 0))[1, 0].text == "a ∑ 1 0"
    assert index.load(("a", 1)) == {}
    assert index.by_population() == {((problem, 0), 1): {Status.OK: 3} for problem in "ab"}


counts = st.none() | st.integers(0, 2**40)
outlined = st.builds(
    lambda status, usage, attempts: {"status": status, "usage": usage, "attempts": attempts},
    st.sampled_from(Status),
    st.builds(Usage, counts, counts, counts),
    st.integers(0, 99),
)


@given(st.dictionaries(st.tuples(st.integers(1, 3), st.integers(0, 3)), outlined))
def test_an_outline_has_what_a_summary_reads(tmp_path_factory, places):
    path = tmp_path_factory.mktemp("run") / "chains.jsonl"
    made = [chain(step=step, slot=slot, **fields) for (step, slot), fields in places.items()]
    write(path, [each.to_record() for each in made])
    outline = indexed(path).outline(("a", 0))
    assert set(outline) == set(places)
    for each in made:
        seen = outline[each.place]
        for field in ("problem", "repeat", "place", "status", "usage", "attempts", "started", "ended"):
            assert getattr(seen, field) == getattr(each, field)
        assert seen.text == ""


def test_a_judgement_is_outlined_by_its_outcome(tmp_path):
    strategy = rsa.Rejection(2)
    texts = ("reasons, then \\boxed{\\text{Correct}}", "\\boxed{incorrect}")
    made = [chain(step=2, slot=slot, strategy=strategy, text=text) for slot, text in enumerate(texts)]
    write(tmp_path / "log", [each.to_record() for each in made])
    outline = indexed(tmp_path / "log", Layout(strategy, "a", 1)).outline(("a", 0))
    assert [rsa.selection.accepts(outline[2, slot].text) for slot in (0, 1)] == [True, False]


def test_what_is_added_is_as_good_as_what_is_read(tmp_path):
    log = AppendLog(tmp_path / "log")
    index = indexed(tmp_path / "log")
    for made in (chain(), chain("b", 1, 3, 2)):
        assert index.add(made, log.append(made.to_record()))
    log.close()
    index.refresh()
    again = indexed(tmp_path / "log")
    for group in (("a", 0), ("b", 1)):
        assert index.outline(group) == again.outline(group)
        assert index.load(group) == again.load(group)
    assert index.groups == again.groups


def test_what_the_disk_did_not_take_is_not_told(tmp_path):
    log = AppendLog(tmp_path / "log")
    index = indexed(tmp_path / "log")
    for slot in range(3):
        index.add(chain(slot=slot), log.append(chain(slot=slot).to_record()))
    log.close()
    content = (tmp_path / "log").read_bytes()
    (tmp_path / "log").write_bytes(content[:-20])
    index.refresh()
    assert index.count(("a", 0)) == 2


@pytest.mark.parametrize(
    "wrong",
    [{"problem": "c"}, {"repeat": 2}, {"strategy": "other"}, {"step": 4}, {"slot": 4}, {"slot": -1}, {"problem": []}],
)
def test_records_of_another_run_are_told_with_their_place(tmp_path, wrong):
    write(tmp_path / "chains", [chain().to_record(), {**chain(slot=1).to_record(), **wrong}])
    with pytest.raises(rsa.UsageError, match=r"chains, at byte \d\d+: problem .* is no chain of this run"):
        indexed(tmp_path / "chains")
    write(tmp_path / "verdicts", [verdict(chain()), {**verdict(chain(slot=1)), **wrong}])
    with pytest.raises(rsa.UsageError, match=r"verdicts, at byte \d\d+: problem .* is no chain of this run"):
        VerdictIndex(tmp_path / "verdicts", LAYOUT)


@pytest.mark.parametrize("wrong", [{"started": "now"}, {"attempts": 1 << 70}, {"usage": {"prompt": "many"}}])
def test_numbers_that_are_none_are_told(tmp_path, wrong):
    write(tmp_path / "log", [{**chain().to_record(), **wrong}])
    with pytest.raises(rsa.UsageError, match=r"log, at byte 0: not a chain record"):
        indexed(tmp_path / "log")


def test_of_two_verdicts_the_last_counts(tmp_path):
    first, second = chain(), chain("b", 1, 2, 3)
    records = [verdict(first), verdict(second), verdict(first, answer="2", vote="two", solved=False)]
    write(tmp_path / "log", records)
    verdicts = VerdictIndex(tmp_path / "log", LAYOUT)
    mark = verdicts.marks(("a", 0))[1, 0]
    assert (mark.answer, mark.solved) == ("two", False)
    assert verdicts.get(("b", 1, label(RSA), 2, 3)) == records[1]
    assert ("b", 1, label(RSA), 2, 3) in verdicts
    assert verdicts.get(("b", 1, label(RSA), 2, 2)) is None
    assert verdicts.marks(("b", 0)) == {}


def test_verdicts_that_are_none_are_told(tmp_path):
    record = verdict(chain())
    del record["method"]
    write(tmp_path / "log", [record])
    with pytest.raises(rsa.UsageError, match=r"log, at byte 0: not a verdict \(KeyError\('method'\)\)"):
        VerdictIndex(tmp_path / "log", LAYOUT)


def memory(action) -> tuple[int, int]:
    """What an action leaves behind, and the most that it holds at a time, in bytes."""
    gc.collect()
    tracemalloc.start()
    try:
        action()
        _, most = tracemalloc.get_traced_memory()
        gc.collect()
        return tracemalloc.get_traced_memory()[0], most
    finally:
        tracemalloc.stop()


def most_memory(action) -> int:
    return memory(action)[1]


@pytest.fixture
def run(tmp_path):
    """Writes a run of some problems with texts and answers of some length; gives its index and how to summarise it."""

    def make(problems: int, length: int):
        strategy = rsa.RSA(8, 2, 4)
        names = [f"{number}" for number in range(problems)]
        dataset = Dataset(tuple(Problem(name, "?", ("1",), "text") for name in names), "x")
        folder = tmp_path / f"{problems}-{length}"
        folder.mkdir()
        places = [planned.place for planned in strategy.plan(0, "")]
        made = (chain(name, 0, *place, strategy=strategy, text="x" * length) for name in names for place in places)
        write(folder / "chains", (each.to_record() for each in made))
        unjudged = (chain(name, 0, *place, strategy=strategy) for name in names for place in places)
        write(folder / "verdicts", (verdict(each, answer="y" * length) for each in unjudged))
        index = ChainIndex(folder / "chains", Layout(strategy, names, 1))
        config = RunConfig.model_validate({"task": "arithmetic"})

        def summed() -> None:
            verdicts = VerdictIndex(folder / "verdicts", index.layout)
            subjects = {name: Subject(AS_TEXT) for name in names}
            preparation = Preparation(config, RunDirectory(folder), dataset, strategy, Prompts(), "m")
            records = Records(preparation, index, verdicts, subjects)
            summarise(records, records.groups())

        return index, summed

    return make


def test_memory_does_not_grow_with_the_length_of_texts(run):
    """Beyond a few texts at a time: those of a few lines, and the answers of two problems out of twelve."""
    longer = 50_000
    (short, summed_short), (long, summed_long) = run(12, 10), run(12, 10 + longer)
    assert most_memory(long.refresh) - most_memory(short.refresh) < 8 * longer
    summed_short()  # whatever is imported late is imported now
    assert most_memory(summed_long) - most_memory(summed_short) < (2 * 32 + 8) * longer


def test_a_chain_is_some_bytes_in_index_and_summary(run):
    few, many = run(10, 10), run(60, 10)
    more = 50 * 32
    assert (memory(many[0].refresh)[0] - memory(few[0].refresh)[0]) / more < BYTES_A_CHAIN
    few[1]()  # whatever is imported late is imported now
    assert (most_memory(many[1]) - most_memory(few[1])) / more < 3 * BYTES_A_CHAIN


def test_chains_without_a_verdict_are_scored_while_they_are_indexed(tmp_path, monkeypatch):
    from evals.scoring import Scoring  # noqa: PLC0415

    directory = RunDirectory(tmp_path)
    made = [chain(slot=slot, text=f"\\boxed{{{slot}}}") for slot in range(3)] + [chain("b", status=Status.DEAD)]
    write(directory.chains, [each.to_record() for each in made])
    write(directory.verdicts, [verdict(made[1])])
    problems = [Problem(name, "?", ("2",), "math") for name in "ab"]
    index = ChainIndex(directory.chains, LAYOUT)
    with Scoring("integer") as scoring:
        score_missing(directory, problems, index, scoring)
    found = [record for _, _, record in read_log(directory.verdicts)]
    assert [(record["slot"], record["solved"]) for record in found] == [(1, True), (0, False), (2, True)]
    assert index.by_population() == {(("a", 0), 1): {Status.OK: 3}, (("b", 0), 1): {Status.DEAD: 1}}
