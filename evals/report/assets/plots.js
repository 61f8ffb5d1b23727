// Plots: every figure.plot gets its drawing, its choice of axis, its downloads and its data as a table.

const NARROW = "(max-width: 40rem)";
const MOST_ROWS = 500;
const EXPORT_WIDTH = 720;

function valuesOf(plot) {
  return plot.rows.map((row) => Object.fromEntries(plot.columns.map((column, number) => [column, row[number]])));
}

// The same as `on_axis` of plot.py.
function onAxis(axis, log) {
  return {
    field: axis.name,
    type: "quantitative",
    title: axis.label,
    scale: { ...(log ? { type: "log", nice: false } : { type: "linear", zero: false, nice: true }), padding: 12 },
    axis: { format: axis.format, labelOverlap: "greedy", labelBound: true, tickCount: 8 },
  };
}

function specOf(plot, choice) {
  const spec = { ...plot.spec, data: { values: valuesOf(plot) } };
  if (plot.axes.length) spec.encoding = { ...spec.encoding, x: onAxis(plot.axes[choice.axis], choice.log) };
  return spec;
}

// Long names are cut to what the width allows; the legend has as many columns as fit. The same as `fitted` of plot.py.
function fitted(config, plot, width) {
  return {
    ...config,
    axis: { ...config.axis, labelLimit: Math.max(70, Math.round(width * 0.45)) },
    legend: { ...config.legend, columns: Math.max(1, Math.floor((width - 40) / plot.room)), labelLimit: Math.round(width - 90) },
  };
}

function tooltip() {
  const box = document.createElement("div");
  box.className = "tip";
  box.hidden = true;
  document.body.append(box);
  return (handler, event, item, value) => {
    if (value === null || value === undefined || value === "") {
      box.hidden = true;
      return;
    }
    box.replaceChildren();
    for (const [name, text] of Object.entries(value)) {
      const line = document.createElement("div");
      const label = document.createElement("span");
      label.textContent = name;
      line.append(label, ` ${text}`);
      box.append(line);
    }
    box.hidden = false;
    const { clientX, clientY } = event;
    box.style.left = `${Math.max(4, Math.min(clientX + 14, innerWidth - box.offsetWidth - 8))}px`;
    box.style.top = `${Math.max(4, clientY + 14 + box.offsetHeight > innerHeight ? clientY - box.offsetHeight - 10 : clientY + 14)}px`;
  };
}

function coloured(value, colours) {
  return JSON.parse(JSON.stringify(value), (key, each) => (typeof each === "string" ? (colours[each] ?? each) : each));
}

// A view outside the page, in the colours of paper, for a file.
async function standalone(plot, choice, page) {
  const spec = specOf({ ...plot, spec: coloured(plot.spec, page.colours) }, choice);
  const config = coloured({ ...fitted(page.config, plot, EXPORT_WIDTH), background: "var(--paper)", font: "sans-serif" }, page.colours);
  const sized = { ...spec, width: EXPORT_WIDTH, padding: 12, title: plot.title };
  const made = await vegaEmbed(document.createElement("div"), sized, { ast: true, actions: false, config, defaultStyle: false });
  return made.view;
}

async function savePlot(plot, kind, choice, page) {
  if (kind === "csv") {
    save(`${plot.name}.csv`, "text/csv", csvOf(plot));
    return;
  }
  const view = await standalone(plot, choice, page);
  if (kind === "svg") save(`${plot.name}.svg`, "image/svg+xml", await view.toSVG());
  else saveUrl(`${plot.name}.png`, await view.toImageURL("png", 2));
  view.finalize();
}

// The columns that are facts, without those that only serve the drawing.
function factsOf(plot) {
  return plot.columns.map((column, number) => [column, number]).filter(([column]) => !plot.helpers.includes(column));
}

// A text that a spreadsheet would take for a formula gets an apostrophe in front, as in sheet.py.
function csvCell(value) {
  if (value === null) return "";
  const plain = String(value).replaceAll(/\r\n?/g, "\n");
  const text = typeof value === "string" && /^[=+\-@\t\n]/.test(plain) ? `'${plain}` : plain;
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csvOf(plot) {
  const facts = factsOf(plot);
  const lines = [facts.map(([column]) => column), ...plot.rows.map((row) => facts.map(([, number]) => row[number]))];
  return lines.map((line) => `${line.map(csvCell).join(",")}\n`).join("");
}

function cell(kind, value) {
  const made = document.createElement(kind);
  made.textContent = value === null ? "-" : typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
  if (typeof value === "string") made.className = "words";
  if (kind === "th") made.scope = "col";
  return made;
}

function dataTable(plot) {
  const facts = factsOf(plot);
  const table = document.createElement("table");
  const caption = table.createCaption();
  const more = plot.rows.length - MOST_ROWS;
  caption.textContent = more > 0 ? `${plot.title}: the first ${MOST_ROWS} rows; the CSV has ${more} more` : plot.title;
  table.createTHead().insertRow().append(...facts.map(([column]) => cell("th", column)));
  const body = table.createTBody();
  for (const row of plot.rows.slice(0, MOST_ROWS)) body.insertRow().append(...facts.map(([, number]) => cell("td", row[number])));
  return table;
}

class PlotFigure {
  constructor(figure, plot, page, tip) {
    Object.assign(this, { figure, plot, page, tip, view: null, drawing: Promise.resolve() });
    this.box = figure.querySelector(".canvas");
    this.choice = { axis: 0, log: Boolean(plot.axes[0]?.log) };
    this.listen();
  }

  listen() {
    const { figure, plot } = this;
    for (const button of figure.querySelectorAll("[data-save]"))
      button.addEventListener("click", () => savePlot(plot, button.dataset.save, this.choice, this.page));
    const details = figure.querySelector("details.data");
    details.addEventListener("toggle", () => {
      const place = details.querySelector(".scroll");
      if (details.open && !place.firstChild) place.append(dataTable(plot));
    });
    const axis = figure.querySelector("[data-control=axis]");
    if (axis) this.listenToAxis(axis, figure.querySelector("[data-control=log]"));
  }

  listenToAxis(axis, log) {
    const show = () => {
      log.checked = this.choice.log;
      log.disabled = !this.plot.axes[this.choice.axis].positive;
    };
    axis.addEventListener("change", () => {
      const chosen = this.plot.axes[Number(axis.value)];
      this.choice = { axis: Number(axis.value), log: chosen.log };
      show();
      this.say(chosen.said);
      this.draw();
    });
    log.addEventListener("change", () => {
      this.choice = { ...this.choice, log: log.checked };
      this.draw();
    });
    show();
  }

  // What the plot says in words goes with its axis.
  say(words) {
    const caption = this.figure.querySelector("figcaption");
    if (caption) caption.textContent = words;
    this.box.setAttribute("aria-label", `${this.plot.title}. ${words}`);
  }

  // One drawing after the other: a choice made while one is on its way is drawn after it.
  draw() {
    this.drawing = this.drawing.then(() => this.drawNow());
    return this.drawing;
  }

  async drawNow() {
    const { box, plot, page, figure } = this;
    this.view?.finalize();
    const width = box.clientWidth;
    const spec = { ...specOf(plot, this.choice), width: "container", autosize: { type: "fit-x", contains: "padding" } };
    const config = fitted(page.config, plot, width);
    const options = { ast: true, actions: false, renderer: "svg", config, tooltip: this.tip, defaultStyle: false };
    this.view = (await vegaEmbed(box, spec, options)).view;
    if (plot.run !== null) this.view.addEventListener("click", (event, item) => this.open(item?.datum));
    figure.dataset.drawn = String(Number(figure.dataset.drawn ?? 0) + 1);
  }

  open(datum) {
    if (datum?.problem !== undefined && datum.chains) showPopulation(this.plot.run, datum.problem, 0, datum.step);
  }
}

// Draws what is in sight of an open fold; what is folded away is drawn when it is opened.
async function startPlots(page) {
  if (!globalThis.vegaEmbed) return;
  const tip = tooltip();
  const byName = new Map(page.plots.map((plot) => [plot.name, plot]));
  const figures = [...document.querySelectorAll("figure.plot")].map(
    (figure) => new PlotFigure(figure, byName.get(figure.dataset.plot), page, tip),
  );
  const hidden = (each) => each.figure.closest("details.fold:not([open])");
  for (const fold of document.querySelectorAll("details.fold"))
    fold.addEventListener("toggle", () => figures.filter((each) => fold.contains(each.figure) && !each.view && fold.open).forEach((each) => each.draw()));
  matchMedia(NARROW).addEventListener("change", () => figures.filter((each) => each.view).forEach((each) => each.draw()));
  for (const each of figures) {
    if (hidden(each) || each.view) continue;
    await each.draw();
    await new Promise((done) => setTimeout(done)); // the page answers in between
  }
  document.documentElement.dataset.plots = "drawn";
}
