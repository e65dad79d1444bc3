// What is said about a hook: why it is in its state, and what happens next.

import { ahead, el, foreign, time } from "./dom.js";
import { count, duration, plural } from "./format.js";
import { part } from "./api.js";

export const WORST_FIRST = ["open", "failing", "invalid", "disabled", "paused", "slow", "healthy"];

export const hookAddress = (room, id) => "#/rooms/" + part(String(room)) + "/hooks/" + part(id);
export const roomAddress = room => "#/rooms/" + part(String(room));
export const messageAddress = (room, event) =>
  "#/rooms/" + part(String(room)) + "/messages/" + part(event);

export function hookLink(room, id, title) {
  return el(
    "a.name.quiet",
    { href: hookAddress(room, id) },
    foreign(title || room),
    " ",
    el("span.id", null, "/ ", foreign(id)),
  );
}

// A lane of a hook that came with its events has no page of a hook
export function laneLink(lane) {
  const isInline = String(lane.hook || "").startsWith(":");
  if (lane.room === undefined || isInline)
    return [
      foreign(lane.room === undefined ? lane.lane : lane.room),
      lane.room === undefined ? "" : el("span.id", null, " / ", foreign(lane.hook)),
    ];
  return hookLink(lane.room, lane.hook, lane.title);
}

export function host(url) {
  try {
    return new URL(url).host;
  } catch {
    return "";
  }
}

const REASONS = { gone: "answered 410 Gone", failing: "failed for too long" };

// The last failure in a few words, from what workers learnt
export function why(hook) {
  if (hook.state === "invalid") return foreign(hook.error || "what is stored is not a valid hook");
  const cause = foreign(
    hook.error ||
      (hook.status ? "answered " + hook.status : REASONS[hook.reason] || hook.reason || ""),
  );
  const since = hook.failing_since || (hook.state === "disabled" ? hook.at : 0);
  if (hook.state === "paused") return hook.error || hook.status ? cause : "asked for a pause";
  if (hook.state === "disabled" && hook.enabled === false) return "by hand";
  if (hook.state === "slow") return "half of the last deliveries took more than a second";
  return since ? [cause, " since ", time(since)] : cause;
}

export function next(hook, now) {
  if (hook.state === "open" && hook.probe_at) return ["probe ", ahead(hook.probe_at, now)];
  if (hook.state === "paused" && hook.until) return [time(hook.until)];
  if (hook.state === "disabled") return "nothing is sent";
  if (hook.state === "failing") return hook.waiting === 0 ? "nothing waits" : "retries go on";
  if (hook.state === "invalid") return "nothing is sent";
  return "";
}

// The sentence of the hook's page: what, since when, what happens next
export function sentence(hook, last, now) {
  const where = foreign(host(hook.url) || "Its receiver");
  const kept =
    hook.waiting > 0
      ? [
          " ",
          plural(hook.waiting, "delivery waits", "deliveries wait"),
          hook.waiting === 1 ? " and is kept" : " and are kept",
        ]
      : "";
  const answered = hook.status
    ? [" has answered ", String(hook.status)]
    : [" has not answered (", foreign(hook.error || "no answer"), ")"];
  const since = hook.failing_since ? [" since ", time(hook.failing_since)] : "";
  const failed = last && last.outcome !== "delivered";
  switch (hook.state) {
    case "open":
      return [
        where,
        answered,
        since,
        ", so Roomhook only tries one delivery at a time.",
        kept,
        hook.probe_at ? [kept ? "; " : " ", "the next try is ", ahead(hook.probe_at, now)] : "",
        ".",
      ];
    case "failing":
      return [
        hook.recent
          ? count(hook.recent_failed) + " of the last " + plural(hook.recent, "attempt") + " failed"
          : plural(hook.failures || 1, "attempt") + " failed without a success",
        since,
        ": ",
        foreign(hook.error || (hook.status ? "answered " + hook.status : "no answer")),
        failed && last.outcome === "dead"
          ? ". The last one became a dead letter."
          : ". What fails is tried again.",
        kept,
        kept ? "." : "",
      ];
    case "slow":
      return [
        where,
        hook.log?.p50_ms === undefined
          ? " is slow"
          : " answers after " + duration(hook.log.p50_ms),
        ": half of the last deliveries took longer than a second.",
        kept,
        kept ? "." : "",
      ];
    case "paused":
      return [
        where,
        " asked for a pause (",
        foreign(hook.error || "Retry-After"),
        ") until ",
        time(hook.until),
        ".",
        kept,
        kept ? "." : "",
      ];
    case "disabled":
      if (hook.enabled === false)
        return ["Disabled by hand. New events are not sent and not kept."];
      return [
        "Disabled since ",
        time(hook.at),
        ", because ",
        where,
        hook.status === 410 || hook.reason === "gone"
          ? " answered 410 Gone"
          : " failed for too long",
        ". New events are not sent and not kept.",
      ];
    case "invalid":
      return ["What is stored is not a valid hook: ", foreign(hook.error), ". Nothing is sent."];
    default:
      if (failed)
        return [
          "The last attempt failed: ",
          foreign(last.error || last.reason || "answered " + last.status),
          last.outcome === "retry" ? ". It is tried again." : ".",
          kept,
          kept ? "." : "",
        ];
      return last
        ? [
            "Delivering. The last answer was ",
            String(last.status),
            ", ",
            duration(last.ms),
            ", at ",
            time(last.at_ms),
            ".",
            kept,
            kept ? "." : "",
          ]
        : [
            "Nothing is against it, but no attempt is known: no event of its types came in the " +
              "last 7 days, or the log is off (attempt-log).",
            kept,
            kept ? "." : "",
          ];
  }
}

export function advice(hook, here) {
  const where = foreign(host(hook.url) || "the receiver");
  const isRoom = here.access.room !== null;
  const ask = isRoom ? ["Check ", where, ": "] : ["Ask the operators of ", where, ": "];
  switch (hook.state) {
    case "open":
      return [
        [
          ask,
          hook.status
            ? "it answers, but with " + hook.status + "."
            : ["it cannot be reached: ", foreign(hook.error || "no answer"), "."],
        ],
        "Once it works again, deliveries resume with the next probe. To skip the wait, resume now.",
      ];
    case "failing":
      return [
        [
          ask,
          hook.status
            ? "it answers, but with " + hook.status + "."
            : ["it cannot be reached: ", foreign(hook.error || "no answer"), "."],
        ],
        isRoom
          ? "What is tried again arrives when it is back."
          : "What is tried again arrives when it is back; dead letters can be replayed then.",
      ];
    case "slow":
      return [[ask, "what takes so long?"], "Nothing is lost, but events may arrive late."];
    case "paused":
      return [
        "Deliveries resume by themselves. To send now anyway, resume.",
      ];
    case "disabled":
      return hook.enabled !== false
        ? [
            [ask, "does it still want these events?"],
            "Once it works again, resume: new events are sent from then on.",
          ]
        : ["Enable it when its events are wanted again."];
    default:
      return [];
  }
}

export function counted(hooks) {
  const out = {};
  for (const hook of hooks) out[hook.state] = (out[hook.state] || 0) + 1;
  return WORST_FIRST.filter(s => out[s] && s !== "healthy").map(
    s => count(out[s]) + " " + (s === "invalid" ? "not valid" : s),
  );
}
