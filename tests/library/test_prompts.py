import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from rsa.kinds import KINDS
from rsa.prompts import Prompts

TEMPLATES = ("aggregate", "refine", "summarize", "verify")


def preset(folder: Path, **texts: str) -> Path:
    for name in TEMPLATES:
        (folder / f"{name}.j2").write_bytes(texts.get(name, "x").encode())
    return folder


@pytest.mark.parametrize("name", ["default", "brief"])
@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_shipped_presets_show_question_and_candidates_in_order(name, kind):
    prompts = Prompts(name)
    for template in TEMPLATES:
        count = 3 if template == "aggregate" else 1
        candidates = [f"candidate {number} {{{{ not a variable }}}}" for number in range(count)]
        text = prompts.render(template, "What is {% 1+1 %}?", candidates, kind)
        assert "What is {% 1+1 %}?" in text
        assert [text.index(candidate) for candidate in candidates] == sorted(
            text.index(candidate) for candidate in candidates
        )


def test_the_default_preset_asks_for_the_answer_in_the_tasks_format():
    prompts = Prompts()
    for kind in KINDS.values():
        text = prompts.render("aggregate", "Q", ["a", "b"], kind)
        assert text.count(kind.answer_format) == 2
        assert kind.noun in text
    code, math = (prompts.render("aggregate", "Q", ["a", "b"], KINDS[name]) for name in ("code", "math"))
    assert "edge cases" in code
    assert "edge cases" not in math
    assert "```python" in code


texts = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\r"))


@given(texts, st.lists(texts, min_size=1, max_size=3))
def test_rendering_adds_and_strips_nothing(tmp_path_factory, question, candidates):
    """So that any published wording can be reproduced to the byte, its trailing line breaks too."""
    source = " {{ question }}\n{% for c in candidates %}[{{ c }}]{% endfor %}\n\n"
    prompts = Prompts(preset(tmp_path_factory.mktemp("p"), aggregate=source))
    expected = f" {question}\n{''.join(f'[{candidate}]' for candidate in candidates)}\n\n"
    assert prompts.render("aggregate", question, candidates, KINDS["math"]) == expected


def test_all_documented_variables_are_there(tmp_path):
    source = "{{ question }}|{{ candidates[1] }}|{{ problem_kind }}|{{ answer_format }}|{{ task }}"
    text = Prompts(preset(tmp_path, aggregate=source)).render("aggregate", "q", ["a", "b"], KINDS["choice"])
    assert text == f"q|b|multiple-choice problem|{KINDS['choice'].answer_format}|choice"


def test_the_hash_follows_the_texts(tmp_path):
    first = Prompts(preset(tmp_path, aggregate="one")).sha256
    assert Prompts(preset(tmp_path, aggregate="one")).sha256 == first
    assert Prompts(preset(tmp_path, aggregate="two")).sha256 != first
    assert Prompts(preset(tmp_path, verify="one", aggregate="x")).sha256 != Prompts(preset(tmp_path)).sha256


def test_mistakes_in_presets_are_named(tmp_path):
    with pytest.raises(rsa.UsageError, match="'defalt' is neither a folder nor a shipped preset; did you mean 'default'"):
        Prompts("defalt")
    with pytest.raises(rsa.UsageError, match=r"holds none of aggregate\.j2"):
        Prompts(tmp_path)
    with pytest.raises(rsa.UsageError, match=r"aggregate\.j2, line 2"):
        Prompts(preset(tmp_path, aggregate="x\n{% for %}"))
    with pytest.raises(rsa.UsageError, match=r"refine\.j2 cannot be rendered.*'questoin' is undefined"):
        Prompts(preset(tmp_path, aggregate="x", refine="{{ questoin }}"))
    with pytest.raises(rsa.UsageError, match=r"verify\.j2 cannot be rendered.*division by zero"):
        Prompts(preset(tmp_path, aggregate="x", verify="{{ 1 / 0 }}"))
    with pytest.raises(rsa.UsageError, match="neither a folder"):
        Prompts("x" * 300)


def test_what_a_folder_does_not_have_comes_from_the_default(tmp_path):
    (tmp_path / "aggregate.j2").write_text("mine")
    mine, default = Prompts(tmp_path), Prompts()
    assert mine.render("aggregate", "Q", ["a", "b"], KINDS["math"]) == "mine"
    assert mine.render("refine", "Q", ["a"], KINDS["math"]) == default.render("refine", "Q", ["a"], KINDS["math"])


def test_templates_are_packaged():
    assert json.dumps(
        sorted(path.stem for path in (Path(rsa.__file__).parent / "prompts" / "default").glob("*.j2"))
    ) == json.dumps(sorted(TEMPLATES))
