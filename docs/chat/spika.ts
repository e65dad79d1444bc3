// Events and hooks of Spika for Roomhook. In Spika: server/components/roomhook.ts

import type { createClient } from "redis";

type RedisClient = ReturnType<typeof createClient>;
type Change = "message.created" | "message.updated" | "message.deleted";
type Message = { id?: number; roomId?: number; modifiedAt?: number; body?: unknown };
type Avatar = { avatarFileId?: number | null };
type User = Avatar & { id: number; displayName: string | null; isBot?: boolean };
type Room = Avatar & { name: string | null };
type Webhook = { id: number; roomId: number; url: string; verifySignature: string };

const queue = process.env["ROOMHOOK_QUEUE"] || "webhooks";

/** Adds an event; its stream id, null when a program posted without saying after how many webhooks.
 *
 * Of user and room it has only what receivers may see: no telephone number, no members.
 * hops is the header webhook-hops of the request that posted: what the program got, plus 1.
 */
export async function announce(
    redis: RedisClient, type: Change, message: Message, user: User, room: Room, hops?: string,
): Promise<string | null> {
    if (user.isBot && !/^\d{1,3}$/.test(hops ?? "")) return null;
    const { id, roomId, modifiedAt } = message;
    if (!Number.isInteger(id) || !Number.isInteger(roomId)) {
        throw new TypeError("a message needs id and roomId, integers");
    }
    const ids = {
        "message.created": `spika-${id}`,
        "message.updated": `spika-${id}-${modifiedAt}`,
        "message.deleted": `spika-${id}-deleted`,
    };
    const document = {
        type,
        hops: user.isBot ? Number(hops) : 0,
        message: type === "message.deleted" ? { ...message, body: {}, deleted: true } : message,
        fromUser: { id: user.id, displayName: user.displayName, avatarFileId: user.avatarFileId },
        room: { name: room.name, avatarFileId: room.avatarFileId },
    };
    const fields = { id: ids[type], json: JSON.stringify(document) };
    return redis.xAdd(`{${queue}}:events`, "*", fields);
}

/** Registers a row of the table webhook (PUT), changes it (PATCH) or removes it (DELETE), by
 * roomhook-web. What is wrong with it, for the user who entered it; null when all is well.
 */
export async function storeHook(
    method: "PUT" | "PATCH" | "DELETE", { id, roomId, url, verifySignature }: Webhook,
): Promise<string | null> {
    const path = `/v1/rooms/${roomId}/hooks/spika-${id}`;
    const all = { url, verificationSignature: verifySignature, types: ["message.created"] };
    const Authorization = `Bearer ${process.env["ROOMHOOK_WEB_TOKEN"]}`;
    const answer = await fetch(`${process.env["ROOMHOOK_WEB"]}${path}`, {
        method,
        headers: { Authorization, "Content-Type": "application/json" },
        ...(method !== "DELETE" && { body: JSON.stringify(method === "PUT" ? all : { url }) }),
    });
    return answer.ok ? null : (await answer.json()).error.message;
}
