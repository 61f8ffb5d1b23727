// TeX -> MathML, which browsers draw themselves: no TeX renderer can be had as a small Python package.
// It covers what models write. What it does not understand is a TexError, and then its source is shown instead.

class TexError extends Error {}

const TEX_TOKEN = /\\(?:(?:hspace|vspace|operatorname|tag)\*|[a-zA-Z]+|[^])|[0-9]+(?:\.[0-9]+)?|\s+|[^]/gu;
const TEX_DEEPEST = 100; // groups in groups; recursion stays far from the end of the stack
const TEX_LONGEST = 10_000; // characters; browsers take time with the square of the operators in one row
const TEX_TOP_ENDS = new Set(["&", "\\\\"]);
const TEX_CELL_ENDS = new Set(["&", "\\\\", "\\cr", "\\tabularnewline", "\\end"]);
const TEX_GROUP_ENDS = new Set(["}"]);
const TEX_BRACKET_ENDS = new Set(["]"]);
const TEX_FENCE_ENDS = new Set(["\\right", "\\middle"]);
const TEX_INFIX = new Set(["\\over", "\\atop", "\\choose"]);
const TEX_STYLES = new Set(["\\displaystyle", "\\textstyle", "\\scriptstyle", "\\scriptscriptstyle"]);
const TEX_FENCES = new Set("()[]{}|‖⟨⟩⌊⌋⌈⌉⟮⟯/\\↑↓↕⇑⇓⇕⌜⌝⌞⌟");
const TEX_FIXED = new Map([["-", "−"], ["*", "∗"], ["`", "‘"]]);

// Children may be lists of nodes, of any length: a call with that many arguments would fail.
function texNode(name, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/1998/Math/MathML", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  for (const child of children.flat()) node.append(child);
  return node;
}

function texRow(nodes) {
  return nodes.length === 1 ? nodes[0] : texNode("mrow", {}, nodes);
}

function texOperator(text, attributes = {}) {
  const fixed = TEX_FENCES.has(text) ? { stretchy: "false" } : {};
  if ("|‖/\\".includes(text)) Object.assign(fixed, { lspace: "0", rspace: "0" });
  return texNode("mo", { ...fixed, ...attributes }, text);
}

function texSpace(width) {
  return texNode("mspace", { width: `${width}em` });
}

function texLetter(text, font) {
  const point = text.codePointAt(0);
  if (font === "rm") return texNode("mi", { mathvariant: "normal" }, text);
  const exception = TEX_EXCEPTIONS[font]?.get(text);
  if (exception) return texNode("mi", {}, exception);
  const starts = TEX_ALPHABETS[font];
  if (!starts) return texNode("mi", {}, text);
  const shifts = [[0x41, 0x5a, starts[0]], [0x61, 0x7a, starts[1]], [0x30, 0x39, starts[2]]];
  if (font === "bf") shifts.push([0x391, 0x3a9, 0x1d6a8], [0x3b1, 0x3c9, 0x1d6c2]);
  if (font === "bi") shifts.push([0x391, 0x3a9, 0x1d71c], [0x3b1, 0x3c9, 0x1d736]);
  const shift = shifts.find(([first, last, target]) => target && first <= point && point <= last);
  return texNode("mi", {}, shift ? String.fromCodePoint(shift[2] + point - shift[0]) : text);
}

class TexParser {
  constructor(source) {
    this.tokens = source.match(TEX_TOKEN) ?? [];
    this.at = 0;
    this.depth = 0;
    this.font = null;
  }

  // The next token that is no white space, which stays; undefined at the end.
  peek() {
    while (this.at < this.tokens.length && this.tokens[this.at].trim() === "") this.at += 1;
    return this.tokens[this.at];
  }

  next() {
    const token = this.peek();
    if (token === undefined) throw new TexError("it ends too early");
    this.at += 1;
    return token;
  }

  expect(wanted) {
    if (this.next() !== wanted) throw new TexError(`${wanted} is missing`);
  }

  // Runs `work` one level deeper; fonts that it switches to end with it.
  inside(work) {
    const font = this.font;
    this.depth += 1;
    if (this.depth > TEX_DEEPEST) throw new TexError("too deep");
    const made = work();
    this.depth -= 1;
    this.font = font;
    return made;
  }

  // A whole formula. Lines and columns outside of any environment are taken for an alignment.
  top() {
    const rows = this.rows(TEX_TOP_ENDS);
    if (this.peek() !== undefined) throw new TexError("it goes on");
    if (rows.length === 1 && rows[0].length === 1) return texRow(rows[0][0]);
    return texTable(rows, { columns: "rl", display: true, joined: true });
  }

  row(ends) {
    const nodes = [];
    for (let token = this.peek(); token !== undefined && !ends.has(token); token = this.peek()) {
      if (TEX_INFIX.has(token)) return [this.infix(nodes, this.next(), ends)];
      const name = token.slice(1);
      if (TEX_STYLES.has(token) || (token[0] === "\\" && TEX_SWITCHES.has(name))) {
        this.next();
        return nodes.concat(this.switched(name, ends));
      }
      const node = this.scripted(nodes);
      if (node) nodes.push(node);
    }
    return nodes;
  }

  infix(above, name, ends) {
    const below = this.inside(() => this.row(ends));
    const parts = [texRow(above), texRow(below)];
    if (name === "\\over") return texNode("mfrac", {}, parts);
    const stack = texNode("mfrac", { linethickness: "0" }, parts);
    return name === "\\choose" ? texFenced("(", [stack], ")") : stack;
  }

  switched(name, ends) {
    if (TEX_SWITCHES.has(name)) {
      this.font = name;
      return this.inside(() => this.row(ends));
    }
    const size = { scriptstyle: "1", scriptscriptstyle: "2" }[name] ?? "0";
    const style = { displaystyle: String(name === "displaystyle"), scriptlevel: size };
    return [texNode("mstyle", style, this.inside(() => this.row(ends)))];
  }

  // One thing with what hangs on it. `before` is what stands to its left.
  scripted(before) {
    const base = this.atom(before);
    let limits = base?.texLimits ?? false;
    let sub = null;
    let sup = null;
    let primes = 0;
    for (let token = this.peek(); ; token = this.peek()) {
      if (token === "\\limits" || token === "\\nolimits") limits = this.next() === "\\limits";
      else if (token === "'") primes += this.next().length;
      else if (token === "^" && !sup) [, sup] = [this.next(), this.argument()];
      else if (token === "_" && !sub) [, sub] = [this.next(), this.argument()];
      else if (token === "^" || token === "_") throw new TexError("two of a script");
      else break;
    }
    if (primes) {
      const mark = texNode("mo", { lspace: "0", rspace: "0" }, ["", "′", "″", "‴"][primes] ?? "′".repeat(primes));
      sup = sup ? texRow([mark, sup]) : mark;
    }
    return sub || sup ? texScripts(base ?? texNode("mrow", {}), sub, sup, limits) : base;
  }

  // What belongs to a command or a script: a group, or one thing; of a number its first digit.
  argument() {
    const token = this.peek();
    if (token !== undefined && /^[0-9]./.test(token)) {
      this.tokens[this.at] = token.slice(1);
      return texNode("mn", {}, token[0]);
    }
    if (token === "^" || token === "_" || token === "'") throw new TexError("an argument is missing");
    return this.inside(() => this.atom([])) ?? texNode("mrow", {});
  }

  // An argument in square brackets, if there is one.
  option() {
    if (this.peek() !== "[") return null;
    this.next();
    const nodes = this.inside(() => this.row(TEX_BRACKET_ENDS));
    this.expect("]");
    return texRow(nodes);
  }

  // An argument as it is written.
  raw() {
    if (this.peek() !== "{") return this.next();
    this.next();
    const start = this.at;
    for (let open = 1; this.at < this.tokens.length; this.at += 1) {
      open += (this.tokens[this.at] === "{") - (this.tokens[this.at] === "}");
      if (open === 0) {
        this.at += 1;
        return this.tokens.slice(start, this.at - 1).join("");
      }
    }
    throw new TexError("} is missing");
  }

  group() {
    const nodes = this.inside(() => this.row(TEX_GROUP_ENDS));
    this.expect("}");
    if (nodes.length === 1 && nodes[0].localName === "mo" && !nodes[0].texLimits) {
      nodes[0].setAttribute("lspace", "0"); // as in 1{,}000
      nodes[0].setAttribute("rspace", "0");
    }
    return texRow(nodes);
  }

  atom(before) {
    const token = this.peek();
    if (token === "^" || token === "_" || token === "'") return null;
    this.next();
    if (token === "{") return this.group();
    if (token[0] === "\\" && token.length > 1) return texCommand(this, token.slice(1), before);
    if (/^[0-9]/.test(token)) {
      const styled = TEX_ALPHABETS[this.font]?.[2];
      return texNode("mn", {}, styled ? [...token].map((each) => texLetter(each, this.font).textContent).join("") : token);
    }
    if ("}&$\\".includes(token)) throw new TexError(`${token} has no business here`);
    if (token === "~") return texSpace(0.25);
    if (/^[\p{Script=Latin}\p{Script=Greek}\p{No}]$/u.test(token)) return texLetter(token, this.font);
    if (/^[\p{S}\p{P}]$/u.test(token)) return texOperator(TEX_FIXED.get(token) ?? token);
    return texNode("mtext", {}, token);
  }

  // The rows of a table, each a list of cells, each a list of nodes; what ends the table is left.
  rows(ends) {
    const rows = [[]];
    for (;;) {
      rows.at(-1).push(this.inside(() => this.row(ends)));
      const token = this.peek();
      if (token === "&") this.next();
      else if (token !== undefined && ends.has(token) && token !== "\\end") {
        this.next();
        if (this.tokens[this.at] === "[" && /^[-0-9.]/.test(this.tokens[this.at + 1] ?? "")) this.option();
        rows.push([]);
      } else break;
    }
    const last = rows.at(-1);
    if (rows.length > 1 && last.length === 1 && last[0].length === 0) rows.pop(); // after a last \\
    return rows;
  }

  environment() {
    const name = this.raw();
    const found = TEX_ENVIRONMENTS.get(name);
    if (!found) throw new TexError(`the environment ${name}`);
    const placed = /^[tcb]$/.test(this.tokens[this.at + 1] ?? "") && this.tokens[this.at + 2] === "]";
    if (this.tokens[this.at] === "[" && placed) this.at += 3;
    const argument = found.argument ? this.raw() : "";
    const columns = found.joined ? "" : argument.replace(/[^lcr]/g, "");
    const rows = this.rows(TEX_CELL_ENDS);
    this.expect("\\end");
    if (this.raw() !== name) throw new TexError("another environment ends");
    if (found.plain && rows.length === 1 && rows[0].length === 1) return texRow(rows[0][0]);
    const table = texTable(rows, { ...found, columns: columns || found.columns });
    return found.open || found.close ? texFenced(found.open, [table], found.close) : table;
  }
}

function texScripts(base, sub, sup, limits) {
  if (limits) {
    if (sub && sup) return texNode("munderover", {}, base, sub, sup);
    return sub ? texNode("munder", {}, base, sub) : texNode("mover", {}, base, sup);
  }
  if (sub && sup) return texNode("msubsup", {}, base, sub, sup);
  return sub ? texNode("msub", {}, base, sub) : texNode("msup", {}, base, sup);
}

function texFenced(open, nodes, close) {
  const mark = (text, form) => texNode("mo", { fence: "true", stretchy: "true", form, lspace: "0", rspace: "0" }, text);
  return texNode("mrow", {}, open ? mark(open, "prefix") : [], nodes, close ? mark(close, "postfix") : []);
}

function texTable(rows, { columns, display = false, joined = false }) {
  const made = rows.map((cells) => {
    const nodes = cells.map((cell, at) => {
      const column = columns[Math.min(at, columns.length - 1)];
      return texNode("mtd", { class: `tex-${joined ? columns[at % columns.length] : column}` }, cell);
    });
    return texNode("mtr", {}, nodes);
  });
  return texNode("mtable", { class: joined ? "tex-joined" : "tex-table", ...(display && { displaystyle: "true" }) }, made);
}

// A formula as a <math> element. Raises TexError for what is not understood.
function texToMath(source, display) {
  if (source.length > TEX_LONGEST) throw new TexError("too long");
  const content = new TexParser(source).top();
  return texNode("math", { ...(display && { display: "block" }), alttext: source.trim() }, content);
}

// A formula drawn, or its source as it stands in the text where it is not understood.
function renderTex(source, display, original) {
  let made;
  try {
    made = texToMath(source, display);
  } catch (error) {
    if (!(error instanceof TexError)) console.error(error);
    made = document.createElement("code");
    made.className = "tex-source";
    made.textContent = original;
    return made;
  }
  if (!display) return made;
  const box = document.createElement("div");
  box.className = "tex-block";
  box.append(made);
  return box;
}
