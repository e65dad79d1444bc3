// Dead letters: filter, look, replay, purge.

import { get, part, query, send } from "./api.js";
import { ask } from "./dialog.js";
import { answer, el, foreign, plain, say, table, time } from "./dom.js";
import { bytes, count, NONE, plural } from "./format.js";
import { Panel } from "./panel.js";
import { hookLink, messageAddress } from "./state.js";

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

function columns(picks, redraw, look) {
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
      title: "Content",
      hidden: true,
      cls: "act",
      unlabelled: true,
      cell: letter =>
        el(
          "button.link",
          { type: "button", onclick: () => look(letter) },
          "Look",
          el("span.sr", null, " at ", plain(letter.event_id || letter.id)),
        ),
    },
  ];
}

async function lookAt(letter) {
  ask({
    title: ["The content of ", foreign(letter.event_id || letter.id), "?"],
    body: el("p", null, "It is what people wrote. That it was asked for is logged."),
    verb: "Show it",
    act: async () => {
      const whole = await get("v1/dead-letters/" + part(letter.id) + "?document=true");
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
async function askFirst(filter, verb, done) {
  const what = verb === "Replay" ? "replay" : "purge";
  let found;
  try {
    found = await send("POST", "v1/dead-letters/" + what + query({ ...filter, dry_run: "true" }));
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
          ? "Each is queued again, the oldest first, with its old message id, by which a " +
              "receiver can tell what it has."
          : "They cannot be replayed afterwards.",
      ),
      shown.length
        ? el("ul.plain", null, shown)
        : el("p", null, "That is all there are: no filter is set."),
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
    act: async () => {
      const result = await send(
        "POST",
        "v1/dead-letters/" + what + query({ ...filter, expect: n }),
      );
      say(
        (verb === "Replay" ? "Replayed " : "Purged ") +
          count(result.count) +
          (result.failed ? ", " + count(result.failed) + " failed" : ""),
      );
      done();
    },
  });
}

export function deadLetters(here, values) {
  const filter = Object.fromEntries(
    ["room", "hook", "reason", "since"].map(name => [name, values.get(name) || ""]),
  );
  const isFiltered = Object.values(filter).some(Boolean);
  const head = el("div.head"),
    list = el("div"),
    bar = el("div.bar"),
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
    field("room"),
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
          "#/dead" + query(Object.fromEntries(fields.map(f => [f.name, f.value.trim()])));
      },
    },
    ["Room", "Hook", "Reason", "Died"].map((title, i) => el("label", null, title, fields[i])),
    el("button", { type: "submit" }, "Filter"),
    isFiltered && el("a.button.quiet", { href: "#/dead" }, "Clear"),
  );

  const askPage = () =>
    get("v1/dead-letters" + query({ ...filter, limit: PAGE, iterator: trail[trail.length - 1] }));
  const renew = () => {
    picks.clear();
    here.refresh();
  };
  const panel = new Panel(
    list,
    askPage,
    page => {
      drawChosen();
      if (page.data.length === 0 && trail.length === 1 && page.done) {
        return isFiltered
          ? el(
              "div.empty",
              null,
              el("b", null, "No letter matches."),
              Object.entries(filter)
                .filter(([, v]) => v)
                .map(([k, v]) => [k, " ", foreign(v), " "]),
              "· ",
              el("a", { href: "#/dead" }, "Clear the filter"),
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
          columns(picks, () => panel.redraw(), lookAt),
          [{ rows: page.data, key: letter => letter.id, selected: letter => picks.has(letter.id) }],
        ),
        el(
          "p.pager",
          null,
          el(
            "span",
            null,
            page.data.length
              ? plural(page.data.length, "letter") + ", page " + count(trail.length)
              : "None on this part; older ones may match",
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
              { type: "button", disabled: page.done, onclick: () => turn(1, page.iterator) },
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

  function drawChosen() {
    chosen.hidden = picks.size === 0;
    chosen.replaceChildren(
      el("span", null, el("b", null, count(picks.size)), " chosen on this page"),
      el(
        "span.buttons",
        null,
        el(
          "button.primary",
          { type: "button", disabled: !here.mayAct(), onclick: replayChosen },
          "Replay " + count(picks.size) + "…",
        ),
      ),
    );
  }

  function replayChosen() {
    const ids = [...picks];
    ask({
      title: `Replay ${plural(ids.length, "letter")}?`,
      body: el(
        "p",
        null,
        "Each is queued again with its old message id, so a receiver can tell what it has.",
      ),
      verb: "Replay " + count(ids.length),
      act: async () => {
        let moved = 0;
        for (const id of ids) {
          await send("POST", "v1/dead-letters/" + part(id) + "/replay");
          picks.delete(id);
          moved++;
        }
        say("Replayed " + count(moved));
        renew();
      },
    });
  }

  return {
    title: "Dead letters",
    node: el(
      "div",
      null,
      head,
      el("section", { "aria-label": "Letters" }, form, bar, list, chosen),
    ),
    panels: [
      new Panel(
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
      ),
      new Panel(
        bar,
        () => get("v1/status"),
        status => [
          el(
            "h2",
            null,
            isFiltered ? "Those that match" : "All",
            el("span.note", null, "newest first"),
          ),
          status.dead > 0 &&
            el(
              "div.buttons",
              null,
              here.mayAct() ? "" : el("span.muted.small", null, here.whyNot()),
              el(
                "button",
                {
                  type: "button",
                  disabled: !here.mayAct(),
                  onclick: () => askFirst(filter, "Replay", renew),
                },
                (isFiltered ? "Replay all that match" : "Replay all") + "…",
              ),
              el(
                "button.danger",
                {
                  type: "button",
                  disabled: !here.mayAct(),
                  onclick: () => askFirst(filter, "Purge", renew),
                },
                (isFiltered ? "Purge all that match" : "Purge all") + "…",
              ),
            ),
        ],
      ),
      panel,
    ],
  };
}
