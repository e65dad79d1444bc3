// BullMQ: a job an event, 64 at a time.
//
//     node bullmq.mjs do=fill port=N count=N url=http://127.0.0.1:8000/ rooms=N template=FILE
//     node bullmq.mjs do=work port=N count=N
//
// The template is an event's document; a job holds that and the hook it goes to, so that nothing
// has to be looked up.
import { readFile } from "node:fs/promises";
import { Queue, Worker } from "bullmq";
import { argumentsOf, Meter, Poster } from "./common.mjs";

const BATCH = 1000;
const given = argumentsOf(["do", "port", "count", "url", "rooms", "template"]);
const count = Number(given.count);
const connection = { host: "127.0.0.1", port: Number(given.port), maxRetriesPerRequest: null };

async function fill() {
  const queue = new Queue("bench", { connection });
  const event = JSON.parse(await readFile(given.template, "utf8"));
  const jobs = [];
  for (let n = 0; n < count; n++) {
    const hook = {
      url: given.url + (n % Number(given.rooms)),
      verificationSignature: "9JOLCJUVylQxxdhX",
    };
    const options = { removeOnComplete: true, attempts: 10, backoff: { type: "exponential" } };
    jobs.push({ name: "message", data: { hook, event }, opts: options });
    if (jobs.length === BATCH || n === count - 1) {
      await queue.addBulk(jobs.splice(0));
    }
  }
  await queue.close();
  console.log(JSON.stringify({ requests: count }));
}

async function work() {
  const poster = new Poster();
  const meter = new Meter();
  let done = 0;
  await new Promise((resolve, reject) => {
    const worker = new Worker(
      "bench",
      async (job) => poster.post(job.data.hook, job.data.event, `msg_${job.id}`),
      { connection, concurrency: 64 },
    );
    worker.on("failed", (_, error) => reject(error));
    worker.on("completed", () => {
      done += 1;
      if (done === count) {
        resolve();
      }
    });
  });
  meter.print(count);
}

await (given.do === "fill" ? fill() : work());
process.exit(0);
