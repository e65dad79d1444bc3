// Asking for a token: one field, one sentence where to get one.

import { token } from "./api.js";
import { el, foreign, icon } from "./dom.js";

export function signIn(here, start, refused) {
  const field = el("input", {
    type: "password",
    id: "token",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
  });
  const form = el(
    "form.signin",
    {
      onsubmit: event => {
        event.preventDefault();
        token.set(field.value.trim());
        start();
      },
    },
    el("label", { for: "token" }, "Token"),
    field,
    el("button.primary", { type: "submit" }, "Sign in"),
  );
  const why = refused
    ? el("p.refused", { role: "alert" }, icon("s-failing"), " ", foreign(refused))
    : null;
  return {
    title: "Sign in",
    panels: [],
    focuses: field,
    node: el(
      "div.narrow",
      null,
      el("h1", null, "Sign in"),
      el(
        "p.sub",
        null,
        "An operator creates tokens with ",
        el("code", null, "roomhook-web token create --role read"),
        ". It is kept in this tab only.",
      ),
      form,
      why,
    ),
  };
}
