import json
import tracemalloc
from collections import Counter
from datetime import date

import pytest

from evals.problems import Dataset, load_problems
from evals.sandbox import FunctionSuite, FunctionTest, StdinSuite, StdinTest
from evals.tasks.code import ERRATA, livecodebench, livecodebench_files, livecodebench_problems, public_suite, suite
from evals.tasks.code.livecodebench import PUBLISHED, release_files
from evals.tasks.hub import HubSource
from rsa.errors import UsageError
from tests.code.published import functional_row, packed, stdin_row, stdin_tests, written

DAYS = ["2023-05-13", "2024-07-31", "2024-08-01", "2024-12-24", "2025-05-01", "2025-05-02"]


@pytest.fixture
def release(tmp_path):
    """One problem in each published file, a day of DAYS each."""
    for number, (name, day) in enumerate(zip(PUBLISHED, DAYS, strict=True), 1):
        written(tmp_path / name, [stdin_row(f"abc{number}_a", day)])
    return tmp_path


def selected(folder, release="release_v6", **options):
    files, _ = livecodebench_files(release, folder)
    return livecodebench_problems(files, release, **options)


def ids(selection):
    return [problem.id for problem in selection.problems]


def only(path, row, **options):
    return livecodebench_problems([written(path, [row])], "mine", **options).problems[0]


def test_the_published_counts_are_those_of_the_releases():
    totals = {name: sum(PUBLISHED[file] for file in release_files(name)) for name in ("release_v1", "release_v5", "v6")}
    assert totals == {"release_v1": 400, "release_v5": 880, "v6": 175}
    assert sum(PUBLISHED[file] for file in release_files("release_v6")) == 1055
    assert release_files("release_latest") == release_files("release_v6") == tuple(PUBLISHED)
    assert release_files("v4_v6") == ("test4.jsonl", "test5.jsonl", "test6.jsonl")
    assert release_files("v1") == ("test.jsonl",)


@pytest.mark.parametrize("name", ["release_v7", "v0", "6", "v6_v4", "v3_v3", ""])
def test_another_release_is_refused(name):
    with pytest.raises(UsageError, match=r"there is no .*release_v1 to release_v6"):
        release_files(name)


def test_a_release_is_cumulative_and_a_version_is_not(release):
    assert ids(selected(release)) == [f"abc{number}_a" for number in range(1, 7)]
    assert ids(selected(release, "release_v2")) == ["abc1_a", "abc2_a"]
    assert ids(selected(release, "v2")) == ["abc2_a"]


def test_only_the_files_of_the_release_are_needed(release):
    (release / "test6.jsonl").unlink()
    assert len(selected(release, "release_v5").problems) == 5
    with pytest.raises(UsageError, match=r"lacks test6\.jsonl, which release_v6 needs"):
        selected(release)


def test_a_single_file_is_taken_as_it_is(release):
    files, revision = livecodebench_files("release_v6", release / "test3.jsonl")
    assert (ids(livecodebench_problems(files, "release_v6")), revision) == (["abc3_a"], None)


@pytest.mark.parametrize(("asked", "got"), [(None, "0fe84c3912ea0c4d4a78037083943e8f0c4dd505"), ("main", "main")])
def test_of_the_hub_only_the_files_of_the_release_are_fetched(tmp_path, monkeypatch, asked, got):
    def fetched(source, files):
        assert source == HubSource("livecodebench/code_generation_lite", revision=got)
        folder = tmp_path / "abc123"
        folder.mkdir()
        for name in files:
            written(folder / name, [stdin_row(name)])
        return folder

    monkeypatch.setattr(livecodebench, "hub_folder", fetched)
    files, revision = livecodebench_files("v5_v6", revision=asked)
    assert ([path.name for path in files], revision) == (["test5.jsonl", "test6.jsonl"], "abc123")


def test_the_window_includes_both_of_its_days(release):
    selection = selected(release, start=date(2024, 8, 1), end=date(2025, 5, 1))
    assert ids(selection) == ["abc3_a", "abc4_a", "abc5_a"]
    assert selection.details() == {
        "release": "release_v6",
        "window": ["2024-08-01", "2025-05-01"],
        "problems_in_release": 6,
        "problems_in_window": 3,
        "left_out": [],
    }
    assert ids(selected(release, start=date(2025, 5, 1))) == ["abc5_a", "abc6_a"]
    assert ids(selected(release, end=date(2023, 5, 13))) == ["abc1_a"]


def test_a_limit_keeps_the_counts(release):
    selection = selected(release, end=date(2025, 5, 1), limit=2)
    assert (ids(selection), selection.rows, selection.count) == (["abc1_a", "abc2_a"], 6, 5)


def test_an_empty_window_is_told(release):
    with pytest.raises(UsageError, match="none of the 6 problems of release_v6 is from 2030-01-01 to any day"):
        selected(release, start=date(2030, 1, 1))


def test_a_difficulty_can_be_chosen(tmp_path):
    rows = [stdin_row("a"), functional_row("b"), stdin_row("c", difficulty="hard")]
    selection = livecodebench_problems([written(tmp_path / "x.jsonl", rows)], "mine", difficulty="medium")
    assert (ids(selection), selection.problems[0].groups) == (["b"], {"difficulty": "medium", "platform": "leetcode"})
    with pytest.raises(UsageError, match="of difficulty middle"):
        livecodebench_problems([tmp_path / "x.jsonl"], "mine", difficulty="middle")


def test_errata_are_left_out_by_id_and_by_title_and_told(tmp_path):
    rows = [
        stdin_row("abc311_c"),
        stdin_row("abc311_d"),
        functional_row("3206", question_title="find-the-peaks"),
        functional_row("3207", question_title="Find Words Containing Character"),
        functional_row("3208"),
    ]
    path = written(tmp_path / "x.jsonl", rows)
    selection = livecodebench_problems([path], "mine", exclude=ERRATA)
    assert (ids(selection), selection.left_out, selection.count) == (["abc311_d", "3208"], ("abc311_c", "3206", "3207"), 2)
    assert ids(livecodebench_problems([path], "mine", exclude={"3208"})) == ["abc311_c", "abc311_d", "3206", "3207"]


def test_the_question_says_what_kind_of_program_is_wanted(tmp_path):
    program = only(tmp_path / "a.jsonl", stdin_row("a")).question
    assert program.startswith("Read n and print 2n.")
    assert "reads the input from standard input" in program
    assert program.endswith("in one ```python code block.")
    method = only(tmp_path / "b.jsonl", functional_row("b")).question
    assert "class `Solution` with the method `equalSums`" in method
    assert "        \n```" not in method
    assert "-> bool:\n```" in method
    assert only(tmp_path / "a.jsonl", stdin_row("a"), instruction="Go.").question.endswith("\n\nGo.")


def test_all_tests_count_and_the_public_ones_come_first(tmp_path):
    problem = only(tmp_path / "x.jsonl", stdin_row("a"))
    assert suite(problem.extra) == StdinSuite((StdinTest("2\n", "4\n"), StdinTest("0\n", "0\n"), StdinTest("-5\n", "-10\n")))
    assert public_suite(problem.extra) == StdinSuite((StdinTest("2\n", "4\n"),))


def test_private_tests_may_also_be_plain_json_and_public_ones_be_missing(tmp_path):
    private = json.dumps(stdin_tests(("1", "2")))
    problem = only(tmp_path / "x.jsonl", stdin_row("a", public=[], private=private))
    assert (suite(problem.extra), public_suite(problem.extra)) == (StdinSuite((StdinTest("1", "2"),)), None)


def test_functional_tests_hold_one_json_value_a_line(tmp_path):
    problem = only(tmp_path / "x.jsonl", functional_row("a"))
    first = FunctionTest(([1, 2], [3]), True)
    assert public_suite(problem.extra) == FunctionSuite("equalSums", (first,))
    whole = suite(problem.extra)
    assert whole.tests[0] == first
    assert whole.tests[1] == FunctionTest(([], [1000.0, "x"]), {"a": [None, 1.5]})


def test_problems_hold_a_place_and_no_tests(tmp_path):
    row = stdin_row("a", private=stdin_tests(("needle", "needle")))
    path = tmp_path / "x.jsonl"
    problem = only(path, row)
    line = path.read_bytes()
    assert set(problem.extra) == {"style", "source"}
    assert problem.extra["source"]["file"] == str(path)
    assert (problem.extra["source"]["offset"], problem.extra["source"]["length"]) == (0, len(line))
    assert "needle" not in json.dumps(problem.extra)


def test_memory_does_not_grow_with_the_files(tmp_path):
    rows = [stdin_row(f"p{number}", private=json.dumps(stdin_tests(("x" * 500_000, "y" * 500_000)))) for number in range(30)]
    path = written(tmp_path / "x.jsonl", rows)
    del rows
    tracemalloc.start()
    try:
        problems = livecodebench_problems([path], "mine").problems
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(problems) == 30
    assert path.stat().st_size > 30_000_000
    assert kept < 1_000_000
    assert peak < 8_000_000  # one row, as bytes, as text and taken apart


def test_frozen_problems_still_find_their_tests(tmp_path):
    path = written(
        tmp_path / "x.jsonl", [stdin_row("a"), functional_row("b"), stdin_row("c", public=stdin_tests(("é", "ß")))]
    )
    dataset = Dataset(livecodebench_problems([path], "mine").problems, "x")
    (tmp_path / "problems.jsonl").write_bytes(dataset.lines())
    frozen = load_problems(tmp_path / "problems.jsonl", dataset.sha256())
    assert frozen == dataset.problems
    assert [len(suite(problem.extra).tests) for problem in frozen] == [3, 2, 3]
    assert suite(frozen[2].extra).tests[0] == StdinTest("é", "ß")


def test_a_file_that_was_moved_or_changed_is_named(tmp_path):
    path = tmp_path / "x.jsonl"
    problem = only(path, stdin_row("a"))
    path.write_bytes(path.read_bytes().replace(b'"4', b'"5'))
    with pytest.raises(UsageError, match=r"x\.jsonl have changed since"):
        suite(problem.extra)
    path.write_bytes(b"")
    with pytest.raises(UsageError, match=r"x\.jsonl have changed since"):
        public_suite(problem.extra)
    path.unlink()
    with pytest.raises(UsageError, match=r"x\.jsonl cannot be read \(No such file"):
        suite(problem.extra)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (stdin_row("a", private="garbage!"), "question 'a': private_test_cases: .*neither JSON nor compressed"),
        (stdin_row("a", public="[", private="[]"), "question 'a': public_test_cases: the test cases are not JSON"),
        (stdin_row("a", public=[], private="[]"), "question 'a' has no tests"),
        (functional_row("a", private_test_cases=packed(stdin_tests(("x", "1")))), "not one JSON value a line"),
    ],
)
def test_tests_that_cannot_be_read_are_told_when_they_are_needed(tmp_path, row, says):
    problem = only(tmp_path / "x.jsonl", row)
    with pytest.raises(UsageError, match=says):
        suite(problem.extra)


def without(key):
    row = stdin_row("a")
    del row[key]
    return json.dumps(row)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"question_id": ', r"line 2 is not JSON .*downloaded whole"),
        ("version https://git-lfs.github.com/spec/v1", r"line 2 is not JSON"),
        ("[]", "line 2: not a row of LiveCodeBench"),
        (without("metadata"), "line 2: not a row of LiveCodeBench: metadata: Field required"),
        (without("contest_date"), "contest_date"),
        (json.dumps(stdin_row("a", question_id=7)), "question_id: Input should be a valid string"),
        (json.dumps(stdin_row("a", question_content="\ud800")), "question_content: .*half of a surrogate pair"),
        (json.dumps(stdin_row("a", metadata="{")), "metadata: Invalid JSON"),
        (json.dumps(stdin_row("a", day="soon")), "contest_date of 'a' is no date: 'soonT00:00:00'"),
        (json.dumps(stdin_row("first")), "the id 'first' stands for more than one problem"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, line, says):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(stdin_row("first")) + "\n" + line + "\n")
    with pytest.raises(UsageError, match=says):
        livecodebench_problems([path], "mine")


def test_blank_lines_and_a_missing_last_line_break_are_fine(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("\n" + json.dumps(stdin_row("a")) + "\n\n" + json.dumps(stdin_row("b")))
    problems = livecodebench_problems([path], "mine").problems
    assert Counter(len(suite(problem.extra).tests) for problem in problems) == {3: 2}


def test_errata_have_reasons():
    assert len(ERRATA) == 15
    assert all(reason.strip() for reason in ERRATA.values())
