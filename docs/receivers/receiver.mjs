// Receives webhooks, with the library of Standard Webhooks: npm install standardwebhooks
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const password = process.env.VERIFICATION_SIGNATURE;

function isSigned(headers, body) {
  try {
    webhook.verify(body, headers, { jsonParse: false });
    return true;
  } catch {
    return false;
  }
}

// timingSafeEqual wants equal lengths, which digests have.
const digest = (text) => createHash("sha256").update(text).digest();

function hasPassword(headers) {
  const given = headers["verification-signature"] ?? "";
  return timingSafeEqual(digest(given), digest(password));
}

const server = createServer(async (request, answer) => {
  const body = await buffer(request);
  const { url, headers } = request;
  const valid = url === "/signed" ? isSigned(headers, body) : hasPassword(headers);
  // Store the event here, then answer; act on it later.
  answer.writeHead(valid ? 204 : 401).end();
});
server.listen(process.env.PORT ?? 8000, "127.0.0.1");
