/*
 * Runs of plain bytes: what a JSON string may hold as it is and what is UTF-8 by itself, that is
 * ASCII without control characters, quote and backslash. Nearly all bytes of a chat are plain, so
 * they are looked at eight at a time.
 */
#ifndef CONTRACT_JSON_PLAIN_H
#define CONTRACT_JSON_PLAIN_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define JSON_PLAIN_BLOCK sizeof(uint64_t)
#define JSON_EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline bool json_is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Copies a block, whatever is in it, and returns how many bytes at its start are plain. A byte x is
 * below n, for n up to 0x80, when x - n borrows from its top bit while x had it clear. A borrow may
 * also mark the byte behind, never one before: so the first that is marked is right. */
static inline size_t json_plain_block(const unsigned char *from, unsigned char *to)
{
    uint64_t word, quote, backslash, special;

    memcpy(&word, from, sizeof(word));
    memcpy(to, &word, sizeof(word));
    word = le64toh(word);
    quote = word ^ JSON_EACH_BYTE('"');
    backslash = word ^ JSON_EACH_BYTE('\\');
    special = (word - JSON_EACH_BYTE(0x20)) | (quote - JSON_EACH_BYTE(1)) |
              (backslash - JSON_EACH_BYTE(1)) | word;
    special &= JSON_EACH_BYTE(0x80);
    return special == 0 ? JSON_PLAIN_BLOCK : (size_t)__builtin_ctzll(special) / 8;
}

#endif
