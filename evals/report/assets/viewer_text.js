// Light Markdown and TeX as DOM nodes. Nothing a model wrote is ever read as markup.

const TEXT_FENCE = /^[ \t]*(`{3,}|~{3,})([^`\n]*)$/;
const TEXT_ITEM = /^([ \t]*)([-*+•]|[0-9]{1,9}[.)])[ \t]+/;
const TEXT_HEADING = /^ {0,3}(#{1,6})[ \t]+/;
const TEXT_RULE = /^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const TEXT_QUOTE = /^ {0,3}>[ \t]?/;
const TEXT_COLUMNS = /^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const TEXT_DEEPEST = 8; // lists in lists, emphasis in emphasis

// Children may be lists of nodes, of any length: a call with that many arguments would fail.
function textNode(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const child of children.flat()) node.append(child);
  return node;
}

// A text as a fragment of nodes: code between fences as it is, everything else as Markdown with formulas.
function renderText(text) {
  const fragment = document.createDocumentFragment();
  let fence = null;
  let lines = [];
  const flush = () => {
    const content = lines.join("\n");
    if (fence !== null) fragment.append(textNode("pre", "text-code", textNode("code", "", content)));
    else if (content.trim()) new BlockWriter(fragment).write(textLines(new TextScanner(content).pieces()));
    lines = [];
  };
  for (const line of text.replace(/\r\n?/g, "\n").split("\n")) {
    const match = TEXT_FENCE.exec(line);
    const closes = fence !== null && match && !match[2].trim() && match[1].startsWith(fence);
    if (closes || (fence === null && match)) {
      flush();
      fence = closes ? null : match[1];
    } else lines.push(line);
  }
  if (lines.length) flush();
  return fragment;
}

class BlockWriter {
  constructor(target) {
    this.target = target;
    this.lists = []; // { indent, list }, the innermost last
    this.paragraph = [];
    this.blank = false; // whether the line before was blank
  }

  write(lines) {
    for (let at = 0; at < lines.length; at += 1) {
      const line = lines[at];
      const start = typeof line[0] === "string" ? line[0] : "";
      if (line.length === 0 || (line.length === 1 && start.trim() === "" && start)) {
        this.flush();
        this.blank = true;
        continue;
      }
      const rows = this.tableRows(lines, at);
      if (rows) at += rows;
      else this.line(line, start);
      this.blank = false;
    }
    this.flush();
  }

  line(line, start) {
    const alone = line.length === 1;
    const heading = TEXT_HEADING.exec(start);
    const item = TEXT_ITEM.exec(start);
    if (heading) {
      this.leave();
      const made = textNode("div", `text-heading text-heading-${heading[1].length}`, textInline(textWithout(line, heading)));
      made.setAttribute("role", "heading");
      made.setAttribute("aria-level", "6");
      this.target.append(made);
    } else if (alone && TEXT_RULE.test(start)) {
      this.leave();
      this.target.append(document.createElement("hr"));
    } else if (item) {
      this.flush();
      this.item(item);
      this.paragraph.push(textWithout(line, item));
    } else if (TEXT_QUOTE.test(start)) {
      this.leave();
      const inside = textInline(textWithout(line, TEXT_QUOTE.exec(start)));
      const before = this.target.lastChild;
      if (!this.blank && before?.localName === "blockquote") before.append("\n", textNode("span", "", inside));
      else this.target.append(textNode("blockquote", "", inside));
    } else {
      if (this.blank && !/^[ \t]{2,}/.test(start)) this.leave();
      this.paragraph.push(this.lists.length ? textWithout(line, /^[ \t]*/.exec(start)) : line);
    }
  }

  // The paragraph that was collected, put where it belongs.
  flush() {
    if (this.paragraph.length) {
      const pieces = this.paragraph.flatMap((line, number) => (number ? ["\n", ...line] : line));
      const place = this.lists.at(-1)?.list.lastChild ?? this.target;
      place.append(textNode("div", "text-paragraph", textInline(pieces)));
    }
    this.paragraph = [];
  }

  leave() {
    this.flush();
    this.lists = [];
  }

  item([, space, marker]) {
    const indent = space.replace(/\t/g, "    ").length;
    const number = /^[0-9]/.test(marker) ? Number.parseInt(marker, 10) : null;
    const tag = number === null ? "ul" : "ol";
    while (this.lists.length && indent < this.lists.at(-1).indent) this.lists.pop();
    const last = this.lists.at(-1);
    if (last && last.list.localName !== tag && indent < last.indent + 2) this.lists.pop();
    const around = this.lists.at(-1);
    const deeper = !around || indent >= around.indent + 2;
    if (deeper && this.lists.length < TEXT_DEEPEST) {
      const list = document.createElement(tag);
      (around ? around.list.lastChild : this.target).append(list);
      this.lists.push({ indent, list });
    }
    const made = document.createElement("li");
    if (number !== null) made.value = number;
    this.lists.at(-1).list.append(made);
  }

  // How many lines after the first a table takes; 0 where none begins.
  tableRows(lines, at) {
    const below = lines[at + 1];
    const ruled = below?.length === 1 && typeof below[0] === "string" && TEXT_COLUMNS.test(below[0]);
    if (!ruled || !below[0].includes("|") || !textHasBar(lines[at])) return 0;
    this.leave();
    let end = at + 2;
    while (end < lines.length && textHasBar(lines[end])) end += 1;
    const row = (line, tag) => textNode("tr", "", textCells(line).map((cell) => textNode(tag, "", textInline(cell))));
    const body = lines.slice(at + 2, end).map((line) => row(line, "td"));
    const table = textNode("table", "", textNode("thead", "", row(lines[at], "th")), textNode("tbody", "", body));
    this.target.append(textNode("div", "text-table", table));
    return end - at - 1;
  }
}

function textWithout(line, match) {
  if (!match[0]) return line;
  const rest = line[0].slice(match[0].length);
  return rest ? [rest, ...line.slice(1)] : line.slice(1);
}

function textHasBar(line) {
  return line.some((piece) => typeof piece === "string" && piece.includes("|"));
}

function textCells(line) {
  const cells = [[]];
  for (const piece of line) {
    if (typeof piece !== "string") cells.at(-1).push(piece);
    else {
      piece.split("|").forEach((part, number) => {
        if (number) cells.push([]);
        if (part.trim()) cells.at(-1).push(part.trim());
      });
    }
  }
  if (!cells[0].length) cells.shift();
  if (cells.length && !cells.at(-1).length) cells.pop();
  return cells;
}

// The nodes of a paragraph: emphasis, code and formulas.
function textInline(pieces) {
  const writer = new InlineWriter();
  const cut = (piece) => (typeof piece === "string" ? piece.match(/\*{1,3}|[^*]+/g) ?? [] : [piece]);
  const tokens = textMerged(pieces).flatMap(cut);
  tokens.forEach((token, at) => {
    if (token[0] === "*") writer.marks(token, textEdge(tokens[at - 1], -1), textEdge(tokens[at + 1], 0));
    else if (typeof token === "string") writer.nodes.push(document.createTextNode(token));
    else writer.nodes.push(textPiece(token));
  });
  return textKept(textTrimmed(writer.nodes));
}

// Formulas with the punctuation behind them, which must not begin a line.
function textKept(nodes) {
  return nodes.map((node, at) => {
    const next = nodes[at + 1];
    const sign = node.localName === "math" && next?.nodeType === Node.TEXT_NODE ? /^[,.;:!?)\]]+/.exec(next.data) : null;
    if (!sign) return node;
    next.data = next.data.slice(sign[0].length);
    return textNode("span", "tex-kept", node, sign[0]);
  });
}

function textMerged(pieces) {
  const merged = [];
  for (const piece of pieces) {
    if (typeof piece === "string" && typeof merged.at(-1) === "string") merged.push(merged.pop() + piece);
    else merged.push(piece);
  }
  return merged;
}

// The character of a neighbour that touches a mark.
function textEdge(token, at) {
  if (token === undefined) return " ";
  return typeof token === "string" ? token.at(at) : "(";
}

function textPiece(piece) {
  if (piece.code !== undefined) return textNode("code", "", piece.code);
  if (piece.literal !== undefined) return document.createTextNode(piece.literal);
  return renderTex(piece.tex, piece.display, piece.source);
}

class InlineWriter {
  constructor() {
    this.nodes = [];
    this.open = { "*": [], "**": [] }; // where marks stand that are not closed
  }

  marks(run, before, after) {
    const closing = this.open["*"].length && this.open["**"].length;
    const marks = run.length < 3 ? [run] : closing ? ["*", "**"] : ["**", "*"];
    for (const mark of marks) this.mark(mark, before, after);
  }

  mark(mark, before, after) {
    const starts = !/[\p{L}\p{N}]/u.test(before);
    const opens = !/\s/.test(after) && starts;
    const closes = !/\s/.test(before) && (mark === "**" || !/[\p{L}\p{N}]/u.test(after));
    const from = closes ? this.open[mark].pop() : undefined;
    if (from !== undefined) {
      const inside = this.nodes.splice(from).slice(1);
      this.nodes.push(textNode(mark === "*" ? "em" : "strong", "", inside));
      for (const marks of Object.values(this.open)) while (marks.length && marks.at(-1) >= from) marks.pop();
      return;
    }
    if (opens && this.open[mark].length < TEXT_DEEPEST) this.open[mark].push(this.nodes.length);
    this.nodes.push(document.createTextNode(mark));
  }
}

// Without the line breaks around displayed formulas, which stand on lines of their own.
function textTrimmed(nodes) {
  nodes.forEach((node, at) => {
    if (node.className !== "tex-block") return;
    const [before, after] = [nodes[at - 1], nodes[at + 1]];
    if (before?.nodeType === Node.TEXT_NODE) {
      const line = before.data.lastIndexOf("\n");
      if (line >= 0 && before.data.slice(line).trim() === "") before.data = before.data.slice(0, line);
    }
    if (after?.nodeType === Node.TEXT_NODE) after.data = after.data.replace(/^[ \t]*\n/, "");
  });
  return nodes;
}
