// Questions before something is changed. Focus starts on Cancel, or on the field to be filled.

import { el, foreign, icon } from "./dom.js";
import { count } from "./format.js";

let numbers = 0;

// act(values) does it; what it throws is shown in the dialog, which stays. When it returns nodes,
// they replace the question: a secret that is shown once.
export function ask({
  title,
  body = [],
  fields = [],
  verb,
  danger = false,
  typed,
  dismiss = "Cancel",
  act,
}) {
  const id = "dialog-" + ++numbers;
  const inputs = {};
  const refusal = el("p.refused", { role: "alert", hidden: true });
  const go = el("button" + (danger ? ".danger.solid" : ".primary"), { type: "submit" }, verb);
  const labels = fields.map(field => {
    const input = (inputs[field.name] = fieldOf(field));
    return el(
      "label" + (field.kind === "check" ? ".check" : ""),
      null,
      field.kind === "check" ? [input, " ", field.label] : [field.label, input],
    );
  });
  if (typed !== undefined) {
    const input = el("input", {
      type: "text",
      inputmode: "numeric",
      autocomplete: "off",
      autofocus: true,
      oninput: () => {
        go.disabled = input.value.replace(/[,\s]/g, "") !== String(typed);
      },
    });
    labels.push(el("label", null, "Type " + count(typed) + " to confirm", input));
    go.disabled = true;
  }
  const needsFilling = typed !== undefined || fields.some(field => field.required);
  const cancel = el(
    "button",
    { type: "button", autofocus: !needsFilling, onclick: () => dialog.close() },
    dismiss,
  );
  const form = el(
    "form",
    { method: "dialog", onsubmit: submit },
    el("h2", { id }, title),
    body,
    labels,
    refusal,
    el("div.buttons", null, cancel, go),
  );
  const dialog = el("dialog", { "aria-labelledby": id }, form);

  async function submit(event) {
    event.preventDefault();
    const values = Object.fromEntries(
      fields.map(f => [
        f.name,
        f.kind === "check" ? inputs[f.name].checked : inputs[f.name].value.trim(),
      ]),
    );
    go.disabled = true;
    refusal.hidden = true;
    try {
      const result = await act(values);
      if (result) replace(result);
      else dialog.close();
    } catch (error) {
      refusal.replaceChildren(icon("s-failing"), " ", foreign(error.message));
      refusal.hidden = false;
      go.disabled = false;
    }
  }

  function replace(nodes) {
    form.replaceChildren(
      ...[nodes].flat(),
      el(
        "div.buttons",
        null,
        el("button.primary", { type: "button", onclick: () => dialog.close() }, "Done"),
      ),
    );
    form.querySelector("h2").id = id;
  }

  const before = document.activeElement;
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before && before.isConnected) before.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function fieldOf({ kind, value, options, required, placeholder }) {
  if (kind === "choice") {
    return el(
      "select",
      null,
      options.map(([v, text]) => el("option", { value: v, selected: v === value }, text)),
    );
  }
  if (kind === "check") {
    const box = el("input", { type: "checkbox" });
    box.checked = Boolean(value);
    return box;
  }
  const input = el("input", {
    type: "text",
    autocomplete: "off",
    spellcheck: "false",
    required,
    placeholder,
    autofocus: required,
  });
  input.value = value || "";
  return input;
}
