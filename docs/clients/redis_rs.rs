//! Enqueues an event with redis-rs, as JSON and as msgpack: cargo add redis rmp-serde serde_json
use redis::{Commands, Connection, RedisResult};
use serde_json::json;
use std::{thread::sleep, time::Duration};

/// Adds an event. A full Redis has not taken it: the same event, with the same id, is sent again.
fn enqueue(redis: &mut Connection, id: &str, field: &str, document: &[u8]) -> RedisResult<String> {
    let fields = [("id", id.as_bytes()), (field, document)];
    let mut pause = Duration::from_millis(100);
    loop {
        match redis.xadd("{webhooks}:events", "*", &fields) {
            Err(e) if e.code() == Some("OOM") && pause.as_millis() < 1000 => sleep(pause),
            result => return result,
        }
        pause *= 2;
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("REDIS_URL").unwrap_or("redis://127.0.0.1:6379/0".to_string());
    let mut redis = redis::Client::open(url)?.get_connection()?;
    let message = json!({"id": 24006, "roomId": "!abc:matrix.org", "createdAt": 1667548137257u64,
        "type": "text", "body": {"text": "Grüße 👋"}});
    let event = json!({"message": message, "fromUser": {"displayName": "Ana"}});
    println!("{}", enqueue(&mut redis, "msg-24006", "json", &serde_json::to_vec(&event)?)?);
    println!("{}", enqueue(&mut redis, "msg-24007", "msgpack", &rmp_serde::to_vec(&event)?)?);
    Ok(())
}
