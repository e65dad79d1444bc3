/*
 * libcurl's two questions, whether a socket may be opened and whether a request may be sent, asked
 * without libcurl.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/client_internal.h"

#define PUBLIC "93.184.216.34"
#define PUBLIC6 "2600:1406::17"
#define OTHER_PUBLIC "93.184.216.35"
#define PORT 443
#define LOCAL_PORT 50000
#define LIMIT_MS 5000

static struct address_guard guard;
static struct loop *loop;
static struct http_client *client;
static struct http_transfer *transfer;

static void allow(const char *rule)
{
    struct error_text why;

    assert_int_equal(address_rule_parse(bytes_of(rule), &guard.rules[guard.rules_len], &why), 0);
    guard.rules_len++;
}

static int set_up(void **state)
{
    struct http_client_config config = {.guard = &guard,
                                        .ca_file = "/etc/ssl/certs/ca-certificates.crt",
                                        .max_transfers = 4,
                                        .max_per_address = 2 * OPENED_MAX,
                                        .max_response_bytes = 1024,
                                        .max_body_bytes = 1024};
    struct error_text why;

    (void)state;
    memset(&guard, 0, sizeof(guard));
    loop = loop_new();
    client = loop ? http_client_new(loop, &config, &why) : NULL;
    transfer = client ? http_transfer_new(client) : NULL;
    return transfer ? 0 : -1;
}

static void drop(struct http_transfer *gone)
{
    for (size_t i = 0; i < gone->opened_len; i++)
        on_close_socket(client, gone->opened[i]);
    transfer_leave_destination(gone);
    http_transfer_drop(gone);
}

static int tear_down(void **state)
{
    (void)state;
    drop(transfer);
    http_client_free(client);
    loop_free(loop);
    return 0;
}

static curl_socket_t open_to(const char *ip, uint16_t port)
{
    struct curl_sockaddr address = {.socktype = SOCK_STREAM, .protocol = IPPROTO_TCP};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct {
        struct curl_sockaddr address;
        char rest[sizeof(v6)]; /* libcurl's own structure is as long as the address needs */
    } wide = {.address = address};
    bool is_v4 = inet_pton(AF_INET, ip, &v4.sin_addr) == 1;

    if (!is_v4)
        assert_int_equal(inet_pton(AF_INET6, ip, &v6.sin6_addr), 1);
    wide.address.family = is_v4 ? AF_INET : AF_INET6;
    wide.address.addrlen = is_v4 ? sizeof(v4) : sizeof(v6);
    memcpy((char *)&wide + offsetof(struct curl_sockaddr, addr),
           is_v4 ? (const void *)&v4 : (const void *)&v6, wide.address.addrlen);
    return on_open_socket(transfer, CURLSOCKTYPE_IPCXN, &wide.address);
}

static int ask(const char *ip, int port, int local_port)
{
    char peer[INET6_ADDRSTRLEN];
    char local[] = "192.0.2.1";

    assert_true(bytes_copy_text(bytes_of(ip), peer, sizeof(peer)));
    return on_before_request(transfer, peer, local, port, local_port);
}

static int option_of(int descriptor, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);

    assert_int_equal(getsockopt(descriptor, level, name, &value, &len), 0);
    return value;
}

/* --- opening a socket --- */

static void a_refused_address_gets_no_socket(void **state)
{
    (void)state;
    assert_int_equal(open_to("127.0.0.1", PORT), CURL_SOCKET_BAD);
    assert_true(transfer->blocked);
    assert_int_equal(transfer->opened_len, 0);
}

static void a_refused_port_gets_no_socket(void **state)
{
    (void)state;
    assert_int_equal(open_to(PUBLIC, 6379), CURL_SOCKET_BAD);
    assert_true(transfer->blocked);
}

static void after_a_refused_address_no_other_gets_a_socket(void **state)
{
    (void)state;
    assert_int_equal(open_to("::1", PORT), CURL_SOCKET_BAD);
    assert_int_equal(open_to(PUBLIC, PORT), CURL_SOCKET_BAD);
    assert_int_equal(transfer->opened_len, 0);
}

static void an_allowed_address_gets_a_socket(void **state)
{
    int descriptor = open_to(PUBLIC, PORT);

    (void)state;
    assert_true(descriptor >= 0);
    assert_false(transfer->blocked);
    assert_true(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(option_of(descriptor, IPPROTO_TCP, TCP_SYNCNT), 3);
    assert_int_equal(option_of(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
}

static void a_socket_for_ipv6_reaches_no_ipv4(void **state)
{
    int descriptor = open_to(PUBLIC6, PORT);

    (void)state;
    assert_true(descriptor >= 0);
    assert_true(transfer->tried_ipv6);
    assert_int_equal(option_of(descriptor, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    assert_true(open_to(PUBLIC, PORT) >= 0);
    assert_true(transfer->tried_ipv6); /* still */
}

static void a_name_with_many_addresses_gets_few_sockets(void **state)
{
    (void)state;
    for (int i = 0; i < OPENED_MAX; i++)
        assert_true(open_to(PUBLIC, PORT) >= 0);
    assert_int_equal(open_to(PUBLIC, PORT), CURL_SOCKET_BAD);
    assert_false(transfer->blocked);
}

static void an_address_that_many_fly_to_gets_no_socket(void **state)
{
    struct http_transfer *mine = transfer;

    (void)state;
    client->config.max_per_address = 1;
    assert_true(open_to(PUBLIC, PORT) >= 0);
    transfer = http_transfer_new(client);
    assert_int_equal(open_to(PUBLIC, PORT), CURL_SOCKET_BAD);
    assert_true(transfer->crowded);
    assert_false(transfer->blocked);
    assert_true(open_to(OTHER_PUBLIC, PORT) >= 0);
    drop(transfer);
    transfer = mine;
}

static void without_descriptors_there_is_no_socket(void **state)
{
    struct rlimit before;
    struct rlimit none;
    int descriptor;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    descriptor = open_to(PUBLIC6, PORT);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(descriptor, CURL_SOCKET_BAD);
    assert_int_equal(transfer->socket_errno, EMFILE);
    assert_int_equal(transfer->opened_len, 0);
    assert_null(client_socket(client, -1));
}

/* --- sending a request --- */

static void a_request_to_an_allowed_address_is_sent(void **state)
{
    (void)state;
    assert_true(open_to(PUBLIC, PORT) >= 0);
    assert_int_equal(ask(PUBLIC, PORT, LOCAL_PORT), CURL_PREREQFUNC_OK);
    assert_true(transfer->asked);
}

static void no_request_is_sent_to_a_refused_address(void **state)
{
    static const struct {
        const char *ip;
        int port;
    } rows[] = {
        {"127.0.0.1", PORT},        {"169.254.169.254", 80}, {"::1", PORT},
        {"::ffff:127.0.0.1", PORT}, {"fd00::1", PORT},       {PUBLIC, 6379},
    };

    (void)state;
    assert_true(open_to(PUBLIC, PORT) >= 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        transfer->blocked = false;
        if (ask(rows[i].ip, rows[i].port, LOCAL_PORT) != CURL_PREREQFUNC_ABORT)
            fail_msg("a request is sent to %s", rows[i].ip);
        assert_true(transfer->blocked);
        assert_false(transfer->asked);
    }
}

static void no_request_is_sent_to_who_cannot_be_told(void **state)
{
    (void)state;
    assert_true(open_to(PUBLIC, PORT) >= 0);
    assert_int_equal(ask("", PORT, LOCAL_PORT), CURL_PREREQFUNC_ABORT);
    assert_int_equal(ask("host", PORT, LOCAL_PORT), CURL_PREREQFUNC_ABORT);
    assert_int_equal(ask(PUBLIC, PORT, 0), CURL_PREREQFUNC_ABORT);
    assert_int_equal(ask(PUBLIC, PORT, 65536), CURL_PREREQFUNC_ABORT);
    assert_false(transfer->asked);
    assert_false(transfer->blocked);
}

static void no_request_is_sent_to_an_address_that_many_fly_to(void **state)
{
    struct http_transfer *mine = transfer;

    (void)state;
    client->config.max_per_address = 1;
    assert_true(open_to(PUBLIC, PORT) >= 0);
    transfer = http_transfer_new(client);
    assert_true(open_to(OTHER_PUBLIC, PORT) >= 0);
    assert_int_equal(ask(PUBLIC, PORT, LOCAL_PORT), CURL_PREREQFUNC_ABORT);
    assert_true(transfer->crowded);
    drop(transfer);
    transfer = mine;
}

/* --- a connection that is used again --- */

/* Connected over loopback; the first request on it is sent. */
struct connection {
    const char *ip;
    int ours;
    int theirs;
    int port;
    int local_port;
};

static int bound_port(int descriptor)
{
    struct sockaddr_in6 address; /* the port is where sockaddr_in has it */
    socklen_t len = sizeof(address);

    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin6_port);
}

static int listen_on(const char *ip)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool is_v4 = inet_pton(AF_INET, ip, &v4.sin_addr) == 1;
    int listener = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(listener >= 0);
    assert_int_equal(is_v4 ? bind(listener, (struct sockaddr *)&v4, sizeof(v4))
                           : bind(listener, (struct sockaddr *)&v6, sizeof(v6)),
                     0);
    assert_int_equal(listen(listener, 2), 0);
    return listener;
}

static struct connection connect_to(int listener, const char *ip)
{
    struct sockaddr_in6 address; /* of either kind */
    socklen_t len = sizeof(address);
    struct connection made = {.ip = ip, .port = bound_port(listener)};

    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    made.ours = open_to(ip, (uint16_t)made.port);
    assert_true(made.ours >= 0);
    assert_int_equal(connect(made.ours, (struct sockaddr *)&address, len), 0);
    made.theirs = accept(listener, NULL, NULL);
    assert_true(made.theirs >= 0);
    made.local_port = bound_port(made.ours);
    assert_int_equal(ask(ip, made.port, made.local_port), CURL_PREREQFUNC_OK);
    return made;
}

static struct connection connect_once(void)
{
    int listener = listen_on("127.0.0.1");
    struct connection made;

    allow("127.0.0.0/8:1024-65535");
    made = connect_to(listener, "127.0.0.1");
    close(listener);
    return made;
}

/* By another transfer. */
static int use_again(const struct connection *made)
{
    struct http_transfer *mine = transfer;
    int result;

    transfer = http_transfer_new(client);
    result = ask(made->ip, made->port, made->local_port);
    if (result != CURL_PREREQFUNC_OK)
        assert_true(transfer->dirty || transfer->blocked);
    drop(transfer);
    transfer = mine;
    return result;
}

static void wait_readable(int descriptor)
{
    struct pollfd readable = {.fd = descriptor, .events = POLLIN};

    assert_int_equal(poll(&readable, 1, LIMIT_MS), 1);
}

static void a_clean_connection_is_used_again(void **state)
{
    struct connection made = connect_once();

    (void)state;
    assert_int_equal(use_again(&made), CURL_PREREQFUNC_OK);
    close(made.theirs);
}

static void a_connection_with_bytes_is_not_used_again(void **state)
{
    struct connection made = connect_once();

    (void)state;
    assert_int_equal(send(made.theirs, "x", 1, MSG_NOSIGNAL), 1);
    wait_readable(made.ours);
    assert_int_equal(use_again(&made), CURL_PREREQFUNC_ABORT);
    close(made.theirs);
}

static void a_closed_connection_is_not_used_again(void **state)
{
    struct connection made = connect_once();

    (void)state;
    close(made.theirs);
    wait_readable(made.ours);
    assert_int_equal(use_again(&made), CURL_PREREQFUNC_ABORT);
}

static void a_connection_is_judged_again_when_the_rules_changed(void **state)
{
    struct connection made = connect_once();

    (void)state;
    guard.rules_len = 0;
    assert_int_equal(use_again(&made), CURL_PREREQFUNC_ABORT);
    close(made.theirs);
}

/* Or what has its number next would be taken for it. */
static void a_closed_socket_is_forgotten(void **state)
{
    struct connection made = connect_once();

    (void)state;
    assert_int_equal(client->sockets[made.ours].local_port, made.local_port);
    drop(transfer);
    assert_int_equal(client->sockets[made.ours].local_port, 0);
    transfer = http_transfer_new(client);
    transfer->opened_len = 0;
    close(made.theirs);
}

static void an_unknown_connection_is_not_used_again(void **state)
{
    struct connection made = connect_once();
    struct connection other_port = made;
    struct connection other_peer = made;
    struct connection other_address = made;

    (void)state;
    other_port.local_port = made.local_port == LOCAL_PORT ? LOCAL_PORT + 1 : LOCAL_PORT;
    other_peer.port = made.port == 65535 ? 65534 : made.port + 1;
    assert_int_equal(use_again(&other_port), CURL_PREREQFUNC_ABORT);
    other_address.ip = "127.0.0.2";
    assert_int_equal(use_again(&other_peer), CURL_PREREQFUNC_ABORT);
    assert_int_equal(use_again(&other_address), CURL_PREREQFUNC_ABORT);
    close(made.theirs);
}

static void a_client_without_connections_uses_none_again(void **state)
{
    (void)state;
    assert_null(client->sockets);
    assert_int_equal(ask(PUBLIC, PORT, LOCAL_PORT), CURL_PREREQFUNC_ABORT);
    assert_true(transfer->dirty);
}

static void a_clean_connection_over_ipv6_is_used_again(void **state)
{
    int listener = listen_on("::1");
    struct connection made;

    (void)state;
    allow("[::1]:1024-65535");
    made = connect_to(listener, "::1");
    assert_int_equal(use_again(&made), CURL_PREREQFUNC_OK);
    close(made.theirs);
    close(listener);
}

/* Of the sockets of a transfer, for others of the name's addresses were tried before. */
static void the_socket_it_speaks_on_is_remembered(void **state)
{
    struct connection made;

    (void)state;
    assert_true(open_to(PUBLIC, PORT) >= 0);
    made = connect_once();
    assert_int_equal(use_again(&made), CURL_PREREQFUNC_OK);
    close(made.theirs);
}

static void a_reset_connection_is_not_used_again(void **state)
{
    struct connection made = connect_once();
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    (void)state;
    assert_int_equal(setsockopt(made.theirs, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(made.theirs);
    wait_readable(made.ours);
    assert_int_equal(use_again(&made), CURL_PREREQFUNC_ABORT);
}

/* The port of one that is gone leads to its descriptor, which is another one's now. */
static void a_descriptor_that_is_anothers_is_not_used_again(void **state)
{
    int listener = listen_on("127.0.0.1");
    struct connection gone, made;

    (void)state;
    allow("127.0.0.1/32:1024-65535");
    gone = connect_to(listener, "127.0.0.1");
    drop(transfer);
    transfer = http_transfer_new(client);
    transfer->opened_len = 0;
    made = connect_to(listener, "127.0.0.1");
    assert_int_equal(made.ours, gone.ours);
    assert_int_not_equal(made.local_port, gone.local_port);
    assert_int_equal(use_again(&gone), CURL_PREREQFUNC_ABORT);
    assert_int_equal(use_again(&made), CURL_PREREQFUNC_OK);
    close(gone.theirs);
    close(made.theirs);
    close(listener);
}

#ifndef __SANITIZE_ADDRESS__ /* which ends the process for it */
static void without_memory_for_it_a_socket_is_not_remembered(void **state)
{
    struct rlimit before;
    struct rlimit little;
    struct socket_info *info;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    little = (struct rlimit){.rlim_cur = (rlim_t)4 << 30, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &little), 0);
    info = client_socket(client, INT_MAX - 1);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_null(info);
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_refused_address_gets_no_socket),
        TEST(a_refused_port_gets_no_socket),
        TEST(after_a_refused_address_no_other_gets_a_socket),
        TEST(an_allowed_address_gets_a_socket),
        TEST(a_socket_for_ipv6_reaches_no_ipv4),
        TEST(a_name_with_many_addresses_gets_few_sockets),
        TEST(an_address_that_many_fly_to_gets_no_socket),
        TEST(without_descriptors_there_is_no_socket),
        TEST(a_request_to_an_allowed_address_is_sent),
        TEST(no_request_is_sent_to_a_refused_address),
        TEST(no_request_is_sent_to_who_cannot_be_told),
        TEST(no_request_is_sent_to_an_address_that_many_fly_to),
        TEST(a_clean_connection_is_used_again),
        TEST(a_connection_with_bytes_is_not_used_again),
        TEST(a_closed_connection_is_not_used_again),
        TEST(a_connection_is_judged_again_when_the_rules_changed),
        TEST(a_closed_socket_is_forgotten),
        TEST(an_unknown_connection_is_not_used_again),
        TEST(a_client_without_connections_uses_none_again),
        TEST(a_clean_connection_over_ipv6_is_used_again),
        TEST(the_socket_it_speaks_on_is_remembered),
        TEST(a_reset_connection_is_not_used_again),
        TEST(a_descriptor_that_is_anothers_is_not_used_again),
#ifndef __SANITIZE_ADDRESS__
        TEST(without_memory_for_it_a_socket_is_not_remembered),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
