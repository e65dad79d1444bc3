// Enqueues an event with redis-plus-plus and nlohmann::json: g++ redis_plus_plus.cpp -lredis++ -lhiredis
#include <iostream>
#include <nlohmann/json.hpp>
#include <sw/redis++/redis++.h>
#include <thread>

// Adds an event. A full Redis has not taken it: the same event, with the same id, is sent again.
std::string enqueue(sw::redis::Redis &redis, std::string id, std::string field, std::string document)
{
    std::vector<std::pair<std::string, std::string>> fields = {{"id", id}, {field, document}};
    for (std::chrono::milliseconds pause(100);; pause *= 2) {
        try {
            return redis.xadd("{webhooks}:events", "*", fields.begin(), fields.end());
        } catch (const sw::redis::ReplyError &error) {
            if (!std::string_view(error.what()).starts_with("OOM") || pause.count() > 800) throw;
            std::this_thread::sleep_for(pause);
        }
    }
}

int main()
{
    auto event = nlohmann::json::parse(R"({"message":{"id":24006,"roomId":"!abc:matrix.org","createdAt":
        1667548137257,"type":"text","body":{"text":"Grüße 👋"}},"fromUser":{"displayName":"Ana"}})");
    const char *url = std::getenv("REDIS_URL");
    sw::redis::Redis redis(url ? url : "redis://127.0.0.1:6379/0");
    auto msgpack = nlohmann::json::to_msgpack(event);
    std::cout << enqueue(redis, "msg-24006", "json", event.dump()) << "\n"
              << enqueue(redis, "msg-24007", "msgpack", {msgpack.begin(), msgpack.end()}) << "\n";
}
