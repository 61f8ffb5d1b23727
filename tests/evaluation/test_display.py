"""What a run shows while it works: counts, speeds, the time left, and that it fits where it is shown."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections import Counter
from dataclasses import replace

import pytest
from rich.console import Console

from evals.display import Outset, Vitals, make_display, spent
from evals.display.vitals import Spending, vitals
from rsa.budget import Account, Amount, Budget, Prices
from rsa.chain import Status
from rsa.endpoint import Endpoint, Sampling
from tests.evaluation.made import chain, verdict
from tests.fake_server import Trouble

ESCAPES = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Screen:
    """A display on a console of its own, with the time and the vitals that a test says."""

    def __init__(self, width: int | None = None) -> None:
        self.time = Time()
        self.vitals = Vitals(4, 32)
        self.file = io.StringIO()
        shape = {"width": width, "height": 24} if width else {}
        self.console = Console(file=self.file, force_terminal=bool(width), _environ={"TERM": "xterm"}, **shape)
        self.display = make_display(False, self.console, self.time)

    def begin(self, sizes, populations=4, title=None, **more):
        self.display.begin(Outset(sizes, populations, **more), lambda: self.vitals, title)

    def wait(self, seconds, beats=None):
        for _ in range(beats or int(seconds * 4)):
            self.time.now += seconds / (beats or int(seconds * 4))
            self.display.beat()

    @property
    def text(self):
        return ESCAPES.sub("", self.file.getvalue())

    def last(self):
        """What was shown since the last call."""
        text = self.text
        self.file.seek(0)
        self.file.truncate()
        return [each for each in text.replace("\r", "\n").splitlines() if each]


def test_lines_come_every_few_seconds_at_most_and_rarer_as_time_goes_by():
    screen = Screen()
    with screen.display:
        screen.begin({1: 1000})
        assert screen.last() == []
        for slot in range(400):
            screen.display.chain(chain(slot=slot))
            screen.wait(0.25)
        lines = screen.last()
        assert 15 <= len(lines) <= 20
        screen.time.now += 7200
        screen.wait(0.25)
        screen.last()
        for slot in range(400, 640):
            screen.display.chain(chain(slot=slot))
            screen.wait(1.0, beats=1)
        assert 3 <= len(screen.last()) <= 4
    assert len(screen.last()) == 1


def test_where_nothing_finishes_a_line_says_from_time_to_time_what_is_in_flight():
    screen = Screen()
    screen.begin({1: 16, 2: 16})
    screen.wait(60)
    lines = screen.last()
    assert len(lines) == 4
    assert lines[0] == "0:15  step 1: 0/64  0/128 chains  0/8 populations  4 of 32 in flight"


def test_the_end_is_a_line_for_each_strategy():
    screen = Screen()
    with screen.display:
        screen.begin({1: 1}, populations=2, title="1 of 2: sample")
        for problem in "ab":
            screen.display.chain(one := chain(problem=problem))
            screen.display.judged(one, verdict(one, problem == "a"))
        screen.time.now += 10
        screen.begin({1: 2, 2: 2}, populations=2, title="2 of 2: rsa", recorded={(("a", 0), 1): Counter({Status.OK: 2})})
        screen.time.now += 5
    assert screen.last() == [
        "1 of 2: sample",
        "0:10  step 1: 2/2 50.0 % right  2/2 chains  2/2 populations  20 tokens/s",
        "2 of 2: rsa",
        "2 of 8 chains are recorded already",
        "0:05  step 1: 2/4  2/8 chains  1/4 populations",
    ]


def test_what_an_endpoint_counted_for_the_strategy_before_is_not_counted_again():
    screen = Screen()
    screen.vitals = Vitals(retries=5, waited=100.0, budget=(Spending("calls", 60, 100),))
    screen.begin({1: 1})
    screen.vitals = replace(screen.vitals, retries=6, waited=110.0, budget=(Spending("calls", 70, 100),))
    screen.wait(20)
    assert "  1 retry  70 % of budget" in screen.last()[-1]
    assert screen.vitals.since(Vitals(waited=100.0)).waited == 10.0


def test_outages_are_told_once_and_short_ones_not_at_all():
    screen = Screen()
    screen.begin({1: 16})
    gone = replace(screen.vitals, gone=True, patience=300.0)
    screen.vitals = gone
    screen.wait(4)
    screen.vitals = replace(gone, gone=False)
    screen.wait(1)
    assert screen.last() == []
    screen.vitals = gone
    screen.wait(20)
    screen.vitals = replace(gone, gone=False)
    screen.wait(1)
    lines = screen.last()
    assert lines[0] == "The server does not answer: waiting up to 300 s for it"
    assert [each for each in lines if "server gone for 0:09 of 5:00" in each]
    assert lines[-1] == "The server is back"
    assert sum("answer" in each for each in lines) == 1


@pytest.mark.parametrize("width", [80, 100])
def test_a_terminal_has_a_block_that_is_drawn_four_times_a_second_at_most(width):
    screen = Screen(width)
    with screen.display:
        screen.begin(dict.fromkeys(range(1, 11), 16), populations=30, title="1 of 2: rsa(n=16,k=4,steps=10)")
        screen.last()
        for slot in range(16):
            for step in range(1, 11):
                screen.display.chain(one := chain(step, slot))
                screen.display.judged(one, verdict(one, slot < 4))
            screen.time.now += 0.1
            screen.display.beat()
        drawn = screen.last()
        assert sum(each.startswith("step ") for each in drawn) == pytest.approx(6, abs=1)
        assert max(map(len, drawn)) < width
        screen.display.note("Stopping: waiting for the chains in flight. Ctrl-C again stops now.")
        screen.vitals = replace(screen.vitals, stopping=True)
        screen.wait(0.5)
        drawn = screen.last()
        assert drawn[0] == "Stopping: waiting for the chains in flight. Ctrl-C again stops now."
        assert drawn[-1] == "0:02 elapsed  stopping, 4 in flight"
        assert [each.split()[2:5] for each in drawn if each.startswith("  10")][-1] == ["16/480", "1/30", "25.0"]
    assert screen.file.getvalue().count("\x1b[?25h") == 1, "the cursor is there again"
    title, final = screen.last()[-2:]
    assert title.strip() == "1 of 2: rsa(n=16,k=4,steps=10)"
    assert final.startswith("0:02  step 10: 16/480 25.0 % right  160/4,800 chains")


def test_lines_that_a_narrower_terminal_wraps_are_taken_back():
    """Each of the rows that were drawn at 80 columns takes two rows at 50; all of them are erased."""
    screen = Screen(80)
    screen.begin({1: 4, 2: 4})
    screen.wait(0.5)
    rows = [len(each.rstrip()) for each in screen.last()][-6:]
    screen.console.width = 50
    screen.wait(0.25)
    up = screen.file.getvalue().split("step")[0].count("\x1b[1A")
    assert up == sum(-(-length // 50) for length in rows) - 1
    assert max(map(len, screen.last())) < 50


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": "xterm", "TTY_INTERACTIVE": "0"}])
def test_terminals_that_cannot_move_the_cursor_get_lines(environment):
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, _environ=environment)
    with make_display(False, console, Time()) as display:
        display.begin(Outset({1: 1}, 1), Vitals)
        display.chain(chain())
    assert "\x1b[?25l" not in file.getvalue()
    assert ESCAPES.sub("", file.getvalue()).startswith("0:00  step 1: 1/1  1/1 chains")


def test_quiet_shows_nothing(capfd):
    time = Time()
    with make_display(True, clock=time) as display:
        display.begin(Outset({1: 1}, 1), Vitals, "title")
        display.chain(one := chain())
        display.judged(one, verdict(one, True))
        display.note("a note")
        time.now += 100
        display.beat()
        display.end()
    assert capfd.readouterr() == ("", "")


async def test_vitals_are_those_of_the_client_and_the_account(server):
    server.script = [Trouble(503), Trouble(500)]
    budget = Budget(calls=10, usd=2.0, seconds=1000.0, prices=Prices(1.0, 2.0))
    account = Account("the run", budget, Amount(500, 4, 0.5), seconds=5000.0)
    async with Endpoint(server.url, "fake", max_concurrency=7).connect() as client:
        before = vitals(client, account, lambda: False)
        assert (before.in_flight, before.limit, before.retries, before.gone, before.patience) == (0, 7, 0, False, 300.0)
        await client.complete(({"role": "user", "content": "?"},), Sampling(max_tokens=5), 0)
        assert vitals(client, account, lambda: True).retries == 2
    assert before.budget == (Spending("calls", 4, 10), Spending("usd", 0.5, 2.0), Spending("seconds", 1000.0, 1000.0))
    assert spent(account) == "Spent: 500 tokens, 4 of 10 calls, $0.5000 of $2, 1,000 of 1,000 seconds"
    assert spent(Account("the run", Budget())) is None


def test_a_run_tells_what_it_spent(server, start, rsa_eval):
    prices = ("--set", "prices.prompt=1", "--set", "prices.completion=2")
    done = rsa_eval(*start, "--out", "run", "--budget-calls", "100", "--budget-usd", "5", *prices)
    assert done.returncode == 0, done.stderr
    usd = re.search(r"Spent: [\d,]+ tokens, 48 of 100 calls, \$(0\.\d{4}) of \$5\n", done.stderr)
    assert usd, done.stderr
    assert float(usd[1]) > 0
    assert "100.0 % of budget" not in done.stderr
    assert "  48 % of budget" in done.stderr


def test_a_real_terminal(server, start, tmp_path):
    """The whole command on a terminal of 80 columns: the block comes, goes, and leaves one line."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "evals", *start, "--out", "run"]
    environment = {**os.environ, "TERM": "xterm-256color"}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "TTY_INTERACTIVE", "FORCE_COLOR"):
        environment.pop(name, None)
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=theirs, env=environment) as running:
        os.close(theirs)
        shown = b""
        with os.fdopen(ours, "rb", buffering=0) as screen:
            while part := _read(screen):
                shown += part
    text = ESCAPES.sub("", shown.decode()).replace("\r", "\n")
    assert running.returncode == 0, text
    assert re.search(r"step +chains +populations +right +truncated +dead", text)
    assert re.search(r"\n0:\d\d  step 3: 16/16 [\d.]+ % right  48/48 chains  [\d,]+ tokens/s\n", text)
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
    assert max(map(len, text.splitlines())) <= 80


def _read(screen):
    try:
        return screen.read(65536)
    except OSError:  # the other side is closed
        return b""
