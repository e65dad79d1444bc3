// Enqueues an event with hiredis and nlohmann::json, as JSON and as msgpack: g++ hiredis.cpp -lhiredis
#include <hiredis/hiredis.h>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

// Adds an event. A full Redis has not taken it: the same event, with the same id, is sent again.
std::string enqueue(redisContext *redis, const char *id, const char *field, const auto &document)
{
    for (std::chrono::milliseconds pause(100);; pause *= 2) {
        const char *command = "XADD {webhooks}:events * id %s %s %b";
        auto *reply = (redisReply *)redisCommand(redis, command, id, field, document.data(), document.size());
        std::string text = reply ? reply->str : redis->errstr;
        bool taken = reply && reply->type == REDIS_REPLY_STRING, full = text.rfind("OOM", 0) == 0;
        if (reply) freeReplyObject(reply);
        if (taken) return text;
        if (!full || pause.count() > 800) throw std::runtime_error(text);
        std::this_thread::sleep_for(pause);
    }
}

int main()
{
    auto event = nlohmann::json::parse(R"({"message":{"id":24006,"roomId":"!abc:matrix.org","createdAt":
        1667548137257,"type":"text","body":{"text":"Grüße 👋"}},"fromUser":{"displayName":"Ana"}})");
    const char *port = getenv("REDIS_PORT");
    auto *redis = redisConnect("127.0.0.1", port ? atoi(port) : 6379);
    std::cout << enqueue(redis, "msg-24006", "json", event.dump()) << "\n"
              << enqueue(redis, "msg-24007", "msgpack", nlohmann::json::to_msgpack(event)) << "\n";
}
