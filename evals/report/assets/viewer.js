// The chain viewer. What it shows is named by the address: #run/problem/repeat/step/slot. Whoever wants to see something
// else changes the address; so links, the back button and links from outside do the same.

const VIEWER_LEGEND = ["right", "wrong", "none", "dead", "error", "unjudged", "truncated"];

class ChainViewer {
  constructor(root, index) {
    this.root = root;
    this.index = index;
    this.blocks = new ViewerBlocks();
    this.asked = 0; // counts what was asked for: a block that comes after another was wanted is not shown
    this.view = null;
    this.list = new ProblemList(index, (problem, repeat) => this.go({ problem, repeat, step: null, slot: null }));
    this.panel = new ChainPanel();
    this.build();
    window.addEventListener("hashchange", () => this.follow());
  }

  build() {
    const { runs } = this.index;
    const twice = (run) => runs.some((other) => other !== run && other.name === run.name);
    const names = runs.map((run) => (twice(run) ? `${run.name} ${run.model}` : run.name));
    const select = (label, change) => viewerNode("select", { "aria-label": label, change });
    this.runs = select("Run", () => this.changeRun(Number(this.runs.value)));
    this.runs.append(...names.map((name, run) => viewerNode("option", { value: run }, graphPlain(name))));
    this.repeats = select("Repeat", () => this.go({ repeat: Number(this.repeats.value), slot: null, step: null }));
    const field = (label, control) => viewerNode("label", { class: "viewer-field" }, viewerNode("span", {}, label), control);
    this.runField = field("Run", this.runs);
    this.repeatField = field("Repeat", this.repeats);
    this.runField.hidden = runs.length < 2;
    this.title = viewerNode("h3", { class: "viewer-title", tabindex: "-1" });
    this.canvas = viewerNode("div", { class: "viewer-canvas" });
    this.legend = viewerNode("ul", { class: "viewer-legend", "aria-label": "Signs" });
    const side = viewerNode("div", { class: "viewer-side" }, this.runField, ...this.list.parts);
    const top = viewerNode("div", { class: "viewer-bar" }, this.title, this.repeatField);
    const main = viewerNode("div", { class: "viewer-main" }, top, this.canvas, this.legend, this.panel.node);
    this.root.replaceChildren(viewerNode("div", { class: "viewer" }, side, main));
  }

  // To another place, of which what is not named stays.
  go(change) {
    const { run, problem, repeat, step, slot } = { ...this.view, ...change };
    location.hash = viewerHash({ run, problem: this.index.problems[problem].id, repeat, step, slot });
  }

  changeRun(run) {
    const { problem, repeat } = this.view;
    const rows = this.index.runs[run].problems;
    const same = rows[problem] ? problem : rows.findIndex(Boolean);
    const last = this.index.runs[run].repeats - 1;
    if (same >= 0) this.go({ run, problem: same, repeat: Math.min(repeat, last), step: null, slot: null });
  }

  // Shows what the address names; false if it names nothing here.
  async follow() {
    const place = viewerPlace(location.hash, this.index);
    if (!place) return false;
    await this.show(place);
    return true;
  }

  async show(place) {
    const asked = (this.asked += 1);
    const run = this.index.runs[place.run];
    const block = await this.blocks.get(`chains-${place.run}-${place.problem}-${place.repeat}`);
    if (asked !== this.asked) return;
    const row = run.problems[place.problem][place.repeat];
    const link = (step, slot) => this.link(place, step, slot);
    if (this.view?.graph.block !== block) this.graph = this.drawn(block, run, row);
    this.view = { ...place, index: this.index, run: place.run, row, graph: this.graph };
    this.list.show(place.run, place.problem);
    this.name(place, run);
    this.explain(run);
    this.graph.choose(place.step, place.slot);
    this.reveal(place.step);
    this.panel.show({ ...this.view, run, link });
  }

  // Within the graph only, which may be wider than the screen.
  reveal(step) {
    const place = step === null ? 0 : this.graph.columns[step - 1].middle;
    const { scrollLeft, clientWidth } = this.canvas;
    if (place < scrollLeft + GRAPH.pitch || place > scrollLeft + clientWidth - GRAPH.pitch) {
      this.canvas.scrollLeft = place - clientWidth / 2;
    }
  }

  drawn(block, run, row) {
    const graph = new ChainGraph(block, run, row.answer, (step, slot) => this.go({ step, slot }));
    this.canvas.replaceChildren(graph.svg);
    return graph;
  }

  name(place, run) {
    this.runs.value = String(place.run);
    this.title.replaceChildren(viewerName(this.index.problems[place.problem].id));
    this.repeatField.hidden = run.repeats < 2;
    if (this.repeats.childElementCount !== run.repeats) {
      const option = (_, at) => viewerNode("option", { value: at }, String(at));
      this.repeats.replaceChildren(...Array.from({ length: run.repeats }, option));
    }
    this.repeats.value = String(place.repeat);
  }

  explain(run) {
    const sign = (state) => viewerNode("li", {}, graphSign(state), ` ${GRAPH_WORDS[state]}`);
    const ring = viewerNode("span", { class: "viewer-ring", "aria-hidden": "true" });
    const states = [...VIEWER_LEGEND, ...(run.judging.length ? ["accept", "reject"] : [])];
    this.legend.replaceChildren(...states.map(sign), viewerNode("li", {}, ring, " the run's answer"));
  }

  // A link to a chain of the problem that is shown, with its outcome.
  link(place, step, slot) {
    const chain = this.graph.chains.get(graphKey(step, slot));
    const href = viewerHash({ ...place, problem: this.index.problems[place.problem].id, step, slot });
    const label = `step ${step} slot ${slot}${chain ? `, ${GRAPH_WORDS[chain.state]}` : ""}`;
    const sign = chain ? [graphSign(chain.state)] : [];
    return viewerNode("a", { href, class: "viewer-link", "aria-label": label }, ...sign, `${step}/${slot}`);
  }
}

let viewerStarted = null;

// Builds the viewer, and opens what the address names, or else the first problem.
function startViewer() {
  const root = document.getElementById("viewer");
  viewerStarted = viewerBegin(root).catch((error) => {
    root.replaceChildren(viewerNode("p", { class: "viewer-note" }, `The chains cannot be shown: ${error.message}`));
    throw error;
  });
  return viewerStarted;
}

async function viewerBegin(root) {
  if (typeof DecompressionStream === "undefined") throw new Error("this browser is too old, it has no DecompressionStream");
  const index = await viewerUnpack("chains-index");
  const run = index.runs.findIndex((each) => each.problems.some(Boolean));
  if (run < 0) {
    root.replaceChildren(viewerNode("p", {}, "There are no problems to show."));
    return null;
  }
  const viewer = new ChainViewer(root, index);
  if (await viewer.follow()) document.getElementById("chains").scrollIntoView();
  else await viewer.show({ run, problem: index.runs[run].problems.findIndex(Boolean), repeat: 0, step: null, slot: null });
  return viewer;
}

// Opens a population, as a click on a cell of a heat map does. Nothing happens where there is no such problem.
async function showPopulation(run, problem, repeat, step) {
  const viewer = await viewerStarted;
  if (!viewer) return;
  location.hash = viewerHash({ run, problem, repeat, step });
  await viewer.follow();
  document.getElementById("chains").scrollIntoView();
  viewer.panel.head.focus({ preventScroll: true });
}
