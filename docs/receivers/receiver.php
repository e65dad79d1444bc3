<?php // Receives webhooks: php -S 127.0.0.1:8000 receiver.php, or behind any web server

function is_signed(string $secret, array $server, string $body): bool
{
    $id = $server["HTTP_WEBHOOK_ID"] ?? "";
    $time = $server["HTTP_WEBHOOK_TIMESTAMP"] ?? "";
    if ($id === "" || !preg_match('/^[0-9]{1,12}$/D', $time) || abs(time() - (int) $time) > 300) {
        return false;
    }
    $key = base64_decode(substr($secret, strlen("whsec_")));
    $expected = "v1," . base64_encode(hash_hmac("sha256", "$id.$time.$body", $key, true));
    $matches = false;
    foreach (explode(" ", $server["HTTP_WEBHOOK_SIGNATURE"] ?? "") as $given) {
        $matches = hash_equals($expected, $given) || $matches;
    }
    return $matches;
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
