#include "base/spelling.h"

#include <string.h>

#define NAME_MAX_LEN 32 /* longer than any name of ours */

/* How many letters must be put in, left out or exchanged to make b of a (Levenshtein). */
static size_t name_distance(struct bytes a, struct bytes b)
{
    size_t row[NAME_MAX_LEN + 1]; /* distances of a's first i letters to b's first 0..b.len */

    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = diagonal + (a.data[i - 1] != b.data[j - 1]);

            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.len];
}

struct spelling spelling_of(struct bytes typed)
{
    /* More slips than one in three letters, or than three in all, make another word. */
    size_t slips = typed.len > NAME_MAX_LEN ? 0 : typed.len < 9 ? typed.len / 3 : 3;

    return (struct spelling){.typed = typed, .distance = slips + 1};
}

void spelling_offer(struct spelling *spelling, const char *name)
{
    size_t distance;

    if (spelling->typed.len > NAME_MAX_LEN || strlen(name) > NAME_MAX_LEN)
        return;
    distance = name_distance(spelling->typed, bytes_of(name));
    if (distance < spelling->distance) {
        spelling->nearest = name;
        spelling->distance = distance;
    }
}
