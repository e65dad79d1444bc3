// Bulk tasks: how far they are, and cancelling. They go on without this page.

import { get, part, send } from "./api.js";
import { ask } from "./dialog.js";
import { el, foreign, plain, say, state, time } from "./dom.js";
import { count, duration, isNumber, plural } from "./format.js";
import { Panel } from "./panel.js";

const ENDED_SHOWN_MS = 3600000;
const DOING = { replay: "Replaying", purge: "Purging", resend: "Sending again" };
const DONE = { replay: "Replayed", purge: "Purged", resend: "Sent again" };
export const RATES = [
  ["", "as fast as possible"],
  ["10/s", "at most 10 a second"],
  ["50/s", "at most 50 a second"],
  ["200/s", "at most 200 a second"],
];

const handled = task => task.done + task.skipped + task.failed;

// What it is about, in words: "402 dead letters of room 438, reason exhausted"
function subject(task, n) {
  const [one, many] =
    task.what === "resend" ? ["delivery", "deliveries"] : ["dead letter", "dead letters"];
  return [
    isNumber(n) ? plural(n, one, many) : many,
    task.room === undefined ? "" : [" of room ", foreign(task.room)],
    task.hook ? [", hook ", foreign(task.hook)] : "",
    task.reason ? [", reason ", foreign(task.reason)] : "",
  ];
}

function leftOut(task) {
  const why =
    task.what === "resend"
      ? "no longer kept, or the hook was removed"
      : "only their beginning was kept";
  return [
    task.skipped ? `, ${count(task.skipped)} left out: ${why}` : "",
    task.failed ? ", " + count(task.failed) + " could not be moved" : "",
  ].join("");
}

function timeLeft(task) {
  if (!task.rate || !isNumber(task.total)) return "";
  const left = Math.max(0, task.total - task.done - task.failed);
  return ", about " + duration((left * 1000) / task.rate) + " left";
}

function sentence(task) {
  if (task.state === "invalid") return "This task cannot be read: roomhook doctor says what to do.";
  if (task.state === "running")
    return [
      DOING[task.what] || foreign(task.what),
      " ",
      subject(task, task.total),
      task.rate ? ", at most " + count(task.rate) + "/s" : "",
      ": " + count(task.done) + " done" + leftOut(task) + timeLeft(task) + ".",
    ];
  return [
    DONE[task.what] || foreign(task.what),
    " ",
    subject(task, task.done),
    leftOut(task),
    task.state === "cancelled" && isNumber(task.total)
      ? ", of " + count(task.total) + ", then cancelled"
      : task.state === "cancelled"
        ? ", then cancelled"
        : "",
    ". ",
    time(task.ended_at),
  ];
}

function trouble(task) {
  if (task.error)
    return el(
      "p.small.bad",
      null,
      "The last step failed, it is tried again every 5 s: ",
      foreign(task.error),
    );
  if (!task.leased)
    return el(
      "p.small.muted",
      null,
      "No roomhook-web works on it now; one with --actions goes on within 15 s.",
    );
  return "";
}

function progress(task) {
  const known = isNumber(task.total) && task.total > 0;
  return el("progress", {
    max: known ? task.total : 1,
    value: known ? Math.min(task.total, task.done + task.failed) : null,
    "aria-label": known
      ? `${count(task.done)} of ${count(task.total)}`
      : `${count(handled(task))} so far`,
  });
}

function cancelButton(here, task, path, renew) {
  const isTheirs = here.access.room !== null && task.by !== "room";
  return el(
    "span.buttons",
    null,
    isTheirs ? el("span.muted.small", null, "made by an operator") : "",
    el(
      "button",
      {
        type: "button",
        disabled: !here.mayAct() || isTheirs,
        onclick: () =>
          ask({
            title: "Cancel this task?",
            body: el("p", null, "What it has done stays done; the other letters stay as they are."),
            verb: "Cancel the task",
            dismiss: "Let it go on",
            act: async () => {
              const ended = await send("POST", path + "/" + part(task.id) + "/cancel");
              say("Cancelled: " + count(ended.done) + " done");
              renew();
            },
          }),
      },
      "Cancel…",
    ),
  );
}

const isRecent = task =>
  task.state === "running" ||
  task.state === "invalid" ||
  Date.now() - (task.ended_at || 0) < ENDED_SHOWN_MS;

function row(here, task, path, renew) {
  const runs = task.state === "running";
  return el(
    "li",
    { "data-key": plain(task.id) },
    runs
      ? state("waiting", "Running")
      : task.state === "done"
        ? state("healthy", "Done")
        : state(task.state === "invalid" ? "invalid" : "disabled", plain(task.state)),
    el(
      "div",
      null,
      el("p", null, sentence(task)),
      runs ? progress(task) : "",
      runs ? trouble(task) : "",
    ),
    runs ? cancelButton(here, task, path, renew) : "",
  );
}

// Of all rooms, or of one; those that ended within the hour stay.
export function tasksPanel(here, host, path, onEnded, isMeant = () => true) {
  let running = new Set();
  const panel = new Panel(
    host,
    async () => (await get(path + "?limit=40")).data,
    tasks => {
      const now = new Set(tasks.filter(t => t.state === "running").map(t => t.id));
      const hasEnded = [...running].some(id => !now.has(id));
      running = now;
      if (hasEnded) onEnded();
      const shown = tasks.filter(task => isRecent(task) && isMeant(task));
      return shown.length
        ? el(
            "ul.tasks",
            { "aria-label": "Tasks" },
            shown.map(task => row(here, task, path, () => panel.refresh())),
          )
        : "";
    },
  );
  return panel;
}

// For the Overview: that something runs, and where it is seen.
export function runningNote(tasks) {
  const running = (tasks || []).filter(task => task.state === "running");
  if (running.length === 0) return "";
  return el(
    "p.tasks-note",
    null,
    state("waiting", "Running"),
    " ",
    sentence(running[0]),
    running.length > 1 ? " And " + plural(running.length - 1, "other task") + "." : "",
    " ",
    el("a", { href: "#/dead" }, "Dead letters"),
  );
}
