// Asking the API. The token is kept for this tab only.

const TOKEN = "roomhook.token";
const FRESH_MS = 900; // panels that ask for the same share one answer
const LIMIT_MS = 30000;
const PAGE_MAX = 500; // what the API allows

const base = new URL("./", location.href).pathname; // the page's folder, so any base path will do
const shared = new Map();

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status; // 0: no answer came
    this.code = code;
  }

  // Neither this request nor its token is to blame
  get isOutage() {
    return this.code !== "contract" && [0, 502, 503, 504].includes(this.status);
  }
}

export const token = {
  get() {
    try {
      return sessionStorage.getItem(TOKEN);
    } catch {
      return this.kept || null;
    }
  },
  set(value) {
    this.kept = value; // where the browser stores nothing
    shared.clear();
    try {
      if (value) sessionStorage.setItem(TOKEN, value);
      else sessionStorage.removeItem(TOKEN);
    } catch {
      /* it lasts as long as the page */
    }
  },
};

// A part of a path; what is "." or ".." would be taken away by the browser
export function part(text) {
  const encoded = encodeURIComponent(text);
  return /^\.{1,2}$/.test(encoded) ? encoded.replaceAll(".", "%2E") : encoded;
}

export function query(values) {
  const given = Object.entries(values).filter(
    ([, value]) => value !== undefined && value !== null && value !== "" && value !== false,
  );
  return given.length
    ? "?" + given.map(([key, value]) => key + "=" + encodeURIComponent(value)).join("&")
    : "";
}

async function ask(method, path, body) {
  let answer, text;
  try {
    answer = await fetch(base + path, {
      method,
      headers: {
        ...(token.get() ? { Authorization: "Bearer " + token.get() } : {}),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    text = await answer.text();
  } catch {
    throw new ApiError(0, "unreachable", "roomhook-web does not answer");
  }
  let json = null;
  try {
    json = text ? JSON.parse(text) : null;
  } catch {
    /* of a proxy, perhaps */
  }
  if (!answer.ok) {
    const error = json && json.error ? json.error : {};
    throw new ApiError(
      answer.status,
      error.code || "",
      error.message || "the answer was " + answer.status,
    );
  }
  return json;
}

// What is asked for again within a second is not asked again.
export function get(path) {
  const known = shared.get(path);
  if (known && performance.now() - known.at < FRESH_MS) return known.answer;
  const answer = ask("GET", path);
  const entry = { at: performance.now(), answer };
  shared.set(path, entry);
  answer.then(
    () => {
      entry.at = performance.now();
    },
    () => {
      shared.delete(path);
    },
  );
  if (shared.size > 50) shared.delete(shared.keys().next().value);
  return answer;
}

// A list of up to limit items, which may be several pages.
export async function getAll(path, values, limit) {
  const data = [];
  let page = {};
  do {
    const asked = { limit: Math.min(PAGE_MAX, limit - data.length), iterator: page.iterator };
    page = await get(path + query({ ...values, ...asked }));
    data.push(...page.data);
  } while (!page.done && data.length < limit);
  return { data, done: page.done };
}

export function send(method, path, body) {
  shared.clear();
  return ask(method, path, body);
}
