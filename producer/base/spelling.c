#include "base/spelling.h"

#include <string.h>

#define NAME_MAX_LEN 32 /* longer than any name of ours */

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* How many slips make b of a: a letter put in, left out, exchanged, or two neighbours swapped. */
static size_t name_distance(struct bytes a, struct bytes b)
{
    /* Distances of a's first i letters, of one less and of two less, to b's first 0..b.len. */
    size_t rows[3][NAME_MAX_LEN + 1];

    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            bool differs = a.data[i - 1] != b.data[j - 1];

            row[j] = smallest(above[j - 1] + differs, above[j] + 1, row[j - 1] + 1);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                row[j] = smallest(row[j], rows[(i - 2) % 3][j - 2] + 1, row[j]);
        }
    }
    return rows[a.len % 3][b.len];
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
