<?php // Enqueues an event with Predis, as JSON and as msgpack (the extension): composer require predis/predis
require getenv("PREDIS_AUTOLOAD") ?: "vendor/autoload.php";

$client = new Predis\Client(getenv("REDIS_URL") ?: "redis://127.0.0.1:6379/0");

// Adds an event. A full Redis has not taken it: the same event, with the same id, is sent again.
function enqueue(Predis\Client $client, string $id, string $field, string $document): string
{
    $command = ["XADD", "{webhooks}:events", "*", "id", $id, $field, $document];
    for ($pause = 100_000; ; $pause *= 2) {
        $answer = $client->executeRaw($command, $refused);
        if (!$refused) {
            return $answer;
        }
        if (!str_starts_with($answer, "OOM") || $pause > 800_000) {
            throw new RuntimeException($answer);
        }
        usleep($pause);
    }
}

$event = ["message" => ["id" => 24006, "roomId" => "!abc:matrix.org", "createdAt" => 1667548137257,
    "type" => "text", "body" => ["text" => "Grüße 👋"]], "fromUser" => ["displayName" => "Ana"]];
echo enqueue($client, "msg-24006", "json", json_encode($event)), "\n";
echo enqueue($client, "msg-24007", "msgpack", msgpack_pack($event)), "\n";
