#include "contract/json_find.h"
#include "contract/parse.h"
#include "contract/template.h"
#include "contract/template_pieces.h"

#define TIME_SIZE 32

/* What is left for values: JSON and own text are no longer than twice the template, since a
 * character that grows when it is written grew in the template too. */
#define VALUES_MAX (TEMPLATE_BODY_MAX - 2 * TEMPLATE_BYTES_MAX)

int64_t template_when_ms(const struct template_values *values)
{
    return values->event->has_created_at ? values->event->created_at_ms : values->queued_at_ms;
}

/* Each of these is false when there is nothing. */

static bool put_utf8(struct template_text *text, struct bytes utf8, enum template_origin origin)
{
    template_text_put(text, utf8, origin);
    return utf8.len > 0;
}

static bool put_part(struct template_text *text, struct bytes part, struct bytes path, size_t *work)
{
    struct bytes value;

    if (part.len == 0 || !json_find(part, path, work, &value) || value.data[0] == 'n')
        return false;
    if (value.data[0] != '"')
        return put_utf8(text, value, TEMPLATE_OF_EVENT);
    value = (struct bytes){value.data + 1, value.len - 2};
    template_text_put_json(text, value);
    return value.len > 0;
}

static bool put_choice(struct template_text *text, const struct template *template,
                       const struct template_choice *choice, const struct template_values *values,
                       size_t *work)
{
    struct bytes rest = {template->text.data + choice->start, choice->len};
    const struct event *event = values->event;
    char when[TIME_SIZE];

    switch (choice->root) {
    case TEMPLATE_MESSAGE:
        return put_part(text, event->message, rest, work);
    case TEMPLATE_FROM_USER:
        return put_part(text, event->from_user, rest, work);
    case TEMPLATE_ROOM:
        return put_part(text, event->room, rest, work);
    case TEMPLATE_TYPE:
        return put_utf8(text, event->type, TEMPLATE_OF_EVENT);
    case TEMPLATE_TIMESTAMP:
        return put_utf8(text, bytes_of(format_iso8601(template_when_ms(values), when, TIME_SIZE)),
                        TEMPLATE_OF_EVENT);
    case TEMPLATE_ID:
        return put_utf8(text, values->event_id, TEMPLATE_OF_EVENT);
    default:
        return put_utf8(text, rest, TEMPLATE_OF_OWNER);
    }
}

static void put_place(struct template_text *text, const struct template *template,
                      const struct template_piece *piece, const struct template_values *values,
                      size_t *work)
{
    for (uint32_t i = 0; i < piece->len; i++) {
        if (put_choice(text, template, &template->choices[piece->start + i], values, work))
            return;
    }
}

static size_t read_max(const struct event *event)
{
    size_t len = event->message.len + event->from_user.len + event->room.len;

    return TEMPLATE_READ_TIMES * len + TEMPLATE_READ_BYTES;
}

void template_render(const struct template *template, const struct template_values *values,
                     struct buffer *out)
{
    struct template_text text;
    size_t work = read_max(values->event);

    template_text_init(&text, out, &template->rules, VALUES_MAX);
    for (size_t i = 0; i < template->pieces_len; i++) {
        const struct template_piece *piece = &template->pieces[i];
        struct bytes own = {template->text.data + piece->start, piece->len};

        switch (piece->kind) {
        case TEMPLATE_JSON:
            template_text_end(&text);
            buffer_append_bytes(out, own);
            template_text_begin(&text);
            break;
        case TEMPLATE_OWN:
            template_text_put(&text, own, TEMPLATE_OF_OWNER);
            break;
        default:
            put_place(&text, template, piece, values, &work);
            break;
        }
    }
}
