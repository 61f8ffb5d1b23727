import asyncio
import json
import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from evals.directory import FORMAT, RunDirectory
from evals.problems import Dataset, Problem
from evals.store import AppendLog, ChainIndex, read_chains, read_log
from rsa.chain import Chain, Status, Usage
from rsa.prompts import Prompts

NOTHING = Dataset((), "nothing")
chains = st.builds(
    Chain,
    st.text(),
    st.integers(0, 5),
    st.just("rsa"),
    st.integers(1, 9),
    st.integers(0, 9),
    st.tuples(st.integers(0, 9)),
    st.text(),
    st.integers(0, 2**31),
    st.text(),
    st.text(),
    st.just("stop"),
    st.sampled_from(Status),
    st.builds(Usage, st.none() | st.integers(), st.none() | st.integers(), st.none() | st.integers()),
    st.floats(0, 9e9),
    st.floats(0, 9e9),
    st.integers(0, 9),
    st.none() | st.text(),
    st.none() | st.text(),
)


@given(chains)
def test_a_chain_survives_its_record(chain):
    assert Chain.from_record(json.loads(json.dumps(chain.to_record()))) == chain


def test_a_record_has_the_agreed_fields():
    chain = Chain(
        "p", 0, "rsa", 2, 1, (3, 0), "m", 5, "abc", "text", "length", Status.TRUNCATED, Usage(1, 2, 3), 1.5, 2.5, 1
    )
    assert chain.to_record() == {
        "problem": "p",
        "repeat": 0,
        "strategy": "rsa",
        "step": 2,
        "slot": 1,
        "parents": [3, 0],
        "model": "m",
        "seed": 5,
        "prompt_sha256": "abc",
        "text": "text",
        "finish_reason": "length",
        "status": "truncated",
        "usage": {"prompt": 1, "cached": 2, "completion": 3},
        "started": 1.5,
        "ended": 2.5,
        "attempts": 1,
    }


def append(path, *records) -> None:
    async def write() -> None:
        log = AppendLog(path)
        for record in records:
            log.append(record)
        await log.flush()
        log.close()

    asyncio.run(write())


def records(path) -> list:
    return [record for _, _, record in read_log(path)]


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3), min_size=1, max_size=5), st.data())
def test_a_log_cut_anywhere_loses_only_its_torn_last_line(tmp_path_factory, written, data):
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    append(path, *written)
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    whole = content[:cut].count(b"\n")
    assert records(path) == written[:whole]
    append(path, {"new": "line"})
    assert records(path) == [*written[:whole], {"new": "line"}]


@pytest.mark.parametrize("tail", [b'{"torn": ', b'{"torn": 1}', b"\0\0\0\0", b"\0\0\n", b"\xff\xfe\n"])
def test_torn_last_lines_are_dropped(tmp_path, tail):
    path = tmp_path / "log"
    append(path, {"a": 1})
    path.write_bytes(path.read_bytes() + tail)
    append(path, {"b": 2})
    assert records(path) == [{"a": 1}, {"b": 2}]


def test_damage_in_the_middle_is_told_and_never_passed_over(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b'{"a": 1}\n{"b": \n{"c": 3}\n')
    with pytest.raises(rsa.UsageError, match="line 2 is damaged"):
        records(path)


def test_text_that_is_not_unicode_is_still_written(tmp_path):
    append(tmp_path / "log", {"text": "half a surrogate: \ud83d"})
    assert records(tmp_path / "log") == [{"text": "half a surrogate: ?"}]


async def test_a_flush_means_on_disk(tmp_path):
    log = AppendLog(tmp_path / "log")

    async def write(number: int) -> None:
        log.append({"number": number})
        await log.flush()
        assert {"number": number} in records(tmp_path / "log")

    await asyncio.gather(*(write(number) for number in range(50)))
    log.close()
    assert len(records(tmp_path / "log")) == 50


def test_the_index_finds_texts_without_holding_them(tmp_path):
    path = tmp_path / "chains.jsonl"
    made = [
        Chain(problem, 0, "rsa", 1, slot, (), "m", 0, "", f"{problem} ∑ {slot}", "stop", Status.OK)
        for problem in "ab"
        for slot in range(3)
    ]
    append(
        path, *(chain.to_record() for chain in made), {**made[0].to_record(), "text": "a second record of the same place"}
    )
    index = ChainIndex(path)
    assert index.count(("a", 0, "rsa")) == 3
    assert index.count(("a", 1, "rsa")) == index.count(("a", 0, "majority")) == 0
    assert index.load(("b", 0, "rsa")) == {chain.place: chain for chain in made[3:]}
    assert index.load(("a", 0, "rsa"))[1, 0].text == "a ∑ 0"
    assert index.by_step() == {1: 6}


def test_folders_that_cannot_be_a_run_directory(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(rsa.UsageError, match="cannot be used as a run directory"):
        RunDirectory(tmp_path / "file").create(NOTHING, Prompts())
    with pytest.raises(rsa.UsageError, match=r"not a run directory and not empty \(it holds file\)"):
        RunDirectory(tmp_path).create(NOTHING, Prompts())
    with pytest.raises(rsa.UsageError, match=r"no readable run\.yaml"):
        RunDirectory(tmp_path).read_run()


def test_a_start_that_was_cut_short_can_be_repeated(tmp_path):
    dataset = Dataset((Problem("1", "?", "1", "math"),), "x")
    for name, content in (("server.log", b"x"), ("run.tmp", b"x"), ("run.lock", b""), ("problems.jsonl", dataset.lines())):
        (tmp_path / name).write_bytes(content)
    RunDirectory(tmp_path).create(dataset, Prompts())
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "aggregate.j2").write_text(Prompts().sources["aggregate"])
    RunDirectory(tmp_path).create(dataset, Prompts())
    (tmp_path / "prompts" / "aggregate.j2").write_text("somebody's own")
    with pytest.raises(rsa.UsageError, match="it holds prompts"):
        RunDirectory(tmp_path).create(dataset, Prompts())
    shutil.rmtree(tmp_path / "prompts")
    with pytest.raises(rsa.UsageError, match=r"it holds problems\.jsonl"):
        RunDirectory(tmp_path).create(NOTHING, Prompts())


def test_one_process_at_a_time(tmp_path):
    directory = RunDirectory(tmp_path)
    with (
        directory.locked(),
        pytest.raises(rsa.UsageError, match=f"in use by another process .pid {os.getpid()}."),
        directory.locked(),
    ):
        pass
    with directory.locked():  # the lock of whoever is gone is taken over
        pass


@pytest.mark.parametrize("wrong", [{}, {"step": "1"}, {"text": None}, {"status": "great"}, {"usage": 3}])
def test_records_that_are_no_chains_are_told_with_their_place(tmp_path, wrong):
    good = Chain("p", 0, "rsa", 1, 0, (), "m", 0, "", "t", "stop", Status.OK).to_record()
    append(tmp_path / "log", good, {**good, **wrong} if wrong else {})
    with pytest.raises(rsa.UsageError, match=r"log, at byte \d+: not a chain record"):
        list(read_chains(tmp_path / "log"))


def test_nothing_is_written_behind_a_torn_line(tmp_path, monkeypatch):
    async def write() -> None:
        log = AppendLog(tmp_path / "log")
        log.append({"a": 1})
        await log.flush()
        monkeypatch.setattr("evals.store.os.fsync", full)
        log.append({"b": 2})
        with pytest.raises(rsa.Incomplete, match="make space"):
            await log.flush()
        log.append({"c": 3})
        log.close()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    asyncio.run(write())
    assert {"c": 3} not in records(tmp_path / "log")


def test_newer_and_foreign_run_files(tmp_path):
    directory = RunDirectory(tmp_path / "run")
    directory.create(NOTHING, Prompts())
    for content, says in (
        (f"format: {FORMAT + 1}\n", "written by a newer version"),
        ("a: 1\n", "says no format number"),
        ("[", "is not YAML"),
    ):
        directory.run_yaml.write_text(content)
        with pytest.raises(rsa.UsageError, match=says):
            directory.read_run()
