// Enqueues an event with Lettuce and msgpack-core, as msgpack: java -cp 'jars/*' lettuce_msgpack.java
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.codec.ByteArrayCodec;
import java.util.Map;
import org.msgpack.core.MessagePack;

class LettuceMsgpackClient {
    public static void main(String[] args) throws Exception {
        var event = MessagePack.newDefaultBufferPacker();
        event.packMapHeader(2).packString("message").packMapHeader(5);
        event.packString("id").packInt(24006).packString("roomId").packString("!abc:matrix.org");
        event.packString("createdAt").packLong(1667548137257L).packString("type").packString("text");
        event.packString("body").packMapHeader(1).packString("text").packString("Grüße 👋");
        event.packString("fromUser").packMapHeader(1).packString("displayName").packString("Ana");
        var fields = Map.of("id".getBytes(), "msg-24007".getBytes(), "msgpack".getBytes(), event.toByteArray());
        var url = System.getenv().getOrDefault("REDIS_URL", "redis://127.0.0.1:6379/0");
        try (var client = RedisClient.create(url); var redis = client.connect(ByteArrayCodec.INSTANCE)) {
            for (int pause = 100;; pause *= 2) {
                try {
                    System.out.println(redis.sync().xadd("{webhooks}:events".getBytes(), fields));
                    return;
                } catch (RedisCommandExecutionException e) { // a full Redis has not taken it: again, with the same id
                    if (!e.getMessage().startsWith("OOM") || pause > 800) throw e;
                    Thread.sleep(pause);
                }
            }
        }
    }
}
