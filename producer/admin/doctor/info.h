/*
 * What the doctor wants of INFO's answer. Pure.
 */
#ifndef ADMIN_DOCTOR_INFO_H
#define ADMIN_DOCTOR_INFO_H

#include <stdint.h>

#include "contract/bytes.h"

#define INFO_WORD_SIZE 32
#define INFO_NOT_TOLD INT64_C(-1)

/* A word that is missing is ""; words are printable ASCII. */
struct info {
    char version[INFO_WORD_SIZE];
    char valkey_version[INFO_WORD_SIZE]; /* its own; version is that of the Redis it is like */
    char role[INFO_WORD_SIZE];
    char policy[INFO_WORD_SIZE]; /* maxmemory-policy */
    char aof_write[INFO_WORD_SIZE];
    char aof_rewrite[INFO_WORD_SIZE];
    char rdb_save[INFO_WORD_SIZE];
    int64_t used_memory;
    int64_t max_memory;    /* 0: no limit */
    int64_t system_memory; /* of its machine */
    int64_t evicted_keys;
    int64_t aof_enabled;
    int64_t cluster_enabled;
    int64_t replicas;
    int64_t replicas_behind; /* not connected, or silent for long; 0 when there are none */
};

void info_read(struct bytes text, struct info *ret_info);

#endif
