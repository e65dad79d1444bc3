// Enqueues an event with Lettuce and Gson, as JSON: java -cp 'jars/*' lettuce.java
import com.google.gson.Gson;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.api.sync.RedisCommands;
import java.util.Map;

class LettuceClient {
    /** Adds an event. A full Redis has not taken it: the same event, with the same id, is sent again. */
    static String enqueue(RedisCommands<String, String> redis, Map<String, String> fields) throws Exception {
        for (int pause = 100;; pause *= 2) {
            try {
                return redis.xadd("{webhooks}:events", fields);
            } catch (RedisCommandExecutionException e) {
                if (!e.getMessage().startsWith("OOM") || pause > 800) throw e;
                Thread.sleep(pause);
            }
        }
    }

    public static void main(String[] args) throws Exception {
        var url = System.getenv().getOrDefault("REDIS_URL", "redis://127.0.0.1:6379/0");
        var event = Map.of("message", Map.of("id", 24006, "roomId", "!abc:matrix.org", "createdAt", 1667548137257L,
                "type", "text", "body", Map.of("text", "Grüße 👋")), "fromUser", Map.of("displayName", "Ana"));
        try (var client = RedisClient.create(url); var connection = client.connect()) {
            System.out.println(enqueue(connection.sync(), Map.of("id", "msg-24006", "json", new Gson().toJson(event))));
        }
    }
}
