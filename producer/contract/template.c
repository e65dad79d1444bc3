#include "contract/template.h"

#include <stdlib.h>
#include <string.h>

#include "contract/json_find.h"
#include "contract/json_read.h"
#include "contract/json_text.h"
#include "contract/template_pieces.h"

#define OPENS "{{"
#define CLOSES "}}"
#define MARK_LEN 2
#define TEXT_MAX (2 * TEMPLATE_BYTES_MAX) /* paths and own text, and the JSON around them */
#define PIECES_MAX (4 * (TEMPLATE_PLACES_MAX + 1) + 1) /* also of one place too many */

_Static_assert(TEMPLATE_PATH_MAX <= JSON_FIND_NAME_MAX, "a path may be one name");

static const char *const root_names[TEMPLATE_ROOTS] = {
    [TEMPLATE_MESSAGE] = "message", [TEMPLATE_FROM_USER] = "fromUser",  [TEMPLATE_ROOM] = "room",
    [TEMPLATE_TYPE] = "type",       [TEMPLATE_TIMESTAMP] = "timestamp", [TEMPLATE_ID] = "id",
};

static int out_of_memory(struct error_text *why)
{
    error_text_set(why, "out of memory");
    return -2;
}

/* --- pieces --- */

/* What was appended to the text since start becomes a piece. */
static void add_piece(struct template *template, enum template_piece_kind kind, size_t start)
{
    size_t len = template->text.len - start;

    if (len > 0)
        template->pieces[template->pieces_len++] =
            (struct template_piece){(uint8_t)kind, (uint32_t)start, (uint32_t)len};
}

/* JSON from outside of strings with places: one piece as long as nothing comes between. */
static void note_json(struct template *template, size_t start)
{
    struct template_piece *last = template->pieces + template->pieces_len - 1;

    if (template->pieces_len > 0 && last->kind == TEMPLATE_JSON && last->start + last->len == start)
        last->len = (uint32_t)(template->text.len - last->start);
    else
        add_piece(template, TEMPLATE_JSON, start);
}

static void put_json(struct template *template, const char *text)
{
    size_t start = template->text.len;

    buffer_append_text(&template->text, text);
    note_json(template, start);
}

static void put_json_string(struct template *template, struct bytes text)
{
    size_t start = template->text.len;

    json_put_string(&template->text, text);
    note_json(template, start);
}

/* --- places --- */

static int bad_place(struct bytes place, const char *problem, struct error_text *why)
{
    char shown[80];

    error_text_set(why, "template: {{%s}}: %s", bytes_printable(place, shown, sizeof(shown)),
                   problem);
    return -1;
}

static struct bytes trimmed(struct bytes text)
{
    while (text.len > 0 && text.data[0] == ' ')
        text = (struct bytes){text.data + 1, text.len - 1};
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

static bool is_path_byte(char c)
{
    return (unsigned char)c > 0x20 && c != 0x7f && !strchr("\"{}|\\", c);
}

/* Each of its names has a character. */
static bool is_path(struct bytes text)
{
    bool in_name = false;

    for (size_t i = 0; i < text.len; i++) {
        if (!is_path_byte(text.data[i]) || (text.data[i] == '.' && !in_name))
            return false;
        in_name = text.data[i] != '.';
    }
    return in_name && text.len <= TEMPLATE_PATH_MAX;
}

/* Appends the rest of a path, or a default, to the text. */
static void add_choice(struct template *template, size_t root, struct bytes rest)
{
    template->choices[template->choices_len++] =
        (struct template_choice){(uint8_t)root, (uint32_t) template->text.len, (uint32_t)rest.len};
    buffer_append_bytes(&template->text, rest);
}

static bool add_path(struct template *template, struct bytes path)
{
    const char *dot = memchr(path.data, '.', path.len);
    struct bytes name = {path.data, dot ? (size_t)(dot - path.data) : path.len};
    struct bytes rest = {path.data + name.len, path.len - name.len};

    if (dot)
        rest = (struct bytes){rest.data + 1, rest.len - 1};
    for (size_t i = 0; i < TEMPLATE_ROOTS; i++) {
        if (!bytes_equal_text(name, root_names[i]))
            continue;
        if (rest.len > 0 && i > TEMPLATE_ROOM)
            return false; /* they have nothing below them */
        add_choice(template, i, rest);
        return true;
    }
    return false;
}

/* One alternative; text is what is left of the place. -1 with *why, or how long it is. */
static int64_t read_choice(struct template *template, struct bytes place, struct bytes text,
                           struct error_text *why)
{
    if (text.len > 0 && text.data[0] == '"') {
        const char *quote = memchr(text.data + 1, '"', text.len - 1);

        if (!quote || quote + 1 != text.data + text.len)
            return bad_place(place, "a text in quotes comes last and ends with a quote", why);
        add_choice(template, TEMPLATE_DEFAULT, (struct bytes){text.data + 1, text.len - 2});
        return (int64_t)text.len;
    }
    const char *bar = memchr(text.data, '|', text.len);
    struct bytes path =
        trimmed((struct bytes){text.data, bar ? (size_t)(bar - text.data) : text.len});

    if (!is_path(path) || !add_path(template, path))
        return bad_place(place,
                         "allowed are paths that begin with message., fromUser. or room., and "
                         "type, timestamp, id, with | between",
                         why);
    return bar ? bar - text.data : (int64_t)text.len;
}

/* What is between the braces. 0, or -1 with *why. */
static int read_place(struct template *template, struct bytes place, size_t *places,
                      struct error_text *why)
{
    struct template_piece piece = {TEMPLATE_PLACE, (uint32_t) template->choices_len, 0};
    struct bytes rest = trimmed(place);

    if (++*places > TEMPLATE_PLACES_MAX) {
        error_text_set(why, "template: at most %d places {{…}} are allowed", TEMPLATE_PLACES_MAX);
        return -1;
    }
    for (;;) {
        piece.len++;
        if (template->choices_len == TEMPLATE_CHOICES_MAX) {
            error_text_set(why, "template: at most %d paths and defaults are allowed",
                           TEMPLATE_CHOICES_MAX);
            return -1;
        }
        int64_t len = read_choice(template, place, rest, why);

        if (len < 0)
            return -1;
        if ((size_t)len == rest.len)
            break;
        rest = trimmed((struct bytes){rest.data + len + 1, rest.len - (size_t)len - 1});
    }
    template->pieces[template->pieces_len++] = piece;
    return 0;
}

/* --- strings --- */

/* Where the mark is in text, not between quotes when these count. NULL: nowhere. */
static const char *find(struct bytes text, const char *mark, bool quotes_count)
{
    bool in_quotes = false;

    for (size_t i = 0; i + 1 < text.len; i++) {
        if (quotes_count && text.data[i] == '"')
            in_quotes = !in_quotes;
        else if (!in_quotes && memcmp(text.data + i, mark, MARK_LEN) == 0)
            return text.data + i;
    }
    return NULL;
}

static void put_own(struct template *template, struct bytes text)
{
    size_t start = template->text.len;

    buffer_append_bytes(&template->text, text);
    add_piece(template, TEMPLATE_OWN, start);
}

static int read_string(struct template *template, struct bytes text, size_t *places,
                       struct error_text *why)
{
    const char *opens = find(text, OPENS, false);

    if (!opens) {
        put_json_string(template, text);
        return 0;
    }
    put_json(template, "\"");
    for (; opens; opens = find(text, OPENS, false)) {
        size_t before = (size_t)(opens - text.data);

        put_own(template, (struct bytes){text.data, before});
        text = (struct bytes){opens + MARK_LEN, text.len - before - MARK_LEN};
        const char *closes = find(text, CLOSES, true);
        if (!closes)
            return bad_place(text, "has no end", why);
        struct bytes place = {text.data, (size_t)(closes - text.data)};
        if (read_place(template, place, places, why))
            return -1;
        text = (struct bytes){closes + MARK_LEN, text.len - place.len - MARK_LEN};
    }
    put_own(template, text);
    put_json(template, "\"");
    return 0;
}

/* --- values --- */

struct reading {
    struct template *template;
    size_t places;
    struct error_text *why;
};

static int read_value(struct reading *reading, json_t *value, int levels);

static int read_map(struct reading *reading, json_t *map, int levels)
{
    struct template *template = reading->template;
    const char *before = "{";

    for (void *at = json_object_iter(map); at; at = json_object_iter_next(map, at)) {
        put_json(template, before);
        put_json_string(template,
                        (struct bytes){json_object_iter_key(at), json_object_iter_key_len(at)});
        put_json(template, ":");
        if (read_value(reading, json_object_iter_value(at), levels))
            return -1;
        before = ",";
    }
    put_json(template, json_object_size(map) > 0 ? "}" : "{}");
    return 0;
}

static int read_list(struct reading *reading, json_t *list, int levels)
{
    struct template *template = reading->template;

    for (size_t i = 0; i < json_array_size(list); i++) {
        put_json(template, i > 0 ? "," : "[");
        if (read_value(reading, json_array_get(list, i), levels))
            return -1;
    }
    put_json(template, json_array_size(list) > 0 ? "]" : "[]");
    return 0;
}

static int read_value(struct reading *reading, json_t *value, int levels)
{
    struct template *template = reading->template;
    size_t start;

    if ((json_is_object(value) || json_is_array(value)) && levels == 0) {
        error_text_set(reading->why, "template: has more than %d levels", TEMPLATE_DEPTH_MAX);
        return -1;
    }
    if (json_is_object(value))
        return read_map(reading, value, levels - 1);
    if (json_is_array(value))
        return read_list(reading, value, levels - 1);
    if (json_is_string(value))
        return read_string(template, json_text_of(value), &reading->places, reading->why);
    start = template->text.len;
    (void)json_put_value(&template->text, value, 1);
    note_json(template, start);
    return 0;
}

/* --- the whole template --- */

static int check_size(json_t *value, struct error_text *why)
{
    struct buffer text;
    int result = 0;

    buffer_init(&text, TEMPLATE_BYTES_MAX);
    buffer_reserve(&text, TEMPLATE_BYTES_MAX); /* what fails behind this is too long */
    if (buffer_failed(&text)) {
        result = out_of_memory(why);
    } else if (json_put_value(&text, value, TEMPLATE_DEPTH_MAX)) {
        error_text_set(why, "template: has more than %d levels", TEMPLATE_DEPTH_MAX);
        result = -1;
    } else if (buffer_failed(&text)) {
        error_text_set(why, "template: has more than %d bytes", TEMPLATE_BYTES_MAX);
        result = -1;
    }
    buffer_wipe(&text);
    return result;
}

static struct template *make(const struct template_rules *rules)
{
    struct template *template = calloc(1, sizeof(*template));

    if (!template)
        return NULL;
    template->rules = *rules;
    template->pieces = calloc(PIECES_MAX, sizeof(*template->pieces));
    template->choices = calloc(TEMPLATE_CHOICES_MAX, sizeof(*template->choices));
    buffer_init(&template->text, TEXT_MAX);
    if (template->pieces && template->choices)
        return template;
    template_free(template);
    return NULL;
}

/* Gives back what is not needed. */
static void trim(struct template *template)
{
    struct template_piece *pieces =
        realloc(template->pieces, template->pieces_len * sizeof(*template->pieces));

    if (pieces)
        template->pieces = pieces;
    if (template->choices_len == 0)
        return;
    struct template_choice *choices =
        realloc(template->choices, template->choices_len * sizeof(*template->choices));
    if (choices)
        template->choices = choices;
}

int template_parse(json_t *value, const struct template_rules *rules,
                   struct template **ret_template, struct error_text *why)
{
    struct template *template = NULL;
    int result;

    if (!json_is_object(value) && !json_is_array(value)) {
        error_text_set(why, "template: must be a JSON object or list");
        return -1;
    }
    result = check_size(value, why);
    if (result != 0)
        return result;
    template = make(rules);
    if (!template)
        return out_of_memory(why);
    struct reading reading = {template, 0, why};
    result = read_value(&reading, value, TEMPLATE_DEPTH_MAX);
    if (result == 0 && buffer_failed(&template->text))
        result = out_of_memory(why);
    if (result != 0) {
        template_free(template);
        return result;
    }
    trim(template);
    *ret_template = template;
    return 0;
}

void template_free(struct template *template)
{
    if (!template)
        return;
    free(template->pieces);
    free(template->choices);
    buffer_wipe(&template->text); /* its owner may have put a token there */
    free(template);
}
