package main // enqueues an event with go-redis, as JSON

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
)

type object map[string]any

func main() {
	message := object{"id": 24006, "roomId": "!abc:matrix.org", "createdAt": 1667548137257,
		"type": "text", "body": object{"text": "Grüße 👋"}}
	document, _ := json.Marshal(object{"message": message, "fromUser": object{"displayName": "Ana"}})
	event := redis.XAddArgs{Stream: "{webhooks}:events", Values: []any{"id", "msg-24006", "json", document}}
	options, _ := redis.ParseURL(os.Getenv("REDIS_URL")) // such as redis://127.0.0.1:6379/0
	client, background := redis.NewClient(options), context.Background()
	id, err := client.XAdd(background, &event).Result()
	for pause := 100 * time.Millisecond; redis.IsOOMError(err) && pause < time.Second; pause *= 2 {
		time.Sleep(pause) // a full Redis has not taken it: the same event again, with the same id
		id, err = client.XAdd(background, &event).Result()
	}
	if fmt.Println(id); err != nil {
		panic(err)
	}
}
