/*
 * A fuzz target: one function that is given any bytes and must survive them. In the fuzz preset
 * libFuzzer calls it, else replay_main.c with the files of its corpus.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* returns 0 */

#endif
