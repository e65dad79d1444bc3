/*
 * Any bytes as a settings file. What is accepted must be printed as a settings file that is
 * accepted again and says the same; what is refused must say why.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings/print.h"
#include "settings/source.h"

static char *printed(const struct settings *settings)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (!out)
        abort();
    settings_print(settings, out);
    if (fclose(out) != 0)
        abort();
    return text;
}

static void check_print(const struct settings *settings)
{
    struct settings_draft again;
    struct error_text why = {""};
    char *first = printed(settings);
    char *second;

    settings_draft_init(&again);
    if (settings_file_parse(bytes_of(first), "printed.ini", &again, &why)) {
        fprintf(stderr, "%s\n%s", why.text, first);
        abort();
    }
    second = printed(&again.settings);
    /* A value too long for a line of a file stands in a comment: it is lost. */
    if (strcmp(first, second) != 0 && !strstr(first, "# too long")) {
        fprintf(stderr, "%s\n\n%s", first, second);
        abort();
    }
    free(first);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings_draft draft;
    struct error_text why = {""};

    settings_draft_init(&draft);
    if (settings_file_parse((struct bytes){(const char *)data, size}, "fuzz.ini", &draft, &why)) {
        if (why.text[0] == '\0' || !memchr(why.text, '\0', sizeof(why.text)))
            abort();
        return 0;
    }
    for (int n = 0; settings_warning(&draft.settings, n, &why); n++) {
        if (n > 16)
            abort();
    }
    check_print(&draft.settings);
    return 0;
}
