// Enqueues an event with ioredis, as JSON and as msgpack: npm install ioredis @msgpack/msgpack
import { setTimeout } from "node:timers/promises";
import { encode } from "@msgpack/msgpack";
import { Redis } from "ioredis";

const redis = new Redis(process.env.REDIS_URL ?? "redis://127.0.0.1:6379/0");

// Adds an event. A full Redis has not taken it: the same event, with the same id, is sent again.
async function enqueue(id, field, document) {
  for (let pause = 100; ; pause *= 2) {
    try {
      return await redis.xadd("{webhooks}:events", "*", "id", id, field, document);
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
console.log(await enqueue("msg-24006", "json", JSON.stringify(event)));
console.log(await enqueue("msg-24007", "msgpack", Buffer.from(encode(event))));
await redis.quit();
