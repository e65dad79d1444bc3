/*
 * What the doctor looked at, before it is judged. read.h fills it in, judge.h judges
 * it.
 */
#ifndef ADMIN_DOCTOR_FACTS_H
#define ADMIN_DOCTOR_FACTS_H

#include <roomhook/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/doctor/info.h"
#include "contract/keys.h"
#include "redis/fault.h"

#define NAME_SHOWN_SIZE 64
#define OTHER_GROUPS_MAX 5
#define WALK_EXAMPLES_MAX 3
#define WALK_EXAMPLE_SIZE 128 /* a delivery id or a lane; a longer name is cut */

/* What is asked of Redis; each may be refused apart from the others. */
enum question {
    ASK_INFO,
    ASK_APPENDFSYNC,
    ASK_TIME,
    ASK_WRITE,
    ASK_QUEUE,
    ASK_STORED,
    ASK_PENDING,
    ASK_DELIVERIES,
    ASK_LANES,
    ASK_GATES,
    ASK_LEASES,
    ASK_DOCUMENTS,
    ASK_COUNTERS,
    ASK_WORKERS,
    ASK_KEYS,
    ASK_ROOMS,
    ASK_HOOK_STATES,
    ASK_DEAD_BYTES,
    ASK_TASKS,
    QUESTIONS
};

/* Zeroed: it was not asked. */
struct asking {
    bool answered;     /* each time it was asked */
    char refusal[160]; /* what Redis said instead, the first time; "" when it never refused */
};

/* What a client without a password may do. Zeroed: it was not asked. */
struct access_facts {
    bool asked;
    bool is_open;      /* it may use the queue */
    bool is_local;     /* but only from Redis' own machine */
    char refusal[160]; /* neither is known: what Redis said; else "" */
};

/* The queue's own keys, in the order that look_queue.lua gets them. */
enum queue_key {
    KEY_EVENTS,
    KEY_DELIVERIES,
    KEY_LANES,
    KEY_LANES_SHUT,
    KEY_DEAD,
    KEY_META,
    KEY_RETRIES,
    KEY_HOOKS_PACE,
    KEY_DOCUMENTS,
    KEY_LEASES,
    KEY_GATES,
    KEY_DEAD_BY_ROOM,
    KEY_DEAD_BYTES,
    KEY_HOOKS_STATE,
    KEY_HOOKS_CHANGED,
    KEY_HOOKS_RECENT,
    KEY_STATS,
    KEY_TASKS,
    KEY_LEADER,
    KEY_DELIVERED,
    KEY_DELIVERED_DOCUMENTS,
    QUEUE_KEYS
};

struct key_fact {
    char type[16];   /* "none" when it is not there */
    int64_t pttl_ms; /* below 0: it has no expiry */
};

/* At one instant. */
struct queue_facts {
    int64_t now_ms;
    struct key_fact keys[QUEUE_KEYS];
    char contract[NAME_SHOWN_SIZE]; /* "" when it is not noted */
    bool has_group;
    char last_delivered[RH_STREAM_ID_SIZE];
    char other_groups[OTHER_GROUPS_MAX][NAME_SHOWN_SIZE]; /* printable */
    size_t other_groups_len;                              /* may be more than are named */
    int64_t events;
    int64_t pending;
    int64_t oldest_unread_ms; /* when it was sent; below 0: none is unread */
    int64_t pending_idle_ms; /* how long ago the oldest pending one was taken; 0: none is pending */
    bool is_converting;      /* from contract 1 */
    int64_t old;             /* deliveries that wait as contract 1 has it */
    int64_t deliveries;      /* that wait */
    int64_t lanes;
    int64_t due;          /* lanes that a worker is to look at now */
    int64_t first_due_ms; /* when the first lane is or was due; only with lanes */
    int64_t lanes_shut;
    int64_t dead;
    int64_t looked_at_ms; /* when the leader last looked what others deleted; 0: never */
    int64_t seen;         /* events in the stream then */
};

/* A walk over what must go together, for what does not. */
enum walk_kind {
    WALK_STORED,    /* entries that were read, and are not pending */
    WALK_PENDING,   /* pending entries that are not stored */
    WALK_RECORDS,   /* of waiting deliveries, that cannot be read */
    WALK_PLACES,    /* deliveries that are in no lane */
    WALK_SHARED,    /* the same without the document that they share, or not among its holders */
    WALK_LANES,     /* that are not looked at, or too late */
    WALK_MEMBERS,   /* deliveries in lanes, without a record */
    WALK_GATES,     /* of no known form */
    WALK_LEASES,    /* of deliveries that do not wait */
    WALK_DOCUMENTS, /* shared by nobody, or held for a delivery that does not wait */
    WALKS
};

struct walk {
    int64_t looked;
    int64_t found;
    bool cut;                                            /* it ended at its bound, before the end */
    char examples[WALK_EXAMPLES_MAX][WALK_EXAMPLE_SIZE]; /* printable */
};

struct worker_fact {
    char name[CONSUMER_NAME_SIZE]; /* printable */
    int64_t pending;
    int64_t idle_ms; /* since it took something */
    int64_t pttl_ms; /* of its heartbeat; -1: never expires, -2: it has none */
    /* Of its heartbeat, printable; "" when it does not tell them. */
    char version[NAME_SHOWN_SIZE];
    char refused[NAME_SHOWN_SIZE]; /* a fault's name: what Redis refuses this worker lately */
    char refused_what[WALK_EXAMPLE_SIZE];
    int64_t unstored; /* outcomes that it refuses to store */
    int64_t unstored_ms;
};

struct workers_facts {
    struct worker_fact *list;
    size_t len;
};

struct rooms_facts {
    int64_t keys; /* looked at to find the rooms */
    bool cut;     /* there are more of them than are looked at */
    int64_t rooms;
    int64_t hooks;
};

#define TASK_FREE_WARNING_MS 60000 /* services lease what is free within a second */

/* Tasks with the same trouble. */
struct task_example {
    int64_t count;
    char id[NAME_SHOWN_SIZE]; /* of one of them, printable */
};

struct tasks_facts {
    int64_t stored;
    int64_t running;
    bool too_many; /* so that they are not looked at */
    struct task_example invalid;
    struct task_example free;    /* they run, and no service works on them */
    struct task_example refused; /* their last step failed */
    char error[160];             /* of that one; printable */
};

struct doctor_facts {
    struct asking asked[QUESTIONS];
    struct access_facts access;
    struct info info;
    char appendfsync[INFO_WORD_SIZE];
    int64_t clock_ahead_ms; /* this machine's clock before Redis'; below 0: behind. To the nearest
                               that the time the answer took leaves open */
    enum redis_fault write_fault; /* why Redis takes no write, when ASK_WRITE is not answered */
    struct queue_facts queue;
    struct walk walks[WALKS];
    int64_t lost; /* counters */
    int64_t deleted;
    int64_t stream_deletions;
    int64_t dead_dropped;
    struct workers_facts workers;
    struct rooms_facts rooms;
    struct tasks_facts tasks;
    int64_t dead_bytes; /* memory of the dead letters */
    int64_t dead_max;   /* what workers have set, as far as they are known */
    int64_t dead_max_bytes;
};

#endif
