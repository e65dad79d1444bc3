// Enqueues an event with Jedis and Gson, as JSON: java -cp 'jars/*' jedis.java
import com.google.gson.Gson;
import java.util.Map;
import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.exceptions.JedisDataException;

class JedisClient {
    /** Adds an event. A full Redis has not taken it: the same event, with the same id, is sent again. */
    static StreamEntryID enqueue(JedisPooled redis, Map<String, String> fields) throws InterruptedException {
        for (int pause = 100;; pause *= 2) {
            try {
                return redis.xadd("{webhooks}:events", StreamEntryID.NEW_ENTRY, fields);
            } catch (JedisDataException e) {
                if (!e.getMessage().startsWith("OOM") || pause > 800) throw e;
                Thread.sleep(pause);
            }
        }
    }

    public static void main(String[] args) throws InterruptedException {
        var url = System.getenv().getOrDefault("REDIS_URL", "redis://127.0.0.1:6379/0");
        var event = Map.of("message", Map.of("id", 24006, "roomId", "!abc:matrix.org", "createdAt", 1667548137257L,
                "type", "text", "body", Map.of("text", "Grüße 👋")), "fromUser", Map.of("displayName", "Ana"));
        try (var redis = new JedisPooled(url)) {
            System.out.println(enqueue(redis, Map.of("id", "msg-24006", "json", new Gson().toJson(event))));
        }
    }
}
