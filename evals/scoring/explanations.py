r"""What each scorer counts as right, by example: `rsa-eval tasks --explain NAME`.

Every example is checked against the scorer itself by the tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["EXPLANATIONS", "Example", "Explanation"]


@dataclass(frozen=True, slots=True)
class Example:
    """A reply, the right answer, and what comes of it: right, wrong or no answer. `rule` says why."""

    reply: str
    gold: str
    outcome: str
    rule: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a scorer reads an answer and when it is right. `kind` is the problem kind of the examples."""

    kind: str
    reads: str
    right: str
    examples: tuple[Example, ...] = ()


RIGHT, WRONG, NONE = "right", "wrong", "no answer"
_BOX = r"the last \boxed{} whose braces balance, after any thinking block"

_READING = (
    Example(r"\boxed{12} and so \boxed{70}", "70", RIGHT, "the last box counts"),
    Example(r"<think>\boxed{7}</think> It is \boxed{70}.", "70", RIGHT, "thinking does not count"),
    Example(r"<think>\boxed{70}</think> It is clear.", "70", NONE, "not even where there is nothing else"),
    Example("The answer is 70.", "70", NONE, "a number without a box is not credited"),
    Example(r"\boxed{70", "70", NONE, "a box must be closed"),
)

_INTEGER = Explanation(
    "math",
    _BOX,
    "it is the same whole number; nothing is calculated",
    (
        *_READING,
        Example(r"\boxed{070}", "70", RIGHT, "leading zeros, $, commas, spacing and a trailing dot do not count"),
        Example(r"$$\boxed{1{,}000}$$", "1000", RIGHT, "thousands may have commas"),
        Example(r"\boxed{\text{70}.}", "70", RIGHT, r"\text{} does not count"),
        Example(r"\boxed{70^\circ}", "70", RIGHT, "a unit behind the number does not count"),
        Example(r"\boxed{m+n = 70}", "70", RIGHT, "what stands behind the equals sign counts"),
        Example(r"\boxed{140/2}", "70", WRONG, "nothing is calculated"),
        Example(r"\boxed{12, 70}", "70", WRONG, "two numbers are no integer"),
    ),
)

_MATH = Explanation(
    "math",
    _BOX,
    "it is the same text, the same exact number, or computer algebra says that it has the same value",
    (
        *_READING,
        Example(r"\boxed{\dfrac{1}{576}}", r"\frac{1}{576}", RIGHT, r"\dfrac, \tfrac, spacing and $ do not count"),
        Example(r"\boxed{0.125}", r"\frac{1}{8}", RIGHT, "plain numbers are compared exactly"),
        Example(r"\boxed{0.333333}", r"\frac{1}{3}", WRONG, "plain numbers are compared exactly"),
        Example(r"\boxed{1e3}", "1000", RIGHT, "also in scientific notation"),
        Example(r"\boxed{50\%}", "0.5", RIGHT, "a percentage has the value that it says"),
        Example(r"\boxed{50}", r"50\%", RIGHT, "or the other is given without the sign"),
        Example(r"\boxed{5 cm}", "5 m", WRONG, "different units are wrong"),
        Example(r"\boxed{5}", r"5\text{ cm}", RIGHT, "a unit may be left out"),
        Example(r"\boxed{\pi/6}", r"30^\circ", RIGHT, "degrees beside an answer with pi are radians"),
        Example(r"\boxed{\sqrt{640}}", r"8\sqrt{10}", RIGHT, "computer algebra"),
        Example(r"\boxed{25.298}", r"8\sqrt{10}", WRONG, "a decimal is no exact value"),
        Example(
            r"\boxed{\frac{-1\pm\sqrt{17}}{2}}",
            r"\frac{-1-\sqrt{17}}{2}, \frac{-1+\sqrt{17}}{2}",
            RIGHT,
            r"\pm is two values",
        ),
        Example(r"\boxed{4, 3}", "3, 4", RIGHT, "values separated by commas have no order"),
        Example(r"\boxed{(4, 3)}", "(3, 4)", WRONG, "points and lists have one"),
        Example(r"\boxed{\{1, 2\}}", "(1, 2)", WRONG, "a set is no list and no interval"),
        Example(r"\boxed{\{1, 2\}}", "1 < x < 2", WRONG, "nor a relation"),
        Example(r"\boxed{0 < x < 1}", "(0, 1)", RIGHT, "but an interval can be written as one"),
        Example(r"\boxed{a}", "A", WRONG, "single letters have their case"),
        Example(r"\boxed{\text{Yes}}", "yes", RIGHT, "words do not"),
        Example(r"\boxed{BA}", "AB", WRONG, "letters are text and not multiplied"),
        Example(r"\boxed{4:5}", r"\frac{4}{5}", RIGHT, "a ratio has the value of its fraction"),
        Example(r"\boxed{9^{9^{9^{9}}}}", r"9^{9^{9^9}}", WRONG, "towers of powers are compared as text"),
    ),
)

_CHOICE = Explanation(
    "choice",
    _BOX + "; a letter from A to J at its beginning",
    "it is the right letter",
    (
        Example(r"\boxed{E}", "E", RIGHT, "the letter alone"),
        Example(r"\boxed{\text{E}}", "E", RIGHT, "in a text command"),
        Example(r"\boxed{(E)}", "E", RIGHT, "in parentheses"),
        Example(r"\boxed{E.}", "E", RIGHT, "with a dot"),
        Example(r"\boxed{E: 3200 cal}", "E", RIGHT, "with the option behind it"),
        Example(r"\boxed{D. 5}", "D", RIGHT, "also with a dot between"),
        Example(r"\boxed{F}", "E", WRONG, "another letter"),
        Example(r"\boxed{Z}", "E", NONE, "a letter that is no option"),
        Example(r"\boxed{3200}", "E", NONE, "no letter"),
        Example("The answer is E.", "E", NONE, "no box"),
    ),
)

_NUMBER = Explanation(
    "number",
    "the last number in the text, after any thinking block (kind number), or the last box (kind math)",
    "it is the same number, or within task.tolerance, relative or absolute",
    (
        Example("7 times 8 is 56.", "56", RIGHT, "the last number"),
        Example("It is 56.0", "56", RIGHT, "the value counts"),
        Example("It is 1,000", "1000", RIGHT, "thousands may have commas"),
        Example("It is 54.", "56", WRONG, "another number"),
        Example("I do not know.", "56", NONE, "no number"),
    ),
)

_EXACT = Explanation(
    "gym",
    "as the kind says: a box, an answer tag, ...",
    "it is the same text, apart from white space around it",
    (
        Example("<answer> north </answer>", "north", RIGHT, "white space around it does not count"),
        Example("<answer>North</answer>", "north", WRONG, "everything else does"),
        Example("north", "north", NONE, "no tag"),
    ),
)

_REGEX = Explanation(
    "gym",
    "as the kind says: a box, an answer tag, ...",
    "the right answer, as a Python pattern, matches the whole of it",
    (
        Example("<answer>42 apples</answer>", r"\d+ apples?", RIGHT, "the pattern matches"),
        Example("<answer>about 42 apples</answer>", r"\d+ apples?", WRONG, "it must match the whole answer"),
        Example("42 apples", r"\d+ apples?", NONE, "no tag"),
    ),
)

_GYM = Explanation(
    "gym",
    "the last <answer>...</answer>, line breaks kept, after any thinking block",
    "Reasoning Gym's own scorer of the data set gives exactly 1; partial credit is the score, and a blank answer has none. "
    "The scorers run in the sandbox, because some execute the answer; there an answer that calls anything but a "
    "mathematical function is a program and wrong",
)

_CODE = Explanation(
    "code",
    "the last ```python block, after any thinking block",
    "the program passes all tests in the sandbox: output by line, stripped, decimals as decimals. The verdict's method is "
    "the outcome: solved, wrong_answer, runtime_error, time_limit, memory_limit, output_limit",
)

EXPLANATIONS: Mapping[str, Explanation] = MappingProxyType(
    {
        "integer": _INTEGER,
        "math": _MATH,
        "choice": _CHOICE,
        "number": _NUMBER,
        "gym": _GYM,
        "code": _CODE,
        "exact": _EXACT,
        "regex": _REGEX,
    }
)
"""An explanation a scorer."""
