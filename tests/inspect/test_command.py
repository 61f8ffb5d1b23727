"""`inspect eval` for real: our solvers by their names, and the logs that it leaves."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest

import rsa
from tests.inspect.commands import TASKS, inspect_command, logs_in

pytestmark = pytest.mark.timeout(200)
OPTIONS = ("-S", "n=4", "-S", "k=2", "-S", "steps=3", "-S", "need=population")


def test_a_task_with_rsa(tmp_path):
    done = inspect_command(tmp_path, "eval", f"{TASKS}@letters", "--solver", "rsa/rsa", *OPTIONS, "--epochs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    [log] = logs_in(tmp_path)
    assert (log.status, log.eval.solver) == ("success", "rsa/rsa")
    assert log.eval.solver_args_passed == {"n": 4, "k": 2, "steps": 3, "need": "population"}
    assert log.stats.model_usage["mockllm/model"].output_tokens == 2 * 2 * 12 * 5
    assert len(log.samples) == 4
    for sample in log.samples:
        [record] = sample.store["rsa"]
        assert [len(members) for members in record["populations"]] == [4, 4, 4]
        assert sample.output.usage.output_tokens == 12 * 5
        assert sample.scores["match"].answer
    shown = inspect_command(tmp_path, "log", "dump", log.location, "--resolve-attachments")
    assert json.loads(shown.stdout)["samples"][0]["store"]["rsa"][0]["populations"][2][3]["parents"]
    bundled = inspect_command(tmp_path, "view", "bundle", "--output-dir", "bundle")
    assert bundled.returncode == 0, bundled.stderr
    [file] = (tmp_path / "bundle").rglob("*.eval")
    with zipfile.ZipFile(file) as archive:
        sample = archive.read("samples/1_epoch_1.json").decode()
    assert "step 3, slot 3, reads " in sample
    assert "| step | slot | reads | answer |" in sample


def test_multiple_choice_with_a_baseline(tmp_path):
    done = inspect_command(tmp_path, "eval", f"{TASKS}@fruits", "--solver", "rsa/majority", "-S", "n=5")
    assert done.returncode == 0, done.stdout + done.stderr
    [log] = logs_in(tmp_path)
    [sample] = log.samples
    assert sample.scores["choice"].answer == sample.store["rsa"][0]["answer"]


def test_an_eval_can_be_tried_again_from_its_log(tmp_path):
    done = inspect_command(tmp_path, "eval", f"{TASKS}@letters", "--solver", "rsa/rsa", *OPTIONS, "--token-limit", "30")
    assert done.returncode == 0, done.stdout + done.stderr
    [log] = logs_in(tmp_path)
    assert {sample.limit.type for sample in log.samples} == {"token"}
    again = inspect_command(tmp_path, "eval-retry", log.location)
    assert again.returncode == 0, again.stdout + again.stderr
    second, first = logs_in(tmp_path)
    assert first.location == log.location
    assert (second.eval.solver, second.eval.solver_args) == ("rsa/rsa", first.eval.solver_args)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-S", "n=2", "-S", "k=3"], "k=3 candidates cannot be drawn from a population of n=2: lower k or raise n"),
        (["-S", "stepz=2"], "there is no option 'stepz'; did you mean 'steps'?"),
    ],
)
def test_bad_options_are_told_in_a_line(tmp_path, options, words):
    done = inspect_command(tmp_path, "eval", f"{TASKS}@letters", "--solver", "rsa/rsa", *options)
    assert done.returncode == 1
    assert words in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr
    assert logs_in(tmp_path) == []


def test_the_names_are_the_same_where_the_package_lies_in_site_packages(tmp_path):
    """inspect_ai names solvers after the package there, and otherwise leaves that to us."""
    site = tmp_path / "site-packages"
    shutil.copytree(Path(rsa.__file__).parent, site / "rsa")
    done = inspect_command(
        tmp_path, "eval", f"{TASKS}@letters", "--solver", "rsa/sample", PYTHONPATH=str(site), PYTHONSAFEPATH="1"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [log] = logs_in(tmp_path)
    assert log.eval.solver == "rsa/sample"
