// What is known of a run: its plan, how each chain is, and what the graph and the reader ask of that.

class Run {
  // Until the first record is there, only the sizes are known.
  constructor(sizes) {
    this.sizes = sizes;
    this.states = sizes.map((size) => Array(size).fill("waiting"));
    this.parents = sizes.map((size) => Array.from({ length: size }, () => []));
    this.roles = sizes.map(() => "");
    this.chains = new Map();
    this.known = false; // whether a record was taken
    this.chosen = [];
    this.status = "running";
    this.shades = new Shades();
    this.shades.settle();
  }

  // Takes a record of /v1/rsa/runs/ID: the whole, or what is new.
  take(record) {
    const { states, parents, roles, chosen, status, usage } = record;
    Object.assign(this, { states, chosen, status, usage, stopped: record.stopped, known: true });
    if (parents) Object.assign(this, { parents, roles });
    for (const chain of record.chains) {
      this.chains.set(placed(chain.step, chain.slot), chain);
      if (chain.answer !== null && chain.answer !== undefined) this.shades.add(chain.vote, chain.answer);
    }
    this.shades.settle();
  }

  chain(step, slot) {
    return this.chains.get(placed(step, slot));
  }

  state(step, slot) {
    const state = this.states[step - 1][slot];
    if (this.status === "running") return state;
    return state === "waiting" || state === "running" ? "missing" : state;
  }

  // The slots that it reads: as its prompt showed them, or as planned.
  reads(step, slot) {
    return this.chain(step, slot)?.parents ?? this.parents[step - 1][slot];
  }

  readers(step, slot) {
    const next = this.parents[step] ?? [];
    const reads = (reader) => this.wanted(step + 1, reader) && this.reads(step + 1, reader).includes(slot);
    return next.map((_, reader) => reader).filter(reads);
  }

  wanted(step, slot) {
    return !["unneeded", "missing"].includes(this.state(step, slot));
  }

  // Every [step, parent, slot].
  edges() {
    return this.parents.flatMap((population, at) => population.flatMap((_, slot) => {
      return this.wanted(at + 1, slot) ? this.reads(at + 1, slot).map((parent) => [at + 1, parent, slot]) : [];
    }));
  }

  // The edges to the parents of a chain, then to theirs, and so on.
  ancestry(step, slot) {
    const levels = [];
    let slots = [slot];
    for (let at = step; at > 1; at -= 1) {
      levels.push(slots.flatMap((child) => this.reads(at, child).map((parent) => [at, parent, child])));
      slots = [...new Set(levels.at(-1).map(([, parent]) => parent))];
    }
    return levels;
  }

  answering() {
    return this.chosen[0];
  }

  answers(step, slot) {
    return this.chosen.some(([at, member]) => at === step && member === slot);
  }

  // How a chain is drawn and called.
  look(step, slot) {
    const chain = this.chain(step, slot);
    const [state, answers] = [this.state(step, slot), this.answers(step, slot)];
    const answer = chain?.answer ?? null;
    const shade = answer === null ? undefined : this.shades.of(chain.vote);
    const judged = chain?.accepts === undefined ? undefined : chain.accepts ? "accepts" : "rejects";
    const words = [`step ${step}, slot ${slot}`, STATES[state]];
    if (judged && state !== "dead") words.push(`${judged} slot ${this.reads(step, slot)[0]}`);
    else if (chain && state !== "dead") words.push(answer === null ? "no answer" : `answer ${oneLine(answer)}`);
    if (answers) words.push("it answers");
    const sign = answer === null ? "–" : shade === undefined ? "·" : shadeLetter(shade);
    const letter = chain && state !== "dead" ? { accepts: "✓", rejects: "✗" }[judged] ?? sign : "";
    return { state, answers, bare: answer === null, shade, letter, label: words.join(", ") };
  }

  // Finished chains of a step out of those that are wanted.
  share(step) {
    return progress(this.states[step - 1]).join("/");
  }

  progress() {
    return progress(this.states.flat());
  }
}

// How many of these chains are finished, and how many are wanted.
function progress(states) {
  const wanted = states.filter((state) => state !== "unneeded");
  return [wanted.filter((state) => ["ok", "truncated", "dead"].includes(state)).length, wanted.length];
}
