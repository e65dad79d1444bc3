// Overview: is it well, what needs attention, how was it before.

import { get, query } from "./api.js";
import { Charts } from "./chart.js";
import { el, foreign, state, table, time } from "./dom.js";
import { count, duration, isNumber, NONE, perSecond, plural } from "./format.js";
import { happened, historyRows, RANGES } from "./history.js";
import { Panel } from "./panel.js";
import { host, hookLink, laneLink, next, why } from "./state.js";
import { runningNote } from "./view-tasks.js";
import { noWorker, workersTable } from "./view-workers.js";

const SHOWN = 10;
const OLD_MS = 10000; // an event that waits for longer than this is late

// A number and its unit, apart, for the figures
function figure(title, text, note, look) {
  const [number, ...unit] = typeof text === "string" ? text.split(/\u202f| |(?=\/s)/) : [text];
  return el(
    "div",
    null,
    el("dt", null, title),
    el("dd" + (look || ""), null, number, unit.length ? el("span.unit", null, unit.join(" ")) : ""),
    note ? el("dd.note", null, note) : "",
  );
}

function total(counts, ...states) {
  return states.reduce((sum, name) => sum + (counts[name] || 0), 0);
}

function headline(status, attention, here) {
  if (here.away) return "Redis does not answer. Deliveries go on when it is back.";
  const workers = status.workers ? status.workers.length : 0;
  const events = status.counters ? status.counters.events || 0 : 0;
  if (workers === 0 && events === 0 && status.backlog === 0)
    return "Ready. No worker has started yet.";
  if (workers === 0) return "Nothing is delivered: no worker is alive.";
  if (events === 0 && status.backlog === 0) return "Ready. No event has come yet.";
  const doing =
    status.oldest_event_ms > OLD_MS
      ? "Behind: the oldest event has waited for " + duration(status.oldest_event_ms) + "."
      : "Delivering.";
  if (!attention || attention.total === 0)
    return doing + (attention ? " No hook needs attention." : "");
  return doing + " " + plural(attention.total, "hook needs", "hooks need") + " attention.";
}

const isNew = status => (status.counters?.events || 0) === 0 && status.backlog === 0;

const firstSteps = () =>
  el(
    "div.empty",
    null,
    el("b", null, "Register a hook, and send the first event:"),
    el("code", null, "roomhook hook set --room 438 --url https://example.com/hook"),
    el("br"),
    el("code", null, "roomhook send --room 438 --text hello"),
  );

function subline(status) {
  const workers = status.workers ? status.workers.length : null;
  const missing = status.rights_missing || [];
  return el(
    "p.sub",
    null,
    workers !== null && el("span", null, plural(workers, "worker")),
    " ",
    el("span", null, plural(status.in_flight ?? 0, "event") + " in flight"),
    " ",
    missing.length > 0 &&
      el("span", null, "this user of Redis may not see: ", foreign(missing.join(", "))),
  );
}

function figures(status, attention, latency) {
  const rates = status.per_second || { delivered: latency?.delivered };
  const counts = attention ? attention.counts : {};
  const failing = total(counts, "open", "failing");
  const others = ["slow", "paused", "disabled"]
    .map(name => counts[name] && count(counts[name]) + " " + name)
    .filter(Boolean);
  return el(
    "dl.figures",
    null,
    figure(
      "Delivered",
      rates.delivered === undefined ? NONE : perSecond(rates.delivered),
      rates.retries === undefined ? "" : perSecond(rates.retries) + " retried",
    ),
    figure(
      "Delivery time, p50",
      latency ? duration(latency.p50) : NONE,
      latency && isNumber(latency.p99)
        ? "p99 " + duration(latency.p99)
        : "from the event to the answer",
    ),
    figure(
      "Backlog",
      isNumber(status.backlog) ? plural(status.backlog, "event") : NONE,
      isNumber(status.oldest_event_ms)
        ? "oldest " + duration(status.oldest_event_ms)
        : "nothing waits",
    ),
    figure(
      "Waiting in lanes",
      count(status.deliveries_waiting),
      status.lanes_waiting
        ? plural(status.lanes_waiting, "lane") +
            (status.lanes_shut ? ", " + count(status.lanes_shut) + " shut" : "")
        : "no lane",
    ),
    figure(
      "Hooks failing",
      attention ? (attention.complete ? "" : "over ") + count(failing) : NONE,
      others.join(", ") || "none slow, paused or disabled",
    ),
    figure(
      "Dead letters",
      count(status.dead),
      status.counters?.dead_dropped
        ? count(status.counters.dead_dropped) + " dropped"
        : "none dropped",
    ),
  );
}

export const attentionColumns = now => [
  { title: "State", cls: "lead", unlabelled: true, cell: hook => state(hook.state) },
  { title: "Hook", head: true, cell: hook => hookLink(hook.room, hook.id) },
  { title: "Host", cls: "mid muted", cell: hook => foreign(host(hook.url)) },
  { title: "Why", cls: "text", cell: hook => why(hook) },
  {
    title: "Waiting",
    cls: "num",
    cell: hook => (hook.waiting === undefined ? NONE : count(hook.waiting)),
  },
  { title: "Next", cell: hook => next(hook, now) },
];

function attentionTable(attention, now) {
  if (attention.data.length === 0)
    return el("p.muted", null, "No hook fails, is slow or paused, or was disabled.");
  return [
    table("Hooks that need attention, worst first", attentionColumns(now), [
      { rows: attention.data.slice(0, SHOWN), key: hook => hook.room + "/" + hook.id },
    ]),
    attention.total > SHOWN &&
      el(
        "p.pager",
        null,
        el("span", null, `${SHOWN} of ${count(attention.total)}`),
        el("a", { href: "#/hooks" }, "All that need attention"),
      ),
  ];
}

export const askAttention = () => get("v1/attention" + query({ limit: SHOWN }));

function historyPart(range) {
  const charts = new Charts();
  const host = el("div"),
    marks = el("p.note.marks.small");
  let asked = range;
  const panel = new Panel(
    host,
    () => historyRows(asked),
    history => {
      marks.textContent = history.marks.map(mark => "┊ " + mark.text).join("   ");
      if (history.rows.length < 2)
        return el("p.muted", null, "Nothing yet: workers add a snapshot every minute.");
      return "";
    },
    { every: 60000 },
  );
  const redraw = panel.redraw.bind(panel);
  panel.redraw = () => {
    redraw();
    const rows = panel.data?.rows || [];
    charts.node.hidden = rows.length < 2;
    if (rows.length >= 2) charts.set(rows, panel.data.marks, RANGES[asked].every);
  };
  const buttons = Object.entries(RANGES).map(([name, { title }]) =>
    el(
      "button",
      {
        type: "button",
        "data-range": name,
        "aria-pressed": String(name === asked),
        onclick: () => choose(name),
      },
      title,
    ),
  );
  function choose(name) {
    asked = name;
    buttons.forEach(b => b.setAttribute("aria-pressed", String(b.dataset.range === name)));
    history.replaceState(null, "", "#/" + (name === "1h" ? "" : "?range=" + name));
    panel.refresh();
  }
  charts.node.hidden = true;
  const node = el(
    "section",
    { "aria-labelledby": "history" },
    el(
      "div.bar",
      null,
      el("h2", { id: "history" }, "History"),
      marks,
      el("div.choice", { role: "group", "aria-label": "Range" }, buttons),
    ),
    charts.node,
    host,
  );
  return { node, panel, release: () => charts.release() };
}

const HAPPENED_SHOWN = 8;
const HAPPENED = {
  "hook-opened": "opened",
  "hook-disabled": "was disabled",
  "hook-recovered": "recovered",
  "worker-started": "started",
  "worker-stopped": "stopped",
  "worker-died": "died: its heartbeat ended",
  leader: "leads now",
};

function happenedList(known) {
  if (known.length === 0) return el("p.muted", null, "Nothing in the last 7 days.");
  return el(
    "ul.happened",
    null,
    known
      .slice(0, HAPPENED_SHOWN)
      .map(one =>
        el(
          "li",
          null,
          time(one.at_ms),
          " ",
          one.lane === undefined ? foreign(one.worker || "") : laneLink(one),
          " ",
          HAPPENED[one.kind] || foreign(one.kind),
          one.why ? [": ", foreign(one.why)] : "",
        ),
      ),
  );
}

export function overview(here, values) {
  const head = el("div.head"),
    numbers = el("div"),
    attention = el("div"),
    tasks = el("div"),
    lately = el("div"),
    list = el("div");
  const range = values.get("range") in RANGES ? values.get("range") : "1h";
  const past = historyPart(range);
  const soft = promise => promise.catch(() => null); // another panel says what is wrong with it
  const askHead = async () => ({
    status: await get("v1/status"),
    attention: await soft(askAttention()),
  });
  const attentionPart = el(
    "section",
    { "aria-labelledby": "attention" },
    el(
      "div.bar",
      null,
      el("h2", { id: "attention" }, "Needs attention"),
      el("a.small", { href: "#/hooks" }, "All hooks"),
    ),
    attention,
  );
  return {
    title: "Overview",
    node: el(
      "div",
      null,
      head,
      numbers,
      tasks,
      attentionPart,
      past.node,
      el(
        "section",
        { "aria-labelledby": "lately" },
        el("div.bar", null, el("h2", { id: "lately" }, "Happened lately")),
        lately,
      ),
      el(
        "section",
        { "aria-labelledby": "workers" },
        el(
          "div.bar",
          null,
          el("h2", { id: "workers" }, "Workers"),
          el("a.small", { href: "#/workers" }, "More"),
        ),
        list,
      ),
    ),
    release: past.release,
    panels: [
      new Panel(head, askHead, ({ status, attention: hooks }) => {
        return el(
          "div",
          null,
          el("h1", null, headline(status, hooks, here)),
          isNew(status) ? firstSteps() : subline(status),
        );
      }),
      new Panel(
        numbers,
        async () => ({ ...(await askHead()), latency: await soft(latest()) }),
        all => figures(all.status, all.attention, all.latency),
        { lines: 3 },
      ),
      new Panel(tasks, async () => (await soft(get("v1/tasks?limit=40")))?.data ?? [], runningNote),
      new Panel(
        attention,
        async () => ({ hooks: await askAttention(), now: Date.now() }),
        ({ hooks, now }) => attentionTable(hooks, now),
        { lines: 3 },
      ),
      past.panel,
      new Panel(lately, happened, happenedList, { every: 10000, lines: 3 }),
      new Panel(
        list,
        () => get("v1/workers"),
        answer => (answer.data.length ? workersTable(answer.data) : noWorker()),
        { lines: 3 },
      ),
    ],
  };
}

// The newest minute with deliveries, of the last ten
async function latest() {
  const { rows } = await historyRows("1h");
  const known = rows.slice(-10).filter(row => isNumber(row.p50));
  return known.length ? known[known.length - 1] : null;
}
