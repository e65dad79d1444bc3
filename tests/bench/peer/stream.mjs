// A consumer as one writes it by hand: XREADGROUP, a POST for each event, XACK and XDEL in batches.
//
//     node stream.mjs port=N count=N
//
// No retries, no crash safety beyond the group's: it is the least that Node can do.
import Redis from "ioredis";
import { argumentsOf, Meter, Poster } from "./common.mjs";

const EVENTS = "{webhooks}:events";
const GROUP = "workers";
const CONSUMER = "bench";
const IN_FLIGHT = 128;
const given = argumentsOf(["port", "count"]);
const count = Number(given.count);

const reader = new Redis({ host: "127.0.0.1", port: Number(given.port) });
const writer = new Redis({ host: "127.0.0.1", port: Number(given.port) });
const poster = new Poster();
const rooms = new Map();
let acknowledged = [];
let inFlight = 0;
let done = 0;
let wake = () => {};

async function hookOf(room) {
  if (!rooms.has(room)) {
    const found = await writer.hgetall(`{webhooks}:room:${room}`);
    rooms.set(room, Object.values(found).map((text) => JSON.parse(text)));
  }
  return rooms.get(room)[0];
}

// Those that ended in this turn of the loop go together.
async function acknowledge() {
  const ids = acknowledged;
  acknowledged = [];
  await writer.pipeline().xack(EVENTS, GROUP, ...ids).xdel(EVENTS, ...ids).exec();
  done += ids.length;
  wake();
}

async function deliver(id, fields) {
  const values = new Map();
  for (let i = 0; i < fields.length; i += 2) {
    values.set(fields[i], fields[i + 1]);
  }
  const event = JSON.parse(values.get("json"));
  const hook = await hookOf(event.message.roomId);
  await poster.post(hook, event, values.get("id") ?? `msg_${id}`);
  if (acknowledged.push(id) === 1) {
    setImmediate(acknowledge);
  }
  inFlight -= 1;
  wake();
}

async function run() {
  while (done < count) {
    if (inFlight >= IN_FLIGHT || done + inFlight + acknowledged.length >= count) {
      await new Promise((resolve) => {
        wake = resolve;
      });
      continue;
    }
    const answer = await reader.xreadgroup(
      "GROUP", GROUP, CONSUMER, "COUNT", IN_FLIGHT - inFlight, "BLOCK", 1000,
      "STREAMS", EVENTS, ">",
    );
    for (const [id, fields] of answer?.[0][1] ?? []) {
      inFlight += 1;
      deliver(id, fields).catch((error) => {
        console.error(error);
        process.exit(1);
      });
    }
  }
}

await writer.xgroup("CREATE", EVENTS, GROUP, "0", "MKSTREAM").catch(() => {});
const meter = new Meter();
await run();
meter.print(count);
process.exit(0);
