// A hook: whose fault it is, what to do, what was answered lately.

import { get, getAll, part, query, send } from "./api.js";
import { strip } from "./chart.js";
import { ask } from "./dialog.js";
import { crumbs, el, foreign, plain, say, state, table, time } from "./dom.js";
import { count, duration, NONE, plural } from "./format.js";
import { Panel } from "./panel.js";
import { advice, hookAddress, messageAddress, roomAddress, sentence } from "./state.js";
import { answerOf } from "./view-message.js";
import { askResend } from "./view-resend.js";
import { tasksPanel } from "./view-tasks.js";

const SHOWN = 50,
  MOST = 500;

const columns = room => [
  { title: "Result", cls: "lead", unlabelled: true, cell: a => state(a.outcome) },
  { title: "Time", cls: "when", cell: a => time(a.at_ms) },
  {
    title: "Message",
    head: true,
    cell: a => el("a.mono", { href: messageAddress(room, a.event) }, foreign(a.event)),
  },
  { title: "Attempt", cls: "num", cell: a => (a.attempt ? count(a.attempt) : NONE) },
  { title: "HTTP", cls: "num", cell: a => (a.status ? String(a.status) : NONE) },
  { title: "Took", cls: "num", cell: a => (a.attempt ? duration(a.ms) : NONE) },
  { title: "Answer", cls: "flex", cell: answerOf },
];

const row = (title, ...content) => el("div", null, el("dt", null, title), el("dd", null, content));

function facts(hook, here) {
  const secrets = hook.secrets
    ? plural(hook.secrets, "secret") + (hook.secrets > 1 ? " sign" : " signs")
    : "";
  return el(
    "dl.facts",
    null,
    row("Room", el("a", { href: roomAddress(hook.room) }, foreign(hook.room))),
    hook.description && row("Description", foreign(hook.description)),
    row("Events", hook.types ? foreign(hook.types.join(", ")) : "all types"),
    row("Body", hook.template ? "its own template" : foreign(hook.format)),
    row(
      "Signed",
      [secrets, hook.signature ? "Verification-Signature" : ""].filter(Boolean).join(", ") || "no",
    ),
    hook.headerNames && row("Headers", foreign(hook.headerNames.join(", "))),
    row("Rate limit", foreign(hook.rateLimit || "none")),
    hook.timeout && row("Timeout", foreign(hook.timeout)),
    hook.maxAge && row("Max age", foreign(hook.maxAge)),
    hook.acceptStatus && row("Accepts", "2xx, " + hook.acceptStatus.join(", ")),
    row("Waiting", hook.waiting === undefined ? NONE : count(hook.waiting)),
    hook.log && [
      row("Known since", time(hook.log.since)),
      row("Delivered", count(hook.log.delivered) + " of " + plural(hook.log.attempts, "attempt")),
      row("Failed", count(hook.log.failed)),
      row("Took, p50", hook.log.p50_ms === undefined ? NONE : duration(hook.log.p50_ms)),
    ],
    row(
      "Dead",
      el(
        "a",
        { href: roomAddress(hook.room) + "/dead" + query({ hook: hook.id }) },
        "letters of this hook",
      ),
    ),
  );
}

// What can be done. Each button says in a line what it did.
function actions(here, base, hook, panels) {
  const again = () => panels.forEach(panel => panel.refresh());
  const test = async event => {
    const button = event.currentTarget;
    button.disabled = true;
    say("Test sent; waiting for the answer");
    try {
      const result = await send("POST", base + "/test");
      say(
        result.status
          ? `Test: answered ${result.status}` +
              (result.ms === undefined ? "" : " after " + duration(result.ms))
          : "Test: " + plain(result.outcome + (result.error ? ", " + result.error : "")),
      );
    } catch (error) {
      say("Test failed: " + plain(error.message));
    }
    button.disabled = false;
    again();
  };
  const rotate = () =>
    ask({
      title: ["Rotate the secret of ", foreign(hook.id), "?"],
      body: el(
        "p",
        null,
        "A new secret is made and shown once. The old one signs beside it, so the receiver can " +
          "change in its own time.",
      ),
      fields: [
        {
          name: "keep",
          label: "Keep the old one for",
          kind: "choice",
          value: "24h",
          options: [
            ["24h", "24 hours"],
            ["1h", "1 hour"],
            ["7d", "7 days"],
            ["0s", "not at all"],
          ],
        },
      ],
      verb: "Rotate",
      act: async ({ keep }) => {
        const made = await send("POST", base + "/rotate" + query({ keep }));
        again();
        return [
          el("h2", null, "The new secret"),
          el("p", null, "It is not shown again. Give it to the receiver now."),
          el("pre", { tabindex: "0" }, foreign(made.secret)),
        ];
      },
    });
  const disable = () =>
    ask({
      title: ["Disable ", foreign(hook.id), " of room ", foreign(hook.room), "?"],
      body: el(
        "p",
        null,
        "New events of the room no longer go to this hook. ",
        hook.waiting > 0
          ? plural(
              hook.waiting,
              "delivery that waits becomes a dead letter",
              "deliveries that wait become dead letters",
            ) + "; they can be replayed later."
          : "Nothing is waiting for it.",
      ),
      verb: "Disable" + (hook.waiting > 0 ? ", bury " + count(hook.waiting) : ""),
      danger: true,
      act: async () => {
        await send("POST", base + "/disable");
        say("Disabled");
        again();
      },
    });
  const enable = async () => {
    try {
      await send("POST", base + "/enable");
      say("Enabled: new events are sent from now on");
    } catch (error) {
      say("Refused: " + plain(error.message));
    }
    again();
  };
  const isOff = !here.mayAct();
  const button = (text, act, look = "") =>
    el("button" + look, { type: "button", disabled: isOff, onclick: act }, text);
  return [
    button("Send test", test),
    !isOff && el("a.button", { href: hookAddress(hook.room, hook.id) + "/edit" }, "Edit"),
    button("Rotate secret…", rotate),
    button("Send again…", () =>
      askResend("v1/rooms/" + part(String(hook.room)) + "/resend", hook.id, again),
    ),
    hook.enabled === false ? button("Enable", enable) : button("Disable…", disable, ".danger"),
    isOff && el("span.muted.small", null, here.whyNot()),
  ];
}

function resume(here, base, panels) {
  return el(
    "div.buttons",
    null,
    el(
      "button.primary",
      {
        type: "button",
        disabled: !here.mayAct(),
        onclick: async () => {
          try {
            const done = await send("POST", base + "/resume");
            say(
              "Resumed" +
                (done && done.waiting
                  ? ": " + plural(done.waiting, "delivery is", "deliveries are") + " due now"
                  : ""),
            );
          } catch (error) {
            say("Refused: " + plain(error.message));
          }
          panels.forEach(panel => panel.refresh());
        },
      },
      "Resume now",
    ),
    here.mayAct() ? "" : el("span.muted.small", null, here.whyNot()),
  );
}

export function hook(here, roomId, id) {
  const base = "v1/rooms/" + part(roomId) + "/hooks/" + part(id);
  const head = el("div"),
    recent = el("div"),
    tasks = el("div"),
    about = el("div");
  let wanted = "",
    limit = SHOWN;
  const soft = promise => promise.catch(() => null);
  const askHook = () => get(base);
  const askLog = () =>
    getAll(base + "/deliveries", { failed: wanted === "failed" && "true" }, limit);
  const askSome = () => get(base + "/deliveries" + query({ limit: SHOWN }));
  const buttons = [
    ["", "All"],
    ["failed", "Failed"],
  ].map(([name, title]) =>
    el(
      "button",
      {
        type: "button",
        "aria-pressed": String(name === wanted),
        onclick: () => {
          wanted = name;
          buttons.forEach((b, i) =>
            b.setAttribute("aria-pressed", String(["", "failed"][i] === name)),
          );
          log.refresh();
        },
      },
      title,
    ),
  );
  let said = "";
  const live = el("p.sr", { role: "status" });

  function drawHead({ hook: it, log: some }) {
    const now = Date.now();
    const attempts = (some?.data || []).filter(a => a.attempt > 0).reverse();
    const last = attempts[attempts.length - 1];
    const steps = advice(it, here);
    const lately = attempts.length ? strip(attempts.map(a => a.outcome)) : null;
    const canResume =
      ["open", "failing", "paused"].includes(it.state) ||
      (it.state === "disabled" && it.enabled !== false);
    if (said && said !== it.state) live.textContent = "This hook is now " + it.state;
    said = it.state;
    return [
      el(
        "div.head",
        null,
        el(
          "div",
          null,
          el("h1", null, foreign(it.room), " ", el("span.id", null, "/ ", foreign(it.id))),
          el("p.sub.plain", null, foreign(it.url)),
        ),
        el("div.buttons", null, actions(here, base, it, panels)),
      ),
      el(
        "div.verdict." + it.state,
        null,
        el(
          "p.say",
          null,
          state(it.state),
          " ",
          sentence(it, last, now),
        ),
        (steps.length > 0 || lately) &&
          el(
            "div.cols",
            null,
            el(
              "div.todo",
              null,
              steps.length > 0 && [
                el("h2", null, "What to do"),
                el(
                  "ol",
                  null,
                  steps.map(step => el("li", null, step)),
                ),
              ],
              canResume && resume(here, base, panels),
            ),
            lately &&
              el("figure.lately", null, lately.drawing, el("figcaption", null, lately.text)),
          ),
      ),
    ];
  }

  const log = new Panel(
    recent,
    askLog,
    ({ data, done }) => {
      if (data.length === 0) {
        return wanted
          ? el("p.muted", null, "None failed. ")
          : el(
              "div.empty",
              null,
              el("b", null, "No attempt is known yet."),
              "Attempts are listed as soon as they are made, and for 7 days; a queue may keep no " +
                "log (attempt-log).",
            );
      }
      const more = el(
        "button",
        {
          type: "button",
          onclick: () => {
            limit = Math.min(MOST, limit + 100);
            log.refresh();
          },
        },
        "Older",
      );
      return [
        table("Recent deliveries, newest first", columns(roomId), [
          { rows: data, key: a => a.at_ms + " " + a.event + " " + a.attempt + " " + a.outcome },
        ]),
        el(
          "p.pager",
          null,
          el("span", null, plural(data.length, "attempt")),
          !done && limit < MOST ? el("span", null, more) : "",
        ),
      ];
    },
    { lines: 5 },
  );
  const panels = [
    new Panel(head, async () => ({ hook: await askHook(), log: await soft(askSome()) }), drawHead, {
      lines: 3,
      onMissing: error => [
        el(
          "h1",
          null,
          error.status === 404 ? "There is no such hook" : "What is stored is not a valid hook",
        ),
        el(
          "p.sub.plain",
          null,
          error.status === 404
            ? ["Room ", foreign(roomId), " has no hook ", foreign(id), "."]
            : ["Nothing is sent: ", foreign(error.message)],
        ),
      ],
    }),
    tasksPanel(
      here,
      tasks,
      "v1/rooms/" + part(roomId) + "/tasks",
      () => log.refresh(),
      task => !task.hook || task.hook === id,
    ),
    log,
    new Panel(about, askHook, it => facts(it, here), { lines: 4, onMissing: () => "" }),
  ];
  return {
    title: plain(roomId) + " / " + plain(id),
    panels,
    node: el(
      "div",
      null,
      crumbs(
        here.access.room === null && el("a", { href: "#/hooks" }, "Hooks"),
        el("a", { href: roomAddress(roomId) }, "Room ", foreign(roomId)),
      ),
      live,
      head,
      tasks,
      el(
        "div.split",
        null,
        el(
          "section",
          { "aria-labelledby": "recent" },
          el(
            "div.bar",
            null,
            el("h2", { id: "recent" }, "Recent deliveries"),
            el("div.choice", { role: "group", "aria-label": "Result" }, buttons),
          ),
          recent,
        ),
        el("aside.aside", { "aria-label": "About this hook" }, el("h2", null, "This hook"), about),
      ),
    ),
  };
}
