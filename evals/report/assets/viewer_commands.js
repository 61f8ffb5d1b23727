// The commands of TeX that take arguments, for math.js.

const TEX_SIZES = new Map([["big", 1.2], ["Big", 1.8], ["bigg", 2.4], ["Bigg", 3]]);
const TEX_UNITS = new Map([["em", 1], ["ex", 0.45], ["mu", 1 / 18], ["pt", 0.1], ["cm", 2.85], ["mm", 0.285], ["in", 7.2]]);

function texCommand(parser, name, before) {
  const known = TEX_HANDLERS.get(name);
  if (known) return known(parser, name, before);
  if (TEX_LETTERS.has(name)) return texLetter(TEX_LETTERS.get(name), parser.font);
  if (TEX_UPRIGHT.has(name)) return texLetter(TEX_UPRIGHT.get(name), parser.font === "bf" ? "bf" : "rm");
  if (TEX_LIMITED.has(name)) return texLimited(texNode("mo", {}, TEX_LIMITED.get(name)));
  if (TEX_INTEGRALS.has(name)) return texNode("mo", {}, TEX_INTEGRALS.get(name));
  if (TEX_OPERATORS.has(name)) return texOperator(TEX_OPERATORS.get(name));
  if (TEX_FUNCTIONS.has(name)) return texFunction(parser, name, before);
  if (TEX_LIMIT_FUNCTIONS.has(name)) {
    return texLimited(texFunction(parser, TEX_LIMIT_FUNCTIONS.get(name).replace("␣", "\u2009"), before, true));
  }
  if (TEX_SPACES.has(name)) return texSpace(TEX_SPACES.get(name));
  if (TEX_FONTS.has(name)) return texInFont(parser, TEX_FONTS.get(name));
  if (TEX_TEXTS.has(name)) return texRow(texWords(parser, TEX_TEXTS.get(name)));
  if (TEX_ACCENTS.has(name) || TEX_UNDER.has(name)) return texAccent(parser, name);
  if (TEX_ARROWS.has(name)) return texLongArrow(parser, TEX_ARROWS.get(name));
  const size = /^(bigg?|Bigg?)[lrm]?$/.exec(name);
  if (size) return texSized(texDelimiter(parser), TEX_SIZES.get(size[1]));
  if (!TEX_IGNORED.has(name)) throw new TexError(`\\${name} is not known`);
  for (let count = TEX_IGNORED.get(name); count > 0; count -= 1) parser.raw();
  return null;
}

function texLimited(node) {
  node.texLimits = true;
  return node;
}

// A function's name stands off from what it is applied to, but for brackets, and from a factor before it.
function texFunction(parser, text, before, movable = false) {
  const last = before.at(-1);
  const opens = ["(", "[", "\\left", "\\{", "\\bigl", "\\big", "\\Big", "\\Bigl"].includes(parser.peek());
  const space = { lspace: last && last.localName !== "mo" ? "0.1667em" : "0", rspace: opens ? "0" : "0.1667em" };
  return texNode("mo", { form: "prefix", ...(movable && { movablelimits: "true" }), ...space }, text);
}

function texInFont(parser, font) {
  const before = parser.font;
  parser.font = font;
  const made = parser.argument();
  parser.font = before;
  return made;
}

// The words of a \text{...}, with formulas in it.
function texWords(parser, style) {
  const nodes = [];
  let words = "";
  const flush = () => {
    const shown = words.replace(/\s+/g, " ").replace(/^ | $/g, "\u00a0");
    if (words) nodes.push(texNode("mtext", style === "rm" ? {} : { class: `tex-${style}` }, shown));
    words = "";
  };
  if (parser.peek() !== "{") return [texNode("mtext", {}, parser.raw())];
  parser.next();
  for (;;) {
    const token = parser.tokens[parser.at];
    if (token === undefined) throw new TexError("} is missing");
    parser.at += 1;
    const name = token[0] === "\\" ? token.slice(1) : "";
    if (token === "}") break;
    if (token === "$" || token === "\\(") {
      flush();
      nodes.push(texInWords(parser, token === "$" ? "$" : "\\)"));
    } else if (token === "{" || TEX_TEXTS.has(name)) {
      flush();
      if (token === "{") parser.at -= 1;
      nodes.push(texRow(parser.inside(() => texWords(parser, TEX_TEXTS.get(name) ?? style))));
    } else if (token === "~" || TEX_SPACES.has(name)) words += "\u00a0";
    else if (name === "\\") words += " ";
    else if (!name) words += token;
    else if (name.length === 1 && !/[a-zA-Z]/.test(name)) words += name;
    else {
      flush();
      nodes.push(texCommand(parser, name, []) ?? texNode("mrow", {}));
    }
  }
  flush();
  return nodes;
}

function texInWords(parser, end) {
  const stop = parser.tokens.indexOf(end, parser.at);
  if (stop < 0) throw new TexError(`${end} is missing`);
  const made = parser.inside(() => parser.row(new Set([end])));
  parser.expect(end);
  return texRow(made);
}

function texAccent(parser, name) {
  const above = TEX_ACCENTS.has(name);
  const base = parser.argument();
  const stretchy = String(TEX_STRETCHED.has(name));
  const mark = texNode("mo", { stretchy }, (above ? TEX_ACCENTS : TEX_UNDER).get(name));
  if (name === "overline" || name === "underline" || name === "underbar") {
    return texNode("mrow", { class: name === "overline" ? "tex-overline" : "tex-underline" }, base);
  }
  const tag = above ? "mover" : "munder";
  if (/brace|bracket/.test(name)) return texLimited(texNode(tag, {}, base, mark));
  return texNode(tag, above ? { accent: "true" } : { accentunder: "true" }, base, mark);
}

function texLongArrow(parser, arrow) {
  const padded = (node) => texNode("mrow", {}, texSpace(0.4), node, texSpace(0.4));
  const below = parser.option();
  const above = parser.argument();
  const mark = texNode("mo", { stretchy: "true" }, arrow);
  return below ? texNode("munderover", {}, mark, padded(below), padded(above)) : texNode("mover", {}, mark, padded(above));
}

// The sign behind \left, \right, \middle and \big; empty for a dot.
function texDelimiter(parser) {
  const token = parser.next();
  const plain = { ".": "", "<": "⟨", ">": "⟩" }[token];
  const sign = plain ?? (token[0] === "\\" ? TEX_OPERATORS.get(token.slice(1)) : token);
  if (sign === undefined || (sign && !TEX_FENCES.has(sign) && !"⟨⟩".includes(sign))) throw new TexError("no delimiter");
  return sign;
}

function texSized(sign, size) {
  if (!sign) return null;
  const attributes = { stretchy: "true", minsize: `${size}em`, maxsize: `${size}em`, lspace: "0", rspace: "0" };
  return texNode("mo", attributes, sign);
}

function texLeft(parser) {
  const open = texDelimiter(parser);
  let nodes = [];
  for (;;) {
    nodes = nodes.concat(parser.inside(() => parser.row(TEX_FENCE_ENDS)));
    const end = parser.next();
    const sign = texDelimiter(parser);
    if (end === "\\right") return texFenced(open, nodes, sign);
    if (sign) nodes.push(texNode("mo", { stretchy: "true", fence: "true" }, sign));
  }
}

function texFraction(parser, name) {
  const parts = [parser.argument(), parser.argument()];
  const stacked = name.includes("binom");
  let made = texNode("mfrac", stacked ? { linethickness: "0" } : {}, parts);
  if (stacked) made = texFenced("(", [made], ")");
  if (name[0] === "f" || name[0] === "b") return made;
  return texNode("mstyle", { displaystyle: String(name[0] !== "t"), scriptlevel: "0" }, made);
}

function texRoot(parser) {
  const degree = parser.option();
  const under = parser.argument();
  return degree ? texNode("mroot", {}, under, degree) : texNode("msqrt", {}, under);
}

function texModulo(parser, name) {
  const space = texSpace(name === "mod" ? 0.8 : 0.45);
  if (name === "pod") return texRow([space, texOperator("("), parser.argument(), texOperator(")")]);
  const sign = texNode("mo", { lspace: "0", rspace: "0.3333em", form: "prefix" }, "mod");
  if (name === "mod") return texRow([space, sign, parser.argument()]);
  return texRow([space, texOperator("("), sign, parser.argument(), texOperator(")")]);
}

function texNot(parser) {
  const node = parser.argument();
  const sign = node.textContent;
  const target = node.localName === "mo" || node.localName === "mi" ? node : null;
  if (!target) throw new TexError("\\not before no relation");
  target.textContent = TEX_NEGATED.get(sign) ?? `${sign}\u0338`;
  return target;
}

function texStacked(parser, name) {
  const mark = parser.argument();
  const base = parser.argument();
  return texNode(name === "underset" ? "munder" : "mover", {}, base, mark);
}

function texNamed(parser, name) {
  const limited = name.endsWith("*");
  const words = parser.inside(() => {
    parser.font = "rm";
    return parser.argument().textContent;
  });
  const made = texFunction(parser, words, [], limited);
  return limited ? texLimited(made) : made;
}

// A distance as TeX writes it, such as 1.5em or 3mu; unknown units are a TexError.
function texDistance(text) {
  const found = /^\s*(-?[0-9]*\.?[0-9]+)\s*([a-z]+)/.exec(text);
  if (!found || !TEX_UNITS.has(found[2])) throw new TexError("no distance");
  return Math.max(-3, Math.min(10, Number(found[1]) * TEX_UNITS.get(found[2])));
}

function texKern(parser) {
  const sign = parser.peek() === "-" ? parser.next() : "";
  const number = parser.next();
  let unit = parser.next();
  if (unit.length === 1) unit += parser.next();
  return texSpace(texDistance(`${sign}${number}${unit}`));
}

function texSubstack(parser) {
  const inner = new TexParser(parser.raw());
  inner.depth = parser.depth + 1;
  if (inner.depth > TEX_DEEPEST) throw new TexError("too deep");
  const rows = inner.rows(TEX_TOP_ENDS);
  if (inner.peek() !== undefined) throw new TexError("it goes on");
  return texTable(rows, { columns: "c" });
}

const texWrapped = (tag, attributes) => (parser) => texNode(tag, attributes, parser.argument());
const texSkipping = (count) => (parser) => {
  for (let at = 0; at < count; at += 1) parser.raw();
  return parser.argument();
};

const TEX_HANDLERS = new Map([
  ...["frac", "dfrac", "tfrac", "cfrac", "binom", "dbinom", "tbinom"].map((name) => [name, texFraction]),
  ...["pmod", "mod", "pod"].map((name) => [name, texModulo]),
  ...["overset", "underset", "stackrel"].map((name) => [name, texStacked]),
  ...["operatorname", "operatorname*"].map((name) => [name, texNamed]),
  ...["boxed", "fbox", "framebox"].map((name) => [name, texWrapped("mrow", { class: "tex-boxed" })]),
  ...["cancel", "bcancel", "xcancel", "sout"].map((name) => [name, texWrapped("mrow", { class: "tex-cancel" })]),
  ...["phantom", "hphantom", "vphantom"].map((name) => [name, texWrapped("mphantom", {})]),
  ...["hspace", "hspace*", "mspace"].map((name) => [name, (parser) => texSpace(texDistance(parser.raw()))]),
  ...["hskip", "kern", "mkern", "mskip"].map((name) => [name, texKern]),
  ...["textcolor", "colorbox"].map((name) => [name, texSkipping(1)]),
  ...["tag", "tag*"].map((name) => [name, (parser) => texRow([texSpace(2), texOperator("("),
    texNode("mtext", {}, parser.raw()), texOperator(")")])]),
  ...["smash", "mathbin", "mathrel"].map((name) => [name, (parser) => parser.argument()]),
  ["mathop", (parser) => texLimited(texRow([parser.argument()]))],
  ["cancelto", (parser) => {
    const target = parser.argument();
    return texNode("msup", {}, texNode("mrow", { class: "tex-cancel" }, parser.argument()), target);
  }],
  ["sqrt", texRoot],
  ["left", texLeft],
  ["not", texNot],
  ["substack", texSubstack],
  ["begin", (parser) => parser.environment()],
]);
