#include "base/run_delay.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "contract/parse.h"

#define TEXT_SIZE 128

/* "<ns on a processor> <ns waited for one> <times>". -1: unknown. */
static int64_t read_waited_ns(const char *file)
{
    char text[TEXT_SIZE];
    uint64_t waited_ns;
    int descriptor = open(file, O_RDONLY | O_CLOEXEC);

    if (descriptor < 0)
        return -1;
    ssize_t len = read(descriptor, text, sizeof(text) - 1);
    close(descriptor);
    if (len <= 0)
        return -1;
    text[len] = '\0';
    const char *before = strchr(text, ' ');
    const char *behind = before ? strchr(before + 1, ' ') : NULL;
    if (!behind)
        return -1;
    struct bytes number = {before + 1, (size_t)(behind - before - 1)};
    return parse_uint64(number, INT64_MAX, &waited_ns) == 0 ? (int64_t)waited_ns : -1;
}

void run_delay_look(struct run_delay *delay, int64_t gap_ns, const char *file)
{
    int64_t waited_ns = read_waited_ns(file);

    if (waited_ns < 0)
        return;
    int64_t since_ns = delay->waited_ns > 0 ? waited_ns - delay->waited_ns : 0;
    delay->missed_ns += since_ns < gap_ns ? since_ns : gap_ns;
    delay->waited_ns = waited_ns;
}
