#include "contract/template_text.h"

#include <string.h>

#include "contract/json_string.h"
#include "contract/json_text.h"
#include "contract/utf8.h"

#define ELLIPSIS "\xe2\x80\xa6"
#define ZERO_WIDTH_SPACE 0x200b
#define REPLACEMENT 0xfffd
#define WRITTEN_MAX 6 /* bytes of one character: \u001f, &quot; */

/* Behind an '@' they notify everybody, in Discord, Mattermost, Slack and others: as a word, and
 * what Discord knows also as the beginning of one. */
struct template_mention {
    const char *word;
    bool is_also_a_beginning;
};

static const struct template_mention mentions[] = {
    {"everyone", true}, {"here", true}, {"channel", false}, {"all", false}};

void template_text_init(struct template_text *text, struct buffer *out,
                        const struct template_rules *rules, size_t values_max)
{
    *text = (struct template_text){.out = out, .rules = *rules, .values_left = values_max};
}

void template_text_begin(struct template_text *text)
{
    text->len = 0;
    text->cut_at = text->out->len;
    text->is_full = false;
    text->has_at = text->has_angle = false;
    text->held = '\0';
}

/* --- one character, as it is written --- */

static const char *entity_of(uint32_t code)
{
    switch (code) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    default:
        return NULL;
    }
}

/* JSON text of it, and in *ret_len its length as JavaScript counts. */
static void write_character(struct template_text *text, struct bytes written, size_t len,
                            enum template_origin origin)
{
    size_t max = text->rules.length_max;
    struct buffer *out = text->out;

    if (text->is_full)
        return;
    if (origin == TEMPLATE_OF_EVENT && text->values_left < WRITTEN_MAX) {
        text->values_left = 0;
        return;
    }
    if (max > 0 && text->len + len > max) {
        text->is_full = true;
        out->len = text->cut_at;
        buffer_append_text(out, ELLIPSIS);
        return;
    }
    size_t before = out->len;
    json_put_inside(out, written);
    text->len += len;
    if (text->len < max)
        text->cut_at = out->len;
    if (origin == TEMPLATE_OF_EVENT)
        text->values_left -= out->len - before;
}

static void write_code(struct template_text *text, uint32_t code, enum template_origin origin)
{
    char utf8[UTF8_MAX];
    const char *entity =
        text->rules.escapes_markup && origin == TEMPLATE_OF_EVENT ? entity_of(code) : NULL;
    struct bytes written = entity ? bytes_of(entity) : (struct bytes){utf8, utf8_write(code, utf8)};
    size_t len = entity ? written.len : 1;

    write_character(text, written, len + (code >= 0x10000 ? 1 : 0), origin);
}

/* --- mentions --- */

static char folded(uint32_t code)
{
    return code < 0x80 ? (char)(code | 0x20) : '\0';
}

static bool goes_on_word(uint32_t code)
{
    char letter = folded(code);

    return (letter >= 'a' && letter <= 'z') || (code >= '0' && code <= '9');
}

/* What was held back ends a mention, unless more of a word comes. */
static void release_held(struct template_text *text, bool ends)
{
    if (text->held == '\0')
        return;
    if (ends && text->is_of_event)
        write_code(text, ZERO_WIDTH_SPACE, text->held_origin);
    write_code(text, (unsigned char)text->held, text->held_origin);
    text->held = '\0';
}

/* Does the character go on with a word that mentions? */
static bool follows_at(struct template_text *text, uint32_t code)
{
    char letter = folded(code);

    if (letter == '\0' || !goes_on_word(code))
        return false;
    for (size_t i = 0; !text->mention && i < sizeof(mentions) / sizeof(mentions[0]); i++) {
        if (mentions[i].word[0] == letter)
            text->mention = &mentions[i];
    }
    if (!text->mention || text->mention->word[text->word_len] != letter)
        return false;
    text->word_len++;
    return true;
}

/* Also <!channel>, <@id>, <@&role> and <#id>. */
static bool makes_command(const struct template_text *text, uint32_t code,
                          enum template_origin origin)
{
    return text->has_angle && (code == '!' || code == '@' || code == '#') &&
           (text->is_of_event || origin == TEMPLATE_OF_EVENT);
}

static void put_code(struct template_text *text, uint32_t code, enum template_origin origin)
{
    bool of_event = origin == TEMPLATE_OF_EVENT;

    if (of_event && code == '\0' && text->rules.is_for_chat)
        code = REPLACEMENT;
    release_held(text, !goes_on_word(code));
    if (text->has_at && follows_at(text, code)) {
        text->is_of_event = text->is_of_event || of_event;
        if (text->mention->word[text->word_len] == '\0') {
            text->has_at = false;
            text->held = (char)code;
            text->held_origin = origin;
            if (text->mention->is_also_a_beginning)
                release_held(text, true);
            return;
        }
    } else {
        if (makes_command(text, code, origin))
            write_code(text, ZERO_WIDTH_SPACE, origin);
        text->has_at = code == '@';
        text->has_angle = code == '<' && !(of_event && text->rules.escapes_markup);
        text->is_of_event = of_event;
        text->mention = NULL;
        text->word_len = 0;
    }
    write_code(text, code, origin);
}

void template_text_end(struct template_text *text)
{
    release_held(text, true);
}

/* --- texts --- */

/* Nothing more would be written: what is left of a text may be long. */
static bool is_closed(const struct template_text *text, enum template_origin origin)
{
    return text->is_full || (origin == TEMPLATE_OF_EVENT && text->values_left == 0);
}

void template_text_put(struct template_text *text, struct bytes utf8, enum template_origin origin)
{
    while (utf8.len > 0 && !is_closed(text, origin)) {
        uint32_t code;
        size_t used = utf8_first(utf8, &code);

        put_code(text, code, origin);
        utf8 = (struct bytes){utf8.data + used, utf8.len - used};
    }
}

void template_text_put_json(struct template_text *text, struct bytes string)
{
    while (string.len > 0 && !is_closed(text, TEMPLATE_OF_EVENT)) {
        uint32_t code;
        size_t used = json_string_first(string, &code);

        put_code(text, code, TEMPLATE_OF_EVENT);
        string = (struct bytes){string.data + used, string.len - used};
    }
}
