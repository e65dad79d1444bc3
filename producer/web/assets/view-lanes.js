// Lanes: what waits, why, and when it goes on.

import { get, query } from "./api.js";
import { amount, parts } from "./chart.js";
import { ahead, el, foreign, state, table } from "./dom.js";
import { count, duration, NONE, plural } from "./format.js";
import { Panel } from "./panel.js";
import { laneLink } from "./state.js";

const LIMIT = 200;
const KINDS = [
  ["due", "p0", "Its turn"],
  ["open", "p1", "Open"],
  ["paused", "p2", "Paused"],
  ["waits", "p3", "Retry"],
  ["rate", "p4", "Rate"],
  ["disabled", "p4", "Disabled"],
  ["removed", "p4", "Removed"],
  ["broken", "p4", "Broken"],
];
const OF_STATE = {
  "not a lane": "broken",
  ...Object.fromEntries(KINDS.map(([name]) => [name, name])),
};

function byReason(lanes) {
  const waits = {};
  for (const lane of lanes)
    waits[OF_STATE[lane.state] || "waits"] =
      (waits[OF_STATE[lane.state] || "waits"] || 0) + lane.waiting;
  return KINDS.filter(([name]) => waits[name]).map(([name, look, word]) => [
    look,
    word,
    waits[name],
  ]);
}

function columns(lanes, now) {
  const most = Math.max(...lanes.map(lane => lane.waiting));
  return [
    {
      title: "Why it waits",
      cls: "lead",
      unlabelled: true,
      cell: lane => state(OF_STATE[lane.state] || "waits"),
    },
    { title: "Lane", head: true, cell: laneLink },
    { title: "Waiting", cls: "num", cell: lane => amount(lane.waiting, most) },
    {
      title: "Oldest",
      cls: "num",
      cell: lane => (lane.oldest_at ? duration(now - lane.oldest_at) : NONE),
    },
    { title: "Because", cls: "text", cell: lane => (lane.why ? foreign(lane.why) : "") },
    {
      title: "Next look",
      cell: lane =>
        ["disabled", "removed"].includes(lane.state)
          ? "becomes dead letters"
          : ahead(lane.next_at, now),
    },
  ];
}

export function lanes(here) {
  const head = el("div.head"),
    shares = el("section.parts", { "aria-label": "What waits, by reason" }),
    list = el("section");
  const ask = () =>
    Promise.all([get("v1/lanes" + query({ limit: LIMIT })), get("v1/status")]).then(
      ([answer, status]) => ({ lanes: answer.data.sort((a, b) => b.waiting - a.waiting), status }),
    );
  return {
    title: "Lanes",
    node: el("div", null, head, shares, list),
    panels: [
      new Panel(
        head,
        () => get("v1/status"),
        status => {
          const n = status.deliveries_waiting;
          return el(
            "div",
            null,
            el(
              "h1",
              null,
              n
                ? plural(n, "delivery waits", "deliveries wait") +
                    " in " +
                    plural(status.lanes_waiting, "lane")
                : "Nothing waits",
            ),
            n > 0 &&
              el(
                "p.sub",
                null,
                el(
                  "span",
                  null,
                  status.lanes_shut
                    ? plural(status.lanes_shut, "lane is", "lanes are") +
                        " shut: only probes are sent"
                    : "no lane is shut",
                ),
                " ",
                status.oldest_waiting_ms !== null &&
                  el(
                    "span",
                    null,
                    "the oldest event is " + duration(status.oldest_waiting_ms) + " old",
                  ),
              ),
          );
        },
      ),
      new Panel(shares, ask, ({ lanes: all }) => (all.length ? parts(byReason(all)) : "")),
      new Panel(
        list,
        ask,
        ({ lanes: all, status }) => {
          if (all.length === 0)
            return el(
              "div.empty",
              null,
              el("b", null, "Nothing waits."),
              "Every event went out as it came, and no retry is due.",
            );
          const now = status.time_ms;
          const shut = all.filter(lane => lane.shut),
            served = all.filter(lane => !lane.shut);
          const more =
            status.lanes_waiting > all.length
              ? `the ${count(all.length)} of ${count(status.lanes_waiting)} looked at next; `
              : "";
          return [
            el(
              "div.bar",
              null,
              el(
                "h2",
                null,
                "Lanes",
                el("span.note", null, more + "fullest first; bars are on a square-root scale"),
              ),
            ),
            table(
              "Lanes, fullest first",
              columns(all, now),
              [
                served.length && {
                  title: "Served in turn · " + plural(served.length, "lane"),
                  rows: served,
                  key: lane => lane.lane,
                },
                shut.length && {
                  title: "Shut · " + plural(shut.length, "lane") + ", looked at by probes only",
                  rows: shut,
                  key: lane => lane.lane,
                },
              ].filter(Boolean),
            ),
          ];
        },
        { lines: 6 },
      ),
    ],
  };
}
