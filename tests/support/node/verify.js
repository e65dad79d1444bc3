/*
 * Verifies requests as a receiver would, by the reference library of Standard Webhooks. A line of
 * standard input is {"secret", "headers", "body"}; a line of output is "verified", or why not.
 */
"use strict";
const { Webhook } = require("standardwebhooks");
const lines = require("fs").readFileSync(0, "utf8").split("\n");

for (const line of lines.filter((text) => text !== "")) {
  const { secret, headers, body } = JSON.parse(line);
  try {
    new Webhook(secret).verify(body, headers);
    console.log("verified");
  } catch (error) {
    console.log(error.message);
  }
}
