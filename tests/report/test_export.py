"""Tables as CSV, Markdown and LaTeX; plots and tables as files."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.report.export import export
from evals.report.sheet import Sheet, csv_text, latex_text, markdown_text
from evals.report.sheets import sheets
from evals.report.told import told
from evals.report.words import result_sentence, saved_sentence
from rsa.errors import UsageError
from tests.report.dicts import comparison, entry, step, summary

NAMES = ["rsa(n=4,k=2,steps=2)", "majority(n=16)"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def sheet(*cells: str) -> Sheet:
    columns = tuple(f"column {number}" for number in range(len(cells)))
    return Sheet("name", "A caption & more", columns, [tuple(cells)], columns, [tuple(cells)])


def found_sheets(names=NAMES, summaries=None, **more):
    summaries = summaries or [summary(names[0], [step(1), step(2)]), summary(names[1], [step(1)])]
    given_comparison = comparison(names, **more)
    return {
        each.name: each for those in sheets(told(summaries, given_comparison), given_comparison).values() for each in those
    }


@given(st.lists(TEXTS | st.none() | st.integers() | st.floats(allow_nan=False), min_size=1, max_size=4))
def test_csv_comes_back_as_it_was_but_for_formulas(row):
    fields = [f"field {number}" for number in range(len(row))]
    head, back = csv.reader(io.StringIO(csv_text(fields, [row]), newline=""))
    assert head == fields
    for value, text in zip(row, back, strict=True):
        expected = "" if value is None else str(value).replace("\r\n", "\n").replace("\r", "\n")
        formula = isinstance(value, str) and expected.startswith(("=", "+", "-", "@", "\t", "\n"))
        assert text == ("'" + expected if formula else expected)
        assert not (isinstance(value, str) and text.startswith(("=", "+", "-", "@")))


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_markdown_cells_stay_cells_and_hold_no_markup(cells):
    *_, row = markdown_text(sheet(*cells)).removesuffix("\n").split("\n")
    inner = row.removeprefix("| ").removesuffix(" |")
    assert len(re.split(r"(?<!\\)(?:\\\\)*\|", inner)) == len(cells)
    assert "<" not in row
    assert re.search(r"(?<!\\)(?:\\\\)*[`*_\[$]", row) is None


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_latex_cells_stay_cells_and_hold_no_commands(cells):
    lines = latex_text(sheet(*cells)).split("\n")
    row = lines[lines.index(r"\hline", lines.index(r"\hline") + 1) + 1].removesuffix(r" \\")
    assert row.count("&") - row.count(r"\&") == len(cells) - 1
    bare = re.sub(r"\\text\w+\{\}|\\[{}$&#%_]|\$\\(pm|le|ge)\$|\$-\$|\{[\[*]\}", "", row)
    assert set(bare) & set("\\{}$#%_^~") == set()
    assert not re.match(r"\s*[\[*]", row)


def test_the_three_forms_of_a_table():
    texts = sheet("rsa(n=4) <b>|", "61.7 ± 8.5").texts()
    assert texts["csv"] == "column 0,column 1\nrsa(n=4) <b>|,61.7 ± 8.5\n"
    assert texts["md"] == (
        "A caption &amp; more\n\n| column 0 | column 1 |\n| :--- | ---: |\n| rsa(n=4) &lt;b&gt;\\| | 61.7 ± 8.5 |\n"
    )
    assert "rsa(n=4) \\textless{}b\\textgreater{}\\textbar{} & 61.7 $\\pm$ 8.5 \\\\\n" in texts["tex"]
    assert "\\caption{A caption \\& more}" in texts["tex"]


def test_the_table_says_what_is_not_distinguishable_and_what_was_held():
    rows = [entry("ours", 0.5), entry("worse", 0.4, -0.1), entry("equal", 0.49, -0.01, held=True), entry("better", 0.7, 0.2)]
    table = found_sheets(table=rows)["comparison"]
    assert [row[-1] for row in table.rows] == ["reference", "worse", "not distinguishable", "better"]
    assert table.rows[1][4:9] == ("16", "40.0", "50.0", "-10.0 (-14.0 to -6.0)", "0.020")
    assert table.rows[2][4] == "16 (held)"
    values = dict(zip(table.fields, table.values[1], strict=True))
    assert (values["difference"], values["difference_low"], values["p"]) == (-0.1, -0.14, 0.01)


def test_one_run_alone_has_no_comparison():
    table = found_sheets(NAMES[:1], [summary(NAMES[0], [step(1)])])["comparison"]
    assert table.columns == ("strategy", "accuracy", "95 % interval", "generations a problem")
    assert table.rows == [(NAMES[0], "50.0 ± 5.0", "40.0 to 60.0", "16")]


def test_tables_of_what_is_not_known_are_left_out():
    nothing = found_sheets(
        table=[], curves=[], pass_at={}, summaries=[summary(name, [step(1, story=None)]) for name in NAMES]
    )
    assert list(nothing) == ["steps-1", "steps-2"]


OURS = "ours answers 50.0 % of the problems right (95 % interval 40.0 to 60.0)"
SENTENCES = [
    ([entry("ours", 0.5)], " after 2 steps; at step 1 it was 30.0 %."),
    (
        [entry("ours", 0.5), entry("theirs", 0.4, -0.1)],
        ". Compared at equal generations a problem, it is better than theirs by 10.0 points (95 % interval 6.0 to 14.0).",
    ),
    (
        [entry("ours", 0.5), entry("a", 0.6, 0.1), entry("b", 0.5, 0.0), entry("c", 0.49, -0.01, held=True)],
        ". Compared at equal generations a problem, it is worse than a by 10.0 points (95 % interval 6.0 to 14.0) and is "
        "not distinguishable from b and c at its end (16).",
    ),
]


@pytest.mark.parametrize(("rows", "sentence"), SENTENCES)
def test_the_result_in_words_is_no_stronger_than_its_numbers(rows, sentence):
    made = comparison(["ours"], table=rows)
    assert result_sentence(made, told([summary("ours", [step(1, 0.3), step(2)])], made)) == OURS + sentence


def test_many_strategies_are_counted_not_named():
    rows = [
        entry("ours", 0.5),
        *(entry(f"worse {number}", 0.4, -0.1) for number in range(3)),
        *(entry(f"equal {number}", 0.5, 0.0) for number in range(2)),
    ]
    made = comparison(["ours"], table=rows)
    sentence = result_sentence(made, told([summary("ours", [step(1)])], made))
    assert sentence.endswith("it is better than 3 and is not distinguishable from 2 of the 5 others.")


def test_nothing_is_said_of_nothing():
    made = comparison(["ours"], table=[])
    assert result_sentence(made, told([summary("ours", [step(1, None)])], made)) == "Nothing is measured yet."


def test_one_problem_allows_no_error_bars():
    alone = entry("ours", 1.0, accuracy={"mean": 1.0, "se": None, "ci95": None})
    made = comparison(["ours"], table=[alone], problems=1)
    told_of = told([summary("ours", [step(1)])], made)
    assert result_sentence(made, told_of) == "ours answers 100.0 % of the problems right. One problem allows no error bars."


def test_what_was_shared_is_said():
    saved = {"chains": 128, "completion_tokens": 51200, "prompt_tokens": 9000}
    assert (
        saved_sentence({"saved": saved})
        == "128 chains with 51,200 new tokens were shared between strategies, and generated once."
    )
    assert saved_sentence({"saved": {**saved, "chains": 0}}) is None


def test_every_plot_and_table_becomes_files(made, tmp_path):
    paths = export(tmp_path / "new" / "folder", made.records, made.summaries, made.comparison)
    names = {path.name for path in paths}
    assert {path.name for path in (tmp_path / "new" / "folder").iterdir()} == names
    axes = [axis["name"] for axis in made.comparison["axes"]]
    for plot in (
        "paired-differences",
        "samples",
        "steps-2",
        "problems-1",
        "flips",
        *(f"accuracy-against-budget-{axis}" for axis in axes),
    ):
        assert {f"plot-{plot}.svg", f"plot-{plot}.png"} <= names
    for table in ("comparison", "budgets", "samples", "steps-1", "steps-2", "story", "flips"):
        assert {f"table-{table}.{ending}" for ending in ("csv", "md", "tex")} <= names
    for path in paths:
        content = path.read_bytes()
        if path.suffix == ".svg":
            assert content.startswith(b"<svg"), path
            assert b"var(--" not in content
            assert b"<script" not in content
            assert re.search(rb"mark-(symbol|rect)[^>]*>(<g[^>]*>)?<path", content), path
        if path.suffix == ".png":
            assert content.startswith(b"\x89PNG"), path
            assert len(content) > 2000
    with (tmp_path / "new" / "folder" / "plot-problems-2.csv").open(newline="") as file:
        heat = list(csv.DictReader(file))
    assert len(heat) == 4 * 3
    assert {"'=HYPERLINK(1) \\frac{a}{b} $x_1$ | a\u2028b \u202eRTL"} <= {row["problem"] for row in heat}


def test_a_folder_that_cannot_be_is_told(made, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--export"):
        export(tmp_path / "file" / "folder", made.records, made.summaries, made.comparison)
