// Making a hook, and changing one. What the service refuses stands at its field.

import { get, part, send } from "./api.js";
import { crumbs, el, foreign, icon, plain, say } from "./dom.js";
import { plural } from "./format.js";
import { hookAddress, roomAddress } from "./state.js";

const FORMATS = ["spika", "bare", "standard", "cloudevents", "slack", "discord", "mattermost"];
const TEXTS = ["url", "rateLimit", "timeout", "maxAge", "description", "transport"];
const KEEP = "keep",
  NONE = "none",
  MAKE = "auto";

// Something is wrong with one field, known before the service is asked
class FieldError extends Error {
  constructor(field, message) {
    super(message);
    this.field = field;
  }
}

// "… not be valid: url: must start with …" names the field
function fieldOf(error) {
  if (error.field) return [error.field, error.message];
  const found = /not be valid: (\w+): ([^]*)$/.exec(error.message);
  return found ? [found[1], found[2]] : [null, error.message];
}

// --- the values of fields, and what they make of a hook ---

const listOf = text => text.split(/[\s,]+/).filter(Boolean);
const isSame = (one, other) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);

function headersOf(text, removed) {
  const headers = Object.fromEntries(removed.map(name => [name, null]));
  for (const line of text.split("\n")) {
    const [, name, value] = /^\s*([^:]*?)\s*:\s*(.*?)\s*$/.exec(line) || [];
    if (line.trim() === "") continue;
    if (!name) throw new FieldError("headers", "each line is a name, a colon and a value");
    headers[name] = value;
  }
  return headers;
}

function templateOf(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FieldError("template", "is not JSON: " + error.message);
  }
}

// What is to be changed of the hook ({}: a new one), as PATCH takes it: null removes
function changeOf(values, hook) {
  const change = {};
  const set = (name, value, before) => {
    if (!isSame(value, before)) change[name] = value;
  };
  for (const name of TEXTS) {
    if (values[name] !== undefined) set(name, values[name] || null, hook[name]);
  }
  if (values.format === "template") {
    set("template", templateOf(values.template), hook.template);
    if (change.template !== undefined) change.format = null;
  } else if (hook.template !== undefined || values.format !== (hook.format || FORMATS[0])) {
    change.format = values.format;
    if (hook.template !== undefined) change.template = null;
  }
  const types = listOf(values.types);
  set("types", types.length ? types : null, hook.types);
  const accepted = listOf(values.acceptStatus).map(s => (/^\d{1,9}$/.test(s) ? Number(s) : s));
  set("acceptStatus", accepted.length ? accepted : null, hook.acceptStatus);
  const headers = headersOf(values.headers, values.removed);
  if (Object.keys(headers).length) change.headers = headers;
  for (const name of ["secret", "verificationSignature"]) {
    if (values[name] === MAKE) change[name] = MAKE;
    else if (values[name] === NONE && hook.id !== undefined) change[name] = null;
  }
  return change;
}

// --- the form ---

class Form {
  constructor() {
    this.fields = {};
    this.refusal = el("p.refused", { role: "alert", hidden: true });
  }

  add(name, label, input, note) {
    const error = el("p.refused", { id: "error-" + name, hidden: true });
    const hint = note && el("p.hint", { id: "hint-" + name }, note);
    input.id = "field-" + name;
    if (hint) input.setAttribute("aria-describedby", hint.id);
    this.fields[name] = { input, error, hint };
    return el("div.field", null, el("label", { for: input.id }, label), input, hint, error);
  }

  value(name) {
    return this.fields[name]?.input.value.trim();
  }

  clear() {
    this.refusal.hidden = true;
    for (const { input, error, hint } of Object.values(this.fields)) {
      error.hidden = true;
      input.removeAttribute("aria-invalid");
      if (hint) input.setAttribute("aria-describedby", hint.id);
    }
  }

  refuse(thrown) {
    const [name, message] = fieldOf(thrown);
    const field = this.fields[name];
    const place = field ? field.error : this.refusal;
    place.replaceChildren(icon("s-failing"), " ", foreign(message));
    place.hidden = false;
    if (!field) return;
    field.input.setAttribute("aria-invalid", "true");
    field.input.setAttribute("aria-describedby", field.error.id);
    field.input.focus();
  }
}

function text(value, more = {}) {
  const input = el("input", { type: "text", autocomplete: "off", spellcheck: "false", ...more });
  input.value = value ?? "";
  return input;
}

function lines(value, rows) {
  const input = el("textarea", { rows, autocomplete: "off", spellcheck: "false" });
  input.value = value;
  return input;
}

function choice(value, options, onchange) {
  return el(
    "select",
    { onchange },
    options.map(([name, title]) => el("option", { value: name, selected: name === value }, title)),
  );
}

function bodyFields(form, hook) {
  const template = form.add(
    "template",
    "Template",
    lines(hook.template === undefined ? "{}" : JSON.stringify(hook.template, null, 2), 8),
    'JSON with places like {{message.body.text|"nothing"}}',
  );
  const shown = () => {
    template.hidden = form.value("format") !== "template";
  };
  const format = form.add(
    "format",
    "Body",
    choice(
      hook.template === undefined ? hook.format || FORMATS[0] : "template",
      [...FORMATS.map(name => [name, name]), ["template", "its own template"]],
      shown,
    ),
  );
  shown();
  return [format, template];
}

function headerFields(form, hook) {
  const removals = (hook.headerNames || []).map(name => ({
    name,
    box: el("input", { type: "checkbox" }),
  }));
  form.removed = () => removals.filter(one => one.box.checked).map(one => one.name);
  return [
    form.add(
      "headers",
      hook.headerNames ? "Add or replace headers" : "Headers",
      lines("", 2),
      "one a line, like X-Token: secret; stored values are not shown",
    ),
    removals.map(({ name, box }) =>
      el("label.check", null, box, " Remove header ", foreign(name)),
    ),
  ];
}

function signingFields(form, hook) {
  const isNew = hook.id === undefined;
  const has = hook.secrets > 0;
  return [
    form.add(
      "secret",
      "Secret",
      isNew
        ? choice(MAKE, [
            [MAKE, "make one; it is shown once"],
            [NONE, "none: POSTs are not signed"],
          ])
        : choice(
            KEEP,
            [
              [KEEP, has ? "keep " + plural(hook.secrets, "secret") : "none"],
              [MAKE, has ? "replace at once; it is shown once" : "make one; it is shown once"],
              has && [NONE, "remove: POSTs are no longer signed"],
            ].filter(Boolean),
          ),
      has && "Rotate, on the page of the hook, keeps the old one for a while.",
    ),
    form.add(
      "verificationSignature",
      "Verification-Signature",
      choice(
        isNew ? NONE : KEEP,
        [
          isNew ? [NONE, "none"] : [KEEP, hook.signature ? "keep it" : "none"],
          [MAKE, (hook.signature ? "replace it" : "make one") + "; it is shown once"],
          hook.signature && [NONE, "remove"],
        ].filter(Boolean),
      ),
    ),
  ];
}

function limitFields(form, hook, here) {
  const ofWorkers = { placeholder: "of the workers" };
  return [
    form.add(
      "types",
      "Events",
      text((hook.types || []).join(", "), { placeholder: "all types" }),
      "types like message.created, or message.* for all that begin so",
    ),
    form.add("rateLimit", "Rate limit", text(hook.rateLimit, { placeholder: "none" }), "like 10/s"),
    form.add("timeout", "Timeout", text(hook.timeout, ofWorkers), "like 5s"),
    form.add("maxAge", "Max age", text(hook.maxAge, ofWorkers), "like 1h"),
    form.add(
      "acceptStatus",
      "Accepts",
      text((hook.acceptStatus || []).join(", "), { placeholder: "2xx" }),
      "statuses that count as delivered besides 2xx, like 302, 409",
    ),
    here.access.room === null &&
      form.add(
        "transport",
        "Transport",
        text(hook.transport, { placeholder: "none" }),
        "a client certificate, CA or proxy of the workers’ settings",
      ),
  ];
}

function valuesOf(form) {
  const names = Object.keys(form.fields);
  return {
    ...Object.fromEntries(names.map(name => [name, form.value(name)])),
    headers: form.fields.headers.input.value,
    removed: form.removed(),
  };
}

// What is in this answer only
function madeOnce(answer) {
  const made = [
    ["Secret", answer.secret],
    ["Verification-Signature", answer.verificationSignature],
  ].filter(([, value]) => value);
  if (made.length === 0) return null;
  return [
    el("h1", null, "Stored"),
    el("p.sub.plain", null, "This is not shown again. Give it to the receiver now."),
    made.map(([title, value]) => [
      el("h2", null, title),
      el("pre.once", { tabindex: "0" }, foreign(value)),
    ]),
    el(
      "p.buttons",
      null,
      el("a.button", { href: hookAddress(answer.room, answer.id) }, "To the hook"),
    ),
  ];
}

// root: where what was made is shown instead; room: undefined where it is to be asked for; hook: {}
// for a new one
function formOf(here, root, room, hook) {
  const form = new Form();
  const isNew = hook.id === undefined;
  const store = el(
    "button.primary",
    { type: "submit", disabled: !here.mayAct() },
    isNew ? "Register" : "Store",
  );
  const cancel = isNew ? (room === undefined ? "#/hooks" : roomAddress(room)) : null;

  async function submit(event) {
    event.preventDefault();
    form.clear();
    store.disabled = true;
    try {
      const where = room === undefined ? form.value("room") : room;
      const id = isNew ? form.value("id") : hook.id;
      const change = changeOf(valuesOf(form), hook);
      const address = "v1/rooms/" + part(String(where)) + "/hooks/" + part(id);
      if (!isNew && Object.keys(change).length === 0) {
        location.hash = hookAddress(where, id);
        return;
      }
      const answer = isNew
        ? await send("PUT", address + "?create=true", withoutNull(change))
        : await send("PATCH", address, change);
      done(answer);
    } catch (error) {
      form.refuse(isNew && error.status === 409 ? new FieldError("id", error.message) : error);
      store.disabled = !here.mayAct();
    }
  }

  function done(answer) {
    const once = madeOnce(answer);
    say("Stored");
    if (once === null) location.hash = hookAddress(answer.room, answer.id);
    else {
      root.replaceChildren(...once.flat(Infinity));
      root.querySelector("pre").focus();
    }
  }

  return el(
    "form.edit",
    { onsubmit: submit },
    isNew &&
      room === undefined &&
      form.add("room", "Room", text("", { required: true }), "its id"),
    isNew &&
      form.add(
        "id",
        "Id",
        text("main", { required: true, maxlength: 64 }),
        "letters, digits, _ and -; a room may have several hooks",
      ),
    form.add("url", "URL", text(hook.url, { required: true, inputmode: "url" })),
    form.add("description", "Description", text(hook.description, { maxlength: 400 })),
    bodyFields(form, hook),
    signingFields(form, hook),
    headerFields(form, hook),
    limitFields(form, hook, here),
    form.refusal,
    el(
      "div.buttons",
      null,
      store,
      el("a.button", { href: cancel || hookAddress(room, hook.id) }, "Cancel"),
      !here.mayAct() && el("span.muted.small", null, here.whyNot()),
    ),
  );
}

const withoutNull = change =>
  Object.fromEntries(Object.entries(change).filter(([, value]) => value !== null));

function page(title, heading, crumbs) {
  const host = el("div");
  return { title, panels: [], host, node: el("div.narrow", null, crumbs, heading, host) };
}

export function newHook(here, room) {
  const isRoom = typeof room === "string";
  const made = page(
    "New hook",
    el("h1", null, "New hook", isRoom ? [" of room ", foreign(room)] : ""),
    isRoom && crumbs(el("a", { href: roomAddress(room) }, "Room ", foreign(room))),
  );
  made.host.append(formOf(here, made.node, isRoom ? room : undefined, {}));
  return made;
}

export function editHook(here, room, id) {
  const made = page(
    "Edit " + plain(room) + " / " + plain(id),
    el("h1", null, "Edit ", foreign(room), " ", el("span.id", null, "/ ", foreign(id))),
    crumbs(
      el("a", { href: roomAddress(room) }, "Room ", foreign(room)),
      el("a", { href: hookAddress(room, id) }, foreign(id)),
    ),
  );
  const load = async () => {
    made.host.replaceChildren();
    try {
      const hook = await get("v1/rooms/" + part(room) + "/hooks/" + part(id));
      made.host.append(formOf(here, made.node, room, hook));
    } catch (error) {
      made.host.append(
        el(
          "div.fault",
          { role: "group" },
          el("p", null, icon("s-failing"), " ", el("b", null, "The hook could not be read.")),
          el("p", null, foreign(error.message)),
          el("button", { type: "button", onclick: load }, "Try again"),
        ),
      );
    }
  };
  load();
  return made;
}
