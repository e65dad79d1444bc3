/*
 * Calls docs/chat/spika.ts, compiled, as Spika would. A line of standard input is
 * {"call": "announce", "args": […]}; a line of output is {"result": …}, or {"error": …}.
 */
"use strict";
const { createClient } = require("redis");
const spika = require(process.argv[2]);
const lines = require("fs").readFileSync(0, "utf8").split("\n");

async function main() {
  const redis = createClient({ url: process.env.ROOMHOOK_REDIS });
  await redis.connect();
  for (const line of lines.filter((text) => text !== "")) {
    const { call, args } = JSON.parse(line);
    try {
      const first = call === "announce" ? [redis] : [];
      const result = await spika[call](...first, ...args);
      console.log(JSON.stringify({ result }));
    } catch (error) {
      console.log(JSON.stringify({ error: error.message }));
    }
  }
  await redis.quit();
}

main();
