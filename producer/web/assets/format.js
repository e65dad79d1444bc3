// Numbers, durations and times as text.

const NNBSP = "\u202f"; // between a number and its unit
export const NONE = "–"; // a value that does not exist

export function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

export function count(n) {
  return isNumber(n) ? Math.round(n).toLocaleString("en-US") : NONE;
}

export function plural(n, one, many = one + "s") {
  return count(n) + " " + (n === 1 ? one : many);
}

export function perSecond(n) {
  if (!isNumber(n)) return NONE;
  if (n === 0) return "0/s";
  return (n >= 9.95 ? count(n) : n < 0.05 ? "<0.1" : n.toFixed(1)) + "/s";
}

export function duration(ms) {
  if (!isNumber(ms)) return NONE;
  if (ms < 0) ms = 0;
  if (ms < 9.95) return (Number.isInteger(ms) ? String(ms) : ms.toFixed(1)) + NNBSP + "ms";
  if (ms < 999.5) return Math.round(ms) + NNBSP + "ms";
  if (ms < 9950) return (ms / 1000).toFixed(1) + NNBSP + "s";
  if (ms < 119500) return Math.round(ms / 1000) + NNBSP + "s";
  if (ms < 7170000) return Math.round(ms / 60000) + NNBSP + "min";
  if (ms < 172000000) return Math.round(ms / 3600000) + NNBSP + "h";
  return Math.round(ms / 86400000) + NNBSP + "d";
}

export function bytes(n) {
  if (!isNumber(n)) return NONE;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (n >= 999.5 && unit < units.length - 1) {
    n /= 1000;
    unit++;
  }
  return (unit > 0 && n < 9.95 ? n.toFixed(1) : Math.round(n)) + NNBSP + units[unit];
}

const two = n => String(n).padStart(2, "0");

export function clock(at, withSeconds = true) {
  const date = new Date(at);
  return (
    two(date.getHours()) +
    ":" +
    two(date.getMinutes()) +
    (withSeconds ? ":" + two(date.getSeconds()) : "")
  );
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function midnight(at) {
  const date = new Date(at);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

// 03:01:50, yesterday 23:47, 9 Nov 14:02, 3 Mar 2025
export function when(at, now = Date.now()) {
  const date = new Date(at);
  const days = Math.round((midnight(now) - midnight(at)) / 86400000);
  if (days === 0) return clock(at);
  if (days === 1) return "yesterday " + clock(at, false);
  if (days === -1) return "tomorrow " + clock(at, false);
  const day = date.getDate() + " " + months[date.getMonth()];
  if (date.getFullYear() !== new Date(now).getFullYear()) return day + " " + date.getFullYear();
  return day + " " + clock(at, false);
}

// Local time with its offset, as <time datetime> has it
export function iso(at) {
  const date = new Date(at);
  const offset = -date.getTimezoneOffset();
  const away = Math.abs(offset);
  return (
    date.getFullYear() +
    "-" +
    two(date.getMonth() + 1) +
    "-" +
    two(date.getDate()) +
    "T" +
    clock(at) +
    (offset < 0 ? "-" : "+") +
    two(Math.floor(away / 60)) +
    ":" +
    two(away % 60)
  );
}

export function zone() {
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone || "local";
  const offset = -new Date().getTimezoneOffset() / 60;
  return name === "UTC"
    ? "UTC"
    : name + " (UTC" + (offset < 0 ? "−" : "+") + Math.abs(offset) + ")";
}
