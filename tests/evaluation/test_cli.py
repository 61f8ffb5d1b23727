import json
import subprocess
import sys

import pytest

from evals.console import output
from evals.tables import summary_table
from evals.tasks import TASKS
from tests.byte_tokenizer import byte_tokenizer
from tests.fake_server import Trouble

HEAVY = (
    "aiohttp",
    "datasets",
    "jinja2",
    "numpy",
    "pyarrow",
    "pydantic",
    "rich",
    "scipy",
    "torch",
    "transformers",
    "vllm",
    "xllamacpp",
    "yaml",
)


def test_help_imports_nothing_heavy():
    script = (
        f"import sys\nsys.argv = ['rsa-eval', '--help']\nfrom evals.cli import main\ntry:\n    main()\nexcept SystemExit:\n"
        f"    pass\nprint('LOADED', sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "LOADED []" in output


def test_no_arguments_show_help(rsa_eval):
    shown = rsa_eval()
    assert "Usage:" in shown.stdout
    for command in ("run", "resume", "score", "plan", "tasks", "doctor", "schema"):
        assert f"  {command} " in shown.stdout


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data.jsonl").write_text(json.dumps({"question": "1+1?", "answer": "2"}) + "\n")
    (tmp_path / "empty.jsonl").write_text("")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run"], "task is missing: name one (rsa-eval tasks lists them), or give your own file with --data"),
        (["run", "arithmetic"], "there is no model server: name a running one (--base-url URL) or start one"),
        (["run", "arithmetc", "--base-url", "URL"], "did you mean 'arithmetic'"),
        (["run", "arithmetic", "--base-url", "localhost"], "base_url 'localhost' is not a URL"),
        (["run", "arithmetic", "--base-url", "http://127.0.0.1:9/v1"], "is the server running?"),
        (["run", "arithmetic", "--base-url", "URL", "--model", "fak"], "serves no model 'fak'; did you mean 'fake'"),
        (["run", "--data", "nowhere.jsonl", "--base-url", "URL"], "nowhere.jsonl cannot be read"),
        (["run", "--data", "data.txt", "--base-url", "URL"], "none of .jsonl, .csv, .parquet"),
        (["run", "--data", "data.jsonl", "--base-url", "URL", "--question-field", "q"], "no column 'q'"),
        (["run", "--data", "data.jsonl", "--base-url", "URL", "--answer-field", "gold"], "no column 'gold'"),
        (["run", "--data", "empty.jsonl", "--base-url", "URL"], "holds no rows"),
        (
            ["run", "arithmetic", "--base-url", "URL", "--n", "2", "--k", "3"],
            "k=3 candidates cannot be drawn from a population of n=2",
        ),
        (["run", "arithmetic", "--base-url", "URL", "--steps", "0"], "strategy.steps"),
        (["run", "arithmetic", "--base-url", "URL", "--limit", "0"], "task.limit"),
        (["run", "arithmetic", "--base-url", "URL", "--out", "data.jsonl"], "cannot be used as a run directory"),
        (["run", "arithmetic", "--base-url", "URL", "--out", "/proc/nope"], "cannot be used as a run directory"),
        (["run", "arithmetic", "--base-url", "URL", "--out", "."], "not a run directory and not empty"),
        (
            ["run", "arithmetic", "--base-url", "URL", "--max-tokens", "200000"],
            "does not fit the model's context window of 100000",
        ),
        (["run", "arithmetic", "--base-url", "URL", "--set", "prompts=nope"], "neither a folder nor a shipped preset"),
        (
            ["run", "arithmetic", "--base-url", "URL", "--set", "endpoint.api_key_env=NOT_SET_ANYWHERE"],
            "NOT_SET_ANYWHERE is not set",
        ),
        (
            ["run", "arithmetic", "--base-url", "URL", "--seed", "1", "--set", "seed=2"],
            "given by a flag (1) and by --set (2)",
        ),
        (["run", "arithmetic", "--base-url", "URL", "--task", "aime25"], "two tasks are named"),
        (["run", "nowhere.yaml"], "nowhere.yaml cannot be read: No such file"),
        (
            ["run", "arithmetic", "--serve", "vllm", "--set", "serve.python=/no/python", "--model", "m"],
            "'/no/python' cannot be run",
        ),
        (["run", "arithmetic", "--serve", "llamacpp", "--model", "nowhere.gguf"], "no model file 'nowhere.gguf'"),
        (["run", "arithmetic", "--serve", "llamacpp", "--base-url", "URL"], "exclude each other"),
        (["run", "arithmetic", "--serve", "llamacpp", "--set", "serve.port=PORT"], "port PORT cannot be used"),
        (["resume", "nowhere"], "nowhere is not a run directory"),
        (["score", "nowhere"], "nowhere is not a run directory"),
        (["plan"], "task is missing"),
        (["run", "--nonsense"], "No such option"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_clear_message(server, data, rsa_eval, tmp_path, arguments, says):
    port = str(server.port)
    before = sorted(tmp_path.iterdir())
    done = rsa_eval(*(part.replace("URL", server.url).replace("PORT", port) for part in arguments))
    assert done.returncode == 2, done.stderr
    assert says.replace("PORT", port) in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert server.requests == []
    assert not list((tmp_path / "runs").glob("*")) or "llamacpp" in arguments, "a failed start left a folder"
    assert (tmp_path / "data.jsonl").stat().st_size > 0
    assert [path for path in before if not path.exists()] == []


def test_a_run_of_a_newer_version_is_left_alone(server, rsa_eval, tmp_path):
    assert (
        rsa_eval(
            "run", "arithmetic", "--limit", "1", "--strategy", "sample", "--base-url", server.url, "--out", "run"
        ).returncode
        == 0
    )
    run_yaml = tmp_path / "run" / "run.yaml"
    run_yaml.write_text(run_yaml.read_text().replace("format: 1", "format: 99"))
    for command in (
        ["resume", "run"],
        ["score", "run"],
        ["run", "arithmetic", "--limit", "1", "--strategy", "sample", "--base-url", server.url, "--out", "run"],
    ):
        done = rsa_eval(*command)
        assert (done.returncode, "written by a newer version" in done.stderr) == (2, True)


def test_plan_takes_the_flags_of_run(server, data, rsa_eval):
    flags = ["--data", "data.jsonl", "--base-url", server.url, "--n", "4", "--k", "2", "--steps", "2", "--max-tokens", "9"]
    content = json.loads(rsa_eval("plan", *flags, "--repeats", "3", "--json").stdout)
    assert (content["calls"], content["max_tokens"]) == (3 * 8, 9)
    assert rsa_eval("plan", *flags, "--mean-tokens", "0").returncode == 2


def test_the_version(rsa_eval):
    assert rsa_eval("--version").stdout.startswith("recursive-self-aggregation ")


def test_tables_show_their_numbers_at_the_papers_scale(capsys):
    accuracy = {"mean": 0.7312, "se": 0.0712, "ci95": [0.6, 0.8]}
    step = {
        "step": 10,
        "chains": 1920,
        "accuracy": accuracy,
        "majority": accuracy,
        "coverage": accuracy,
        "no_answer": 1.0,
        "truncated": 1.0,
        "dead": 1.0,
        "tokens": {"prompt": 63_000_000, "cached": 12_345_678, "completion": 15_728_640},
    }
    output().print(summary_table("rsa(n=16,k=4,steps=10)", {"steps": [step]}))
    shown = capsys.readouterr().out
    for cell in ("1,920", "73.1 ± 7.1", "63.0 M", "12.3 M", "15.7 M", "100.0", "truncated"):
        assert cell in shown
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_plan_counts_without_generating(server, data, rsa_eval):
    arguments = [
        "plan",
        "arithmetic",
        "--base-url",
        server.url,
        "--set",
        "task.limit=3",
        "--set",
        "task.repeats=2",
        "--set",
        "strategy.n=4",
        "--set",
        "strategy.k=2",
        "--set",
        "strategy.steps=3",
        "--set",
        "sampling.max_tokens=100",
    ]
    content = json.loads(rsa_eval(*arguments, "--json", "--mean-tokens", "10").stdout)
    assert content["calls"] == 3 * 2 * 12
    assert content["worst_case"]["completion"] == content["calls"] * 100
    assert content["expected"]["completion"] == content["calls"] * 10
    assert content["worst_case"]["prompt"] - content["expected"]["prompt"] == 3 * 2 * 8 * 2 * 90
    assert content["counted_by"] == "by the server"
    assert content["fits"] is True
    assert "times" in content["first_prompt"]
    assert server.requests == []
    text = rsa_eval(*arguments, "--set", "endpoint.context=300").stdout
    assert "DOES NOT FIT" in text
    assert "What is" in text


def test_the_plan_counts_what_the_run_then_sends(server, rsa_eval, tmp_path):
    """With every reply as long as allowed, the forecast's worst case is the truth."""
    server.reply = lambda body: "x" * 100
    arguments = [
        "--base-url",
        server.url,
        "--set",
        "task.limit=2",
        "--set",
        "strategy.n=3",
        "--set",
        "strategy.k=2",
        "--set",
        "strategy.steps=3",
        "--set",
        "sampling.max_tokens=100",
    ]
    forecast = json.loads(rsa_eval("plan", "arithmetic", *arguments, "--json").stdout)
    summary = json.loads(rsa_eval("run", "arithmetic", *arguments, "--out", "run", "--json").stdout)["summary"]
    tokens = summary["strategies"]["rsa(n=3,k=2,steps=3)"]["tokens"]
    assert (forecast["worst_case"]["prompt"], forecast["worst_case"]["completion"]) == (
        tokens["prompt"],
        tokens["completion"],
    )
    longest = max(sum(len(message["content"]) for message in body["messages"]) for body in server.requests)
    assert forecast["longest"] == longest + 100


def test_plan_counts_with_the_tokenizer_of_the_folder_to_be_served(rsa_eval, tmp_path):
    byte_tokenizer().save_pretrained(tmp_path / "model")
    arguments = ["plan", "arithmetic", "--set", "serve=vllm", "--set", "endpoint.model=model", "--json"]
    content = json.loads(rsa_eval(*arguments, "--set", "task.limit=1").stdout)
    assert content["counted_by"] == "by the tokenizer of model"
    assert content["longest"] > 8192 * 5 + len(content["first_prompt"])


def test_plan_without_a_server_estimates_and_says_so(rsa_eval):
    content = json.loads(rsa_eval("plan", "arithmetic", "--json").stdout)
    assert "estimated" in content["counted_by"]
    assert content["fits"] is None
    gone = json.loads(rsa_eval("plan", "arithmetic", "--base-url", "http://127.0.0.1:9/v1", "--json").stdout)
    assert "is the server running?" in gone["counted_by"]


def test_tasks_are_listed(rsa_eval):
    listed = rsa_eval("tasks")
    assert listed.returncode == 0
    described = {task["name"]: task for task in json.loads(rsa_eval("tasks", "--json").stdout)}
    assert set(described) == set(TASKS)
    for name, task in described.items():
        assert name in listed.stdout
        assert {"scorer", "licence", "count", "about", "hub", "revision"} <= set(task)
        assert task["hub"] is None or len(task["revision"]) == 40  # pinned


@pytest.mark.parametrize("name", ["math", "hmmt25"])
def test_a_scorer_is_explained_by_example(rsa_eval, name):
    shown = rsa_eval("tasks", "--explain", name)
    assert "the last box counts" in shown.stdout
    assert json.loads(rsa_eval("tasks", "--explain", name, "--json").stdout)["scorer"] == "math"
    wrong = rsa_eval("tasks", "--explain", "maths")
    assert (wrong.returncode, "did you mean 'math'" in wrong.stderr) == (2, True)


def test_doctor_examines_an_endpoint(server, rsa_eval):
    well = rsa_eval("doctor", "--base-url", server.url)
    assert well.returncode == 0
    assert "serves fake" in well.stdout
    assert "100000 tokens" in well.stdout
    sick = rsa_eval("doctor", "--base-url", "http://127.0.0.1:9/v1")
    assert sick.returncode == 1
    assert "is the server running?" in sick.stdout
    states = {check["name"]: check["state"] for check in json.loads(rsa_eval("doctor", "--json").stdout)}
    assert states["name clash"] == "ok"
    assert server.requests == []


def test_the_schema_is_json(rsa_eval):
    assert "task" in json.loads(rsa_eval("schema").stdout)["properties"]


def test_a_model_name_is_needed_where_the_server_lists_none(server, rsa_eval):
    server.models = ()
    done = rsa_eval("run", "arithmetic", "--base-url", server.url)
    assert done.returncode == 2
    assert "no model is named, and it lists none: give one (--model)" in done.stderr


def test_a_faulty_start_leaves_the_folder_usable(server, rsa_eval, tmp_path):
    server.trouble = lambda body: Trouble(400, "no such parameter")
    arguments = ["run", "arithmetic", "--limit", "1", "--strategy", "sample", "--base-url", server.url, "--out", "run"]
    failed = rsa_eval(*arguments)
    assert failed.returncode == 1
    assert failed.stderr.count("no such parameter") == 1
    server.trouble = lambda body: None
    assert rsa_eval(*arguments).returncode == 0
