// What is asked: the form, filled with what the server offers, and the request that it makes.

const OPTIONS = ["n", "k", "steps", "strategy", "select", "kind", "compaction"]; // of the request's `rsa`
const PARAMETERS = { n: "chains a step", k: "chains to read", steps: "steps" };
const BUDGET = ["tokens", "calls", "seconds"];
const SAMPLING = ["max_tokens", "temperature", "top_p", "seed"];
const SUFFIXES = {
  rsa: "The name asks for RSA.",
  majority: "The name asks for a vote over independent chains.",
  plain: "The name asks for the model as it is: one reply, without RSA.",
};

class Form {
  constructor() {
    this.node = byId("form");
    for (const type of ["input", "change"]) this.node.addEventListener(type, () => this.settle());
  }

  get key() {
    return byId("key").value.trim();
  }

  // `offer` is what /v1/rsa/offer says, `models` the names that requests may use.
  fill(offer, models) {
    this.offer = offer;
    this.base = models[0];
    choices(byId("model"), models.map((name) => [name, name]));
    const { defaults, maxima } = offer;
    const usual = (names, preset) => [["", `default (${preset})`], ...names.map((name) => [name, name])];
    choices(byId("strategy"), usual(Object.keys(offer.strategies), defaults.strategy));
    choices(byId("kind"), usual(offer.kinds, defaults.kind));
    choices(byId("compaction"), usual(offer.compactions, defaults.compaction));
    for (const name of ["temperature", "top_p"]) byId(name).placeholder = defaults[name];
    bounded("max_tokens", maxima.max_tokens, defaults.max_tokens ?? maxima.max_tokens ?? "auto");
    for (const name of ["tokens", "calls"]) bounded(`budget-${name}`, maxima[name]);
    this.settle();
  }

  get suffix() {
    const { value } = byId("model");
    return value === this.base ? "" : value.slice(this.base.length + 1);
  }

  get strategy() {
    return { rsa: "rsa", majority: "majority" }[this.suffix] ?? (byId("strategy").value || this.offer.defaults.strategy);
  }

  // What is given, or else what the server takes.
  value(name) {
    const node = byId(name);
    return node.value !== "" && !node.disabled ? Number(node.value) : this.usual(name);
  }

  usual(name) {
    const usual = this.offer.strategies[this.strategy].parameters;
    return name === "k" && "n" in usual ? Math.min(usual.k, this.value("n")) : usual[name];
  }

  // The sizes of the populations.
  sizes() {
    if (this.suffix === "plain") return [];
    const [n, k, steps] = ["n", "k", "steps"].map((name) => this.value(name));
    const sizes = { self_aggregation: [k, 1], rejection: [n, n], sample: [1] };
    return sizes[this.strategy] ?? Array.from({ length: steps ?? 1 }, () => n);
  }

  // After every change: what can be set, why the rest cannot, and whether it fits together.
  settle() {
    if (!this.offer) return;
    const plain = this.suffix === "plain";
    byId("model-hint").textContent = SUFFIXES[this.suffix] ?? "";
    allow("strategy", !this.suffix, plain ? "None without RSA." : `${this.base}:${this.suffix} fixes it.`);
    const taken = this.offer.strategies[this.strategy].parameters;
    for (const name of Object.keys(PARAMETERS)) {
      allow(name, !plain && name in taken, plain ? "None without RSA." : `${this.strategy} takes none.`);
      if (!byId(name).disabled) bounded(name, this.offer.maxima[name], this.usual(name));
    }
    for (const name of ["select", "kind", "compaction", ...BUDGET.map((name) => `budget-${name}`)]) {
      allow(name, !plain, "None without RSA.");
    }
    const select = this.suffix === "majority" ? "majority" : this.offer.strategies[this.strategy].select;
    const named = { sample: "drawn", majority: "majority" };
    choices(byId("select"), [["", `default (${named[select]})`], ...Object.entries(named)]);
    const drawn = (byId("select").value || select) === "sample" && this.strategy !== "rejection";
    this.check(drawn ? " at most; those that the answer does not need are left out." : ".");
  }

  // Whether n, k and steps fit together, and how many chains they come to.
  check(remark) {
    const [n, k] = [this.value("n"), this.value("k")];
    const most = this.offer.maxima.chains;
    const chains = this.sizes().reduce((total, size) => total + size, 0);
    const allowed = `and this server allows ${most.toLocaleString("en-US")}: lower n or steps.`;
    const tooMany = chains > most ? `${counted(chains, "chain")}, ${allowed}` : "";
    byId("k").setCustomValidity(k > n ? `No chain can read ${k} of ${n}: lower k or raise n.` : "");
    byId("n").setCustomValidity(tooMany);
    byId("size").textContent = tooMany || (chains ? `${counted(chains, "chain")}${remark}` : "");
  }

  // Whether it can be sent; if not, the browser says what is wrong where it is wrong.
  valid() {
    const question = byId("question");
    question.setCustomValidity(question.value.trim() ? "" : "Ask something.");
    const wrong = [...this.node.elements].find((node) => node.willValidate && !node.checkValidity());
    wrong?.closest("details")?.setAttribute("open", "");
    return wrong ? wrong.reportValidity() : true;
  }

  // The request's body. What is not set is left to the server.
  body() {
    const system = byId("system").value;
    const messages = [{ role: "user", content: byId("question").value }];
    if (system.trim()) messages.unshift({ role: "system", content: system });
    const body = { model: byId("model").value, messages, stream: true, stream_options: { include_usage: true } };
    Object.assign(body, given(SAMPLING));
    const budget = given(BUDGET, "budget-");
    const rsa = { ...given(OPTIONS), ...(Object.keys(budget).length ? { budget } : {}) };
    return Object.keys(rsa).length ? { ...body, rsa } : body;
  }
}

// What is set of these fields.
function given(names, prefix = "") {
  const nodes = names.map((name) => [name, byId(prefix + name)]).filter(([, node]) => node.value !== "" && !node.disabled);
  return Object.fromEntries(nodes.map(([name, node]) => [name, node.type === "number" ? Number(node.value) : node.value]));
}

// The choices of a list; what was chosen stays chosen.
function choices(node, entries) {
  const wanted = JSON.stringify(entries);
  if (node.dataset.choices === wanted) return;
  node.dataset.choices = wanted;
  const { value } = node;
  node.replaceChildren(...entries.map(([name, title]) => make("option", { value: name }, title)));
  node.value = entries.some(([name]) => name === value) ? value : entries[0][0];
}

function bounded(name, most, usual) {
  const node = byId(name);
  const hint = most === null ? "" : `Up to ${most.toLocaleString("en-US")}.`;
  if (most !== null) node.max = most;
  node.placeholder = usual ?? "";
  byId(`${name}-hint`).textContent = hint;
  byId(`${name}-hint`).dataset.usual = hint;
}

function allow(name, allowed, reason) {
  byId(name).disabled = !allowed;
  const hint = byId(`${name}-hint`);
  hint.dataset.usual ??= hint.textContent;
  hint.textContent = allowed ? hint.dataset.usual : reason;
}
