<?php // Enqueues an event with phpredis, as JSON and as msgpack (the extensions redis and msgpack)

$redis = new Redis();
$redis->connect("127.0.0.1", (int) (getenv("REDIS_PORT") ?: 6379));

// Adds an event. A full Redis has not taken it: the same event, with the same id, is sent again.
function enqueue(Redis $redis, array $fields): string
{
    for ($pause = 100_000; ; $pause *= 2) {
        try {
            return $redis->xAdd("{webhooks}:events", "*", $fields);
        } catch (RedisException $error) {
            if (!str_starts_with($error->getMessage(), "OOM") || $pause > 800_000) {
                throw $error;
            }
            usleep($pause);
        }
    }
}

$event = ["message" => ["id" => 24006, "roomId" => "!abc:matrix.org", "createdAt" => 1667548137257,
    "type" => "text", "body" => ["text" => "Grüße 👋"]], "fromUser" => ["displayName" => "Ana"]];
echo enqueue($redis, ["id" => "msg-24006", "json" => json_encode($event)]), "\n";
echo enqueue($redis, ["id" => "msg-24007", "msgpack" => msgpack_pack($event)]), "\n";
