// The webhooks of one room, for its admins. What others wrote is only ever set as text.

const room = new URLSearchParams(location.search).get("room") ?? "";
const path = `webhooks/v1/rooms/${encodeURIComponent(room)}/`;
let token;

async function ask(address, options) {
  const answer = await fetch(address, options);
  const body = answer.status === 204 ? {} : await answer.json();
  if (answer.ok) return body;
  throw Object.assign(new Error(body.error.message), { status: answer.status });
}

// A token lasts some minutes: when it has expired, the chat server gives another.
async function api(what, method = "GET") {
  for (let first = true; ; first = false) {
    token ??= (await ask(`room-token?room=${encodeURIComponent(room)}`, { method: "POST" })).token;
    try {
      return await ask(path + what, { method, headers: { Authorization: `Bearer ${token}` } });
    } catch (error) {
      if (error.status !== 401 || !first) throw error;
      token = undefined;
    }
  }
}

function element(name, ...content) {
  const made = document.createElement(name);
  made.append(...content); // strings become text
  return made;
}

function button(text, action) {
  const onclick = () => guarded(async () => { alert(await action()); await show(); });
  return Object.assign(element("button", text), { onclick });
}

async function test(hook) {
  const { outcome, status, ms, error } = await api(`hooks/${hook}/test`, "POST");
  return outcome === "delivered" ? `Answered ${status} after ${ms} ms.` : `Not delivered: ${error}`;
}

async function resume(hook) {
  return `${(await api(`hooks/${hook}/resume`, "POST")).waiting} waiting messages are sent now.`;
}

async function sendAgain(hook) {
  const letters = `dead-letters/replay?hook=${hook}`;
  const { count } = await api(`${letters}&dry_run=true`, "POST");
  if (count === 0) return "Nothing failed for good.";
  if (!confirm(`Send ${count} messages again?`)) return "Nothing was sent.";
  await api(`${letters}&expect=${count}`, "POST");
  return `${count} messages are sent again.`;
}

function attempts(rows) {
  const table = element("table", element("caption", "The last attempts"));
  for (const { at_ms, event, outcome, status, ms, error, answer } of rows) {
    const cells = [new Date(at_ms).toLocaleString(), event, outcome, status || "", `${ms} ms`,
      answer || error || ""];
    table.append(element("tr", ...cells.map((text) => element("td", text))));
  }
  return table;
}

async function section(hook) {
  let rows = [], page = { iterator: "9999999999999-0" }; // the newest first, in pages
  for (; !page.done && rows.length < 200; rows.push(...page.data))
    page = await api(`hooks/${hook.id}/deliveries?limit=200&iterator=${page.iterator}`);
  return element("section",
    element("h2", hook.description ?? hook.id),
    element("p", `${hook.url}: ${hook.state}${hook.error ? `, ${hook.error}` : ""}`),
    button("Send a test", () => test(hook.id)),
    button("Resume", () => resume(hook.id)),
    button("Send failed messages again", () => sendAgain(hook.id)),
    attempts(rows));
}

async function show() {
  const { data } = await api("hooks");
  document.querySelector("#hooks").replaceChildren(...await Promise.all(data.map(section)));
}

async function guarded(action) {
  const problem = document.querySelector("#problem");
  problem.textContent = "";
  await action().catch((error) => { problem.textContent = error.message; });
}

guarded(show);
