#include "admin/hook/gate.h"

#include <string.h>

#include "contract/parse.h"

#define ANY_TIME INT64_MAX

/* most_ms: how far ahead the time of such a gate can be. */
static const struct {
    const char *name;
    int64_t most_ms;
} kinds[GATE_KINDS] = {
    [GATE_NONE] = {"", 0},
    [GATE_PAUSED] = {"paused", 30 * INT64_C(86400000)},
    [GATE_PAUSED_OPEN] = {"paused-open", 30 * INT64_C(86400000)},
    [GATE_OPEN] = {"open", 3601000}, /* a probe may wait for its place at a rate */
    [GATE_RATE] = {"rate", 3601000},
    [GATE_DISABLED] = {"disabled", ANY_TIME},
};

/* Takes the word before the next blank off text; all of it when there is none. */
static struct bytes take_word(struct bytes *text)
{
    const char *blank = text->len > 0 ? memchr(text->data, ' ', text->len) : NULL;
    struct bytes word = *text;

    if (!blank) {
        *text = (struct bytes){NULL, 0};
        return word;
    }
    word.len = (size_t)(blank - text->data);
    *text = (struct bytes){blank + 1, text->len - word.len - 1};
    return word;
}

/* "1667548137257.125", rounded down. */
static int read_time(struct bytes text, int64_t *ret_ms)
{
    const char *point = text.len > 0 ? memchr(text.data, '.', text.len) : NULL;
    struct bytes whole = text;
    uint64_t ms, fraction;

    if (point) {
        whole.len = (size_t)(point - text.data);
        struct bytes rest = {point + 1, text.len - whole.len - 1};
        if (rest.len > 0 && parse_uint64(rest, UINT64_MAX, &fraction) < 0)
            return -1;
    }
    if (parse_uint64(whole, INT64_MAX, &ms) < 0)
        return -1;
    *ret_ms = (int64_t)ms;
    return 0;
}

int gate_parse(struct bytes text, struct gate *ret_gate)
{
    struct bytes time = take_word(&text);
    struct bytes kind = take_word(&text);
    struct gate gate = {GATE_NONE, 0, ""};

    *ret_gate = gate;
    if (read_time(time, &gate.at_ms) < 0 || text.len == 0 || memchr(text.data, ' ', text.len) ||
        !bytes_copy_text(text, gate.fingerprint, sizeof(gate.fingerprint)))
        return -1;
    for (enum gate_kind i = GATE_PAUSED; i < GATE_KINDS; i++) {
        if (bytes_equal_text(kind, kinds[i].name))
            gate.kind = i;
    }
    if (gate.kind == GATE_NONE)
        return -1;
    *ret_gate = gate;
    return 0;
}

bool gate_is_shut(const struct gate *gate, const char *fingerprint, int64_t now_ms)
{
    if (gate->kind == GATE_NONE || (fingerprint && strcmp(gate->fingerprint, fingerprint) != 0) ||
        (gate->at_ms > now_ms && gate->at_ms - now_ms > kinds[gate->kind].most_ms))
        return false;
    return gate->at_ms > now_ms || (gate->kind != GATE_PAUSED && gate->kind != GATE_RATE);
}
