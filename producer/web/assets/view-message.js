// A message: each hook, each attempt; and finding one.

import { get, getAll, part, query } from "./api.js";
import { timeline } from "./chart.js";
import { ahead, answer, crumbs, el, foreign, plain, state, svg, table, time } from "./dom.js";
import { count, duration, NONE, plural } from "./format.js";
import { Panel } from "./panel.js";
import { hookAddress, messageAddress } from "./state.js";

const MOST = 2000; // attempts of a message

function groupsOf(entries) {
  const groups = new Map();
  for (const entry of entries) {
    if (!groups.has(entry.hook)) groups.set(entry.hook, []);
    groups.get(entry.hook).push(entry);
  }
  return [...groups].map(([hook, list]) => ({
    hook,
    entries: list.sort((a, b) => a.at_ms - b.at_ms),
  }));
}

const lastOf = group => group.entries[group.entries.length - 1];

const WAITING_LOOKED = 10, // hooks
  LANE_LOOKED = 500; // deliveries

// When the next attempt for a hook is: the turn of its delivery, but not before its hook is tried
async function nextOf(roomId, hook, event) {
  const room = "v1/rooms/" + part(roomId);
  const soft = promise => promise.catch(() => null);
  const [lane, known] = await Promise.all([
    soft(get(room + "/lanes/" + part(hook) + "/deliveries" + query({ limit: LANE_LOOKED }))),
    hook.startsWith(":") ? null : soft(get(room + "/hooks/" + part(hook))),
  ]);
  const waiting = lane?.data.find(delivery => delivery.event === event);
  if (!waiting) return null;
  const shut = known?.state === "open" ? known.probe_at : known?.state === "paused" && known.until;
  return Math.max(waiting.next_at, shut || 0);
}

// "in 12 s", "at 03:38:29"
const nextTime = (at, now) => [at - now < 3600000 ? "" : "at ", ahead(at, now)];

async function addNext(roomId, event, groups) {
  const waiting = groups.filter(group => lastOf(group).outcome === "retry");
  await Promise.all(
    waiting.slice(0, WAITING_LOOKED).map(async group => {
      group.next = await nextOf(roomId, group.hook, event);
    }),
  );
  return groups;
}

// The message as a whole: the worst of what became of it
function verdict(groups, now) {
  const of = outcome => groups.filter(group => lastOf(group).outcome === outcome).length;
  const all = groups.length;
  const [done, dead, retry, skipped] = ["delivered", "dead", "retry", "skipped"].map(of);
  const parts = [];
  if (done)
    parts.push(
      done === all
        ? all === 1
          ? "Delivered."
          : "Delivered to all " + all + " hooks."
        : "Delivered to " + count(done) + " of " + plural(all, "hook") + ".",
    );
  const times = groups.map(group => group.next).filter(Boolean);
  if (retry)
    parts.push([
      plural(retry, "hook") + (retry === 1 ? " waits" : " wait") + " for the next attempt",
      times.length ? [", ", nextTime(Math.min(...times), now)] : "",
      ".",
    ]);
  if (dead) parts.push(dead === 1 ? "One is a dead letter." : count(dead) + " are dead letters.");
  if (skipped) parts.push("Skipped for " + plural(skipped, "hook") + ".");
  const name = dead ? "dead" : retry ? "waiting" : done ? "delivered" : "skipped";
  return {
    name,
    look: { dead: "open", waiting: "waiting", delivered: "healthy", skipped: "" }[name],
    text: parts.flatMap(one => [" ", one]),
  };
}

export function attemptCells(from) {
  return [
    { title: "Result", cls: "lead", head: true, cell: a => state(a.outcome) },
    { title: "Time", cls: "when", cell: a => time(a.at_ms) },
    {
      title: "After",
      cls: "num",
      cell: a =>
        a.at_ms - from < 1000
          ? duration(Math.max(0, a.at_ms - from))
          : "+" + duration(a.at_ms - from),
    },
    { title: "Attempt", cls: "num", cell: a => (a.attempt ? count(a.attempt) : NONE) },
    { title: "HTTP", cls: "num", cell: a => (a.status ? String(a.status) : NONE) },
    { title: "Took", cls: "num", cell: a => (a.attempt ? duration(a.ms) : NONE) },
    { title: "Answer", cls: "flex", cell: answerOf },
  ];
}

export function answerOf(attempt) {
  const said = [attempt.reason, attempt.error].filter(Boolean).join(": ");
  if (attempt.answer) return answer(said || "answered " + attempt.status, attempt.answer);
  return said ? foreign(said) : "";
}

export function message(here, roomId, event) {
  const head = el("div"),
    drawn = el("div"),
    list = el("section", { "aria-labelledby": "each" });
  const plot = svg("svg", {
    class: "line",
    role: "img",
    "aria-label": "Attempts along time; the table below has the same.",
  });
  drawn.append(plot);
  const when = el(
    "section",
    { "aria-labelledby": "when", hidden: true },
    el(
      "div.bar",
      null,
      el(
        "h2",
        { id: "when" },
        "When",
        el("span.note", null, "time since the first attempt, logarithmic"),
      ),
    ),
    drawn,
  );
  const ask = async () =>
    addNext(
      roomId,
      event,
      groupsOf(
        (await getAll("v1/rooms/" + part(roomId) + "/messages/" + part(event), {}, MOST)).data,
      ),
    );
  let drawLine = () => {};
  const observer = new ResizeObserver(() => requestAnimationFrame(() => drawLine()));
  observer.observe(drawn);
  const missing = () => [
    el("h1", null, foreign(event)),
    el(
      "div.empty",
      null,
      el("b", null, "No attempt of this message is known."),
      "It may wait for its first one, be older than the attempt log, belong to another room, " +
        "or the log is off (attempt-log).",
    ),
  ];
  return {
    title: "Message " + plain(event),
    release: () => observer.disconnect(),
    node: el(
      "div",
      null,
      crumbs(
        here.access.room === null && el("a", { href: "#/messages" }, "Messages"),
        el("a", { href: "#/rooms/" + part(roomId) }, "Room ", foreign(roomId)),
      ),
      head,
      when,
      list,
    ),
    panels: [
      new Panel(
        head,
        ask,
        groups => {
          if (groups.length === 0) return missing();
          const said = verdict(groups, Date.now());
          return [
            el("h1", null, foreign(event)),
            el("p.sub", null, "room ", foreign(roomId)),
            el(
              "div.verdict" + (said.look ? "." + said.look : ""),
              null,
              el("p.say", null, state(said.name), said.text),
            ),
          ];
        },
        { onMissing: missing },
      ),
      new Panel(
        list,
        ask,
        groups => {
          when.hidden = groups.length === 0;
          if (groups.length === 0) return "";
          const from = Math.min(
            ...groups.map(group => group.entries[0].at_ms - group.entries[0].ms),
          );
          drawLine = () =>
            timeline(
              plot,
              groups.map(group => ({
                name: plain(group.hook),
                marks: group.entries.map(a => ({ at: a.at_ms, outcome: a.outcome })),
              })),
              from,
            );
          drawLine();
          return [
            el("div.bar", null, el("h2", { id: "each" }, "Each hook, each attempt")),
            table(
              "Each hook, each attempt",
              attemptCells(from),
              groups.map(group => ({
                title: [
                  group.hook.startsWith(":")
                    ? foreign(group.hook)
                    : el("a.quiet", { href: hookAddress(roomId, group.hook) }, foreign(group.hook)),
                  group.next &&
                    el("span.note", null, " next attempt ", nextTime(group.next, Date.now())),
                ],
                cls: ".hook",
                rows: group.entries,
                key: a => group.hook + " " + a.at_ms + " " + a.attempt,
              })),
            ),
          ];
        },
        { onMissing: () => "", lines: 4 },
      ),
    ],
  };
}

export function findMessage(here) {
  const roomField = el("input", {
    type: "text",
    id: "room",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
  });
  const idField = el("input", {
    type: "text",
    id: "event",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
  });
  const go = event => {
    event.preventDefault();
    location.hash = messageAddress(roomField.value.trim(), idField.value.trim());
  };
  return {
    title: "Messages",
    panels: [],
    node: el(
      "div.narrow",
      null,
      el("h1", null, "Was it delivered?"),
      el("p.sub.plain", null, "The id is the event’s, the webhook-id of its POSTs."),
      el(
        "form.filters",
        { onsubmit: go },
        el("label", null, "Room", roomField),
        el("label.grow", null, "Message id", idField),
        el("button.primary", { type: "submit" }, "Find"),
      ),
    ),
  };
}
