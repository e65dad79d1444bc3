// Dead letters: filter, look, replay, purge.

import { get, part, query, send } from "./api.js";
import { ask } from "./dialog.js";
import { answer, crumbs, el, foreign, plain, say, table, time } from "./dom.js";
import { bytes, count, NONE, plural } from "./format.js";
import { Panel } from "./panel.js";
import { hookLink, messageAddress, roomAddress } from "./state.js";
import { RATES, tasksPanel } from "./view-tasks.js";

const PAGE = 50;
const REASONS = [
  "exhausted",
  "expired",
  "rejected",
  "gone",
  "blocked",
  "bad-url",
  "bad-hook",
  "malformed",
  "too-large",
  "poison",
  "loop",
  "hook-removed",
  "hook-disabled",
  "overflow",
  "dropped",
];
const SINCE = [
  ["", "any time"],
  ["1h", "last hour"],
  ["24h", "last 24 h"],
  ["7d", "last 7 d"],
];

function errorOf(letter) {
  const said = letter.error || (letter.status ? "answered " + letter.status : "");
  return letter.response
    ? answer(said || "answered " + letter.status, letter.response)
    : foreign(said);
}

const hasMessage = letter => letter.room !== undefined && letter.event_id;

function columns(picks, redraw, actions) {
  return [
    {
      title: "Select",
      hidden: true,
      cls: "pick",
      unlabelled: true,
      cell: letter => {
        const box = el("input", {
          type: "checkbox",
          "aria-label": "Select " + plain(letter.event_id || letter.id),
          onchange: event => {
            if (event.currentTarget.checked) picks.add(letter.id);
            else picks.delete(letter.id);
            redraw();
          },
        });
        box.checked = picks.has(letter.id);
        return box;
      },
    },
    {
      title: "Died",
      cls: "when lead",
      cell: letter => (letter.dead_since ? time(Date.parse(letter.dead_since)) : NONE),
    },
    {
      title: "Message",
      head: true,
      cell: letter =>
        el(
          "a.mono",
          { href: hasMessage(letter) ? messageAddress(letter.room, letter.event_id) : null },
          foreign(letter.event_id || letter.id),
        ),
    },
    {
      title: "Hook",
      cell: letter =>
        letter.room !== undefined && letter.hook
          ? hookLink(letter.room, letter.hook)
          : foreign(letter.room ?? ""),
    },
    { title: "Reason", cell: letter => foreign(letter.reason) },
    {
      title: "Attempts",
      cls: "num mid",
      cell: letter => (letter.attempts === undefined ? NONE : count(letter.attempts)),
    },
    { title: "Last error", cls: "flex", cell: errorOf },
    {
      title: "Actions",
      hidden: true,
      cls: "act",
      unlabelled: true,
      cell: letter =>
        actions.map(({ title, sr, disabled, act }) => [
          el(
            "button.link",
            { type: "button", disabled, onclick: () => act(letter) },
            title,
            el("span.sr", null, " ", sr, plain(letter.event_id || letter.id)),
          ),
          " ",
        ]),
    },
  ];
}

function lookAt(path, letter) {
  ask({
    title: ["Show the content of ", foreign(letter.event_id || letter.id), "?"],
    body: el("p", null, "It contains what people wrote. Showing it is logged."),
    verb: "Show it",
    act: async () => {
      const whole = await get(path + "/" + part(letter.id) + "?document=true");
      const text =
        whole.document !== undefined
          ? JSON.stringify(whole.document, null, 2)
          : whole.document_text || "";
      return [
        el("h2", null, foreign(letter.event_id || letter.id)),
        el("p.muted", null, foreign(whole.encoding || ""), ", ", bytes(new Blob([text]).size)),
        el("pre", { tabindex: "0" }, foreign(text || "nothing was kept", true)),
      ];
    },
  });
}

// How many match is asked for when the dialog opens; another count later is refused by the API.
async function askFirst(path, filter, verb, done) {
  const what = verb === "Replay" ? "replay" : "purge";
  let found;
  try {
    found = await send("POST", path + "/" + what + query({ ...filter, dry_run: "true" }));
  } catch (error) {
    say("Refused: " + plain(error.message));
    return;
  }
  const n = found.count;
  if (n === 0) {
    say("No letter matches");
    return;
  }
  const shown = Object.entries(filter)
    .filter(([, v]) => v)
    .map(([k, v]) => el("li", null, k, ": ", foreign(v)));
  ask({
    title:
      verb === "Replay"
        ? `Replay ${plural(n, "letter")}?`
        : `Purge ${plural(n, "letter")} for good?`,
    body: [
      el(
        "p",
        null,
        verb === "Replay"
          ? "Each is queued again, the oldest first, with its original message id, by which a " +
              "receiver recognises what it already has."
          : "They cannot be replayed afterwards.",
      ),
      shown.length
        ? el("ul.plain", null, shown)
        : el("p", null, "These are all letters: no filter is set."),
      found.skipped
        ? el(
            "p.muted",
            null,
            plural(found.skipped, "letter is", "letters are") +
              " left out: only the beginning of the event was kept.",
          )
        : "",
    ],
    verb: `${verb} ${count(n)}`,
    danger: verb === "Purge",
    typed: verb === "Purge" ? n : undefined,
    fields:
      verb === "Replay"
        ? [{ name: "rate", kind: "choice", label: "How fast", options: RATES }]
        : [],
    act: async ({ rate }) => {
      const values = query({ ...filter, expect: n, rate });
      const result = await send("POST", path + "/" + what + values);
      if (result.state) {
        say("It goes on as a task, without this page too");
        done();
        return;
      }
      say(
        (verb === "Replay" ? "Replayed " : "Purged ") +
          count(result.count) +
          (result.failed ? ", " + count(result.failed) + " failed" : ""),
      );
      done();
    },
  });
}

// One letter, after a question
function askOne(path, letter, verb, done) {
  const isReplay = verb === "Replay";
  ask({
    title: [verb + " ", foreign(letter.event_id || letter.id), isReplay ? "?" : " for good?"],
    body: el(
      "p",
      null,
      letter.room === undefined ? "" : ["Room ", foreign(letter.room)],
      letter.hook ? [", hook ", foreign(letter.hook)] : "",
      letter.reason ? [", reason ", foreign(letter.reason)] : "",
      ". ",
      isReplay
        ? "It is queued again with its original message id, so a receiver recognises it."
        : "It cannot be replayed afterwards.",
    ),
    verb,
    danger: !isReplay,
    act: async () => {
      await moveOne(path, letter.id, isReplay);
      say(isReplay ? "Replayed" : "Purged");
      done();
    },
  });
}

const moveOne = (path, id, isReplay) =>
  isReplay
    ? send("POST", path + "/" + part(id) + "/replay")
    : send("DELETE", path + "/" + part(id));

export const deadLetters = (here, values) => letters(here, null, values);
export const roomDeadLetters = (here, room, values) => letters(here, room, values);

// Of all rooms, or of one: its path is all that a token for that room may use.
function letters(here, room, values) {
  const api = room === null ? "v1" : "v1/rooms/" + part(room);
  const path = api + "/dead-letters";
  const page = room === null ? "#/dead" : roomAddress(room) + "/dead";
  const names = room === null ? ["room", "hook", "reason", "since"] : ["hook", "reason", "since"];
  const filter = Object.fromEntries(names.map(name => [name, values.get(name) || ""]));
  const isFiltered = Object.values(filter).some(Boolean);
  const head = el("div.head"),
    list = el("div"),
    bar = el("div.bar"),
    tasks = el("div"),
    chosen = el("div.chosen", { hidden: true });
  const picks = new Set();
  let trail = [undefined]; // iterators of the pages up to this one
  const field = (name, options) => {
    const input = options
      ? el(
          "select",
          null,
          options.map(([v, text]) =>
            el("option", { value: v, selected: v === filter[name] }, text),
          ),
        )
      : el("input", {
          type: "text",
          placeholder: "any",
          autocomplete: "off",
          spellcheck: "false",
          value: filter[name],
        });
    input.name = name;
    return input;
  };
  const fields = [
    ...(room === null ? [field("room")] : []),
    field("hook"),
    field("reason", [["", "any"], ...REASONS.map(r => [r, r])]),
    field("since", SINCE),
  ];
  const form = el(
    "form.filters",
    {
      role: "search",
      "aria-label": "Filter dead letters",
      onsubmit: event => {
        event.preventDefault();
        location.hash =
          page + query(Object.fromEntries(fields.map(f => [f.name, f.value.trim()])));
      },
    },
    ["Room", "Hook", "Reason", "Died"]
      .slice(-fields.length)
      .map((title, i) => el("label", null, title, fields[i])),
    el("button", { type: "submit" }, "Filter"),
    isFiltered && el("a.button.quiet", { href: page }, "Clear"),
  );

  const askPage = () =>
    get(path + query({ ...filter, limit: PAGE, iterator: trail[trail.length - 1] }));
  const askAny = async () =>
    room === null
      ? (await get("v1/status")).dead > 0
      : await get(path + query({ ...filter, limit: PAGE })).then(
          found => found.data.length > 0 || !found.done,
        );
  const moveAllButtons = () =>
    el(
      "div.buttons",
      null,
      here.mayAct() ? "" : el("span.muted.small", null, here.whyNot()),
      ["Replay", "Purge"].map(verb =>
        el(
          "button" + (verb === "Purge" ? ".danger" : ""),
          {
            type: "button",
            disabled: !here.mayAct(),
            onclick: () => askFirst(path, filter, verb, renew),
          },
          verb + (isFiltered ? " all that match" : " all") + "…",
        ),
      ),
    );
  const renew = () => {
    picks.clear();
    here.refresh();
  };
  const panel = new Panel(
    list,
    askPage,
    found => {
      drawChosen();
      if (found.data.length === 0 && trail.length === 1 && found.done) {
        return isFiltered
          ? el(
              "div.empty",
              null,
              el("b", null, "No letter matches."),
              Object.entries(filter)
                .filter(([, v]) => v)
                .map(([k, v]) => [k, " ", foreign(v), " "]),
              "· ",
              el("a", { href: page }, "Clear the filter"),
            )
          : el(
              "div.empty",
              null,
              el("b", null, "No dead letters."),
              "Everything so far was delivered, or still waits for a retry in its lane.",
            );
      }
      return [
        table(
          "Dead letters, newest first",
          columns(picks, () => panel.redraw(), actions()),
          [{ rows: found.data, key: one => one.id, selected: one => picks.has(one.id) }],
        ),
        el(
          "p.pager",
          null,
          el(
            "span",
            null,
            found.data.length
              ? plural(found.data.length, "letter") + ", page " + count(trail.length)
              : "None on this page; older ones may match",
          ),
          el(
            "span",
            null,
            el(
              "button",
              { type: "button", disabled: trail.length === 1, onclick: () => turn(-1) },
              "Newer",
            ),
            el(
              "button",
              { type: "button", disabled: found.done, onclick: () => turn(1, found.iterator) },
              "Older",
            ),
          ),
        ),
      ];
    },
    { lines: 6 },
  );
  const turn = (way, iterator) => {
    if (way > 0) trail.push(iterator);
    else trail.pop();
    picks.clear();
    panel.refresh();
  };

  const actions = () => [
    { title: "Look", sr: "at ", act: letter => lookAt(path, letter) },
    {
      title: "Replay…",
      sr: "",
      disabled: !here.mayAct(),
      act: letter => askOne(path, letter, "Replay", renew),
    },
    {
      title: "Purge…",
      sr: "",
      disabled: !here.mayAct(),
      act: letter => askOne(path, letter, "Purge", renew),
    },
  ];

  function drawChosen() {
    chosen.hidden = picks.size === 0;
    chosen.replaceChildren(
      el("span", null, el("b", null, count(picks.size)), " chosen on this page"),
      el(
        "span.buttons",
        null,
        el(
          "button.primary",
          { type: "button", disabled: !here.mayAct(), onclick: () => moveChosen("Replay") },
          "Replay " + count(picks.size) + "…",
        ),
        el(
          "button.danger",
          { type: "button", disabled: !here.mayAct(), onclick: () => moveChosen("Purge") },
          "Purge " + count(picks.size) + "…",
        ),
      ),
    );
  }

  function moveChosen(verb) {
    const ids = [...picks];
    const isReplay = verb === "Replay";
    ask({
      title: `${verb} ${plural(ids.length, "letter")}${isReplay ? "" : " for good"}?`,
      body: el(
        "p",
        null,
        isReplay
          ? "It is queued again with its original message id, so a receiver recognises a duplicate."
          : "They cannot be replayed afterwards.",
      ),
      verb: verb + " " + count(ids.length),
      danger: !isReplay,
      act: async () => {
        let moved = 0;
        for (const id of ids) {
          await moveOne(path, id, isReplay);
          picks.delete(id);
          moved++;
        }
        say((isReplay ? "Replayed " : "Purged ") + count(moved));
        renew();
      },
    });
  }

  return {
    title: "Dead letters",
    node: el(
      "div",
      null,
      room !== null &&
        crumbs(el("a", { href: roomAddress(room) }, "Room ", foreign(room)), "Dead letters"),
      head,
      tasks,
      el("section", { "aria-label": "Letters" }, form, bar, list, chosen),
    ),
    panels: [
      room === null ? headOfAll(head) : headOfRoom(head, room),
      tasksPanel(here, tasks, api + "/tasks", () => panel.refresh()),
      new Panel(bar, askAny, any => [
        el(
          "h2",
          null,
          isFiltered ? "Matching" : "All",
          el("span.note", null, "newest first"),
        ),
        any && moveAllButtons(),
      ]),
      panel,
    ],
  };
}

function headOfAll(head) {
  return new Panel(
    head,
    () => get("v1/status"),
    status =>
      el(
        "div",
        null,
        el("h1", null, status.dead ? plural(status.dead, "dead letter") : "No dead letters"),
        el(
          "p.sub",
          null,
          el(
            "span",
            null,
            status.counters?.dead_dropped
              ? count(status.counters.dead_dropped) + " were dropped to keep within the cap"
              : "none dropped yet",
          ),
          " ",
          el("span", null, "each can be replayed as long as it is kept"),
        ),
      ),
  );
}

function headOfRoom(head, room) {
  return new Panel(
    head,
    async () => null,
    () =>
      el(
        "div",
        null,
        el("h1", null, "Dead letters of room ", foreign(room)),
        el("p.sub", null, "Each can be replayed as long as it is kept."),
      ),
    { every: 0 },
  );
}
