// The list of problems: searchable, with the share of right chains from the first step to the last.

const VIEWER_LISTED = 200;
const VIEWER_FILTERS = [
  ["all", "all problems", () => true],
  ["up", "vote went from wrong to right", (row) => !viewerWon(row, 0) && viewerWon(row, -1)],
  ["down", "vote went from right to wrong", (row) => viewerWon(row, 0) && !viewerWon(row, -1)],
  ["outvoted", "right chains, but outvoted", (row) => !viewerWon(row, -1) && viewerCounts(row, -1)[0] > 0],
  ["never", "no chain ever right", (row) => row.counts.every((counts) => counts[0] === 0)],
  ["split", "split vote at the end", (row) => viewerIsSplit(row.votes.at(-1))],
  ["dead", "dead or truncated chains", (row) => row.counts.some((counts) => counts[5] || counts[6])],
];

function viewerWon(row, step) {
  return row.votes.at(step)?.[0] === 1;
}

function viewerCounts(row, step) {
  return row.counts.at(step);
}

// Whether nobody has more than half of the votes.
function viewerIsSplit(vote) {
  return Boolean(vote) && vote[1] * 2 <= vote[2];
}

// The share of right chains in each step, mean over repeats; null where nothing was judged.
function viewerShares(rows) {
  return rows[0].counts.map((_, step) => {
    const shares = rows.map(({ counts }) => counts[step]).filter(([right, wrong, none]) => right + wrong + none > 0);
    const sum = shares.reduce((total, [right, wrong, none]) => total + right / (right + wrong + none), 0);
    return shares.length ? sum / shares.length : null;
  });
}

function viewerSpark(shares) {
  const known = shares.map((share, step) => [share, step]).filter(([share]) => share !== null);
  const wide = 44 / Math.max(1, shares.length - 1);
  const point = ([share, step]) => `${(2 + wide * step).toFixed(1)},${(16 - 14 * share).toFixed(1)}`;
  const line = graphNode("polyline", { points: known.map(point).join(" "), class: "viewer-line" });
  const [x, y] = known.length ? point(known.at(-1)).split(",") : [0, 0];
  const end = graphNode("circle", { cx: x, cy: y, r: known.length ? 2 : 0, class: "viewer-end" });
  return graphNode("svg", { viewBox: "0 0 48 18", class: "viewer-spark", "aria-hidden": "true" }, line, end);
}

class ProblemList {
  // `open(problem, repeat)` is called with the index of a problem and the repeat that the filter is about.
  constructor(index, open) {
    this.index = index;
    this.open = open;
    this.run = 0;
    this.most = VIEWER_LISTED;
    const typed = { type: "search", id: "viewer-search", autocomplete: "off" };
    this.search = viewerNode("input", { ...typed, input: () => this.restart() });
    const options = VIEWER_FILTERS.map(([name, words]) => viewerNode("option", { value: name }, words));
    this.filter = viewerNode("select", { id: "viewer-filter", change: () => this.restart() }, ...options);
    this.count = viewerNode("p", { class: "viewer-count", role: "status" });
    this.list = viewerNode("ul", { role: "listbox", class: "viewer-problems", "aria-label": "Problems" });
    this.list.addEventListener("click", (event) => this.pick(event.target.closest("[role=option]")));
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.more = viewerNode("button", { type: "button", class: "viewer-more", click: () => this.extend() }, "Show more");
    const field = (label, control) => viewerNode("label", { class: "viewer-field" }, viewerNode("span", {}, label), control);
    this.parts = [field("Search", this.search), field("Show", this.filter), this.count, this.list, this.more];
  }

  show(run, problem) {
    const other = run !== this.run || !this.list.childElementCount;
    this.run = run;
    this.chosen = problem;
    if (other) this.fill();
    this.mark();
  }

  restart() {
    this.most = VIEWER_LISTED;
    this.fill();
    this.mark();
  }

  extend() {
    this.most += VIEWER_LISTED;
    this.fill();
    this.mark();
  }

  fill() {
    const wanted = this.search.value.trim().toLowerCase();
    const [, , keep] = VIEWER_FILTERS.find(([name]) => name === this.filter.value);
    const found = [];
    this.index.runs[this.run].problems.forEach((rows, problem) => {
      const repeat = rows ? rows.findIndex(keep) : -1;
      if (repeat >= 0 && this.named(problem, wanted)) found.push([problem, repeat, rows]);
    });
    const options = found.slice(0, this.most).map((each) => this.option(...each));
    this.list.replaceChildren(...options);
    this.more.hidden = found.length <= this.most;
    this.count.textContent = `${found.length} ${found.length === 1 ? "problem" : "problems"}`;
  }

  named(problem, wanted) {
    const { id, excerpt, golds } = this.index.problems[problem];
    return !wanted || [id, excerpt, ...golds].some((text) => text.toLowerCase().includes(wanted));
  }

  option(problem, repeat, rows) {
    const { id, excerpt } = this.index.problems[problem];
    const shares = viewerShares(rows);
    const percent = (share) => (share === null ? "–" : `${Math.round(100 * share)}`);
    const told = shares.length > 1 ? `${percent(shares[0])} → ${percent(shares.at(-1))} %` : `${percent(shares[0])} %`;
    const data = { role: "option", tabindex: "-1", "data-problem": problem, "data-repeat": repeat };
    const share = viewerNode("span", { class: "viewer-share" }, told);
    share.append(viewerNode("span", { class: "viewer-hidden" }, " right"));
    const line = viewerNode("span", { class: "viewer-id" }, viewerName(id, 40));
    const head = viewerNode("span", { class: "viewer-top" }, line, viewerSpark(shares), share);
    const question = viewerShort(excerpt.replace(/\$([^$]+)\$/g, "$1"), 130);
    return viewerNode("li", data, head, viewerNode("span", { class: "viewer-excerpt" }, question));
  }

  mark() {
    let chosen = null;
    for (const option of this.list.children) {
      const is = Number(option.dataset.problem) === this.chosen;
      option.setAttribute("aria-selected", String(is));
      option.tabIndex = -1;
      if (is) chosen = option;
    }
    const first = chosen ?? this.list.firstElementChild;
    if (first) first.tabIndex = 0;
    if (chosen) this.reveal(chosen);
  }

  // Within the list only: the page itself stays where it is.
  reveal(option) {
    const top = option.offsetTop - this.list.offsetTop;
    const { scrollTop, clientHeight } = this.list;
    if (top < scrollTop || top + option.offsetHeight > scrollTop + clientHeight) {
      this.list.scrollTop = top - clientHeight / 3;
    }
  }

  pick(option) {
    if (option) this.open(Number(option.dataset.problem), Number(option.dataset.repeat));
  }

  key(event) {
    const option = event.target.closest("[role=option]");
    const targets = {
      ArrowDown: option?.nextElementSibling,
      ArrowUp: option?.previousElementSibling,
      Home: this.list.firstElementChild,
      End: this.list.lastElementChild,
    };
    if (event.key === "Enter" || event.key === " ") this.pick(option);
    else if (event.key in targets) targets[event.key]?.focus();
    else return;
    event.preventDefault();
  }
}
