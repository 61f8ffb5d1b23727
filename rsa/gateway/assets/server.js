// Requests to the server that this page came from, and what goes wrong with them in words.

class Trouble extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

const LOST = "The connection to the server broke off before the answer was complete. Is it still running?";

async function request(path, { key, body, signal } = {}) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  if (body) headers["Content-Type"] = "application/json";
  const method = body ? "POST" : "GET";
  let response;
  try {
    response = await fetch(path, { method, headers, signal, body: body && JSON.stringify(body), cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("The server cannot be reached. Is it still running?");
  }
  if (!response.ok) throw new Trouble(await complaint(response), response.status);
  return response;
}

const fetched = async (path, options) => readJson(await request(path, options));

async function readJson(response) {
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("The server's reply cannot be read: is something else in front of it?");
  }
}

async function complaint(response) {
  const text = await response.text().catch(() => "");
  const wait = Number(response.headers.get("Retry-After"));
  const again = wait > 0 ? ` (in ${counted(wait, "second")})` : "";
  return `${told(text) ?? `The server answers with status ${response.status}.`}${again}`;
}

// What an error of OpenAI's shape says.
function told(text) {
  try {
    const { error } = JSON.parse(text);
    return typeof error.message === "string" ? sentence(error.message) : undefined;
  } catch {
    return undefined;
  }
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// The chunks of a streamed answer. An error that is told inside is thrown, and so is an end before the end.
async function* chunks(response) {
  for await (const line of lines(response)) {
    if (!line.startsWith("data:")) continue;
    const data = line.slice(5).trim();
    if (data === "[DONE]") return;
    const chunk = parsed(data);
    if (chunk.error) throw new Trouble(sentence(String(chunk.error.message ?? "The server failed.")));
    yield chunk;
  }
  throw new Trouble(LOST);
}

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    throw new Trouble("The server's stream cannot be read: is something else in front of it?");
  }
}

async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + value).split("\n");
      rest = parts.pop();
      yield* parts;
    }
  } catch (error) {
    throw error.name === "AbortError" ? error : new Trouble(LOST);
  } finally {
    reader.cancel().catch(() => {});
  }
}

const slept = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Looks after a run while it is going on: whenever it is poked, and every second, it fetches what is new. `take` is called
// with each record: the first whole, the others without the plan and with new chains only.
class Watch {
  constructor(run, key, take) {
    this.path = `v1/rsa/runs/${encodeURIComponent(run)}`;
    this.key = key;
    this.take = take;
    this.chains = 0;
    this.status = undefined; // undefined until the run has begun
    this.ended = false;
    this.going = this.go();
  }

  async go() {
    while (!this.ended) {
      await this.look();
      await this.pause();
    }
  }

  poke() {
    this.due = true;
    this.wake?.();
  }

  // A tenth of a second in any case, so that several pokes in a row are one.
  async pause() {
    await slept(100);
    if (!this.due) await Promise.race([slept(900), new Promise((resolve) => { this.wake = resolve; })]);
    this.due = false;
  }

  async look() {
    const first = this.status === undefined;
    try {
      const record = await fetched(first ? this.path : `${this.path}?after=${this.chains}`, { key: this.key });
      this.chains += record.chains.length;
      this.status = record.status;
      this.take(record);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error; // the stream tells of the same trouble, and says more of it
    }
  }

  // What is left when the answer has ended; a run that was stopped takes a moment to end.
  async finish() {
    this.ended = true;
    this.poke();
    await this.going;
    for (let tries = 0; tries < 10; tries += 1) {
      await this.look();
      if (this.status !== "running") return;
      await slept(200);
    }
  }
}
