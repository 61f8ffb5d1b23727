// The prompt of a chain as it was sent: its frame with what its parents wrote.

// What prompts show of a chain.
function viewerDelivered(chain) {
  if (chain.shown === undefined) return chain.text;
  return typeof chain.shown === "string" ? chain.shown : chain.text.slice(...chain.shown);
}

// The messages of a prompt: a role and parts, which are texts or chains; null where they are not known.
function viewerMessages(chain, graph) {
  if (chain.prompt === undefined) return null;
  const frame = typeof chain.prompt === "number" ? graph.block.frames[chain.prompt] : chain.prompt;
  const parents = chain.parents.map((slot) => graph.chains.get(graphKey(chain.step - 1, slot)));
  return frame.map(({ role, parts }) => ({
    role,
    parts: parts.map((part) => {
      if (typeof part === "number") return parents[part];
      return typeof part === "string" ? part : JSON.stringify(part, null, 1);
    }),
  }));
}

function viewerPrompt(chain, graph, link) {
  const messages = viewerMessages(chain, graph);
  if (!messages) return [viewerNode("p", {}, viewerNoPrompt(chain, graph))];
  return messages.map(({ role, parts }) => {
    const body = viewerNode("pre", { class: "viewer-raw", tabindex: "0", "aria-label": `${role} message` });
    for (const part of parts) {
      if (typeof part === "string") body.append(part);
      else {
        const named = { class: "viewer-candidate", title: `step ${part.step} slot ${part.slot}` };
        body.append(viewerNode("span", named, viewerDelivered(part)));
      }
    }
    const read = parts.filter((part) => typeof part !== "string");
    const head = viewerNode("p", { class: "viewer-role" }, viewerNode("strong", {}, String(role)));
    const links = read.flatMap((part) => [link(part.step, part.slot), " "]);
    if (read.length) head.append(" with what it reads marked: ", ...links);
    return viewerNode("div", { class: "viewer-message" }, head, body);
  });
}

function viewerNoPrompt(chain, graph) {
  if (!graph.block.whole) return VIEWER_LEFT_OUT;
  if (chain.error && chain.attempts === 0) return "No prompt was sent.";
  return "What is recorded does not give the prompt that was sent, so none is shown.";
}
