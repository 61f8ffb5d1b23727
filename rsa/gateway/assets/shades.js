// Which answer has which letter and colour: the most frequent ones, each of them the same for as long as it is among those.

const SHADES = 7;

class Shades {
  constructor() {
    this.counts = new Map();
    this.names = new Map(); // by vote, the answer as it was first written
    this.given = new Map(); // by vote, the number of its shade
  }

  add(vote, answer) {
    this.counts.set(vote, (this.counts.get(vote) ?? 0) + 1);
    if (!this.names.has(vote)) this.names.set(vote, answer);
  }

  settle() {
    const ranked = [...this.counts.keys()].sort((a, b) => this.counts.get(b) - this.counts.get(a));
    this.ranked = ranked.slice(0, SHADES);
    this.others = ranked.length - this.ranked.length;
    for (const vote of this.given.keys()) if (!this.ranked.includes(vote)) this.given.delete(vote);
    const used = new Set(this.given.values());
    const free = Array.from({ length: SHADES }, (_, shade) => shade).filter((shade) => !used.has(shade));
    for (const vote of this.ranked) if (!this.given.has(vote)) this.given.set(vote, free.shift());
  }

  of(vote) {
    return this.given.get(vote);
  }

  legend() {
    const items = this.ranked.map((vote) => {
      const shade = this.of(vote);
      const sign = make("span", { class: `sign shade-${shade}`, "aria-hidden": "true" }, shadeLetter(shade));
      const name = make("bdi", {}, oneLine(this.names.get(vote)));
      return make("li", {}, sign, name, ` ${counted(this.counts.get(vote), "chain")}`);
    });
    const sign = make("span", { class: "sign shade-none", "aria-hidden": "true" }, "·");
    return this.others ? [...items, make("li", {}, sign, counted(this.others, "further answer"))] : items;
  }
}

const shadeLetter = (shade) => String.fromCharCode(65 + shade);
