// The populations of a problem as a graph: steps from left to right, slots from top to bottom. Every outcome has a colour
// and a shape. Edges are drawn for the chosen chain only.

const GRAPH = { rows: 20, pitch: 27, gap: 46, top: 64, left: 60, edges: 90 };
const GRAPH_WORDS = {
  right: "right", wrong: "wrong", none: "no answer", error: "verdict failed", unjudged: "not judged", dead: "dead",
  accept: "accepts", reject: "rejects", truncated: "truncated",
};
// Each in a square from -8 to 8.
const GRAPH_SHAPES = {
  right: "M0-7.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 1 1 0-15Z",
  wrong: "M-6.5-6.5H6.5V6.5H-6.5Z",
  none: "M0-8L8 6H-8ZM0-3.6L-4.2 3.8H4.2Z",
  error: "M0-8.5L8.5 0L0 8.5L-8.5 0ZM0-5L-5 0L0 5L5 0Z",
  unjudged: "M0-3a3 3 0 1 1 0 6a3 3 0 1 1 0-6Z",
  dead: "M-7-5L-5-7L0-2L5-7L7-5L2 0L7 5L5 7L0 2L-5 7L-7 5L-2 0Z",
  accept: "M-7.5 0L-5.2-2.3L-2 1L5.2-6.2L7.5-4L-2 5.5Z",
  reject: "M-7.5-2H7.5V2H-7.5Z",
  truncated: "M-8 9.4H8V11.4H-8Z",
};

function graphNode(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// The sign of a state, to stand in running text.
function graphSign(state) {
  const shape = graphNode("path", { d: GRAPH_SHAPES[state], "fill-rule": "evenodd" });
  const view = { viewBox: "-10 -10 20 20", class: `chain-sign state-${state}`, "aria-hidden": "true", focusable: "false" };
  return graphNode("svg", view, shape);
}

// Texts of models in labels: no control characters and none that turn the direction of what stands around them.
function graphPlain(text, length = 60) {
  const plain = String(text).replace(/[\p{Cc}\p{Cf}\p{Cs}\s]+/gu, " ").trim();
  const points = [...plain];
  return points.length > length ? `${points.slice(0, length).join("")}…` : plain;
}

function graphKey(step, slot) {
  return `${step}/${slot}`;
}

// What a chain is called for those who do not see it.
function graphLabel(chain, answers) {
  const judges = chain.state === "accept" || chain.state === "reject";
  const target = judges ? ` slot ${chain.parents[0]}` : "";
  const words = [`step ${chain.step} slot ${chain.slot}`, `${GRAPH_WORDS[chain.state]}${target}`];
  if (chain.status === "truncated") words.push("truncated");
  if (chain.verdict?.answer !== undefined) words.push(`answer ${graphPlain(chain.verdict.answer)}`);
  if (chain.parents.length && !judges) words.push(`reads ${chain.parents.join(", ")}`);
  if (answers) words.push("the run's answer");
  return words.join(", ");
}

class ChainGraph {
  // `open(step, slot)` is called when somebody chooses a chain, or a population where the slot is null.
  constructor(block, run, answer, open) {
    this.block = block;
    this.run = run;
    this.answer = answer;
    this.open = open;
    this.chains = new Map(block.chains.map((chain) => [graphKey(chain.step, chain.slot), chain]));
    this.children = new Map();
    for (const chain of block.chains) {
      for (const parent of chain.parents) {
        const key = graphKey(chain.step - 1, parent);
        if (!this.children.has(key)) this.children.set(key, []);
        this.children.get(key).push(chain.slot);
      }
    }
    this.nodes = new Map();
    this.place();
    this.draw();
  }

  // Where the steps stand, and how many rows a step takes: a population that is longer than a column takes several.
  place() {
    this.rows = Math.min(GRAPH.rows, Math.max(1, ...this.run.sizes));
    let x = GRAPH.left;
    this.columns = this.run.sizes.map((size) => {
      const start = x + GRAPH.pitch / 2;
      const width = Math.ceil(Math.max(1, size) / this.rows) * GRAPH.pitch;
      x += width + GRAPH.gap;
      return { start, middle: start + (width - GRAPH.pitch) / 2 };
    });
    this.width = x - GRAPH.gap + 24;
    this.height = GRAPH.top + this.rows * GRAPH.pitch + 6;
  }

  at(step, slot) {
    const column = this.columns[step - 1];
    const x = column.start + Math.floor(slot / this.rows) * GRAPH.pitch;
    return [x, GRAPH.top + (slot % this.rows) * GRAPH.pitch + GRAPH.pitch / 2];
  }

  draw() {
    const { width, height } = this;
    const view = { viewBox: `0 0 ${width} ${height}`, width, height, class: "chain-graph" };
    this.edges = graphNode("g", { class: "chain-edges", "aria-hidden": "true" });
    const heads = this.run.sizes.map((_, number) => this.head(number + 1));
    const column = (size, number) => Array.from({ length: size }, (_, slot) => this.slot(number + 1, slot));
    const slots = this.run.sizes.flatMap(column);
    this.svg = graphNode("svg", { ...view, role: "group" }, this.labels(), this.edges, ...heads, ...slots);
    this.svg.setAttribute("aria-label", "Chains by step and slot. Arrow keys move, Enter opens.");
    this.svg.addEventListener("click", (event) => this.chosen(event));
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.tab(this.nodes.keys().next().value);
  }

  labels() {
    const every = this.rows > 8 ? 4 : 1;
    const rows = Array.from({ length: this.rows }, (_, slot) => slot).filter((slot) => slot % every === 0);
    const text = (slot) => graphNode("text", { x: 4, y: this.at(1, slot)[1] + 4, class: "chain-row" }, String(slot));
    const heads = [["step", 15], ["right", 33], ["vote", 51]];
    const named = heads.map(([name, y]) => graphNode("text", { x: 4, y, class: "chain-row" }, name));
    return graphNode("g", { "aria-hidden": "true" }, ...named, ...rows.map(text));
  }

  head(step) {
    const told = graphPopulation(this.block.steps[step - 1]);
    const { start, middle } = this.columns[step - 1];
    const width = (middle - start) * 2 + GRAPH.pitch + GRAPH.gap - 8;
    const text = (y, kind, content) => graphNode("text", { x: middle, y, class: kind, "text-anchor": "middle" }, content);
    const area = { x: middle - width / 2, y: 1, width, height: GRAPH.top - 8, rx: 5 };
    const back = graphNode("rect", { ...area, class: "chain-back" });
    const state = told.won === undefined ? "none" : told.won ? "right" : "wrong";
    const parts = [back, text(15, "chain-step", String(step)), text(33, "chain-share", told.share)];
    const answer = told.won === undefined ? "" : viewerShort(told.answer, Math.floor(width / 9));
    parts.push(text(51, `chain-vote state-${state}`, answer), graphNode("title", {}, told.words));
    const shared = { class: "chain-head", role: "button", tabindex: "-1", "aria-pressed": "false" };
    const node = graphNode("g", { ...shared, "aria-label": `step ${step}: ${told.words}` }, ...parts);
    this.keep(node, step, "head");
    return node;
  }

  slot(step, slot) {
    const [x, y] = this.at(step, slot);
    const chain = this.chains.get(graphKey(step, slot));
    if (!chain) return graphNode("circle", { cx: x, cy: y, r: 2, class: "chain-missing", "aria-hidden": "true" });
    const answers = this.answer[0] === step && this.answer[1] === slot;
    const label = graphLabel(chain, answers);
    const back = graphNode("rect", { x: -13, y: -13, width: 26, height: 26, rx: 6, class: "chain-back" });
    const parts = [graphNode("title", {}, label), back];
    if (answers) parts.push(graphNode("circle", { r: 11.5, class: "chain-answer" }));
    parts.push(graphNode("path", { d: GRAPH_SHAPES[chain.state], "fill-rule": "evenodd" }));
    if (chain.status === "truncated") parts.push(graphNode("path", { d: GRAPH_SHAPES.truncated }));
    const shared = { role: "button", tabindex: "-1", "aria-pressed": "false", transform: `translate(${x} ${y})` };
    const node = graphNode("g", { ...shared, class: `chain state-${chain.state}`, "aria-label": label }, ...parts);
    this.keep(node, step, slot);
    return node;
  }

  keep(node, step, slot) {
    node.dataset.key = graphKey(step, slot);
    this.nodes.set(node.dataset.key, node);
  }

  // The one place that the Tab key reaches.
  tab(key) {
    this.nodes.get(this.tabbed)?.setAttribute("tabindex", "-1");
    this.tabbed = key;
    this.nodes.get(key)?.setAttribute("tabindex", "0");
  }

  choose(step, slot) {
    this.nodes.get(this.pressed)?.setAttribute("aria-pressed", "false");
    this.pressed = graphKey(step, slot ?? "head");
    const node = this.nodes.get(this.pressed);
    node?.setAttribute("aria-pressed", "true");
    if (node && !this.svg.contains(document.activeElement)) this.tab(this.pressed); // else a key has moved on already
    this.edges.replaceChildren(...(slot === null || !node ? [] : this.lineage(step, slot)));
  }

  chosen(event) {
    const node = event.target.closest("[data-key]");
    if (!node) return;
    const [step, slot] = node.dataset.key.split("/");
    this.tab(node.dataset.key);
    node.focus({ preventScroll: true });
    this.open(Number(step), slot === "head" ? null : Number(slot));
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.tabbed) return;
    if (event.key === "Enter" || event.key === " ") this.chosen(event);
    else {
      const target = this.beside(event.key);
      if (target === undefined) return;
      this.tab(target);
      this.nodes.get(target).focus();
    }
    event.preventDefault();
  }

  // The chain that a key leads to; the present one at an edge, undefined for other keys.
  beside(key) {
    const [step, at] = this.tabbed.split("/");
    const slot = at === "head" ? -1 : Number(at);
    const rows = this.rows;
    const row = slot < 0 ? -1 : slot % rows;
    const moves = {
      ArrowUp: () => this.nearest(Number(step), row === 0 ? -1 : slot - 1, -1),
      ArrowDown: () => this.nearest(Number(step), slot + 1, 1),
      ArrowRight: () => this.across(Number(step), slot, row, 1),
      ArrowLeft: () => this.across(Number(step), slot, row, -1),
      Home: () => this.nearest(Number(step), 0, 1),
      End: () => this.nearest(Number(step), this.run.sizes[step - 1] - 1, -1),
    };
    return moves[key] ? moves[key]() ?? this.tabbed : undefined;
  }

  // The first recorded chain of a step from a slot on, in one direction; -1 is the head.
  nearest(step, slot, direction) {
    for (let at = slot; at >= -1 && at < this.run.sizes[step - 1]; at += direction) {
      const key = graphKey(step, at < 0 ? "head" : at);
      if (this.nodes.has(key)) return key;
    }
    return undefined;
  }

  // The chain in the same row of the next column, be it of the same step or of another.
  across(step, slot, row, direction) {
    const inside = slot < 0 ? -1 : slot + direction * this.rows;
    if (inside >= 0 && this.nodes.has(graphKey(step, inside))) return graphKey(step, inside);
    const target = step + direction;
    if (target < 1 || target > this.run.sizes.length) return undefined;
    if (row < 0) return graphKey(target, "head");
    const size = this.run.sizes[target - 1];
    const last = direction < 0 ? Math.floor((size - 1) / this.rows) * this.rows : 0;
    return this.nearest(target, Math.min(last + row, size - 1), -1);
  }

  // The edges to the parents and children of a chain, and fainter ones further on as long as they are not too many to read.
  lineage(step, slot) {
    const edges = [];
    for (const direction of [-1, 1]) {
      let slots = [slot];
      for (let at = step, distance = 1; slots.length; at += direction, distance += 1) {
        const layer = slots.flatMap((from) => this.linked(at, from, direction).map((to) => [from, to]));
        if (edges.length + layer.length > GRAPH.edges && distance > 1) break;
        for (const [from, to] of layer) edges.push(this.edge(at, from, at + direction, to, distance));
        slots = [...new Set(layer.map(([, to]) => to))];
      }
    }
    return edges.reverse(); // the nearest last, and so on top
  }

  linked(step, slot, direction) {
    const key = graphKey(step, slot);
    const found = direction < 0 ? this.chains.get(key)?.parents : this.children.get(key);
    return (found ?? []).filter((other) => this.chains.has(graphKey(step + direction, other)));
  }

  edge(step, slot, otherStep, other, distance) {
    const ends = [this.at(step, slot), this.at(otherStep, other)].sort((a, b) => a[0] - b[0]);
    const [[x, y], [toX, toY]] = ends;
    const bend = Math.min(30, (toX - x) / 2);
    const path = `M${x + 11} ${y}C${x + 11 + bend} ${y} ${toX - 11 - bend} ${toY} ${toX - 11} ${toY}`;
    return graphNode("path", { d: path, class: `chain-edge distance-${Math.min(distance, 4)}` });
  }
}

// A population in words: the share that is right, and what its vote said.
function graphPopulation(step) {
  const { right = 0, wrong = 0, none = 0, error = 0, unjudged = 0 } = step.states;
  const judged = right + wrong + none;
  const words = [`${right} of ${judged} right`];
  if (none) words.push(`${none} without an answer`);
  if (error) words.push(`${error} verdicts failed`);
  if (unjudged) words.push(`${unjudged} not judged`);
  if (step.dead) words.push(`${step.dead} dead`);
  if (step.truncated) words.push(`${step.truncated} truncated`);
  if (step.missing) words.push(`${step.missing} not generated`);
  const told = { share: `${right}/${judged}` };
  const first = step.votes[0];
  if (first) {
    const cast = step.votes.reduce((sum, [, , slots]) => sum + slots.length, 0);
    [told.answer, told.won] = first;
    const outcome = `${viewerShort(told.answer, 60)}, which is ${told.won ? "right" : "wrong"}`;
    words.push(`the vote says ${outcome}, with ${first[2].length} of ${cast} votes`);
  }
  return { ...told, words: words.join(", ") };
}
