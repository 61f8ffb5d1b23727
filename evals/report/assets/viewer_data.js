// The blocks of the page: unpacked when they are wanted, and forgotten when others are.

const VIEWER_KEPT = 3; // blocks

class ViewerBlocks {
  constructor() {
    this.kept = new Map(); // promises by name, the one last used at the end
  }

  // The content of a block, or null where the page has none of that name.
  get(name) {
    const known = this.kept.get(name);
    this.kept.delete(name);
    const made = known ?? viewerUnpack(name);
    this.kept.set(name, made);
    if (this.kept.size > VIEWER_KEPT) this.kept.delete(this.kept.keys().next().value);
    return made;
  }
}

async function viewerUnpack(name) {
  const element = document.getElementById(name);
  if (!element) return null;
  const packed = atob(element.textContent);
  const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(plain).text());
}

// An element with attributes, listeners (functions) and children; nothing in it is read as markup.
function viewerNode(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

// A text of a model in running text, kept from turning what stands around it.
function viewerName(text, length = 200) {
  return viewerNode("bdi", {}, graphPlain(text, length));
}

// An answer where there is no room to draw it: the most frequent TeX written in one line.
function viewerShort(answer, length) {
  const tables = [TEX_LETTERS, TEX_UPRIGHT, TEX_OPERATORS, TEX_LIMITED, TEX_INTEGRALS];
  const signs = (whole, name) => {
    const known = tables.find((table) => table.has(name))?.get(name);
    return known ?? (TEX_FUNCTIONS.has(name) ? `${name} ` : whole);
  };
  const plain = String(answer).slice(0, 200)
    .replace(/\\(?:left|right|displaystyle|,|;|!)(?![a-zA-Z])/g, "")
    .replace(/\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}/g, "$1/$2")
    .replace(/\\sqrt\{([^{}]*)\}/g, "√$1")
    .replace(/\\(?:text|mathrm|mathbf|textbf)\{([^{}]*)\}/g, "$1")
    .replace(/\\([a-zA-Z]+|[%$#&_{}])/g, signs);
  return graphPlain(plain, length);
}

// The address of a problem, a population or a chain within the page.
function viewerHash({ run, problem, repeat, step, slot }) {
  const parts = [run, encodeURIComponent(problem.toWellFormed?.() ?? problem), repeat, step, slot];
  return `#${parts.filter((part) => part !== null && part !== undefined).join("/")}`;
}

// What an address names, null if it is none of the viewer's. `problems` are those of the index.
function viewerPlace(hash, index) {
  const parts = hash.replace(/^#/, "").split("/");
  if (parts.length < 2 || parts.length > 5) return null;
  let id;
  try {
    id = decodeURIComponent(parts[1]);
  } catch {
    return null;
  }
  const numbers = parts.map((part) => (/^[0-9]{1,9}$/.test(part) ? Number(part) : null));
  const [run, , repeat = null, step = null, slot = null] = numbers;
  const problem = index.problems.findIndex((each) => (each.id.toWellFormed?.() ?? each.id) === id);
  const found = run !== null && index.runs[run]?.problems[problem]?.[repeat ?? 0];
  if (!found) return null;
  const inside = step !== null && step >= 1 && step <= index.runs[run].sizes.length;
  return { run, problem, repeat: repeat ?? 0, step: inside ? step : null, slot: inside ? slot : null };
}
