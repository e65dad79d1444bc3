<?php // Receives webhooks: composer require standard-webhooks/standard-webhooks; php -S 127.0.0.1:8000 FILE
require getenv("COMPOSER_AUTOLOAD") ?: __DIR__ . "/vendor/autoload.php";

function is_signed(string $secret, array $server, string $body): bool
{
    $headers = [];
    foreach (["id", "timestamp", "signature"] as $name) {
        $headers["webhook-$name"] = $server["HTTP_WEBHOOK_" . strtoupper($name)] ?? "";
    }
    try {
        (new StandardWebhooks\Webhook($secret))->verify($body, $headers);
        return true;
    } catch (Throwable) { // also a TypeError, for what is no signature at all
        return false;
    }
}

function has_password(string $password, array $server): bool
{
    return $password !== "" && hash_equals($password, $server["HTTP_VERIFICATION_SIGNATURE"] ?? "");
}

$valid = $_SERVER["REQUEST_URI"] === "/signed"
    ? is_signed(getenv("WEBHOOK_SECRET") ?: "", $_SERVER, file_get_contents("php://input"))
    : has_password(getenv("VERIFICATION_SIGNATURE") ?: "", $_SERVER);
// Store the event here, then answer; act on it later.
http_response_code($valid ? 204 : 401);
