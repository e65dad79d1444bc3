// Doctor: everything looked at once, worst first.

import { get } from "./api.js";
import { el, foreign, state, table, time } from "./dom.js";
import { plural } from "./format.js";
import { Panel } from "./panel.js";

const ORDER = ["error", "warning", "unchecked", "note", "ok"];
const FOUND = {
  error: "error",
  warning: "warning",
  unchecked: "check that could not be made",
  note: "note",
};

function verdict(findings) {
  const n = level => findings.filter(f => f.level === level).length;
  if (n("error")) return plural(n("error"), "error") + ": events are lost, or not delivered";
  if (n("warning")) return plural(n("warning"), "warning") + ": something goes wrong, or will";
  if (n("unchecked")) return plural(n("unchecked"), "check") + " could not be made";
  return "All checks passed";
}

const key = f => f.part + f.check + f.text;

const columns = [
  { title: "Level", cls: "lead", unlabelled: true, cell: f => state(f.level) },
  {
    title: "Check",
    head: true,
    cell: f => [el("span.name", null, foreign(f.check)), " ", el("span.id", null, foreign(f.part))],
  },
  {
    title: "Found",
    cls: "text",
    cell: f => [
      foreign(f.text),
      f.more > 0 ? el("span.muted", null, " and " + plural(f.more, "other")) : "",
    ],
  },
  { title: "What to do", cls: "text", cell: f => (f.advice ? foreign(f.advice) : "") },
];

export function doctor(here) {
  const head = el("div.head"),
    list = el("section");
  const ask = async () => ({ findings: findingsOf(await get("v1/doctor")), at: Date.now() });
  const again = el(
    "button",
    { type: "button", onclick: () => panels.forEach(panel => panel.refresh()) },
    "Examine again",
  );
  const panels = [
    new Panel(
      head,
      ask,
      ({ findings, at }) => [
        el(
          "div",
          null,
          el("h1", null, verdict(findings)),
          el(
            "p.sub",
            null,
            ["error", "warning", "unchecked", "note"]
              .filter(l => findings.some(f => f.level === l))
              .map(l => [
                el(
                  "span",
                  null,
                  plural(
                    findings.filter(f => f.level === l).length,
                    FOUND[l],
                    l === "unchecked" ? "checks that could not be made" : FOUND[l] + "s",
                  ),
                ),
                " ",
              ]),
            el(
              "span",
              null,
              plural(findings.filter(f => f.level === "ok").length, "check") + " passed",
            ),
            " ",
            el("span", null, "examined at ", time(at)),
          ),
        ),
      ],
      { every: 0 },
    ),
    new Panel(
      list,
      ask,
      ({ findings }) => {
        const groups = [
          ["Problems, and failed checks", f => ORDER.indexOf(f.level) < 3],
          ["Worth knowing", f => f.level === "note"],
        ]
          .map(([title, fits]) => ({ title, rows: findings.filter(fits), key }))
          .filter(g => g.rows.length);
        const passed = findings.filter(f => f.level === "ok");
        return [
          groups.length > 0 && table("Findings, worst first", columns, groups),
          passed.length > 0 &&
            el(
              "details.passed",
              null,
              el("summary", null, plural(passed.length, "check") + " passed"),
              table("Checks that passed", columns.slice(0, 3), [{ rows: passed, key }]),
            ),
        ];
      },
      { every: 0, lines: 6 },
    ),
  ];
  return {
    title: "Doctor",
    node: el("div", null, el("div.with-button", null, head, again), list),
    panels,
  };
}

function findingsOf(answer) {
  return [...answer.findings].sort((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
}
