// What both peers share: arguments as name=value, the POST, and what it cost.
import { Agent, request } from "undici";

const CONNECTIONS = 64;

export function argumentsOf(names) {
  const given = Object.fromEntries(process.argv.slice(2).map((word) => word.split(/=(.*)/s)));
  return Object.fromEntries(names.map((name) => [name, given[name]]));
}

export class Poster {
  constructor() {
    this.agent = new Agent({ connections: CONNECTIONS, pipelining: 1 });
  }

  // The request that a worker sends for a hook of format spika.
  async post(hook, event, id) {
    const body = JSON.stringify({
      data: event,
      headers: {
        "Content-Type": "application/json",
        "Verification-Signature": hook.verificationSignature,
      },
    });
    const answer = await request(hook.url, {
      dispatcher: this.agent,
      method: "POST",
      headersTimeout: 15000,
      bodyTimeout: 15000,
      headers: {
        "content-type": "application/json",
        "verification-signature": hook.verificationSignature,
        accept: "*/*",
        "user-agent": "Roomhook/0.1.0",
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(Date.now() / 1000)),
        "webhook-event": "message.created",
        "webhook-attempt": "1",
      },
      body,
    });
    await answer.body.dump();
    if (answer.statusCode < 200 || answer.statusCode > 299) {
      throw new Error(`answered ${answer.statusCode}`);
    }
  }

  async close() {
    await this.agent.close();
  }
}

// CPU and time from its making to print().
export class Meter {
  constructor() {
    this.cpu = process.cpuUsage();
    this.began = performance.now();
  }

  print(count) {
    const { user, system } = process.cpuUsage(this.cpu);
    const took = Math.round((performance.now() - this.began) * 1000);
    const rss = Math.round(process.resourceUsage().maxRSS);
    console.log(
      JSON.stringify({
        requests: count, took_us: took, user_us: user, system_us: system, rss_kb: rss,
      }),
    );
  }
}
