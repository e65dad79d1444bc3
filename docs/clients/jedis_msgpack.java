// Enqueues an event with Jedis and msgpack-core, as msgpack: java -cp 'jars/*' jedis_msgpack.java
import java.util.Map;
import org.msgpack.core.MessagePack;
import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.params.XAddParams;

class JedisMsgpackClient {
    public static void main(String[] args) throws Exception {
        var event = MessagePack.newDefaultBufferPacker();
        event.packMapHeader(2).packString("message").packMapHeader(5);
        event.packString("id").packInt(24006).packString("roomId").packString("!abc:matrix.org");
        event.packString("createdAt").packLong(1667548137257L).packString("type").packString("text");
        event.packString("body").packMapHeader(1).packString("text").packString("Grüße 👋");
        event.packString("fromUser").packMapHeader(1).packString("displayName").packString("Ana");
        var fields = Map.of("id".getBytes(), "msg-24007".getBytes(), "msgpack".getBytes(), event.toByteArray());
        var redis = new JedisPooled(System.getenv().getOrDefault("REDIS_URL", "redis://127.0.0.1:6379/0"));
        for (int pause = 100;; pause *= 2) {
            try {
                byte[] id = redis.xadd("{webhooks}:events".getBytes(), XAddParams.xAddParams(), fields);
                System.out.println(new String(id));
                return;
            } catch (JedisDataException e) { // a full Redis has not taken it: again, with the same id
                if (!e.getMessage().startsWith("OOM") || pause > 800) throw e;
                Thread.sleep(pause);
            }
        }
    }
}
