// Workers: who works, and whether they keep up.

import { get } from "./api.js";
import { el, foreign, state, table, time } from "./dom.js";
import { count, duration, NONE, perSecond, plural } from "./format.js";
import { Panel } from "./panel.js";

const LAG_MS = 500; // above, a worker does not keep up

function trouble(beat) {
  if (!beat) return el("span.muted", null, "its heartbeat cannot be read");
  if (beat.unstored)
    return [
      state("error", plural(beat.unstored, "outcome")),
      " not stored: ",
      foreign(beat.refused_what || beat.refused || ""),
    ];
  if (beat.refused)
    return [
      state("warning", "Refused"),
      " ",
      foreign(beat.refused),
      beat.refused_what ? [": ", foreign(beat.refused_what)] : "",
    ];
  if (beat.loop_lag_ms > LAG_MS) return [state("slow", "Slow"), " does not keep up"];
  return "";
}

export function workersTable(workers) {
  const beats = workers.map(worker => worker.heartbeat || {});
  const hasRates = beats.some(beat => beat.delivered_per_s !== undefined);
  const columns = [
    { title: "Worker", head: true, cell: w => el("span.mono", null, foreign(w.name)) },
    { title: "In flight", cls: "num", cell: w => count(w.heartbeat?.in_flight) },
    hasRates && { title: "Sent/s", cls: "num", cell: w => perSecond(w.heartbeat?.delivered_per_s) },
    { title: "Loop lag", cls: "num", cell: w => duration(w.heartbeat?.loop_lag_ms) },
    {
      title: "Started",
      cell: w => (w.heartbeat?.started_at ? time(w.heartbeat.started_at) : NONE),
    },
    { title: "Version", cell: w => foreign(w.heartbeat?.version || NONE) },
    workers.some(w => trouble(w.heartbeat)) && {
      title: "Trouble",
      cls: "text",
      cell: w => trouble(w.heartbeat),
    },
  ].filter(Boolean);
  return table("Workers", columns, [{ rows: workers, key: w => w.name }]);
}

export const noWorker = () =>
  el(
    "div.empty",
    null,
    el("b", null, "No worker is alive."),
    "Events wait in Redis until one is started:",
    el("br"),
    el("code", null, "roomhook-worker --redis redis://127.0.0.1:6379/0"),
  );

export function workers(here) {
  const head = el("div.head"),
    list = el("section");
  const ask = () => get("v1/workers").then(answer => answer.data || answer);
  return {
    title: "Workers",
    node: el("div", null, head, list),
    panels: [
      new Panel(head, ask, all => {
        const hosts = new Set(all.map(w => w.heartbeat?.host)).size;
        const flying = all.reduce((sum, w) => sum + (w.heartbeat?.in_flight || 0), 0);
        return el(
          "div",
          null,
          el(
            "h1",
            null,
            all.length === 0
              ? "No worker is alive"
              : plural(all.length, "worker") + (all.length === 1 ? " is" : " are") + " alive",
          ),
          all.length > 0 &&
            el(
              "p.sub",
              null,
              el("span", null, "on " + plural(hosts, "machine")),
              " ",
              el("span", null, plural(flying, "POST") + " under way"),
            ),
        );
      }),
      new Panel(list, ask, all => (all.length ? workersTable(all) : noWorker()), { lines: 4 }),
    ],
  };
}
