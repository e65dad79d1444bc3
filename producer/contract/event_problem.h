/*
 * What can be wrong with a document that should be an event.
 */
#ifndef CONTRACT_EVENT_PROBLEM_H
#define CONTRACT_EVENT_PROBLEM_H

enum event_problem {
    EVENT_OK = 0,
    EVENT_BAD = -1,       /* the document is not an event: dead letter reason malformed */
    EVENT_NO_MEMORY = -2, /* nothing is known about the document */
};

#endif
