// Enqueues an event with node-redis, as JSON and as msgpack: npm install redis @msgpack/msgpack
import { setTimeout } from "node:timers/promises";
import { encode } from "@msgpack/msgpack";
import { createClient } from "redis";

const client = createClient({ url: process.env.REDIS_URL ?? "redis://127.0.0.1:6379/0" });
await client.on("error", console.error).connect();

// Adds an event. A full Redis has not taken it: the same event, with the same id, is sent again.
async function enqueue(fields) {
  for (let pause = 100; ; pause *= 2) {
    try {
      return await client.xAdd("{webhooks}:events", "*", fields);
    } catch (error) {
      if (!error.message.startsWith("OOM") || pause > 800) throw error;
      await setTimeout(pause);
    }
  }
}

const event = {
  message: { id: 24006, roomId: "!abc:matrix.org", createdAt: 1667548137257,
             type: "text", body: { text: "Grüße 👋" } },
  fromUser: { displayName: "Ana" },
};
console.log(await enqueue({ id: "msg-24006", json: JSON.stringify(event) }));
console.log(await enqueue({ id: "msg-24007", msgpack: Buffer.from(encode(event)) }));
await client.close();
