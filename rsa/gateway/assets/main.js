// Asks, shows what comes, and stops.

const form = new Form();
const answer = new Answer();
const reader = new Reader(byId("chain"), choose);
let run;
let graph;
let going; // the controller of the request that is going on

// What the server offers; without it nothing can be asked. Whether it is there.
async function prepare() {
  if (form.offer) return true;
  try {
    const options = { key: form.key };
    const [offer, models] = await Promise.all([fetched("v1/rsa/offer", options), fetched("v1/models", options)]);
    form.fill(offer, models.data.map(({ id }) => id));
    complain("");
    return true;
  } catch (error) {
    failed(error);
    return false;
  }
}

function complain(words) {
  byId("problem").textContent = words;
  byId("problem").hidden = !words;
}

function failed(error) {
  if (!(error instanceof Trouble)) throw error;
  complain(error.status === 401 ? `This server wants an API key. ${error.message}` : error.message);
  byId("key").setAttribute("aria-invalid", error.status === 401);
  if (error.status === 401) byId("key").focus();
}

async function ask() {
  if (!(await prepare()) || going || !form.valid()) return;
  const body = form.body();
  const { key } = form;
  going = new AbortController();
  working(true);
  begin(form.sizes());
  const how = await streamed(body, key, going.signal);
  going = undefined;
  working(false);
  settle(how);
  answer.end(how, run);
}

// Where the end of the run could not be fetched: what is known of it stays, and an empty graph goes.
function settle(how) {
  if (run?.status !== "running") return;
  run.status = how;
  if (run.known) {
    refresh();
  } else {
    run = undefined;
    show();
  }
}

function begin(sizes) {
  complain("");
  byId("key").setAttribute("aria-invalid", false);
  answer.begin();
  run = sizes.length ? new Run(sizes) : undefined;
  show();
  if (matchMedia("(max-width: 60rem)").matches) byId("result").scrollIntoView();
}

// Asks, and takes what comes until the end. How it ended: "done", "stopped" or "failed".
async function streamed(body, key, signal) {
  let watch;
  try {
    const response = await request("v1/chat/completions", { key, body, signal });
    answer.headed(response.headers);
    watch = watched(response.headers.get("X-RSA-Run"), key);
    for await (const chunk of chunks(response)) if (answer.take(chunk)) watch?.poke();
    return "done";
  } catch (error) {
    if (error.name === "AbortError") return "stopped";
    failed(error);
    return "failed";
  } finally {
    await watch?.finish();
  }
}

function watched(id, key) {
  if (!id) {
    run = undefined; // it is answered without RSA
    show();
    return undefined;
  }
  offerLineage(id, key);
  return new Watch(id, key, (record) => {
    run.take(record);
    refresh();
  });
}

// A new graph for a new run.
function show() {
  byId("populations").hidden = !run;
  reader.clear();
  graph = run && new Graph(run.sizes, choose);
  byId("graph").replaceChildren(...(graph ? [graph.svg] : []));
  if (run) refresh();
}

function refresh() {
  answer.bar(run.progress());
  const signs = graph.update(run);
  byId("legend").replaceChildren(...run.shades.legend(), ...signs);
  if (graph.chosen) reader.show(run, ...graph.chosen);
}

function choose(step, slot, focus = false) {
  graph.choose(step, slot, run);
  const follows = focus || byId("chain").contains(document.activeElement);
  reader.show(run, step, slot);
  if (follows) reader.heading.focus();
}

function working(now) {
  const [from, to] = now ? ["ask", "stop"] : ["stop", "ask"];
  const focused = document.activeElement === byId(from);
  byId(from).hidden = true;
  byId(to).hidden = false;
  byId("stop-here").hidden = !now;
  if (focused) byId(to).focus({ preventScroll: true });
}

// The run as the server keeps it. A link cannot carry a key, so with one the page fetches it itself.
function offerLineage(id, key) {
  const link = byId("lineage");
  link.href = `v1/rsa/runs/${encodeURIComponent(id)}`;
  link.hidden = false;
  link.onclick = key ? (event) => { event.preventDefault(); save(link.href, `${id}.json`, key); } : null;
}

async function save(path, name, key) {
  try {
    const record = await fetched(path, { key });
    const address = URL.createObjectURL(new Blob([JSON.stringify(record, null, 1)], { type: "application/json" }));
    make("a", { href: address, download: name }).click();
    URL.revokeObjectURL(address);
  } catch (error) {
    failed(error);
  }
}

byId("form").addEventListener("submit", (event) => { event.preventDefault(); ask(); });
byId("form").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  ask();
});
for (const id of ["stop", "stop-here"]) byId(id).addEventListener("click", () => going?.abort());
byId("key").addEventListener("change", prepare);
byId("copy-answer").addEventListener("click", () => copyBy(byId("copy-answer"), answer.text));
byId("copy-curl").addEventListener("click", async () => {
  if (await prepare()) copyBy(byId("copy-curl"), curlCommand(form.body(), form.key !== ""));
});
prepare();
