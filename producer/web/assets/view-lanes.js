// Lanes: what waits, why, and when it goes on.

import { get, query } from "./api.js";
import { amount, parts } from "./chart.js";
import { ahead, el, foreign, state, table } from "./dom.js";
import { count, duration, NONE, plural } from "./format.js";
import { Panel } from "./panel.js";
import { laneLink } from "./state.js";

const LIMIT = 100; // a page of each group
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

// The first page of each group is asked for again and again, the others stay as they came.
class Pages {
  constructor(shut) {
    this.shut = shut;
    this.pages = [];
  }

  async refresh() {
    const first = await get("v1/lanes" + query({ limit: LIMIT, shut: this.shut }));
    this.pages = [first, ...this.pages.slice(1)];
  }

  async more() {
    const values = { limit: LIMIT, shut: this.shut, iterator: this.last.iterator };
    this.pages.push(await get("v1/lanes" + query(values)));
  }

  get last() {
    return this.pages[this.pages.length - 1];
  }

  // A lane that moved meanwhile may be on two pages.
  get rows() {
    const found = new Map(this.pages.flatMap(page => page.data).map(lane => [lane.lane, lane]));
    return [...found.values()].sort((a, b) => b.waiting - a.waiting);
  }
}

function pager(pages, name, total, more) {
  if (pages.last.done) return "";
  return el(
    "p.pager",
    null,
    el("span", null, `${name}: the ${count(pages.rows.length)} of ${count(total)} looked at next`),
    el("span", null, el("button", { type: "button", onclick: () => more(pages) }, "More " + name)),
  );
}

export function lanes(here) {
  const head = el("div.head"),
    shares = el("section.parts", { "aria-label": "What waits, by reason" }),
    list = el("section");
  const served = new Pages("false"),
    shut = new Pages("true");
  const ask = async () => {
    const [status] = await Promise.all([get("v1/status"), served.refresh(), shut.refresh()]);
    draw.shares(status);
    return status;
  };
  const draw = {
    shares(status) {
      const all = [...served.rows, ...shut.rows];
      shares.replaceChildren(...(all.length ? [parts(byReason(all))] : []));
      if (all.length && all.length < status.lanes_waiting)
        shares.append(el("p.muted", null, `Of the ${count(all.length)} lanes listed below.`));
    },
  };
  async function more(pages) {
    await pages.more();
    draw.shares(panel.data);
    panel.redraw();
  }
  const group = (pages, title) =>
    pages.rows.length > 0 && { title, rows: pages.rows, key: lane => lane.lane };
  const panel = new Panel(
    list,
    ask,
    status => {
      if (served.rows.length + shut.rows.length === 0)
        return el(
          "div.empty",
          null,
          el("b", null, "Nothing waits."),
          "Every event was sent when it arrived, and no retry is due.",
        );
      return [
        el(
          "div.bar",
          null,
          el(
            "h2",
            null,
            "Lanes",
            el("span.note", null, "fullest first; bars are on a square-root scale"),
          ),
        ),
        table("Lanes, fullest first", columns([...served.rows, ...shut.rows], status.time_ms), [
          group(served, "Served in turn"),
          group(shut, "Shut, looked at by probes only"),
        ].filter(Boolean)),
        pager(served, "served lanes", status.lanes_waiting - status.lanes_shut, more),
        pager(shut, "shut lanes", status.lanes_shut, more),
      ];
    },
    { lines: 6 },
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
      panel,
    ],
  };
}
