// Building and updating the page. Whatever comes from outside becomes text, never markup.

import { duration, iso, when } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const HANDLERS = ["onclick", "onchange", "oninput", "onsubmit"];

// Characters that are not seen, or change how others are shown. Joiners stay: scripts need them.
const UNSEEN = new RegExp(
  [
    "[\\0-\\x1f\\x7f-\\x9f\\xad\\u061c\\u115f\\u1160\\u180e]",
    "[\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f]",
    "[\\u3164\\ufe00-\\ufe0e\\ufeff\\uffa0\\ufff0-\\uffff]",
    "[\\ud800-\\udbff](?![\\udc00-\\udfff])|(?<![\\ud800-\\udbff])[\\udc00-\\udfff]", // halves
    "\\udb40[\\udc00-\\udfff]", // tags, and more selectors
  ].join("|"),
  "g",
);

// el("a.name.quiet", {href: "#/"}, "text", node, …). Functions are handlers; false, null and
// undefined are left out.
export function el(what, attributes, ...children) {
  const [name, ...classes] = what.split(".");
  const element = document.createElement(name || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") element[key] = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  return put(element, children);
}

// The way to a page, the widest first; what is false is left out.
export function crumbs(...steps) {
  const items = steps.filter(Boolean).map(step => el("li", null, step));
  return el("nav.crumbs", { "aria-label": "Path" }, el("ol", null, items));
}

export function put(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === false || child === null || child === undefined || child === "") continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

export function svg(name, attributes = {}, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

export function icon(name) {
  const drawing = svg("svg", { class: "icon", "aria-hidden": "true" });
  drawing.append(svg("use", { href: "#" + name }));
  return drawing;
}

function written(character) {
  const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return el("span.esc", null, "U+" + code);
}

// Text of strangers: isolated, with what is not seen written out. Lines stay when that is wanted.
export function foreign(text, keepsLines = false) {
  const out = el("bdi");
  const whole = text === null || text === undefined ? "" : String(text);
  let from = 0;
  for (const found of whole.matchAll(UNSEEN)) {
    if (keepsLines && (found[0] === "\n" || found[0] === "\t")) continue;
    out.append(whole.slice(from, found.index), written(found[0]));
    from = found.index + found[0].length;
  }
  out.append(whole.slice(from));
  return out;
}

// The same for attributes, which hold no elements
export function plain(text) {
  return String(text).replace(
    UNSEEN,
    c => "U+" + c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0"),
  );
}

export function time(at, text) {
  return el("time", { datetime: iso(at), title: iso(at).replace("T", " ") }, text || when(at));
}

// "in 12 s" below an hour, else a clock time
export function ahead(at, now) {
  return at <= now ? "now" : at - now < 3600000 ? "in " + duration(at - now) : time(at);
}

const WORDS = {
  healthy: "Healthy",
  slow: "Slow",
  failing: "Failing",
  open: "Open",
  paused: "Paused",
  disabled: "Disabled",
  delivered: "Delivered",
  retry: "Retry",
  dead: "Dead",
  waiting: "Waiting",
  skipped: "Skipped",
  failed: "Failed",
  rate: "Rate",
  removed: "Removed",
  broken: "Broken",
  hold: "Hold",
  due: "Its turn",
  waits: "Retry",
  error: "Error",
  warning: "Warning",
  unchecked: "Not checked",
  note: "Note",
  ok: "Passed",
  invalid: "Not valid",
};

// Which drawing and colour stand for a state
const LOOKS = {
  due: "waiting",
  waits: "retry",
  removed: "disabled",
  broken: "hold",
  failed: "failing",
  error: "dead",
  warning: "slow failing",
  unchecked: "hold",
  note: "waiting",
  ok: "healthy",
  invalid: "failing",
};

export function state(name, word) {
  if (!word && !(name in WORDS)) return el("span.state.strange", null, foreign(name));
  const [look, drawing = look] = (LOOKS[name] || (name in WORDS ? name : "waiting")).split(" ");
  return el("span.state." + look, null, icon("s-" + drawing), word || WORDS[name] || foreign(name));
}

// Tables ---------------------------------------------------------------------------------------
// A column: {title, cls, head: it is the row's heading, cell(row) → node, text, or list of them}

export function table(caption, columns, groups) {
  const head = columns.map(c =>
    el(
      "th" + cls(c, "head"),
      { role: "columnheader", scope: "col" },
      c.hidden ? el("span.sr", null, c.title) : c.title,
    ),
  );
  const out = el(
    "table",
    { role: "table" },
    el("caption.sr", null, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head)),
  );
  for (const group of groups) {
    if (group.title) {
      out.append(
        el(
          "tbody.group" + (group.cls || ""),
          { role: "rowgroup" },
          el(
            "tr",
            { role: "row" },
            el(
              "th",
              { role: "rowheader", scope: "rowgroup", colspan: columns.length },
              group.title,
            ),
          ),
        ),
      );
    }
    out.append(
      el(
        "tbody",
        { role: "rowgroup" },
        group.rows.map(row => tableRow(columns, row, group)),
      ),
    );
  }
  return out;
}

function cls(column, where) {
  const names = (column.cls || "")
    .split(" ")
    .filter(name => name && !(where === "head" && name === "lead"));
  return names.map(name => "." + name).join("");
}

function tableRow(columns, row, group) {
  const attributes = { role: "row", "data-key": group.key ? plain(group.key(row)) : undefined };
  if (group.selected) attributes["aria-selected"] = String(group.selected(row));
  return el(
    "tr",
    attributes,
    columns.map(column => {
      const content = [column.cell(row)];
      if (column.head) return el("th" + cls(column), { role: "rowheader", scope: "row" }, content);
      const isEmpty = content
        .flat(Infinity)
        .every(c => c === "" || c === null || c === undefined || c === false);
      return el(
        "td" + cls(column),
        { role: "cell", "data-label": isEmpty || column.unlabelled ? undefined : column.title },
        content,
      );
    }),
  );
}

// What a receiver answered: one line, which opens to the whole
export function answer(summary, whole) {
  if (!whole || whole === summary) return foreign(summary);
  return el(
    "details.answer",
    null,
    el("summary", null, foreign(summary)),
    el("pre", { tabindex: "0" }, foreign(whole, true)),
  );
}

// Updating -------------------------------------------------------------------------------------
// Changes what is there into what is wanted, and keeps what has not changed: focus, opened answers.

export function show(host, children) {
  const wanted = put(document.createElement("div"), [children]);
  morphChildren(host, wanted);
}

const keyOf = node => (node.nodeType === 1 ? node.getAttribute("data-key") : null);

function fits(old, wanted) {
  return (
    old.nodeType === wanted.nodeType &&
    old.nodeName === wanted.nodeName &&
    keyOf(old) === keyOf(wanted)
  );
}

function morphChildren(host, wanted) {
  const keyed = new Map();
  for (const child of host.childNodes) {
    const key = keyOf(child);
    if (key !== null) keyed.set(key, child);
  }
  let at = host.firstChild;
  for (const next of [...wanted.childNodes]) {
    const key = keyOf(next);
    const same = key !== null ? keyed.get(key) : at;
    if (same && fits(same, next)) {
      if (same !== at) host.insertBefore(same, at);
      else at = at.nextSibling;
      morph(same, next);
    } else {
      host.insertBefore(next, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function morph(old, wanted) {
  if (old.nodeType !== 1) {
    if (old.data !== wanted.data) old.data = wanted.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!wanted.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS"))
      old.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const name of HANDLERS) {
    if (old[name] || wanted[name]) old[name] = wanted[name];
  }
  if (old.nodeName === "INPUT" && old.type === "checkbox") old.checked = wanted.checked;
  morphChildren(old, wanted);
}

// One line at the bottom right, for six seconds
let hide;
export function say(text) {
  const toast = document.querySelector(".toast");
  clearTimeout(hide);
  toast.textContent = text;
  hide = setTimeout(() => {
    toast.textContent = "";
  }, 6000);
}
