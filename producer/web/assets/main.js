// The frame around the views: addresses, sign-in, polling, theme, what all pages have in common.

import { ApiError, get, part, token } from "./api.js";
import { el, foreign, icon, say, show, time } from "./dom.js";
import { clock, count, duration, zone } from "./format.js";
import { Panel } from "./panel.js";
import { hook } from "./view-hook.js";
import { hooks, room } from "./view-hooks.js";
import { lanes } from "./view-lanes.js";
import { findMessage, message } from "./view-message.js";
import { overview } from "./view-overview.js";
import { signIn } from "./view-signin.js";
import { workers } from "./view-workers.js";

const POLL_MS = 5000;
const root = document.documentElement;
const main = document.getElementById("main");
const one = selector => document.querySelector(selector);

// Pages that are not looked at often are loaded when they are opened
const dead = () => import("./view-dead.js");
const edit = () => import("./view-edit.js");
const later = (load, name) => (...given) => load().then(module => module[name](...given));

const routes = [
  [/^\/$/, "overview", overview],
  [/^\/hooks$/, "hooks", hooks],
  [/^\/new-hook$/, "hooks", later(edit, "newHook")],
  [/^\/rooms\/([^/]+)$/, "hooks", room],
  [/^\/rooms\/([^/]+)\/new-hook$/, "hooks", later(edit, "newHook")],
  [/^\/rooms\/([^/]+)\/hooks\/([^/]+)\/edit$/, "hooks", later(edit, "editHook")],
  [/^\/rooms\/([^/]+)\/hooks\/([^/]+)$/, "hooks", hook],
  [/^\/rooms\/([^/]+)\/messages\/([^/]+)$/, "messages", message],
  [/^\/messages$/, "messages", findMessage],
  [/^\/rooms\/([^/]+)\/dead$/, "dead", later(dead, "roomDeadLetters")],
  [/^\/lanes$/, "lanes", lanes],
  [/^\/dead$/, "dead", later(dead, "deadLetters")],
  [/^\/workers$/, "workers", workers],
  [/^\/doctor$/, "doctor", later(() => import("./view-doctor.js"), "doctor")],
];

const store = {
  get(key) {
    try {
      return sessionStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      sessionStorage.setItem(key, value);
    } catch {
      /* a private window keeps nothing */
    }
  },
};

// What views know of where they are
const here = {
  access: null, // {queue, environment, role, room, actions, version}
  away: null, // {since, error} while nothing can be read
  mayAct: () =>
    here.access !== null && here.access.actions && here.access.role !== "read" && !here.away,
  whyNot: () =>
    here.away
      ? "not while Redis is away"
      : !here.access?.actions
        ? "roomhook-web runs without --actions"
        : here.access.role === "read"
          ? "this token only reads"
          : "",
  refresh: () => view?.panels.forEach(panel => panel.refresh()),
  title: text => {
    document.title = (here.away ? "Away: " : "") + text + " · Roomhook";
  },
};

let view = null;
let isLive = true;

// Addresses ------------------------------------------------------------------------------------

// "#/dead?room=438" is the page /dead with its values; "#token=…", or one among them, signs in.
function takeAddress() {
  const hash = location.hash.slice(1);
  const whole = hash.startsWith("/") ? hash : "/?" + hash;
  const [path, search = ""] = whole.split(/\?(.*)/s);
  const values = new URLSearchParams(search);
  const given = values.get("token");
  values.delete("token");
  if (given || !hash.startsWith("/")) {
    history.replaceState(
      null,
      "",
      "#" + path + (hash.startsWith("/") && values.size ? "?" + values : ""),
    );
  }
  if (given) token.set(given);
  return {
    path,
    values: hash.startsWith("/") ? values : new URLSearchParams(),
    isNew: Boolean(given),
  };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function open() {
  if (location.hash === "#main") return; // the skip link
  const { path, values, isNew } = takeAddress();
  if (isNew || here.access === null) {
    start(); // a service without tokens lets everybody read
    return;
  }
  for (const [pattern, page, make] of routes) {
    const found = path.match(pattern);
    if (found) {
      openPage(make(here, ...found.slice(1).map(decode), values), page);
      return;
    }
  }
  change(
    {
      panels: [],
      title: "Not found",
      node: el(
        "div",
        null,
        el("h1", null, "There is no such page"),
        el("p.sub", null, el("a", { href: "#/" }, "Overview")),
      ),
    },
    null,
  );
}

// made: a view, or a promise of one; what was opened meanwhile stays
async function openPage(made, page) {
  const hash = location.hash;
  try {
    const to = made instanceof Promise ? await made : made;
    if (location.hash === hash) change(to, page);
  } catch (error) {
    awayBecause(new ApiError(0, "unreachable", "the page was not loaded: " + error.message));
  }
}

function change(to, page) {
  leave();
  view = to;
  main.replaceChildren(to.node);
  here.title(to.title);
  for (const link of document.querySelectorAll("nav.pages a")) {
    if (link.dataset.page === page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const current = one("nav.pages [aria-current]");
  if (current) current.closest("nav").scrollLeft = current.offsetLeft - 64;
  if (document.activeElement !== document.body || to.focuses)
    (to.focuses || main).focus({ preventScroll: true });
  scrollTo(0, 0);
  for (const panel of to.panels) {
    panel.onOutage = isAwayBecause;
    panel.onDenied = denied;
    panel.refresh();
  }
}

function leave() {
  for (const panel of view?.panels || []) panel.stop();
  view?.release?.();
}

// Who is asking --------------------------------------------------------------------------------

// Whose token this is; room is null for one that is for all
async function askAccess() {
  const service = await get("v1/service");
  return { ...service, room: service.room ?? null };
}

async function start() {
  try {
    here.access = await askAccess();
  } catch (error) {
    if (error.status === 401) denied(error);
    else {
      awayBecause(error);
      setTimeout(start, POLL_MS);
    }
    return;
  }
  back();
  frame();
  if (here.access.room !== null && !location.hash.startsWith("#/rooms/")) {
    history.replaceState(null, "", "#/rooms/" + part(String(here.access.room)));
  }
  open();
  poll();
}

// Without an error they have signed out themselves
function denied(error) {
  const had = error && token.get();
  token.set(null);
  here.access = null;
  leave();
  view = null;
  frame();
  change(signIn(here, start, had ? error.message : ""), null);
}

function frame() {
  const { access } = here;
  const isOperator = access !== null && access.room === null;
  root.dataset.view = access === null ? "out" : isOperator ? "operator" : "room";
  one("nav.pages").hidden = one(".find").hidden = !isOperator;
  one(".queue").hidden = one("[data-do=live]").hidden = access === null;
  one(".queue").textContent = access ? access.queue : "";
  const environment = access && access.environment;
  one(".env").hidden = !environment;
  one(".env").replaceChildren(foreign(environment || ""));
  one(".env").classList.toggle("staging", environment !== "production");
  const role =
    access && (access.role !== "read" && access.actions ? "may read and act" : "may read");
  const signed =
    access &&
    token.get() &&
    el(
      "span",
      null,
      role,
      isOperator ? "" : [" in room ", foreign(String(access.room))],
      "; ",
      el("button.link", { type: "button", onclick: signOut }, "sign out"),
    );
  one("footer p").replaceChildren(
    ...[
      el("span", null, "Times are " + zone()),
      access && access.version && el("span", null, "roomhook-web " + access.version),
      signed,
    ].filter(Boolean),
  );
}

function signOut() {
  denied();
}

// Away and back --------------------------------------------------------------------------------

// A refusal of Redis to one request is no outage: whether it can be read at all is asked apart.
async function isAwayBecause(error) {
  if (error.status !== 0) {
    try {
      await get("readyz");
      return false;
    } catch (other) {
      if (!other.isOutage) return false;
    }
  }
  awayBecause(error);
  return true;
}

function awayBecause(error) {
  if (!here.away) {
    here.away = { since: Date.now(), error };
    root.dataset.state = "redis-away";
    one(".live [data-text]").textContent = "Away";
    setTimeout(probe, POLL_MS);
    view?.panels.forEach(panel => panel.redraw());
  }
  here.away.error = error;
  const isOurs = error.status === 0;
  const notice = one(".notice");
  notice.hidden = false;
  show(notice, [
    icon("s-failing"),
    el(
      "p",
      null,
      el(
        "b",
        null,
        isOurs ? "roomhook-web has not answered since " : "Redis has not answered since ",
        time(here.away.since, clock(here.away.since)),
        ". ",
      ),
      "The figures shown are from then. ",
      isOurs
        ? "Workers go on without it. "
        : "Nothing that Redis still has is lost; until it is back no event can be added. ",
      "It is retried every 5 s. ",
      el("span.muted", null, foreign(error.message)),
    ),
  ]);
  here.title(view ? view.title : "Roomhook");
}

async function probe() {
  if (!here.away) return;
  try {
    await get("readyz");
    back();
    if (view) here.refresh();
  } catch (error) {
    awayBecause(error.status === 503 ? here.away.error : error);
    setTimeout(probe, POLL_MS);
  }
}

function back() {
  if (!here.away) return;
  here.away = null;
  delete root.dataset.state;
  one(".notice").hidden = true;
  one(".notice").replaceChildren();
  one(".live [data-text]").textContent = isLive ? "Live" : "Paused";
  here.title(view ? view.title : "Roomhook");
  view?.panels.forEach(panel => panel.redraw());
  say("Redis answers again");
}

// Polling: only while somebody looks -----------------------------------------------------------

function poll() {
  if (!isLive || document.hidden || here.away || here.access === null || one("dialog[open]"))
    return;
  const now = performance.now();
  for (const panel of view?.panels || []) if (panel.isDue(now)) panel.refresh();
  if (here.access.room === null) counts();
}

async function counts() {
  let status;
  try {
    status = await get("v1/status");
  } catch {
    return; /* the view says so */
  }
  const attention = await get("v1/attention?limit=10").then(
    found => found.total,
    () => null,
  );
  for (const [name, n] of [
    ["attention", attention],
    ["lanes", status.lanes_waiting],
    ["dead", status.dead],
    ["workers", status.workers ? status.workers.length : null],
  ]) {
    const label = one(`[data-count="${name}"]`);
    label.textContent = n > 0 ? count(n) : "";
    if (name === "attention") label.title = "need attention";
    label.classList.toggle("bad", name === "attention" && n > 0);
  }
}

// Controls -------------------------------------------------------------------------------------

function isDark() {
  return root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
}

one("[data-do=theme]").onclick = () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  store.set("roomhook.theme", root.dataset.theme);
};

one("[data-do=live]").onclick = event => {
  isLive = !isLive;
  event.currentTarget.setAttribute("aria-pressed", String(isLive));
  if (!here.away) one(".live [data-text]").textContent = isLive ? "Live" : "Paused";
  poll();
};

// "438" is a room, "438/main" a hook of it, "438 msg-1" a message of it.
one(".find").onsubmit = event => {
  event.preventDefault();
  const wanted = one("#find").value.trim();
  const [, roomText, sign, rest] = wanted.match(/^([^\s/]+)(?:([\s/]+)(.+))?$/) || [];
  if (!roomText) return;
  one("#find").value = "";
  location.hash =
    "#/rooms/" +
    part(roomText) +
    (rest ? (sign.includes("/") ? "/hooks/" : "/messages/") + part(rest) : "");
};

document.addEventListener("keydown", event => {
  if (
    event.key !== "/" ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.target.closest("input, select, textarea, dialog")
  )
    return;
  const field = main.querySelector("input[type=search]") || one("#find");
  if (field.closest("[hidden]")) return;
  event.preventDefault();
  field.focus();
});

one(".skip").onclick = event => {
  event.preventDefault();
  main.focus();
};

const theme = store.get("roomhook.theme");
if (theme === "light" || theme === "dark") root.dataset.theme = theme;
addEventListener("hashchange", open);
document.addEventListener("visibilitychange", poll);
setInterval(poll, POLL_MS);
frame();
open();
