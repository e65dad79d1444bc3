// Hooks: those that need attention first, then all of them; and the hooks of one room.

import { get, part, query } from "./api.js";
import { crumbs, el, foreign, state, table } from "./dom.js";
import { count, plural } from "./format.js";
import { Panel } from "./panel.js";
import { counted, hookLink, next, roomAddress, why, WORST_FIRST } from "./state.js";

const PAGE = 50;
const WORST = 50;
const STATES = ["open", "failing", "disabled", "paused", "slow"];

const askAttention = wanted => get("v1/attention" + query({ limit: WORST, state: wanted }));

// The API says how many wait for a hook where it lists those that need attention.
function columns(now, hasWaiting) {
  return [
    { title: "State", cls: "lead", unlabelled: true, cell: hook => state(hook.state) },
    {
      title: "Hook",
      cls: "two",
      head: true,
      cell: hook => [
        hookLink(hook.room, hook.id),
        el("span.second", null, foreign(hook.url || "")),
        hook.description ? el("span.second", null, foreign(hook.description)) : "",
      ],
    },
    {
      title: "Last failure",
      cls: "text",
      cell: hook => (hook.state === "healthy" ? "" : why(hook)),
    },
    hasWaiting && { title: "Waiting", cls: "num mid", cell: hook => count(hook.waiting) },
    {
      title: "Format",
      cls: "wide",
      cell: hook => foreign(hook.template ? "template" : hook.format || ""),
    },
    { title: "Next", cell: hook => next(hook, now) },
  ].filter(Boolean);
}

const byState = (a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state);
const key = hook => hook.room + "/" + hook.id;

function attentionPart(hooks, wanted, now) {
  const rows = hooks.data;
  const total = wanted ? hooks.counts[wanted] : hooks.total;
  if (rows.length === 0 && !wanted)
    return el("p.muted", null, "No hook fails, is slow or paused, or was disabled.");
  if (rows.length === 0)
    return el(
      "p.muted",
      null,
      "No hook is " + wanted + ". ",
      el("a", { href: "#/hooks" }, "Show all states"),
    );
  return [
    table("Hooks that need attention, worst first", columns(now, true), [{ rows, key }]),
    total > rows.length &&
      el(
        "p.pager",
        null,
        el(
          "span",
          null,
          `the worst ${count(rows.length)} of ` + (hooks.complete ? "" : "over ") + count(total),
        ),
      ),
  ];
}

function filters(hooks, wanted) {
  const choices = [
    ["", "All", hooks.total],
    ...WORST_FIRST.filter(s => hooks.counts[s]).map(s => [s, null, hooks.counts[s]]),
  ];
  return el(
    "nav.choice",
    { "aria-label": "State" },
    choices.map(([name, title, n]) =>
      el(
        "a",
        {
          href: "#/hooks" + query({ state: name }),
          "aria-current": name === wanted ? "true" : undefined,
        },
        title || state(name),
        " ",
        el("span.n", null, count(n)),
      ),
    ),
  );
}

export function hooks(here, values) {
  const wanted = STATES.includes(values.get("state")) ? values.get("state") : "";
  const head = el("div.head"),
    bar = el("div.bar"),
    worst = el("div"),
    all = el("div");
  let pages = [];
  const older = el("button", { type: "button", onclick: () => more() }, "More");
  const askAll = async () => {
    const first = await get("v1/hooks" + query({ limit: PAGE }));
    pages = [first, ...pages.slice(1)];
    return pages;
  };
  async function more() {
    older.disabled = true;
    try {
      pages.push(
        await get("v1/hooks" + query({ limit: PAGE, iterator: pages[pages.length - 1].iterator })),
      );
    } finally {
      older.disabled = false;
      list.redraw();
    }
  }
  const list = new Panel(
    all,
    askAll,
    () => {
      const rows = pages.flatMap(page => page.data);
      if (rows.length === 0)
        return el(
          "div.empty",
          null,
          el("b", null, "No room has a hook."),
          "Register one:",
          el("br"),
          el("code", null, "roomhook hook set --room 438 --url https://example.com/hook"),
        );
      return [
        table("All hooks", columns(Date.now(), false), [
          { rows: [...new Map(rows.map(hook => [key(hook), hook])).values()], key },
        ]),
        el(
          "p.pager",
          null,
          el("span", null, plural(rows.length, "hook")),
          pages[pages.length - 1].done ? "" : el("span", null, older),
        ),
      ];
    },
    { every: 0, lines: 5 },
  );
  const askWorst = async () => ({ hooks: await askAttention(wanted), now: Date.now() });
  return {
    title: "Hooks",
    node: el(
      "div",
      null,
      head,
      el("section", { "aria-label": "Need attention" }, bar, worst),
      el(
        "section",
        { "aria-labelledby": "all" },
        el(
          "div.bar",
          null,
          el("h2", { id: "all" }, "All hooks", el("span.note", null, "in no order")),
        ),
        all,
      ),
    ),
    panels: [
      new Panel(
        head,
        () => askAttention(wanted),
        found =>
          el(
            "div",
            null,
            el(
              "h1",
              null,
              found.total
                ? plural(found.total, "hook needs", "hooks need") + " attention"
                : "All hooks are healthy",
            ),
            el("p.sub", null, "To find the hooks of a room, write its id into the search above."),
            here.mayAct() && el("p", null, el("a.button", { href: "#/new-hook" }, "New hook")),
          ),
      ),
      new Panel(
        bar,
        () => askAttention(wanted),
        found => filters(found, wanted),
      ),
      new Panel(worst, askWorst, ({ hooks: found, now }) => attentionPart(found, wanted, now), {
        lines: 4,
      }),
      list,
    ],
  };
}

export function room(here, id) {
  const head = el("div"),
    list = el("section");
  const ask = async () => (await get("v1/rooms/" + part(id) + "/hooks")).data;
  const none = () =>
    el(
      "div.empty",
      null,
      el("b", null, "Room ", foreign(id), " has no hook."),
      "Its events are not delivered anywhere. Register one:",
      el("br"),
      el("code", null, "roomhook hook set --room ", foreign(id), " --url https://example.com/hook"),
    );
  return {
    title: "Room",
    node: el(
      "div",
      null,
      here.access.room === null && crumbs(el("a", { href: "#/hooks" }, "Hooks"), foreign(id)),
      head,
      list,
    ),
    panels: [
      new Panel(head, ask, found => [
        el("h1", null, "Room ", foreign(id), ": ", plural(found.length, "hook")),
        el(
          "p.sub.plain",
          null,
          counted(found).join(", ") || (found.length ? "all are well" : ""),
          found.length ? " · " : "",
          el("a", { href: roomAddress(id) + "/dead" }, "dead letters"),
        ),
        here.mayAct() &&
          el("p", null, el("a.button", { href: roomAddress(id) + "/new-hook" }, "New hook")),
      ]),
      new Panel(
        list,
        ask,
        found =>
          found.length
            ? table("Hooks of this room, worst first", columns(Date.now(), false), [
                { rows: [...found].sort(byState), key },
              ])
            : none(),
        { lines: 4 },
      ),
    ],
  };
}
