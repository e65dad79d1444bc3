/* What a template is made of, for its parser and its renderer. */
#ifndef CONTRACT_TEMPLATE_PIECES_H
#define CONTRACT_TEMPLATE_PIECES_H

#include <stdint.h>

#include "contract/bytes.h"
#include "contract/template_text.h"

enum template_root {
    TEMPLATE_MESSAGE,
    TEMPLATE_FROM_USER,
    TEMPLATE_ROOM,
    TEMPLATE_TYPE,
    TEMPLATE_TIMESTAMP,
    TEMPLATE_ID,
    TEMPLATE_ROOTS
};

#define TEMPLATE_DEFAULT TEMPLATE_ROOTS /* the owner's own text */

struct template_choice {
    uint8_t root;   /* or TEMPLATE_DEFAULT */
    uint32_t start; /* in the text: the path below the root, or the default */
    uint32_t len;
};

enum template_piece_kind {
    TEMPLATE_JSON, /* as it is, from outside of strings with places; strings end and begin there */
    TEMPLATE_OWN,  /* UTF-8 of the inside of a string */
    TEMPLATE_PLACE /* the first choice that is there */
};

struct template_piece {
    uint8_t kind;
    uint32_t start; /* in the text; of a place: its first choice */
    uint32_t len;   /* bytes; of a place: choices */
};

struct template
{
    struct template_rules rules;
    struct template_piece *pieces;
    size_t pieces_len;
    struct template_choice *choices;
    size_t choices_len;
    struct buffer text;
};

#endif
