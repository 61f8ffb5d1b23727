import asyncio
import errno
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from evals.directory import FORMAT, RunDirectory, sync_folder, write_parts, write_whole
from evals.problems import Dataset, Problem
from evals.store import AppendLog, read_chains, read_log
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


@pytest.mark.parametrize("wrong", [{}, {"step": "1"}, {"text": None}, {"status": "great"}, {"usage": 3}])
def test_records_that_are_no_chains_are_told_with_their_place(tmp_path, wrong):
    good = Chain("p", 0, "rsa", 1, 0, (), "m", 0, "", "t", "stop", Status.OK).to_record()
    append(tmp_path / "log", good, {**good, **wrong} if wrong else {})
    with pytest.raises(rsa.UsageError, match=r"log, at byte \d+: not a chain record"):
        list(read_chains(tmp_path / "log"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG])
def test_nothing_is_written_behind_a_torn_line(tmp_path, monkeypatch, number):
    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    async def write() -> None:
        log = AppendLog(tmp_path / "log")
        log.append({"a": 1})
        await log.flush()
        monkeypatch.setattr("evals.store.os.fsync", fail)
        log.append({"b": 2})
        with pytest.raises(rsa.Incomplete, match=re.escape(os.strerror(number)) + ".*then resume"):
            await log.flush()
        monkeypatch.undo()
        log.append({"c": 3})
        with pytest.raises(rsa.Incomplete):
            await log.flush()
        log.close()

    asyncio.run(write())
    assert {"c": 3} not in records(tmp_path / "log")


async def test_everybody_whose_record_was_in_a_failed_write_is_told(tmp_path, monkeypatch):
    """The records wait for the same write; none of them may count as recorded."""
    log = AppendLog(tmp_path / "log")

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def write(number: int) -> None:
        log.append({"number": number})
        await log.flush()

    monkeypatch.setattr("evals.store.os.fsync", fail)
    outcomes = await asyncio.gather(*(write(number) for number in range(20)), return_exceptions=True)
    log.close()
    assert {type(outcome) for outcome in outcomes} == {rsa.Incomplete}


async def test_a_write_that_has_just_ended_keeps_nobody_waiting(tmp_path, monkeypatch):
    """A record may come in the very turn of the loop in which a write ends, before anything was told of that."""
    loop = asyncio.get_running_loop()

    def at_once(executor, function, *arguments):
        done = loop.create_future()
        done.set_result(function(*arguments))
        return done

    monkeypatch.setattr(loop, "run_in_executor", at_once)
    log = AppendLog(tmp_path / "log")
    for number in range(3):
        log.append({"number": number})
        await log.flush()
        assert len(records(tmp_path / "log")) == number + 1
    log.close()


async def test_a_record_whose_writer_is_cancelled_is_written_all_the_same(tmp_path):
    log = AppendLog(tmp_path / "log")

    async def write(number: int) -> None:
        log.append({"number": number})
        await log.flush()

    writers = [asyncio.ensure_future(write(number)) for number in range(5)]
    await asyncio.sleep(0)
    for writer in writers:
        writer.cancel()
    await asyncio.gather(*writers, return_exceptions=True)
    log.close()
    assert records(tmp_path / "log") == [{"number": number} for number in range(5)]


def test_a_record_lies_where_the_log_says(tmp_path):
    append(tmp_path / "log", {"first": "∑"})
    log = AppendLog(tmp_path / "log")
    spans = [log.append({"number": number, "text": "é" * number}) for number in range(5)]
    log.close()
    assert spans == [(offset, length) for offset, length, _ in read_log(tmp_path / "log")][1:]


def test_a_log_that_cannot_be_opened_is_told(tmp_path):
    (tmp_path / "log").mkdir()
    with pytest.raises(rsa.Incomplete, match=r"log cannot be written \(Is a directory\)"):
        AppendLog(tmp_path / "log")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "summary.json"
    write_whole(path, "before")

    def half():
        yield b"half"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(rsa.Incomplete, match=r"summary\.json cannot be written \(No space left on device\): make space"):
        write_parts(path, half())
    assert [entry.name for entry in tmp_path.iterdir()] == ["summary.json"]
    assert path.read_text() == "before"


@pytest.mark.parametrize("links", [True, False])
def test_what_is_replaced_can_be_kept(tmp_path, monkeypatch, links):
    path = tmp_path / "log"
    path.write_text("before")
    if not links:

        def refuse(*_):
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
    write_parts(path, [b"af", b"ter"], kept=tmp_path / "log.1")
    assert (path.read_text(), (tmp_path / "log.1").read_text()) == ("after", "before")


def test_a_folder_that_cannot_be_synced_is_no_error(tmp_path, monkeypatch):
    """Some network file systems refuse that."""

    def refuse(descriptor: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr("evals.directory.os.fsync", refuse)
    sync_folder(tmp_path)


def test_what_a_killed_process_left_half_written_is_cleared_away(tmp_path):
    directory = RunDirectory(tmp_path)
    for name in ("summary.tmp", "report.tmp", "chains.tmp", "verdicts.new.jsonl", "mine.tmp"):
        (tmp_path / name).touch()
    with directory.locked():
        assert {entry.name for entry in tmp_path.iterdir()} == {"run.lock", "mine.tmp"}


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
