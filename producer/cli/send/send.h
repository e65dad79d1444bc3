/*
 * Sending a file or stream of events, one JSON document a line.
 */
#ifndef CLI_SEND_SEND_H
#define CLI_SEND_SEND_H

#include <roomhook/event.h>
#include <roomhook/producer.h>
#include <stdbool.h>

struct send_options {
    enum rh_encoding encoding; /* what is stored; the lines are always JSON */
    const char *hook;          /* for each event, or NULL */
    bool json;                 /* print results as JSON */
};

/* Sends all lines of fd and prints the ids. An exit code, failures are reported. */
int send_lines(struct rh_producer *producer, const struct send_options *options, int fd);

#endif
