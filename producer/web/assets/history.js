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
  return { rows, marks: marksOf(rows, range) };
}

// Notable events stand as dotted lines, named beside the heading
function marksOf(rows, range) {
  if (range === "7d") return [];
  return rows
    .filter(row => isNumber(row.opened) && row.opened > 0)
    .slice(-4)
    .map(row => ({
      at: row.at,
      text:
        clock(row.at, false) +
        " " +
        (row.opened === 1 ? "a hook opened" : row.opened + " hooks opened"),
    }));
}
