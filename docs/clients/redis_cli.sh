#!/usr/bin/env bash
# Enqueues an event with redis-cli 7, as JSON.
set -euo pipefail

# Adds an event. A full Redis has not taken it: the same event, with the same id, is sent again.
enqueue() {
    local pause answer
    for pause in 0.1 0.2 0.4 0.8 ''; do
        if answer=$(redis-cli -e -u "${REDIS_URL:-redis://127.0.0.1:6379/0}" \
            XADD '{webhooks}:events' '*' id "$1" json "$2" 2>&1); then
            printf '%s\n' "$answer"
            return
        fi
        if [[ -z $pause || $answer != *OOM* ]]; then
            printf '%s\n' "$answer" >&2
            return 1
        fi
        sleep "$pause"
    done
}

event='{"message":{"id":24006,"roomId":"!abc:matrix.org","createdAt":1667548137257,
    "type":"text","body":{"text":"Grüße 👋"}},"fromUser":{"displayName":"Ana"}}'
enqueue msg-24006 "$event"
