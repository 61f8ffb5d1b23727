// The reader of one chain: its text, where it comes from, and what it took.

const ROLES = {
  sample: "answers the question by itself",
  aggregate: "writes a better answer from what it reads",
  verify: "judges what it reads",
};
const ENDS = { stop: "by itself (stop)", length: "at the token limit (length)" };

class Reader {
  // `open(step, slot)` is called when a parent or a child is chosen.
  constructor(node, open) {
    this.node = node;
    this.open = open;
  }

  show(run, step, slot) {
    const look = run.look(step, slot);
    const chain = run.chain(step, slot);
    const facts = JSON.stringify([step, slot, look, Boolean(chain), run.reads(step, slot), run.readers(step, slot)]);
    if (facts === this.shown) return; // so that what is being read stays where it is
    this.shown = facts;
    this.heading = make("h3", { tabindex: "-1" }, `Step ${step}, slot ${slot}`);
    const state = make("span", { class: "muted" }, this.state(run, step, look));
    const head = make("div", { class: "bar" }, this.heading, state);
    this.node.replaceChildren(head, this.relatives(run, step, slot), ...(chain ? this.content(chain) : []));
    this.node.hidden = false;
  }

  clear() {
    this.shown = undefined;
    this.node.hidden = true;
  }

  state(run, step, look) {
    const role = look.state === "unneeded" ? "the answer does not descend from it" : ROLES[run.roles[step - 1]];
    return [STATES[look.state], role, look.answers && "it is the answer"].filter(Boolean).join("; ");
  }

  relatives(run, step, slot) {
    const node = make("div", { class: "relatives" });
    const [parents, children] = [run.reads(step, slot), run.readers(step, slot)];
    const verb = run.wanted(step, slot) ? "Reads " : "Would read ";
    if (parents.length) node.append(make("p", {}, verb, ...parents.map((parent) => this.link(run, step - 1, parent))));
    if (children.length) node.append(make("p", {}, "Read by ", ...children.map((child) => this.link(run, step + 1, child))));
    return node;
  }

  link(run, step, slot) {
    const { label, letter, state } = run.look(step, slot);
    const sign = ["ok", "truncated"].includes(state) ? ` ${letter}` : "";
    return button(`${step}/${slot}${sign}`, () => this.open(step, slot), { class: "kin", "aria-label": label });
  }

  content(chain) {
    const parts = [];
    if (chain.error) parts.push(make("p", { class: "problem" }, chain.error));
    if (chain.answer) parts.push(make("p", {}, make("strong", {}, "Answer: "), make("bdi", {}, oneLine(chain.answer, 400))));
    if (chain.reasoning) {
      const text = make("pre", { tabindex: "0", "aria-label": "Thinking of this chain" }, chain.reasoning);
      parts.push(make("details", {}, make("summary", {}, "Thinking"), text));
    }
    if (chain.text) {
      const text = make("pre", { tabindex: "0", class: "text", "aria-label": "Text of this chain" }, chain.text);
      const copy = button("Copy the text", () => copyBy(copy, chain.text));
      parts.push(text, make("div", { class: "buttons" }, copy));
    }
    return [...parts, facts(chain)];
  }
}

function facts(chain) {
  const { prompt, cached, completion } = chain.usage;
  const known = (number, noun) => (number === null ? `${noun} not counted` : counted(number, noun));
  const reused = cached ? ` (${cached.toLocaleString("en-US")} of them cached)` : "";
  const rows = {
    Ended: ENDS[chain.finish_reason] ?? chain.finish_reason,
    Tokens: `${known(completion, "new token")}, ${known(prompt, "prompt token")}${reused}`,
    Time: `${(chain.ended - chain.started).toFixed(1)} s, ${counted(chain.attempts, "call")}`,
    Model: chain.model,
    Seed: chain.seed,
    Prompt: chain.overflow && `did not fit the context window and was shortened (${chain.overflow.rule})`,
  };
  const shown = Object.entries(rows).filter(([, value]) => value !== "" && value !== undefined);
  const row = ([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, String(value)));
  return make("dl", {}, ...shown.map(row));
}
