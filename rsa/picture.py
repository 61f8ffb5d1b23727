"""A result as a picture: who read whom, and who says what. For notebooks, as HTML with an SVG in it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

from rsa.chain import Chain
from rsa.plan import Place

__all__ = ["result_html", "result_words"]

_PITCH, _GAP, _RADIUS, _MARGIN = 26, 110, 8, 14
_SHADES = ("#1b6ca8", "#d1762a", "#3a8f5c", "#8a5aa8", "#b8860b", "#c0506a")
_PLAIN, _DEAD = "#9a9a9a", "#ffffff"
_MOST_ROWS = 64
_LONGEST = 80


def result_words(answer: str | None, agreeing: int, cast: int, chains: Sequence[Chain], tokens: int | None) -> str:
    """One line: the answer, how many of those who answered agree with it, what it took."""
    told = "no answer" if answer is None else f"answer {_short(answer)}"
    agreement = f", {agreeing} of {cast} agree" if cast > 1 and answer is not None else ""
    spent = f", {tokens:,} new tokens" if tokens is not None else ""
    return f"{told}{agreement}; {len(chains)} chains{spent}"


def result_html(words: str, chains: Sequence[Chain], answers: Mapping[Place, str | None], chosen: Place) -> str:
    """The line and the graph. Chains with the same answer have the same colour; the one that answers has a ring."""
    shades = _shades(answers)
    legend = "".join(
        f'<span style="margin-right:1em"><span style="color:{shade}">&#9679;</span> {escape(_short(answer))}</span>'
        for answer, shade in shades.items()
    )
    return f"<div><p>{escape(words)}</p>{_svg(chains, answers, shades, chosen)}<p>{legend}</p></div>"


def _shades(answers: Mapping[Place, str | None]) -> dict[str, str]:
    """A colour for each of the most frequent answers."""
    counts = Counter(answer for answer in answers.values() if answer is not None)
    frequent = sorted(counts, key=lambda answer: (-counts[answer], answer))
    return dict(zip(frequent, _SHADES, strict=False))


def _svg(chains: Sequence[Chain], answers: Mapping[Place, str | None], shades: Mapping[str, str], chosen: Place) -> str:
    shown = [chain for chain in chains if chain.slot < _MOST_ROWS]
    steps, rows = max(chain.step for chain in shown), 1 + max(chain.slot for chain in shown)
    width, height = _GAP * (steps - 1) + 2 * _MARGIN, _PITCH * rows + _MARGIN
    parts = [_edge(chain, parent, chosen) for chain in shown for parent in chain.parents if parent < _MOST_ROWS]
    parts += [_node(chain, answers.get(chain.place), shades, chosen) for chain in shown]
    label = f"{len(chains)} chains in {steps} steps"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def _at(place: Place) -> tuple[int, int]:
    return _MARGIN + _GAP * (place[0] - 1), _MARGIN + _PITCH * place[1] + _RADIUS


def _edge(chain: Chain, parent: int, chosen: Place) -> str:
    (x, y), (to_x, to_y) = _at((chain.step - 1, parent)), _at(chain.place)
    middle = (x + to_x) / 2
    stroke = 'stroke-opacity="0.9"' if chain.place == chosen else 'stroke-opacity="0.25"'
    return f'<path d="M{x} {y}C{middle} {y} {middle} {to_y} {to_x} {to_y}" fill="none" stroke="#777777" {stroke}/>'


def _node(chain: Chain, answer: str | None, shades: Mapping[str, str], chosen: Place) -> str:
    x, y = _at(chain.place)
    fill = _DEAD if chain.dead else shades.get(answer or "", _PLAIN)
    told = "dead" if chain.dead else "no answer" if answer is None else _short(answer)
    title = f"<title>{escape(f'step {chain.step} slot {chain.slot}: {told}')}</title>"
    ring = f'<circle cx="{x}" cy="{y}" r="{_RADIUS + 3}" fill="none" stroke="#333333"/>' if chain.place == chosen else ""
    dash = ' stroke-dasharray="2 2"' if chain.dead else ""
    return f'{ring}<circle cx="{x}" cy="{y}" r="{_RADIUS}" fill="{fill}" stroke="#555555"{dash}>{title}</circle>'


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
