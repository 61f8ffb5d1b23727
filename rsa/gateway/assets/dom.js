// Elements and texts. Whatever a server or a model says becomes a text node or an attribute, never markup.

const byId = (id) => document.getElementById(id);

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function button(title, act, attributes = {}) {
  const node = make("button", { type: "button", ...attributes }, title);
  node.addEventListener("click", act);
  return node;
}

// One line without characters that cannot be seen or that turn the direction of what stands around them.
function oneLine(text, length = 60) {
  const points = [...String(text).slice(0, 8 * length).replace(/[\p{Cc}\p{Cf}\p{Cs}\s]+/gu, " ").trim()];
  return points.length > length ? `${points.slice(0, length).join("")}…` : points.join("");
}

const counted = (number, noun) => `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;

// For those who hear the page.
const announce = (text) => { byId("status").textContent = text; };

// Copies, and says so in the place of the button's title for a moment.
async function copyBy(node, text) {
  const title = node.dataset.title ?? node.textContent;
  node.dataset.title = title;
  const done = await copied(text);
  node.textContent = done ? "Copied" : "Not allowed to copy";
  announce(node.textContent);
  setTimeout(() => { node.textContent = title; }, 1500);
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedByHand(text); // the clipboard is not there on pages that did not come by HTTPS or from this machine
  }
}

function copiedByHand(text) {
  const before = document.activeElement;
  const area = make("textarea", { class: "sr", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  return done;
}
