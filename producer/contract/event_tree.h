/*
 * An unpacked document, as much as the rules of event_codec.c need to know of it. Each encoding
 * brings its functions, so that the rules are written once and cannot differ.
 */
#ifndef CONTRACT_EVENT_TREE_H
#define CONTRACT_EVENT_TREE_H

#include <jansson.h>
#include <msgpack.h>
#include <roomhook/event.h>

#include "contract/bytes.h"
#include "contract/event_problem.h"

enum event_kind {
    EVENT_KIND_ABSENT, /* there is no such key */
    EVENT_KIND_TWICE,  /* the key is there more than once */
    EVENT_KIND_NULL,
    EVENT_KIND_INTEGER,       /* in the range of int64_t */
    EVENT_KIND_LARGE_INTEGER, /* above it */
    EVENT_KIND_STRING,
    EVENT_KIND_LIST,
    EVENT_KIND_MAP,
    EVENT_KIND_OTHER
};

struct event_value {
    enum event_kind kind;
    int64_t integer;     /* of INTEGER */
    uint64_t large;      /* of LARGE_INTEGER */
    struct bytes string; /* of STRING, borrowed from tree or document */
    size_t len;          /* of LIST: how many items */
    void *node;          /* json_t or msgpack_object */
};

struct event_tree {
    union {
        json_t *json;
        msgpack_unpacked msgpack;
    } memory;
    struct event_value root;
};

/* Where a value stands, for error texts: a chain from the value up to the document's key. */
struct event_place {
    const struct event_place *up; /* NULL: at the top */
    struct bytes key;             /* empty data: an index instead */
    size_t index;
};

struct event_encoding {
    /* 0 or an enum event_problem with *why told. A msgpack tree borrows the document. */
    int (*open)(struct bytes document, struct event_tree *ret_tree, struct error_text *why);
    void (*close)(struct event_tree *tree);

    struct event_value (*find)(struct event_value map, struct bytes key);
    struct event_value (*item)(struct event_value list, size_t i);

    /* Appends the value as compact JSON. 0, or -1 with *why told. */
    int (*put)(struct buffer *out, struct event_value value, const struct event_place *place,
               struct error_text *why);
};

extern const struct event_encoding event_encoding_json;
extern const struct event_encoding event_encoding_msgpack;

/* Appends a JSON tree's root as msgpack. */
void event_tree_pack(struct event_value root, struct buffer *out);

#endif
