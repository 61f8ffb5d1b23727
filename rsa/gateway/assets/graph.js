// The populations: steps from left to right, slots from top to bottom, in several columns where they are many. All edges are
// one faint path, those to the ancestors of the chosen chain another one for each distance.

const GRAPH = { rows: 16, pitch: 30, gap: 56, top: 46, left: 14, depths: 4, many: 500 };
const STATES = {
  unneeded: "not needed", waiting: "waiting", running: "being written", ok: "done", truncated: "cut off", dead: "dead",
  missing: "never made",
};
const CROSS = "M-6-4L-4-6L0-2L4-6L6-4L2 0L6 4L4 6L0 2L-4 6L-6 4L-2 0Z";

const placed = (step, slot) => `${step}/${slot}`;

class Graph {
  // `open(step, slot)` is called when somebody chooses a chain.
  constructor(sizes, open) {
    this.sizes = sizes;
    this.open = open;
    this.nodes = new Map();
    this.drawn = new Map(); // by place, what of a node was drawn last
    this.place();
    const { width, height } = this;
    const view = { viewBox: `0 0 ${width} ${height}`, width, height, class: "graph", role: "group" };
    this.all = draw("path", { class: "edges" });
    this.kin = Array.from({ length: GRAPH.depths }, (_, depth) => draw("path", { class: `edges kin-${depth + 1}` }));
    this.heads = sizes.map((_, at) => this.head(at + 1));
    const nodes = sizes.flatMap((size, at) => Array.from({ length: size }, (_, slot) => this.node(at + 1, slot)));
    this.svg = draw("svg", view, this.all, ...this.kin, ...this.heads, ...nodes);
    this.svg.setAttribute("aria-label", "Chains by step and slot. The arrow keys move, Enter reads.");
    this.svg.addEventListener("click", (event) => this.clicked(event));
    this.svg.addEventListener("keydown", (event) => this.pressed(event));
    this.tab("1/0");
  }

  place() {
    this.rows = Math.min(GRAPH.rows, Math.max(1, ...this.sizes));
    let x = GRAPH.left;
    this.columns = this.sizes.map((size) => {
      const start = x;
      x += Math.ceil(size / this.rows) * GRAPH.pitch + GRAPH.gap;
      return { start, middle: (start + x - GRAPH.gap) / 2 };
    });
    this.width = x - GRAPH.gap + GRAPH.left;
    this.height = GRAPH.top + this.rows * GRAPH.pitch + 4;
  }

  at(step, slot) {
    const x = this.columns[step - 1].start + (Math.floor(slot / this.rows) + 0.5) * GRAPH.pitch;
    return [x, GRAPH.top + ((slot % this.rows) + 0.5) * GRAPH.pitch];
  }

  head(step) {
    const x = this.columns[step - 1].middle;
    const text = (y, kind) => draw("text", { x, y, class: kind, "text-anchor": "middle" });
    const node = draw("g", { "aria-hidden": "true" }, text(14, "step"), text(31, "share"));
    node.firstChild.textContent = this.sizes.length > 8 ? step : `step ${step}`;
    return node;
  }

  node(step, slot) {
    const [x, y] = this.at(step, slot);
    const shared = { role: "button", tabindex: "-1", "aria-pressed": "false", "data-place": placed(step, slot) };
    const node = draw("g", { ...shared, class: "chain", transform: `translate(${x} ${y})` });
    this.nodes.set(placed(step, slot), node);
    return node;
  }

  // `run` knows of each place its state, its chain if there is one, its parents and whether it answers (see run.js).
  // Gives what explains the signs.
  update(run) {
    const looks = [];
    for (const [key, node] of this.nodes) {
      const [step, slot] = key.split("/").map(Number);
      const look = run.look(step, slot);
      looks.push(look);
      const kind = JSON.stringify(look);
      if (this.drawn.get(key) === kind) continue;
      this.drawn.set(key, kind);
      node.setAttribute("aria-label", look.label);
      node.replaceChildren(draw("title", {}, look.label), ...shapes(look));
    }
    this.heads.forEach((head, at) => { head.lastChild.textContent = run.share(at + 1); });
    const edges = run.edges();
    this.all.setAttribute("d", this.path(edges));
    this.svg.classList.toggle("many", edges.length > GRAPH.many);
    this.trace(run);
    return key(looks);
  }

  path(edges) {
    return edges.map(([step, parent, slot]) => {
      const [[x, y], [toX, toY]] = [this.at(step - 1, parent), this.at(step, slot)];
      const bend = (toX - x) / 2;
      return `M${x + 10} ${y}C${x + bend} ${y} ${toX - bend} ${toY} ${toX - 10} ${toY}`;
    }).join("");
  }

  // The ancestors of the chosen chain, or of the one that answers.
  trace(run) {
    const origin = this.chosen ?? run.answering();
    const levels = origin ? run.ancestry(...origin) : [];
    this.kin.forEach((path, depth) => {
      const last = depth === GRAPH.depths - 1;
      path.setAttribute("d", this.path((last ? levels.slice(depth) : levels.slice(depth, depth + 1)).flat()));
    });
  }

  choose(step, slot, run) {
    if (this.chosen) this.nodes.get(placed(...this.chosen))?.setAttribute("aria-pressed", "false");
    this.chosen = [step, slot];
    const key = placed(step, slot);
    this.nodes.get(key).setAttribute("aria-pressed", "true");
    this.tab(key);
    this.trace(run);
  }

  // The one chain that the Tab key reaches.
  tab(key) {
    this.nodes.get(this.tabbed)?.setAttribute("tabindex", "-1");
    this.tabbed = key;
    this.nodes.get(key)?.setAttribute("tabindex", "0");
  }

  clicked(event) {
    const node = event.target.closest("[data-place]");
    if (node) this.go(...node.dataset.place.split("/").map(Number));
  }

  go(step, slot) {
    this.open(step, slot);
    this.nodes.get(placed(step, slot)).focus();
  }

  pressed(event) {
    const node = event.target.closest("[data-place]");
    if (!node || event.ctrlKey || event.altKey || event.metaKey) return;
    const [step, slot] = node.dataset.place.split("/").map(Number);
    if (event.key === "Enter" || event.key === " ") {
      this.open(step, slot, true);
    } else {
      const target = this.beside(event.key, step, slot);
      if (!target) return;
      this.go(...target);
    }
    event.preventDefault();
  }

  beside(key, step, slot) {
    const last = this.sizes[step - 1] - 1;
    const moves = {
      ArrowUp: [step, slot - 1], ArrowDown: [step, slot + 1], ArrowLeft: [step - 1, slot], ArrowRight: [step + 1, slot],
      Home: [step, 0], End: [step, last],
    };
    const [to, at] = moves[key] ?? [0, 0];
    const size = this.sizes[to - 1];
    return size === undefined || at < 0 || (to === step && at > last) ? null : [to, Math.min(at, size - 1)];
  }
}

// What the signs of states mean, of those that there are.
function key(looks) {
  const plain = { letter: "", bare: false, answers: false };
  const signs = Object.keys(STATES).filter((state) => state !== "ok" && looks.some((look) => look.state === state));
  const items = signs.map((state) => [STATES[state], { ...plain, state }]);
  const empty = { state: "ok", bare: true, letter: "–" };
  if (looks.some(({ letter }) => letter === empty.letter)) items.push(["no answer in it", empty]);
  if (looks.some(({ answers }) => answers)) items.push(["the answer", { ...plain, state: "ok", answers: true }]);
  const view = { viewBox: "-15 -15 30 30", "aria-hidden": "true", class: "graph" };
  return items.map(([words, look]) => make("li", {}, draw("svg", view, ...shapes(look)), words));
}

function shapes(look) {
  const parts = [draw("rect", { x: -14, y: -14, width: 28, height: 28, rx: 6, class: "back" })];
  if (look.answers) parts.push(draw("circle", { r: 13, class: "answers" }));
  if (look.state === "dead") return [...parts, draw("path", { d: CROSS, class: "dead" })];
  if (["unneeded", "missing"].includes(look.state)) return [...parts, draw("circle", { r: 2.5, class: "unneeded" })];
  if (look.state === "waiting" || look.state === "running") {
    const inside = look.state === "running" ? [draw("circle", { r: 4, class: "pulse" })] : [];
    return [...parts, draw("circle", { r: 9, class: look.state }), ...inside];
  }
  const letter = { y: 4, "text-anchor": "middle", class: look.bare ? "letter bare" : "letter" };
  parts.push(draw("circle", { r: 10, class: `done shade-${look.shade ?? (look.bare ? "empty" : "none")}` }));
  parts.push(draw("text", letter, look.letter));
  if (look.state === "truncated") parts.push(draw("path", { d: "M-8 11.5H8V13.5H-8Z", class: "cut" }));
  return parts;
}
