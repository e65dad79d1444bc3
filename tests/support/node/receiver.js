/*
 * A receiver as many are built: express, with the raw body given to the reference library of
 * Standard Webhooks and to that of Svix. The argument is {"<name>": "whsec_…", …}; a request is
 * taken when one of these secrets fits, and refused with 401 otherwise. Lines of standard output
 * are JSON: first {"port"}, then one for each request.
 */
"use strict";
const express = require("express");
const standard = require("standardwebhooks");
const svix = require("svix");

const secrets = JSON.parse(process.argv[2]);
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

function verify(library, secret, request) {
  try {
    new library.Webhook(secret).verify(request.body.toString(), request.headers);
    return "verified";
  } catch (error) {
    return error.message;
  }
}

const app = express();
app.use(express.raw({ type: () => true, limit: "1mb" }));
app.post("/{*path}", (request, answer) => {
  const verdicts = {};
  for (const [name, secret] of Object.entries(secrets)) {
    verdicts[name] = {
      standard: verify(standard, secret, request),
      svix: verify(svix, secret, request),
    };
  }
  const { "webhook-id": id, "webhook-event": event, "webhook-attempt": attempt } = request.headers;
  const kind = request.headers["content-type"];
  const body = JSON.parse(request.body.toString());
  say({ path: request.path, id, event, attempt, kind, verdicts, body });
  const fits = Object.values(verdicts).some((one) => one.standard === "verified");
  answer.sendStatus(fits ? 204 : 401);
});
const server = app.listen(0, "127.0.0.1", () => say({ port: server.address().port }));
