// The queue's past, as the charts draw it.

import { get, query } from "./api.js";
import { clock, isNumber } from "./format.js";

// step: minutes between points; every: minutes between the times below a plot, narrow and wide
export const RANGES = {
  "1h": { title: "1 h", step: 1, points: 60, every: [15, 10] },
  "24h": { title: "24 h", step: 10, points: 144, every: [360, 180] },
  "7d": { title: "7 d", step: 60, points: 168, every: [1440, 1440] },
};

const rate = (n, point) => (point.span_ms > 0 ? (n * 1000) / point.span_ms : 0);

function rowOf(point, at) {
  return {
    at,
    delivered: rate(point.delivered, point),
    retried: rate(point.retries, point),
    dead: rate(point.dead, point),
    p50: point.p50_ms,
    p99: point.p99_ms,
    backlog: point.backlog,
    age: point.oldest_ms,
    opened: point.opened,
  };
}

// A queue that is young has a chart as wide as this many steps.
const LEAST = 15;

// Evenly spaced rows; a step that nothing is known of is a gap.
export async function historyRows(range) {
  const { step, points } = RANGES[range];
  const { data } = await get("v1/history" + query({ step, points }));
  const ms = step * 60000;
  const known = new Map(data.map(point => [Math.floor(point.at_ms / ms), point]));
  const numbers = [...known.keys()];
  const rows = [];
  if (numbers.length) {
    const last = Math.max(...numbers);
    const first = Math.min(last - LEAST + 1, ...numbers);
    for (let n = first; n <= last; n++)
      rows.push(known.has(n) ? rowOf(known.get(n), n * ms) : { at: n * ms, gap: true });
  }
  return { rows, marks: marksOf(rows, await happened(), range, ms) };
}

const HAPPENED = 50;
export const happened = async () => (await get("v1/happened" + query({ limit: HAPPENED }))).data;

const MARKED = {
  "hook-disabled": ["a hook was disabled", "hooks were disabled"],
  leader: ["another leader", "other leaders"],
  "worker-died": ["a worker died", "workers died"],
};

// Notable events stand as dotted lines, named beside the heading; those of a step together
function marksOf(rows, known, range, ms) {
  if (range === "7d" || rows.length === 0) return [];
  const mark = (at, n, [one, many]) => ({
    at,
    text: clock(at, false) + " " + (n === 1 ? one : n + " " + many),
  });
  const opened = rows
    .filter(row => isNumber(row.opened) && row.opened > 0)
    .map(row => mark(row.at, row.opened, ["a hook opened", "hooks opened"]));
  const counts = new Map();
  for (const one of known) {
    const at = Math.floor(one.at_ms / ms) * ms;
    if (!(one.kind in MARKED) || at < rows[0].at || at > rows[rows.length - 1].at) continue;
    const key = at + " " + one.kind;
    counts.set(key, (counts.get(key) || 0) + 1);
  }
  const others = [...counts].map(([key, n]) => {
    const [at, kind] = key.split(" ");
    return mark(Number(at), n, MARKED[kind]);
  });
  return [...opened, ...others].sort((a, b) => a.at - b.at).slice(-4);
}
