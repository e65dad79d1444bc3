#include "base/notify.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alive_file.h"
#include "contract/parse.h"

#define TICK_MAX_MS 5000
#define WATCHDOG_MAX_MS (24 * 3600 * INT64_C(1000))
#define TICKS_PER_WATCHDOG 3 /* one message may come late */

struct notify {
    struct notify_request request;
    struct alive_file alive;
    int socket; /* -1: nobody listens */
    int64_t tick_ms;
    notify_put_fn *put;
    void *context;
    struct loop_timer timer;
};

/* --- the request --- */

/* "/path", or "@name" for one in the abstract name space: its name begins with a NUL instead, and
 * ends where the address ends. */
static int read_address(const char *text, struct notify_request *request)
{
    size_t len = strlen(text);
    if ((text[0] != '/' && text[0] != '@') || len < 2 || len >= sizeof(request->address.sun_path))
        return -1;
    request->address.sun_family = AF_UNIX;
    memcpy(request->address.sun_path, text, len + 1);
    request->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    if (text[0] == '@') {
        request->address.sun_path[0] = '\0';
        request->address_len--;
    }
    return 0;
}

/* A watchdog that was set for another process is not for us. */
static bool is_for_us(const char *pid)
{
    int64_t number = 0;
    return pid == NULL ||
           (parse_int64(bytes_of(pid), 1, INT32_MAX, &number) == 0 && number == (int64_t)getpid());
}

int notify_request_read(struct notify_request *ret_request, struct error_text *why)
{
    const char *address = getenv("NOTIFY_SOCKET");
    const char *watchdog = getenv("WATCHDOG_USEC");
    struct notify_request request = {.address_len = 0};
    int64_t watchdog_us = 0;
    *ret_request = request;
    if (address == NULL || address[0] == '\0')
        return 0;
    if (read_address(address, &request) != 0) {
        error_text_set(why, "NOTIFY_SOCKET must be an absolute path or '@' and a name, of at most "
                            "107 bytes");
        return -1;
    }
    if (watchdog != NULL && is_for_us(getenv("WATCHDOG_PID"))) {
        if (parse_int64(bytes_of(watchdog), 1, WATCHDOG_MAX_MS * 1000, &watchdog_us) != 0) {
            error_text_set(why, "WATCHDOG_USEC must be a number of microseconds, up to a day");
            return -1;
        }
        request.watchdog_ms = watchdog_us / 1000;
    }
    *ret_request = request;
    return 0;
}

/* --- the messages --- */

static void send_by(int socket, const struct notify_request *request, const char *text)
{
    /* Ignoring a failure: the next message says the same. */
    (void)sendto(socket, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL,
                 (const struct sockaddr *)&request->address, request->address_len);
}

int64_t notify_tick_ms(const struct notify_request *request)
{
    int64_t tick_ms = request->watchdog_ms / TICKS_PER_WATCHDOG;
    return request->watchdog_ms == 0 || tick_ms > TICK_MAX_MS ? TICK_MAX_MS : tick_ms + 1;
}

void notify_send(const struct notify_request *request, const char *text)
{
    int by = request->address_len == 0 ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (by < 0)
        return;
    send_by(by, request, text);
    close(by);
}

/* --- those of a loop --- */

void notify_now(struct notify *notify)
{
    char text[NOTIFY_TEXT_SIZE];
    if (notify->socket < 0)
        return;
    notify->put(notify->context, text);
    send_by(notify->socket, &notify->request, text);
}

static void on_tick(void *context)
{
    struct notify *notify = context;
    notify_now(notify);
    alive_file_write(&notify->alive, loop_now_ms());
    loop_timer_arm(&notify->timer, notify->tick_ms);
}

struct notify *notify_new(struct loop *loop, const struct notify_request *request,
                          const char *alive_file, notify_put_fn *put, void *context)
{
    struct notify *notify = calloc(1, sizeof(*notify));
    if (notify == NULL)
        return NULL;
    notify->request = *request;
    notify->alive.path = alive_file;
    notify->socket = -1;
    notify->put = put;
    notify->context = context;
    notify->tick_ms = notify_tick_ms(request);
    if (request->address_len == 0 && alive_file[0] == '\0')
        return notify;
    if (request->address_len > 0)
        notify->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if ((request->address_len > 0 && notify->socket < 0) ||
        loop_timer_init(loop, &notify->timer, on_tick, notify) != 0) {
        notify_free(notify);
        return NULL;
    }
    on_tick(notify);
    return notify;
}

void notify_free(struct notify *notify)
{
    if (notify == NULL)
        return;
    loop_timer_release(&notify->timer);
    if (notify->socket >= 0)
        close(notify->socket);
    alive_file_remove(&notify->alive);
    free(notify);
}
