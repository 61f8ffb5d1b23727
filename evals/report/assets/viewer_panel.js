// The panel beside the graph: a chain, a population, or the problem itself.

const VIEWER_LEFT_OUT =
  "Texts and prompts were left out here to keep this file small: rsa-eval report DIR --texts all puts them in.";
const VIEWER_THINKS = /^\s*<(?:think|thinking|thought|reasoning)>/i;
const VIEWER_THINKING = /<\/(?:think|thinking|thought|reasoning)>|<\|channel\|>final<\|message\|>/gi;

function viewerNumber(value) {
  return value === null || value === undefined ? "unknown" : value.toLocaleString("en");
}

function viewerFacts(facts) {
  const shown = facts.filter(([, value]) => value);
  const row = ([name, value]) => viewerNode("div", {}, viewerNode("dt", {}, name), viewerNode("dd", {}, ...[value].flat()));
  return viewerNode("dl", { class: "viewer-facts" }, ...shown.map(row));
}

// An answer: drawn where it is TeX.
function viewerAnswer(text) {
  const plain = graphPlain(text, 300);
  if (/\\[a-zA-Z]|\^/.test(text) && text.length < 300 && !text.includes("\n")) return renderTex(text, false, plain);
  return viewerNode("bdi", { class: "viewer-answer" }, plain);
}

function viewerButton(words, click) {
  return viewerNode("button", { type: "button", click }, words);
}

async function viewerCopy(text, button) {
  const before = button.textContent;
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    done = viewerCopyOtherwise(text); // where a file may not use the clipboard
  }
  button.textContent = done ? "Copied" : "Not copied";
  setTimeout(() => { button.textContent = before; }, 1500);
}

function viewerCopyOtherwise(text) {
  const area = viewerNode("textarea", { class: "viewer-hidden", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

// A part that is drawn when it is opened for the first time.
function viewerFold(summary, draw) {
  const fold = viewerNode("details", { class: "viewer-fold" }, viewerNode("summary", {}, summary));
  fold.addEventListener("toggle", () => {
    if (fold.open && fold.childElementCount === 1) fold.append(...draw());
  });
  return fold;
}

class ChainPanel {
  constructor() {
    this.head = viewerNode("div", { class: "viewer-head", role: "status", tabindex: "-1" });
    this.body = viewerNode("div", { class: "viewer-body" });
    const region = { class: "viewer-panel", role: "region", "aria-label": "Chosen chain" };
    this.node = viewerNode("div", region, this.head, this.body);
  }

  // Shows what `view` chose: { index, run, problem, repeat, step, slot, graph, link }.
  show(view) {
    const focused = this.node.contains(document.activeElement);
    const chain = view.slot === null ? null : view.graph.chains.get(graphKey(view.step, view.slot));
    if (chain) this.chain(view, chain);
    else if (view.slot !== null) this.say(`Step ${view.step} slot ${view.slot} was not generated.`);
    else if (view.step !== null) this.population(view);
    else this.problem(view);
    if (focused) this.head.focus({ preventScroll: true });
  }

  say(...words) {
    this.head.replaceChildren(viewerNode("p", {}, ...words));
    this.body.replaceChildren();
  }

  problem({ graph, row, link }) {
    const { block } = graph;
    const [step, slot, solved] = row.answer;
    const words = solved === null ? "not judged" : solved ? "right" : "wrong";
    const hint = "Choose a chain in the graph to read it.";
    const answered = () => ["Answered by ", link(step, slot), `, which is ${words}. ${hint}`];
    this.head.replaceChildren(viewerNode("p", {}, ...(step === null ? ["Nothing answers yet."] : answered())));
    const question = viewerNode("div", { class: "viewer-text" }, renderText(block.question));
    const parts = [viewerNode("h4", {}, "Question"), question, ...viewerGolds(block.golds)];
    if (!block.whole) parts.push(viewerNode("p", { class: "viewer-note" }, VIEWER_LEFT_OUT));
    this.body.replaceChildren(...parts);
  }

  population({ graph, step, run, link }) {
    const { words } = graphPopulation(graph.block.steps[step - 1]);
    this.head.replaceChildren(viewerNode("p", {}, viewerNode("strong", {}, `Step ${step}`), `: ${words}.`));
    const { votes, members } = graph.block.steps[step - 1];
    const voters = run.judging.includes(step) ? step - 1 : step;
    const vote = ([answer, solved, slots]) => viewerNode("tr", {},
      viewerNode("td", {}, graphSign(solved ? "right" : "wrong"), ` ${solved ? "right" : "wrong"}`),
      viewerNode("td", {}, viewerAnswer(answer)),
      viewerNode("td", { class: "viewer-figure" }, String(slots.length)),
      viewerNode("td", {}, ...slots.flatMap((slot) => [link(voters, slot), " "])));
    const heads = ["", "answer", "votes", "chains"].map((name) => viewerNode("th", { scope: "col" }, name));
    const caption = viewerNode("caption", {}, "Votes of the population, the winner first");
    const table = viewerNode("table", { class: "viewer-votes" }, caption,
      viewerNode("thead", {}, viewerNode("tr", {}, ...heads)), viewerNode("tbody", {}, ...votes.map(vote)));
    const nobody = viewerNode("p", {}, "Nobody gave an answer.");
    const parts = [votes.length ? viewerNode("div", { class: "viewer-scroll" }, table) : nobody];
    if (members) {
      const links = members.flatMap((slot) => [link(voters, slot), " "]);
      parts.unshift(viewerNode("p", {}, "The population after judging: ", ...links));
    }
    this.body.replaceChildren(...parts, ...viewerGolds(graph.block.golds));
  }

  chain(view, chain) {
    const { graph, row } = view;
    const answers = row.answer[0] === chain.step && row.answer[1] === chain.slot;
    const judges = chain.state === "accept" || chain.state === "reject";
    const name = ` Step ${chain.step}, slot ${chain.slot}: ${GRAPH_WORDS[chain.state]}`;
    const words = [viewerNode("strong", {}, graphSign(chain.state), name)];
    if (judges) words.push(" ", view.link(chain.step - 1, chain.parents[0]));
    if (chain.status === "truncated") words.push(" · truncated");
    if (chain.verdict?.answer !== undefined) words.push(" · answer ", viewerAnswer(chain.verdict.answer));
    if (answers) words.push(" · the run's answer");
    this.head.replaceChildren(viewerNode("p", {}, ...words));
    const text = viewerNode("div", { class: "viewer-text", tabindex: "-1" });
    const tools = this.tools(view, chain, text);
    viewerDraw(text, chain, false);
    const folds = [];
    if (chain.reasoning !== undefined) {
      const draw = () => [viewerNode("div", { class: "viewer-text" }, renderText(chain.reasoning))];
      folds.push(viewerFold(`Reasoning that the server kept apart, ${viewerLength(chain.reasoning)}`, draw));
    }
    if (graph.block.whole) folds.push(viewerFold("Prompt as sent", () => viewerPrompt(chain, graph, view.link)));
    const facts = viewerFacts(viewerChainFacts(view, chain));
    this.body.replaceChildren(viewerRelatives(view, chain), tools, text, ...folds, facts);
    if (!graph.block.whole) this.body.prepend(viewerNode("p", { class: "viewer-note" }, VIEWER_LEFT_OUT));
  }

  tools(view, chain, text) {
    const raw = viewerNode("button", { type: "button", "aria-pressed": "false", click: () => {
      const on = raw.getAttribute("aria-pressed") !== "true";
      raw.setAttribute("aria-pressed", String(on));
      viewerDraw(text, chain, on);
    } }, "Raw text");
    const copy = viewerButton("Copy text", () => viewerCopy(chain.text, copy));
    const address = viewerButton("Copy link", () => viewerCopy(location.href, address));
    return viewerNode("p", { class: "viewer-tools" }, ...(chain.text ? [raw, copy] : []), address);
  }
}

function viewerLength(text) {
  return `${viewerNumber(text.length)} characters`;
}

function viewerGolds(golds) {
  if (!golds.length) return [];
  const shown = golds.flatMap((gold, number) => (number ? [" or ", viewerAnswer(gold)] : [viewerAnswer(gold)]));
  return [viewerNode("p", { class: "viewer-gold" }, viewerNode("strong", {}, "Right answer: "), ...shown)];
}

// The text of a chain: rendered, with the thinking before it folded; or as it came.
function viewerDraw(target, chain, raw) {
  if (chain.text === undefined) target.replaceChildren();
  else if (!chain.text.trim()) {
    const words = chain.status === "dead" ? "No text: the call failed for good." : "The text is blank.";
    target.replaceChildren(viewerNode("p", { class: "viewer-note" }, words));
  } else if (raw) target.replaceChildren(viewerNode("pre", { class: "viewer-raw" }, chain.text));
  else {
    const end = [...chain.text.matchAll(VIEWER_THINKING)].at(-1);
    const answer = end ? chain.text.slice(end.index + end[0].length) : chain.text;
    target.replaceChildren(renderText(answer));
    if (end) {
      const thinking = chain.text.slice(0, end.index).replace(VIEWER_THINKS, "");
      const draw = () => [viewerNode("div", { class: "viewer-thinking" }, renderText(thinking))];
      target.prepend(viewerFold(`Thinking, ${viewerLength(thinking)}`, draw));
    }
  }
}

function viewerRelatives({ graph, link }, chain) {
  const children = graph.children.get(graphKey(chain.step, chain.slot)) ?? [];
  const kin = (words, step, slots) => {
    const links = slots.flatMap((slot) => [link(step, slot), " "]);
    return slots.length ? [viewerNode("p", {}, viewerNode("span", { class: "viewer-kin" }, words), ...links)] : [];
  };
  const parts = [...kin("reads", chain.step - 1, chain.parents), ...kin("read by", chain.step + 1, children)];
  return viewerNode("div", { class: "viewer-relatives" }, ...parts);
}

function viewerChainFacts({ graph, row }, chain) {
  const { verdict } = chain;
  const [prompt, cached, completion] = chain.usage;
  const vote = graph.block.steps[chain.step - 1].votes.findIndex(([, , slots]) => slots.includes(chain.slot));
  const votes = graph.block.steps[chain.step - 1].votes[vote];
  const mine = votes && verdict?.answer !== undefined && !graph.block.steps[chain.step - 1].members;
  return [
    ["verdict", verdict && `${GRAPH_WORDS[chain.state]}, by ${graphPlain(verdict.method) || "its scorer"}`],
    ["score", verdict && verdict.score > 0 && verdict.score < 1 ? verdict.score.toFixed(3) : null],
    ["why", verdict?.detail && viewerName(verdict.detail, 1000)],
    ["right answer", graph.block.golds.length ? [viewerAnswer(graph.block.golds[0])] : null],
    ["vote", mine ? `one of ${votes[2].length} for this answer${vote === 0 ? ", which won" : ""}` : null],
    ["votes as", verdict?.vote && verdict.vote !== verdict.answer && viewerName(verdict.vote)],
    ["new tokens", viewerNumber(completion)],
    ["prompt tokens", `${viewerNumber(prompt)}${cached === null ? "" : `, ${viewerNumber(cached)} of them cached`}`],
    ["seconds", viewerNumber(chain.seconds)],
    ["attempts", viewerNumber(chain.attempts)],
    ["ended", chain.finish && viewerName(chain.finish)],
    ["error", chain.error && viewerName(chain.error, 2000)],
    ["prompt shortened", chain.overflow && viewerName(JSON.stringify(chain.overflow), 500)],
    ["generated for", chain.origin && viewerName(chain.origin)],
    ["model", chain.model && viewerName(chain.model)],
    ["seed", chain.seed === undefined ? null : String(chain.seed)],
  ];
}
