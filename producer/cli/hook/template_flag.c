#include "cli/hook/template_flag.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "contract/hook.h"
#include "contract/json_read.h"

/* A file may be longer than a template: blanks between tokens do not count. 0, or -1 with *why. */
static int read_file(const char *path, struct buffer *text, struct error_text *why)
{
    char block[4096];
    ssize_t len;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        error_text_set(why, "--template: no JSON, and no file that can be read: %s",
                       strerror(errno));
        return -1;
    }
    while ((len = read(fd, block, sizeof(block))) > 0 && !buffer_failed(text))
        buffer_append(text, block, (size_t)len);
    if (len < 0)
        error_text_set(why, "--template: the file cannot be read: %s", strerror(errno));
    (void)close(fd);
    if (len == 0 && buffer_failed(text))
        error_text_set(why, "--template: the file has more than %d bytes", HOOK_JSON_MAX);
    return len < 0 || buffer_failed(text) ? -1 : 0;
}

json_t *template_flag_read(const char *value, struct error_text *why)
{
    bool is_json = strchr("{[", value[strspn(value, " \t\r\n")]) != NULL && value[0] != '\0';
    struct error_text json_why;
    struct buffer text;
    json_t *template = NULL;
    bool no_memory;

    buffer_init(&text, HOOK_JSON_MAX);
    if (is_json)
        buffer_append_text(&text, value);
    if (is_json || read_file(value, &text, why) == 0) {
        template = json_read(buffer_bytes(&text), JSON_NUL_REFUSED, &no_memory, &json_why);
        if (!template)
            error_text_set(why, "--template: %s", json_why.text);
    }
    buffer_release(&text);
    return template;
}
