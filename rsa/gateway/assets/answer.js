// The answer while it comes: progress, then its text, then what it took.

const PROGRESS = /^step \d+ of \d+, \d+ of \d+ chains[^\n]*\n$/; // a whole piece of reasoning of this form is progress

class Answer {
  begin() {
    Object.assign(this, { text: "", plan: "", waiting: { text: "", thinking: "" } });
    for (const name of ["step", "ended", "usage", "stopped", "note"]) this[name] = undefined;
    this.began = performance.now();
    for (const id of ["text", "thinking-text", "facts"]) byId(id).textContent = "";
    byId("thinking").hidden = true;
    byId("lineage").hidden = true;
    byId("answer").hidden = false;
    byId("empty").hidden = true;
    byId("copy-answer").disabled = true;
    byId("progress").removeAttribute("value");
    byId("progress").hidden = false;
    this.say("waiting for the first chain");
  }

  say(words) {
    byId("told").textContent = words;
  }

  headed(headers) {
    const name = (header) => headers.get(`X-RSA-${header}`);
    const seed = name("Seed");
    this.plan = `${name("Plan")}${seed === null ? "" : `, seed ${seed}`}`;
    this.note = name("Note");
  }

  // Takes a chunk of the stream; whether it tells of progress.
  take(chunk) {
    this.usage = chunk.usage ?? this.usage;
    this.stopped = chunk.rsa?.stopped ?? this.stopped;
    this.note = chunk.rsa?.note ?? this.note;
    const choice = chunk.choices?.find(({ index }) => index === 0);
    if (!choice) return false;
    this.ended = choice.finish_reason ?? this.ended;
    const { content, reasoning_content: reasoning } = choice.delta ?? {};
    if (reasoning && PROGRESS.test(reasoning)) {
      this.progress(reasoning.trim());
      return true;
    }
    if (reasoning) this.later("thinking", reasoning);
    if (content) this.later("text", content);
    return false;
  }

  progress(words) {
    this.say(words);
    const step = words.split(",")[0];
    if (step !== this.step) announce(words);
    this.step = step;
  }

  // Texts are shown at the pace of the screen, whatever the pace of the stream.
  later(what, text) {
    if (what === "text") {
      if (!this.text) this.say("being written");
      this.text += text;
    }
    if (!this.waiting.text && !this.waiting.thinking) requestAnimationFrame(() => this.flush());
    this.waiting[what] += text;
  }

  flush() {
    const { text, thinking } = this.waiting;
    this.waiting = { text: "", thinking: "" };
    grown(byId("text"), text);
    grown(byId("thinking-text"), thinking);
    if (thinking) byId("thinking").hidden = false;
  }

  bar([done, wanted]) {
    Object.assign(byId("progress"), { max: Math.max(1, wanted), value: done });
  }

  // `how` is "done", "stopped" or "failed".
  end(how, run) {
    this.flush();
    byId("progress").hidden = true;
    byId("copy-answer").disabled = !this.text;
    const done = this.ended === "length" ? "cut off at the token limit" : "done";
    const words = { done, stopped: "stopped by you", failed: "failed" };
    this.say(this.text && how !== "done" ? `${words[how]}: this text is not complete` : words[how]);
    byId("facts").textContent = this.facts(run).filter(Boolean).join(" · ");
    if (how === "done") announce(`Complete: ${this.agreement(run) || oneLine(this.text)}`);
    if (how === "stopped") announce("Stopped.");
  }

  facts(run) {
    const usage = this.usage ?? run?.usage;
    const seconds = `${((performance.now() - this.began) / 1000).toFixed(1)} s`;
    const told = [seconds, this.plan, this.stopped ?? run?.stopped, this.note];
    return [this.agreement(run), ...(usage ? spent(usage) : []), ...told];
  }

  agreement(run) {
    const place = run?.answering();
    const chain = place && run.chain(...place);
    if (!chain || chain.answer === null || chain.answer === undefined) return "";
    const voices = [...run.chains.values()].filter(({ step, vote }) => step === chain.step && typeof vote === "string");
    const agreeing = voices.filter(({ vote }) => vote === chain.vote).length;
    return `answer ${oneLine(chain.answer)}${voices.length > 1 ? `, ${agreeing} of ${voices.length} agree` : ""}`;
  }
}

// What it took, as far as the server counts: `usage` of the whole, not of the text alone.
function spent(usage) {
  const { prompt_tokens: prompt, completion_tokens: completion, rsa_details: details } = usage;
  const reused = usage.prompt_tokens_details?.cached_tokens;
  const cached = reused ? ` (${reused.toLocaleString("en-US")} cached)` : "";
  const dead = details?.dead_chains ? ` (${details.dead_chains} dead)` : "";
  const chains = details ? [`${counted(details.chains, "chain")}${dead}, ${counted(details.calls, "call")}`] : [];
  const tokens = `${counted(completion, "new token")} and ${counted(prompt, "prompt token")}${cached}`;
  return [...chains, details?.counted === false ? `${tokens}, not all counted` : tokens];
}

function grown(node, text) {
  if (!text) return;
  const follows = node.firstChild && node.scrollHeight - node.scrollTop - node.clientHeight < 40;
  if (node.firstChild) node.firstChild.appendData(text);
  else node.append(text);
  if (follows) node.scrollTop = node.scrollHeight;
}
