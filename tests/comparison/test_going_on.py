"""Comparisons that stop, grow, or are asked for something that is not there. Within this process, which is quick."""

import json
import shutil

import pytest
import yaml

from evals.comparison.config import ComparisonConfig
from evals.comparison.directory import ComparisonDirectory
from evals.comparison.running import Wish, compare_directories, resume_comparison, run_comparison
from evals.loading import checked
from rsa.errors import Incomplete, UsageError
from tests.evaluation.runs import PROBLEMS, chains

FIRST = ["majority(n=4)", "rsa(n=3,k=2,steps=2)"]


@pytest.fixture(autouse=True)
def no_reports(monkeypatch):
    """Other tests look at the page, which takes longer than all the rest."""
    for module in ("evals.report", "evals.comparison.running"):
        monkeypatch.setattr(f"{module}.write_report", lambda *_: None)


@pytest.fixture
def compare(server, tmp_path, capsys):
    """Runs a comparison in one folder, and gives what it printed with --json."""
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in PROBLEMS))

    def run(*strategies, folder="c", **more):
        task = {"data": str(tmp_path / "data.jsonl"), **more.pop("task", {})}
        content = {"task": task, "endpoint": {"base_url": server.url}, "strategies": list(strategies), **more}
        config = checked({**content, "out": str(tmp_path / folder)}, {}, "test", ComparisonConfig)
        capsys.readouterr()
        run_comparison(config, as_json=True)
        return json.loads(capsys.readouterr().out)["comparison"]

    return run


def test_a_strategy_that_is_added_alone_takes_over_what_there_is(compare, server):
    compare(*FIRST)
    asked = len(server.requests)
    found = compare("majority(n=6)")
    assert len(server.requests) == asked + 2 * len(PROBLEMS)
    assert [run["name"] for run in found["runs"]] == [*FIRST, "majority(n=6)"]


def test_a_run_that_was_deleted_gets_its_chains_back_from_those_that_took_them_over(compare, server, tmp_path):
    compare("majority(n=2)", "majority(n=3)")
    asked = len(server.requests)
    shutil.rmtree(tmp_path / "c" / "majority-n2")
    resume_comparison(tmp_path / "c", {}, as_json=True)
    assert len(server.requests) == asked
    samples = chains(tmp_path / "c" / "majority-n2").values()
    assert {sample.get("origin") for sample in samples} == {None}, "they were its own"


@pytest.mark.parametrize("other", [{"seed": 5}, {"task": {"limit": 2}}, {"sampling": {"temperature": 0.5}}])
def test_what_does_not_belong_to_a_comparison_is_refused_and_changes_nothing(compare, server, tmp_path, other):
    compare("majority(n=2)")
    before, asked = (tmp_path / "c" / "compare.yaml").read_text(), len(server.requests)
    with pytest.raises(UsageError, match="holds a run with another configuration"):
        compare("sample", **other)
    assert ((tmp_path / "c" / "compare.yaml").read_text(), len(server.requests)) == (before, asked)
    assert not (tmp_path / "c" / "sample").exists() or not any((tmp_path / "c" / "sample").iterdir())


@pytest.mark.parametrize(
    ("wish", "message"),
    [({"match": "price"}, "give prices"), ({"reference": "majority(n=5)"}, "did you mean 'majority")],
)
def test_a_wish_that_cannot_be_fulfilled_is_told_before_anything_is_spent(compare, server, tmp_path, wish, message):
    with pytest.raises(UsageError, match=message):
        compare(*FIRST, **wish)
    assert server.requests == []
    assert not (tmp_path / "c").exists()


def test_a_comparison_that_stops_before_its_reference_says_how_to_go_on(compare, tmp_path):
    with pytest.raises(Incomplete, match="rsa-eval resume"):
        compare(*FIRST, reference=FIRST[1], budget={"calls": 5})
    found = json.loads((tmp_path / "c" / "comparison.json").read_text())
    assert any("no whole problem yet" in remark for remark in found["remarks"])
    resume_comparison(tmp_path / "c", {"budget.calls": None}, as_json=True)
    assert json.loads((tmp_path / "c" / "comparison.json").read_text())["reference"] == FIRST[1]


def test_a_run_without_a_whole_problem_has_no_curve_but_a_remark(compare, tmp_path):
    with pytest.raises(Incomplete):
        compare("majority(n=2)", "self_refine(steps=9,n=4)", budget={"calls": 2 * len(PROBLEMS) + 4})
    found = json.loads((tmp_path / "c" / "comparison.json").read_text())
    assert [curve["name"] for curve in found["curves"]] == ["majority(n=2)"]
    assert any("4 of 4 repeats of problems are not whole" in remark for remark in found["remarks"])


def test_where_tokens_were_not_counted_a_run_ends_with_generations_and_only_an_explicit_wish_fails(
    compare, server, tmp_path
):
    server.usage = False
    found = compare("sample", "majority(n=2)", match="total_tokens")
    assert found["match"] == "generations"
    assert any("did not count" in remark for remark in found["remarks"])
    with pytest.raises(UsageError, match="--match generations"):
        compare_directories([tmp_path / "c"], Wish(match="total_tokens", strict=True), None, as_json=True)


def test_how_a_comparison_compares_may_change_when_it_goes_on(compare, tmp_path):
    compare(*FIRST)
    resume_comparison(tmp_path / "c", {"match": "total_tokens", "reference": FIRST[0]}, as_json=True)
    found = json.loads((tmp_path / "c" / "comparison.json").read_text())
    assert (found["match"], found["reference"]) == ("total_tokens", FIRST[0])
    assert any("no difference can be significant" in remark for remark in found["remarks"])  # four problems, p >= 1/8


def test_pass_at_k_is_over_the_same_problems_for_every_k(compare, server):
    """A sample of one problem dies: pass@4 would be over the other problems alone."""
    from tests.fake_server import Trouble  # noqa: PLC0415

    server.trouble = lambda body: Trouble(400, "no") if len(server.requests) == 1 else None
    found = compare("majority(n=4)", max_dead=1, endpoint={"base_url": server.url, "retries": 0, "max_concurrency": 1})
    assert [point["k"] for point in found["pass_at"]["majority(n=4)"]] == [1, 2, 3]


def test_results_of_runs_that_are_there_can_be_written_again(compare, tmp_path):
    compare("sample")
    for _ in range(2):
        compare_directories([tmp_path / "c" / "sample"], Wish(), tmp_path / "out", as_json=True)
        assert (tmp_path / "out" / "comparison.json").is_file()
    with pytest.raises(UsageError, match=r"not a comparison and not empty \(it holds comparison.json\)"):
        compare("sample", folder="out")


def test_a_start_that_was_cut_short_is_no_obstacle(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "compare.tmp").write_text("forma")
    ComparisonDirectory(tmp_path / "c").create()


@pytest.mark.parametrize("runs", [{"a": "sample"}, {"a": {"name": "sample"}}, {"a": {"name": 1, "given": {}}}])
def test_an_edited_file_is_told(tmp_path, runs):
    (tmp_path / "compare.yaml").write_text(yaml.safe_dump({"format": 1, "config": {}, "runs": runs}))
    with pytest.raises(UsageError, match="restore the file"):
        ComparisonDirectory(tmp_path).read()
