"""`rsa-eval plan --simulate` on the command line."""

import json

import pytest

from rsa.chain import Chain

PLAN = ("plan", "arithmetic", "--simulate", "--limit", "6", "--n", "4", "--k", "2", "--steps", "3", "--max-tokens", "400")
QWEN = ("--model", "Qwen/Qwen3-4B-Instruct-2507")
ROOMY = ("--assume", "server.kv_tokens=1000000")
SMALL = ("--assume", "server.kv_tokens=6000")


def simulated(rsa_eval, *more: str) -> dict:
    done = rsa_eval(*PLAN, *more, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_numbers_of_gpus_side_by_side(rsa_eval):
    told = simulated(rsa_eval, *QWEN, "--gpus", "1,2", "--repeats", "2", *SMALL)
    one, two = told["results"]
    assert [one["gpus"], two["gpus"]] == [1, 2]
    assert one["calls"] == two["calls"] == 6 * 2 * 12
    assert two["hours"] < one["hours"]
    assert two["gpu_hours"] == pytest.approx(2 * two["hours"])
    assert two["seconds"] == pytest.approx(3600 * two["hours"])
    assert told["server"]["kv_tokens"] == 6000
    assert (told["gpu"], told["model"], told["speed_of"]) == ("h100", QWEN[1], None)
    assert (told["gpus_needed"], told["calibration"]) == (None, None)
    assert told == simulated(rsa_eval, *QWEN, "--gpus", "1,2", "--repeats", "2", *SMALL), "the same again"


def test_the_smallest_number_that_is_done_in_time(rsa_eval):
    crowded = (*QWEN, *SMALL, "--n", "16", "--steps", "2", "--limit", "20")
    one = simulated(rsa_eval, *crowded, "--gpus", "1")["results"][0]
    within = ("--within", f"{one['hours'] * 3600 * 0.7:.3f}s")
    told = simulated(rsa_eval, *crowded, *within)
    needed = told["gpus_needed"]
    assert needed > 1
    by_number = {row["gpus"]: row["hours"] * 3600 for row in told["results"]}
    assert by_number[needed] <= told["within_seconds"] < by_number[needed - 1]
    assert simulated(rsa_eval, *crowded, "--gpus", f"1,{needed},{needed + 1}", *within)["gpus_needed"] == needed
    assert simulated(rsa_eval, *QWEN, "--within", "0.001s")["gpus_needed"] is None


def test_the_table_says_that_nothing_was_measured(rsa_eval):
    shown = rsa_eval(*PLAN, *QWEN, "--gpus", "1,2", "--within", "2h").stdout
    for words in (
        "NOT CALIBRATED: arithmetic from data sheets",
        "assumed: lognormal, 200 new tokens",
        "h100",
        "done within 2h: 1",
    ):
        assert words in shown
    assert "GPU-hours" in shown
    assert "seconds" in shown, "a run this short is not 0.00 hours long"


def run_of(rsa_eval, server, tmp_path, seconds: float = 0.02) -> str:
    """A finished run whose chains have times as from a server that takes so many seconds a token."""
    server.reply = lambda body: "x" * (20 + 7 * (body["seed"] % 9))
    flags = ["--limit", "8", "--n", "4", "--k", "2", "--steps", "3", "--max-tokens", "400", "--base-url", server.url]
    assert rsa_eval("run", "arithmetic", *flags, "--concurrency", "fixed", "--out", "run").returncode == 0
    log = tmp_path / "run" / "chains.jsonl"
    chains = [Chain.from_record(json.loads(line)) for line in log.read_text().splitlines()]
    began = chains[0].started
    for number, chain in enumerate(sorted(chains, key=lambda chain: chain.step)):
        object.__setattr__(chain, "started", began + chain.step * 10 + number * 0.01)
        object.__setattr__(chain, "ended", chain.started + seconds * (chain.usage.completion or 0))
    log.write_text("".join(json.dumps(chain.to_record()) + "\n" for chain in chains))
    return "run"


def test_a_run_lends_its_lengths_and_its_speed(rsa_eval, server, tmp_path):
    run = run_of(rsa_eval, server, tmp_path)
    told = simulated(rsa_eval, *QWEN, "--gpus", "1", "--lengths", run, "--calibrate", run, *ROOMY)
    assert told["lengths"].startswith("those of run: 96 chains, ")
    assert told["speed_of"] == "run (a run of fake)"
    assert told["calibration"]["chain_error"] < 0.1
    per_token = told["server"]["costs"]["step"]
    assert per_token == pytest.approx(0.02, rel=0.3)
    shown = rsa_eval(*PLAN, *QWEN, "--gpus", "1", "--calibrate", run, *ROOMY).stdout
    assert "fitted to" in shown
    assert "others the time is off by" in shown


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ([*QWEN, "--gpus", "0"], "--gpus '0' are no numbers of GPUs"),
        ([*QWEN, "--gpus", "3", "--assume", "server.gpus=2"], "of replicas of 2, such as 2,4,8"),
        ([*QWEN, "--within", "soon"], "--within 'soon' is no duration, such as 90m"),
        ([*QWEN, "--gpu", "h1"], "there is no 'h1'"),
        ([*QWEN, "--assume", "gpu.memory=1"], "--assume gpu.memory: unknown key"),
        ([*QWEN, "--assume", "server"], "--assume 'server' is not of the form key=value"),
        ([*QWEN, "--assume", "server.kv_tokens=100"], "does not fit the KV cache of a replica, 100 tokens"),
        ([*QWEN, "--lengths", "nowhere"], "nowhere is not a run directory"),
        ([*QWEN, "--lengths", "run", "--mean-tokens", "9"], "--mean-tokens and --lengths exclude each other"),
        ([], "the model is not among those that are known"),
    ],
)
def test_mistakes_are_told(rsa_eval, flags, told):
    done = rsa_eval(*PLAN, *flags)
    assert (done.returncode, told in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr


def test_without_simulate_its_options_are_refused(rsa_eval):
    done = rsa_eval("plan", "arithmetic", "--within", "1h")
    assert (done.returncode, "--within is about a simulation: add --simulate" in done.stderr) == (2, True)
