import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import rsa
from evals.directory import RunDirectory
from evals.lock import is_lock, locked, remove_locks

HOLD = """
import errno, fcntl, sys
from contextlib import ExitStack
from pathlib import Path
from evals.lock import locked
from rsa.errors import UsageError

def refuse(*_):
    raise OSError(errno.ENOLCK, "No locks available")

if sys.argv[2] == "numbered":
    fcntl.flock = refuse
print("ready", flush=True)
for _ in sys.stdin:
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(Path(sys.argv[1])))
            print("held", flush=True)
        except UsageError as error:
            print(error, flush=True)
        sys.stdin.readline()
    print("left", flush=True)
"""
"""For every two lines, the first is the word to lock, the second the word to let go."""


@pytest.fixture(params=["flock", "numbered"])
def kind(request, monkeypatch):
    if request.param == "numbered":
        without_flock(monkeypatch)
    return request.param


@pytest.fixture
def numbered(monkeypatch):
    without_flock(monkeypatch)


def without_flock(monkeypatch, number=errno.ENOLCK) -> None:
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)


def begin(folder: Path, kind: str) -> subprocess.Popen:
    """A process that is about to lock the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), kind], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == "ready\n"
    return process


def send(*processes: subprocess.Popen) -> list[str]:
    """The next word to each, then what each says."""
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return [process.stdout.readline() for process in processes]


def end(process: subprocess.Popen) -> None:
    process.communicate(timeout=60)


def holder(folder: Path, **changes) -> None:
    """A lock file as another process would leave it."""
    remove_locks(folder)
    with locked(folder):
        (path,) = folder.glob("run.holder.*")
        content = json.loads(path.read_text())
    remove_locks(folder)
    (folder / "run.holder.1").write_text(json.dumps({**content, **changes}))


def test_one_process_at_a_time(tmp_path, kind):
    with begin(tmp_path, kind) as other:
        assert send(other) == ["held\n"]
        refused = rf"in use by another process \(pid {other.pid}\) on {socket.gethostname()}: wait for it, or stop it"
        with pytest.raises(rsa.UsageError, match=refused), locked(tmp_path):
            pass
        end(other)
    with locked(tmp_path), pytest.raises(rsa.UsageError, match=rf"\(pid {os.getpid()}\)"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path, kind):
    for _ in range(3):
        with begin(tmp_path, kind) as other:
            assert send(other) == ["held\n"]
            other.kill()
    with locked(tmp_path), begin(tmp_path, kind) as second:
        assert f"(pid {os.getpid()})" in send(second)[0]
        end(second)


def test_a_killed_process_that_nobody_waited_for_holds_nothing(tmp_path, kind):
    other = begin(tmp_path, kind)
    assert send(other) == ["held\n"]
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the process table
    with locked(tmp_path):
        pass
    other.communicate()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS])
def test_where_there_is_no_flock_a_file_stands_for_it(tmp_path, monkeypatch, number):
    without_flock(monkeypatch, number)
    with locked(tmp_path), begin(tmp_path, "numbered") as second:
        assert f"in use by another process (pid {os.getpid()})" in send(second)[0]
        end(second)
    with begin(tmp_path, "numbered") as third:
        assert send(third) == ["held\n"]
        end(third)


def test_a_file_system_that_fails_is_told(tmp_path, monkeypatch):
    without_flock(monkeypatch, errno.EIO)
    with pytest.raises(rsa.UsageError, match=r"run\.lock cannot be locked \(Input/output error\)"), locked(tmp_path):
        pass
    with pytest.raises(rsa.UsageError, match=r"cannot be locked \(No such file or directory\)"), locked(tmp_path / "no"):
        pass


def test_a_process_that_got_the_number_of_the_holder_is_not_the_holder(tmp_path, numbered):
    holder(tmp_path)  # our own process id and start
    with pytest.raises(rsa.UsageError, match="in use"), locked(tmp_path):
        pass
    holder(tmp_path, started=1.0)
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("elsewhere", [{"host": "faraway"}, {"space": "pid:[1]"}])
def test_a_holder_that_cannot_be_seen_from_here_is_refused_with_what_to_do(tmp_path, numbered, elsewhere):
    holder(tmp_path, pid=1 << 22, **elsewhere)
    with (
        pytest.raises(rsa.UsageError, match=r"if that process is gone for certain, remove .*run\.holder\.1 "),
        locked(tmp_path),
    ):
        pass
    (tmp_path / "run.holder.1").unlink()
    with locked(tmp_path):
        pass


def test_a_lock_that_says_nothing_is_refused(tmp_path, numbered):
    (tmp_path / "run.holder.7").touch()
    with pytest.raises(rsa.UsageError, match=r"pid unknown.*remove .*run\.holder\.7"), locked(tmp_path):
        pass


@pytest.mark.parametrize("left", ["stale", "given up"])
def test_of_many_who_take_over_at_once_one_wins(tmp_path, numbered, left):
    rivals = [begin(tmp_path, "numbered") for _ in range(5)]
    for _ in range(40):
        if left == "stale":
            holder(tmp_path, started=1.0)
        told = send(*rivals)
        assert told.count("held\n") == 1, told
        assert sum("in use by another process" in line for line in told) == len(rivals) - 1
        assert send(*rivals) == ["left\n"] * len(rivals)
    for rival in rivals:
        end(rival)


def test_of_many_threads_one_wins_every_time(tmp_path, numbered):
    """Far more meetings than processes can have: the holder counts alone, whatever the others do."""
    inside, most, rounds = [], [], []

    def strive() -> None:
        while len(rounds) < 200:
            try:
                with locked(tmp_path):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
                    rounds.append(1)
            except rsa.UsageError:
                pass

    threads = [threading.Thread(target=strive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert len([path for path in tmp_path.iterdir() if is_lock(path)]) == 2  # one number, and run.lock


def test_a_lock_whose_file_its_holder_removed_holds_nothing(tmp_path, monkeypatch):
    """Between opening and locking the file goes with the folder of a run that never started, and a new one comes."""
    flock = fcntl.flock
    swapped = []

    def swap(descriptor, operation):
        if not swapped:
            swapped.append(descriptor)
            (tmp_path / "run.lock").unlink()
            (tmp_path / "run.lock").touch()
        return flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", swap)
    with locked(tmp_path), begin(tmp_path, "flock") as second:
        assert "in use by another process" in send(second)[0]
        end(second)


def test_a_folder_that_is_discarded_takes_its_lock_along(tmp_path, kind):
    directory = RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    with directory.locked():
        directory.discard_if_empty()
    assert not directory.path.exists()


def test_a_full_disk_is_told_as_such(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("evals.lock.os.open", refuse)
    with pytest.raises(rsa.Incomplete, match=r"run\.lock cannot be written .*make space, then resume"), locked(tmp_path):
        pass
