// Receives webhooks, with the library of Standard Webhooks: java -cp 'jars/*' receiver.java
import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

class Receiver {
    static final Webhook WEBHOOK = new Webhook(System.getenv("WEBHOOK_SECRET"));
    static final String PASSWORD = System.getenv("VERIFICATION_SIGNATURE");

    static boolean isSigned(Headers headers, byte[] body) {
        try {
            WEBHOOK.verify(new String(body, StandardCharsets.UTF_8), HttpHeaders.of(headers, (name, value) -> true));
            return true;
        } catch (WebhookVerificationException | RuntimeException e) {
            return false;
        }
    }

    static boolean hasPassword(Headers headers) {
        String given = headers.getFirst("Verification-Signature");
        return given != null && MessageDigest.isEqual(given.getBytes(StandardCharsets.UTF_8),
                PASSWORD.getBytes(StandardCharsets.UTF_8));
    }

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8000"));
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.createContext("/", exchange -> {
            byte[] body = exchange.getRequestBody().readAllBytes();
            boolean signed = exchange.getRequestURI().getPath().equals("/signed");
            var headers = exchange.getRequestHeaders();
            boolean valid = signed ? isSigned(headers, body) : hasPassword(headers);
            // Store the event here, then answer; act on it later.
            exchange.sendResponseHeaders(valid ? 204 : 401, -1);
            exchange.close();
        });
        server.start();
    }
}
