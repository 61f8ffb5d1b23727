// Finds formulas and code in what a model wrote. Every search goes forward only, so that no text takes long.

const TEXT_MARKS = /\\[\\[($*_`#%]|\\begin\{([a-zA-Z]+\*?)\}|\\f?boxed\s*\{|\$\$?|`+/g;
const TEXT_BLANK_LINE = "\n\n";

// The next place of a fixed text at or after a position. Positions must not go back.
class ForwardSearch {
  constructor(text) {
    this.text = text;
    this.found = new Map();
  }

  next(wanted, from) {
    const last = this.found.get(wanted);
    if (last !== undefined && (last < 0 || last >= from)) return last;
    const place = this.text.indexOf(wanted, from);
    this.found.set(wanted, place);
    return place;
  }
}

// Where each opening brace is closed. A brace behind a backslash does not count.
function textBraces(text) {
  const closing = new Map();
  const open = [];
  for (const { 0: token, index } of text.matchAll(/\\[^]|[{}]/g)) {
    if (token === "{") open.push(index);
    else if (token === "}" && open.length) closing.set(open.pop(), index);
  }
  return closing;
}

// For each dollar sign (or two of them) the next of its kind, if no other stands between.
function textDollars(text) {
  const next = new Map();
  let before = null;
  for (const { 0: token, index } of text.matchAll(/\\[^]|\$\$?/g)) {
    if (token[0] === "\\") continue;
    if (before && before.token === token) next.set(before.index, index);
    before = { token, index };
  }
  return next;
}

// For each run of backticks the next one of the same length.
function textTicks(text) {
  const next = new Map();
  const last = new Map();
  for (const { 0: token, index } of text.matchAll(/`+/g)) {
    if (last.has(token.length)) next.set(last.get(token.length), index);
    last.set(token.length, index);
  }
  return next;
}

// A price is no formula: what stands behind the first dollar sign and before the second must not be a blank, and no digit
// may follow (as in pandoc); nor is a number with words behind it. Where both are blanks, something in between must look
// like a formula.
function textIsFormula(content, following) {
  if (!content.trim()) return false;
  const blanks = /^\s/.test(content) + /\s$/.test(content);
  if (blanks === 1 || /^[0-9]/.test(following)) return false;
  return blanks === 0 ? !/^[0-9][^\\^_=+*/<>(){}-]*\s[a-z]{3,}/.test(content) : /[\\^_={}]/.test(content);
}

class TextScanner {
  constructor(text) {
    this.text = text;
    this.search = new ForwardSearch(text);
    this.dollars = textDollars(text);
    this.ticks = textTicks(text);
    this.braces = text.includes("boxed") ? textBraces(text) : new Map();
  }

  // The text in pieces: strings, { tex, display, source } and { code } and { literal }.
  pieces() {
    const pieces = [];
    let start = 0;
    TEXT_MARKS.lastIndex = 0;
    const marks = new RegExp(TEXT_MARKS);
    for (let match = marks.exec(this.text); match; match = marks.exec(this.text)) {
      const found = this.piece(match[0], match.index, match[1]);
      if (!found) continue;
      if (match.index > start) pieces.push(this.text.slice(start, match.index));
      pieces.push(found.piece);
      start = marks.lastIndex = found.end;
    }
    if (start < this.text.length) pieces.push(this.text.slice(start));
    return pieces;
  }

  piece(token, at, environment) {
    const inside = at + token.length;
    if (token === "\\[") return this.between(at, inside, "\\]", true);
    if (token === "\\(") return this.between(at, inside, "\\)", false);
    if (environment) return TEX_ENVIRONMENTS.has(environment) ? this.between(at, at, `\\end{${environment}}`, true) : null;
    if (token === "$" || token === "$$") return this.dollared(token, at, inside);
    if (token[0] === "`") return this.code(token, at, inside);
    if (token.endsWith("{")) return this.boxed(at, inside - 1);
    return token === "\\\\" ? null : { piece: { literal: token[1] }, end: inside };
  }

  paragraphEnds(from, to) {
    const blank = this.search.next(TEXT_BLANK_LINE, from);
    return blank >= 0 && blank < to;
  }

  between(at, inside, closing, display) {
    const place = this.search.next(closing, inside);
    if (place < 0 || this.paragraphEnds(at, place)) return null;
    const end = place + closing.length;
    return this.formula(at, end, this.text.slice(inside, inside === at ? end : place), display);
  }

  dollared(token, at, inside) {
    const place = this.dollars.get(at);
    if (place === undefined || this.paragraphEnds(at, place)) return null;
    const end = place + token.length;
    const content = this.text.slice(inside, place);
    const fine = token === "$$" ? content.trim() !== "" : textIsFormula(content, this.text.slice(end, end + 1));
    return fine ? this.formula(at, end, content, token === "$$") : null;
  }

  boxed(at, brace) {
    const place = this.braces.get(brace);
    if (place === undefined || this.paragraphEnds(at, place)) return null;
    return this.formula(at, place + 1, this.text.slice(at, place + 1), false);
  }

  formula(at, end, tex, display) {
    return { piece: { tex, display, source: this.text.slice(at, end) }, end };
  }

  code(token, at, inside) {
    const place = this.ticks.get(at);
    if (place === undefined || this.paragraphEnds(at, place)) return null;
    return { piece: { code: this.text.slice(inside, place) }, end: place + token.length };
  }
}

// Lines of pieces: strings are cut at line breaks, formulas and code are not.
function textLines(pieces) {
  const lines = [[]];
  for (const piece of pieces) {
    if (typeof piece !== "string") {
      lines.at(-1).push(piece);
      continue;
    }
    piece.split("\n").forEach((part, number) => {
      if (number) lines.push([]);
      if (part) lines.at(-1).push(part);
    });
  }
  return lines;
}
