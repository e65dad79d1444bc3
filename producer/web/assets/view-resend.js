// Sending again what a hook took: how far back first, then how many that are.

import { query, send } from "./api.js";
import { ask } from "./dialog.js";
import { el, foreign, say } from "./dom.js";
import { count, plural } from "./format.js";
import { RATES } from "./view-tasks.js";

const SINCE = [
  ["1h", "the last hour"],
  ["6h", "the last 6 hours"],
  ["24h", "the last 24 hours"],
  ["7d", "the last 7 days"],
];

// path is that of the room's resend; done is called when a task was made.
export function askResend(path, hook, done) {
  ask({
    title: ["Send again what ", foreign(hook), " took?"],
    body: el(
      "p",
      null,
      "For a receiver that answered 2xx and then lost what it got. They are counted first.",
    ),
    fields: [{ name: "since", label: "Delivered in", kind: "choice", options: SINCE }],
    verb: "Count",
    act: async ({ since }) => {
      const found = await send("POST", path + query({ hook, since, dry_run: "true" }));
      if (found.count === 0) say("Nothing that is kept was delivered in that time");
      else setTimeout(() => confirm(path, { hook, since }, found, done));
    },
  });
}

function confirm(path, filter, found, done) {
  ask({
    title: `Send ${plural(found.count, "delivery", "deliveries")} again?`,
    body: [
      el(
        "p",
        null,
        "Each is queued with its original message id, by which a receiver recognises duplicates.",
      ),
      found.skipped
        ? el(
            "p.muted",
            null,
            plural(found.skipped, "delivery is", "deliveries are") +
              " left out: no longer kept, or to a hook that was removed.",
          )
        : "",
    ],
    fields: [{ name: "rate", label: "How fast", kind: "choice", options: RATES }],
    verb: "Send " + count(found.count),
    act: async ({ rate }) => {
      await send("POST", path + query({ ...filter, expect: found.count, rate }));
      say("It goes on as a task, without this page too");
      done();
    },
  });
}
