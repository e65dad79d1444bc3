// Calls the app of docs/chat/rocketchat.md as Rocket.Chat does, on a message that is sent, updated
// and deleted.
const { RoomhookApp } = require(process.argv[2]);

const settings = { url: process.env.URL, token: process.env.CHAT_TOKEN };
const getSettings = () => ({ getValueById: async (id) => settings[id] });
const read = { getEnvironmentReader: () => ({ getSettings }) };
const http = {
    async post(url, { headers, data }) {
        const body = JSON.stringify(data);
        if (body.includes('ana@example.org')) throw new Error(`receivers should not see: ${body}`);
        const answer = await fetch(url, { method: 'POST', headers, body });
        return { statusCode: answer.status, content: await answer.text() };
    },
};
const logger = {
    debug() {},
    error(text) {
        throw new Error(text);
    },
};
const info = {
    id: '1', name: 'roomhook', version: '1.0.0', requiredApiVersion: '1.4.0',
    author: { name: 'Ana' },
};
const message = {
    id: 'fk2mJyFfXQTRcYBqp', text: 'hello', createdAt: new Date(1682182575935),
    room: {
        id: 'GENERALxYz4AbCdEf', displayName: 'general', creator: { emails: ['ana@example.org'] },
    },
    sender: {
        id: 'dmTNkVRrj9LLBdQNb', username: 'ana', name: 'Ana', type: 'user', roles: ['user'],
        emails: ['ana@example.org'],
    },
};
const edited = { ...message, text: 'hello again', editedAt: new Date(1682311574630) };

(async () => {
    const app = new RoomhookApp(info, logger, {});
    await app.executePostMessageSent(message, read, http);
    await app.executePostMessageUpdated(edited, read, http);
    await app.executePostMessageDeleted(edited, read, http);
})();
