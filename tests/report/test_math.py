"""Formulas and light Markdown in a real browser: what is understood is drawn, all else stays as it was written."""
# ruff: noqa: RUF001, SIM905 - the signs are those of formulas

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.report.viewer_runs import write_page

# TeX and its MathML: elements by their names, texts of single letters and signs as they are.
STRUCTURES = {
    "x^2": "msup(mi:x mn:2)",
    "x^12": "mrow(msup(mi:x mn:1) mn:2)",
    "a_i^{n+1}": "msubsup(mi:a mi:i mrow(mi:n mo:+ mn:1))",
    "x'": "msup(mi:x mo:′)",
    "f''^2": "msup(mi:f mrow(mo:″ mn:2))",
    r"\frac12": "mfrac(mn:1 mn:2)",
    r"\frac{a}{b+1}": "mfrac(mi:a mrow(mi:b mo:+ mn:1))",
    r"\dfrac ab": "mstyle(mfrac(mi:a mi:b))",
    r"\binom{n}{k}": "mrow(mo:( mfrac(mi:n mi:k) mo:))",
    r"{a \over b}": "mfrac(mi:a mi:b)",
    r"\sqrt{2}": "msqrt(mn:2)",
    r"\sqrt[3]{x}": "mroot(mi:x mn:3)",
    r"\sum_{i=1}^n i": "mrow(munderover(mo:∑ mrow(mi:i mo:= mn:1) mi:n) mi:i)",
    r"\int_0^1": "msubsup(mo:∫ mn:0 mn:1)",
    r"\int\limits_0^1": "munderover(mo:∫ mn:0 mn:1)",
    r"\lim_{x\to0}": "munder(mo:lim mrow(mi:x mo:→ mn:0))",
    r"\sin\theta": "mrow(mo:sin mi:θ)",
    r"\alpha\Gamma": "mrow(mi:α mi:Γ)",
    r"a\le b\ne c": "mrow(mi:a mo:≤ mi:b mo:≠ mi:c)",
    r"A\Rightarrow B": "mrow(mi:A mo:⇒ mi:B)",
    r"a\not\in B": "mrow(mi:a mo:∉ mi:B)",
    r"\hat{x}": "mover(mi:x mo:^)",
    r"\vec v": "mover(mi:v mo:→)",
    r"\overline{AB}": "mrow.tex-overline(mrow(mi:A mi:B))",
    r"\underbrace{x}_{n}": "munder(munder(mi:x mo:⏟) mi:n)",
    r"\text{if }x": "mrow(mtext:if\u00a0 mi:x)",
    r"\text{so $x$ is}": "mrow(mtext:so\u00a0 mi:x mtext:\u00a0is)",
    r"\mathbb{R}\mathbf{v}\mathcal{F}": "mrow(mi:ℝ mi:𝐯 mi:ℱ)",
    r"\mathrm{d}x": "mrow(mi:d mi:x)",
    r"\left(\frac12\right)": "mrow(mo:( mfrac(mn:1 mn:2) mo:))",
    r"\left.x\right|_0": "msub(mrow(mi:x mo:|) mn:0)",
    r"a\equiv b\pmod m": "mrow(mi:a mo:≡ mi:b mrow(mspace mo:( mo:mod mi:m mo:)))",
    r"\boxed{42}": "mrow.tex-boxed(mn:42)",
    r"\cancel{x}": "mrow.tex-cancel(mi:x)",
    r"\color{red}x\textcolor{blue}{y}": "mrow(mi:x mi:y)",
    r"1{,}000": "mrow(mn:1 mo:, mn:000)",
    r"90^\circ": "msup(mn:90 mo:∘)",
    r"a\,b\quad c": "mrow(mi:a mspace mi:b mspace mi:c)",
    r"\overset{!}{=}": "mover(mo:= mo:!)",
    r"\xrightarrow{f}": "mover(mo:→ mrow(mspace mi:f mspace))",
    r"\operatorname{lcm}(a)": "mrow(mo:lcm mo:( mi:a mo:))",
    r"\begin{pmatrix}1&2\\3&4\end{pmatrix}": "mrow(mo:( mtable.tex-table(mtr(mtd.tex-c(mn:1) mtd.tex-c(mn:2)) "
    "mtr(mtd.tex-c(mn:3) mtd.tex-c(mn:4))) mo:))",
    r"\begin{cases}1&x\\0\end{cases}": "mrow(mo:{ mtable.tex-table(mtr(mtd.tex-l(mn:1) mtd.tex-l(mi:x)) "
    "mtr(mtd.tex-l(mn:0))))",
    r"\begin{aligned}a&=b\\&=c\end{aligned}": "mtable.tex-joined(mtr(mtd.tex-r(mi:a) mtd.tex-l(mo:= mi:b)) "
    "mtr(mtd.tex-r mtd.tex-l(mo:= mi:c)))",
    r"\begin{array}{l|r}a&b\end{array}": "mtable.tex-table(mtr(mtd.tex-l(mi:a) mtd.tex-r(mi:b)))",
    r"\begin{equation}x\end{equation}": "mi:x",
    r"a\\b": "mtable.tex-joined(mtr(mtd.tex-r(mi:a)) mtr(mtd.tex-r(mi:b)))",
    r"\{x\mid y\}": "mrow(mo:{ mi:x mo:∣ mi:y mo:})",
    r"\displaystyle\frac12": "mstyle(mfrac(mn:1 mn:2))",
    r"50\%": "mrow(mn:50 mi:%)",
    r"-x": "mrow(mo:− mi:x)",
    "": "mrow",
}
NOT_UNDERSTOOD = (
    r"\unknown{x}", r"\frac{1", "}", "x^1^2", "a_", r"\left(x", r"\begin{foo}x\end{foo}", r"\begin{cases}x", r"\right)",
    r"\end{cases}", "\\", r"\sqrt[3", r"\text{a", r"\left x \right)", r"\hspace{1 mile}", "{" * 500 + "}" * 500,
)  # fmt: skip
SHAPE = """(node) => {
  const shape = (each) => {
    if (each.nodeType === 3) return each.data;
    const name = each.localName + (each.className?.length ? "." + each.className : "");
    const kids = [...each.childNodes];
    if (!kids.length) return name;
    if (kids.every((kid) => kid.nodeType === 3)) return `${name}:${each.textContent}`;
    return `${name}(${kids.map(shape).join(" ")})`;
  };
  return shape(node);
}"""


SHOWN = "document.createElement('div'); div.append(inside.renderText(text))"


@pytest.fixture(scope="module")
def inside(browser, tmp_path_factory):
    """The page's own functions."""
    page = browser.new_page()
    path = write_page(tmp_path_factory.mktemp("math") / "page.html", [], "texToMath, renderTex, renderText, TexError")
    page.goto(path.as_uri())
    yield page
    page.close()


def rendered(inside, text):
    return inside.evaluate(f"(text) => {{ const div = {SHOWN}; return div.innerHTML; }}", text)


def test_tex_becomes_mathml(inside):
    shapes = f"(all) => all.map((tex) => ({SHAPE})(inside.texToMath(tex, false).firstChild))"
    assert dict(zip(STRUCTURES, inside.evaluate(shapes, list(STRUCTURES)), strict=True)) == STRUCTURES


def test_what_is_not_understood_stays_as_it_was_written(inside):
    for tex in NOT_UNDERSTOOD:
        shown = inside.evaluate("(tex) => inside.renderTex(tex, true, `$$${tex}$$`).outerHTML", tex)
        assert shown.startswith('<code class="tex-source">$$'), tex
        assert inside.evaluate("(tex) => inside.renderTex(tex, false, tex).textContent", tex) == tex


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("Let $x$ and $y_1$.", ["x", "y_1"]),
        (r"\(a\) then \[b\] then $$c$$", ["a", "b", "c"]),
        ("It costs $5 and $10.", []),
        ("from $5-$6 to $7 million, US$ 3", []),
        ("5 $ and 6 $ here", []),
        ("$5 million of 2020 dollars$ are no formula", []),
        ("$ x = 5 $ is one with blanks", ["x = 5"]),
        (r"\$5 and \$6", []),
        ("`$x$` is code", []),
        ("```\n$x$\n```\n$y$", ["y"]),
        ("$a\n\nb$ goes over paragraphs", []),
        (r"so \boxed{\frac{1}{2}} it is", [r"\boxed{\frac{1}{2}}"]),
        ("\\begin{align*}\na&=b\n\\end{align*}", ["\\begin{align*}\na&=b\n\\end{align*}"]),
        (r"a line\\[2pt] and $z$", ["z"]),
    ],
)
def test_which_parts_of_a_text_are_formulas(inside, text, formulas):
    found = inside.evaluate(
        "(text) => [...inside.renderText(text).querySelectorAll('math')].map((math) => math.getAttribute('alttext'))", text
    )
    assert found == formulas


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**b** and *i* and 2*3*4", '<div class="text-paragraph"><strong>b</strong> and <em>i</em> and 2*3*4</div>'),
        ("***x*** 2**3**4 **open", '<div class="text-paragraph"><strong><em>x</em></strong> 2**3**4 **open</div>'),
        ("- a\n- b\n  - c", '<ul><li><div class="text-paragraph">a</div></li><li><div class="text-paragraph">b</div>'
         '<ul><li><div class="text-paragraph">c</div></li></ul></li></ul>'),
        ("3. c", '<ol><li value="3"><div class="text-paragraph">c</div></li></ol>'),
        ("```py\n<b>\n```", '<pre class="text-code"><code>&lt;b&gt;</code></pre>'),
        ("<b>x</b> &amp; `<i>`", '<div class="text-paragraph">&lt;b&gt;x&lt;/b&gt; &amp;amp; <code>&lt;i&gt;</code></div>'),
        ("|a|b|\n|-|-|\n|1|2|", '<div class="text-table"><table><thead><tr><th>a</th><th>b</th></tr></thead>'
         "<tbody><tr><td>1</td><td>2</td></tr></tbody></table></div>"),
        ("> q", "<blockquote>q</blockquote>"),
        ("---", "<hr>"),
        ("[a](javascript:x)", '<div class="text-paragraph">[a](javascript:x)</div>'),
    ],
)  # fmt: skip
def test_light_markdown(inside, text, html):
    assert rendered(inside, text) == html


def test_headings_are_headings(inside):
    shown = rendered(inside, "## Step **1**")
    assert 'role="heading"' in shown
    assert "Step <strong>1</strong>" in shown


def texts(inside, written):
    """Of each text what is shown of it."""
    return inside.evaluate(f"(all) => all.map((text) => {{ const div = {SHOWN}; return div.textContent; }})", written)


UNTOUCHED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)


@UNTOUCHED
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\\$`*#>|~_+-=•.)\r\n")), min_size=1))
def test_a_text_without_marks_is_shown_whole(inside, written):
    assert ["".join(each.split()) for each in texts(inside, written)] == ["".join(each.split()) for each in written]


SOUP = [
    *r"\ $ $$ { } ` ``` * ** \[ \] \( \) \begin{cases} \end{cases} \boxed{ \text{ \left( \right) \frac \sqrt[ \over".split(),
    *r"^ _ & | |-| x ' <b> \not \\ \substack{ \mathbf \color % ~".split(),
    *("- ", "1. ", "> ", "# ", " ", "\n", "\n\n", "\ud800", "\x00", "\u202e"),
]


@UNTOUCHED
@given(st.lists(st.lists(st.sampled_from(SOUP), max_size=30).map("".join), min_size=10, max_size=60))
def test_no_text_is_too_odd(inside, written):
    """Nothing is thrown but what says that a formula is not understood; and no mark of one becomes an element of HTML."""
    failed = inside.evaluate(
        """(all) => all.filter((text) => {
          try { inside.texToMath(text, true); } catch (error) { if (!(error instanceof inside.TexError)) return true; }
          const shown = inside.renderText(text);
          return shown.querySelector("b, script, img") !== null;
        })""",
        written,
    )
    assert failed == []


@UNTOUCHED
@given(st.lists(st.lists(st.sampled_from([*SOUP, "a1", "b2", "c3"]), max_size=20).map("".join), min_size=10, max_size=60))
def test_source_that_is_not_understood_is_kept_letter_by_letter(inside, written):
    odd = "`${text} \\\\unknown\\\\unknown`"
    shown = inside.evaluate(f"(all) => all.map((text) => inside.renderTex({odd}, true, text).textContent)", written)
    assert json.dumps(shown) == json.dumps(written)


LONG = 200_000
REPEATED = [
    *r"$ $$ ` \[ \( \boxed{ { ** *** \begin{cases} | \frac \left( x^ \text{ \substack{ - [ \\ \ <".split(),
    *("$ ", "$a ", "``` ", "*a ", "- ", "> ", " ", "- - ", "a\n", "1. ", "$x$ ", "|-|\n", "*a* ", "\n"),
]


def test_long_texts_of_one_mark_take_no_time(inside):
    """Where time grew with the square of the length, these would take hours."""
    for mark in REPEATED:
        text = mark * (LONG // len(mark))
        inside.evaluate("(text) => { inside.renderText(text); inside.renderTex(text, true, text); }", text)
