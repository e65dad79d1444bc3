/*
 * What the files of http_client share:
 *   client.c         the pool of transfers, and the multi handle on the loop
 *   client_easy.c    the options of an easy handle
 *   client_url.c     URLs as libcurl reads them
 *   client_proxy.c   requests that go through a proxy
 *   client_socket.c  the address guard, and connections that are used again
 *   client_lookup.c  name look-ups and their limit
 *   client_tls.c     what a peer may make TLS cost
 *   client_certificate.c  which certificates are looked at
 *   client_answer.c  how much of an answer is taken
 *   client_result.c  what it all came to
 *
 * A transfer is in exactly one of: the idle list, the hands of its taker, the starting list,
 * the running list (and the multi handle), the waiting list.
 */
#ifndef HTTP_CLIENT_INTERNAL_H
#define HTTP_CLIENT_INTERNAL_H

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/queue.h>

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION HASH_OAT
#include <uthash.h>

#include "base/file_mark.h"
#include "http/client.h"
#include "http/destinations.h"
#include "http/lookups.h"
#include "http/tls_sessions.h"

#define OPENED_MAX 8      /* sockets of one transfer: addresses of a name tried in turn */
#define HOST_MAX_SIZE 256 /* as in struct url */

/* Why a handshake was ended, or could not be. */
enum tls_refusal {
    TLS_ACCEPTED,
    TLS_MALFORMED,
    TLS_LARGE_CHAIN,
    TLS_LONG_CHAIN,
    TLS_LARGE_KEY,
    TLS_STRANGE_KEY,
    TLS_STRANGE_POINT,
    TLS_NOTHING_IN_COMMON,
    TLS_OLD_VERSION,
};

/* What is known of a connected socket, by its descriptor. */
struct socket_info {
    struct loop_watch *watch;
    int local_port; /* 0 until a request was sent on it */
    bool is_kept;   /* libcurl does not wait for it now, but may again */
    struct sockaddr_in6 peer;
};

/* How it goes to its receiver. Behind a proxy the guard sees the proxy's address only, so the
 * receiver's are looked up and judged before, where that is possible. */
enum transfer_way {
    WAY_DIRECT,
    WAY_JUDGED, /* its receiver's addresses are judged; nothing is connected to */
    WAY_PROXY
};

/* A URL as libcurl parsed it, which copies it for each request. */
struct parsed_url {
    UT_hash_handle hh;
    TAILQ_ENTRY(parsed_url) unused; /* while it is kept and has no users */
    struct http_client *client;
    CURLU *curl;
    size_t users;
    bool agrees;  /* with our own parse of it; else it must not be used */
    bool is_kept; /* in the client's hash */
    char text[];
};

#define PARSED_URLS_MAX 16384 /* some 0.4 KB each */

struct http_transfer {
    TAILQ_ENTRY(http_transfer) link;
    struct http_client *client;
    CURL *easy;
    struct parsed_url *url;
    struct request request;
    struct curl_slist headers[REQUEST_HEADERS_MAX + 1];
    char error[CURL_ERROR_SIZE];
    char response[DEAD_RESPONSE_MAX];
    size_t response_len;
    size_t body_bytes; /* of the answer so far */
    size_t body_pieces;
    size_t header_bytes; /* of the latest of its answers: informational ones come first */
    size_t header_lines;
    size_t all_header_bytes;
    size_t all_header_lines;
    size_t answers;
    bool not_http; /* the status libcurl read is none */
    int opened[OPENED_MAX];
    size_t opened_len;
    bool tried_ipv6;
    int socket_errno; /* why we could not open one */
    bool blocked;     /* the guard refused an address */
    bool dirty;       /* the pooled connection was not clean */
    bool asked;       /* the request goes out: what comes back is the receiver's doing */
    bool bad_url;
    bool used;    /* easy had a request before */
    bool started; /* given to libcurl: what it reports is about this request */
    bool spoilt;  /* not for the pool: it may hold memory that a hostile answer filled */
    char host[HOST_MAX_SIZE];
    uint16_t port;
    bool host_is_address;
    enum transfer_way way;
    uint64_t owner;                  /* of its look-up, see lookups.h */
    int64_t lookup;                  /* its look-up that runs, see lookups.h; 0: none */
    int lookup_descriptor;           /* that libcurl watches meanwhile, -1: none */
    bool no_lookup;                  /* there was no place for its look-up */
    struct destination *destination; /* where it is counted, NULL: nowhere yet */
    bool crowded;                    /* there was no place at its destination */
    struct transfer_list *list;      /* that it is in; NULL: in somebody's hands */
    int64_t started_at_ms;
    int64_t timeout_ms;
    int64_t connect_timeout_ms;
    bool is_final; /* the answer that comes is no informational one */
    void (*status_came)(void *context);
    void (*led_to)(void *context, const char *address);
    http_done_fn *fn;
    void *context;
};

TAILQ_HEAD(transfer_list, http_transfer);
TAILQ_HEAD(parsed_urls, parsed_url);

/*
 * libcurl before 8.1.0 remembers in a handle the last header of the answer before, and has freed it
 * by the next: an answer whose first header line begins with a blank is written there (curl
 * #11101). So each request gets a handle of its own from it.
 */
#define REUSABLE_SINCE 0x080100u

struct http_client {
    struct loop *loop;
    struct http_client_config config;
    CURLM *multi;
    struct file_mark ca_file;
    int64_t ca_changed_ms; /* when it was seen to have changed; 0: never */
    bool renews_handles;   /* no easy handle may be used twice */
    struct transfer_list idle;
    struct transfer_list starting;
    struct transfer_list running;
    struct transfer_list waiting; /* for a look-up, oldest first */
    struct destinations destinations;
    struct lookups lookups;
    int64_t strays[LOOKUPS_MAX]; /* look-ups that outlive their transfers, oldest first */
    size_t strays_len;
    struct loop_timer strays_timer;
    struct loop_timer timer;
    struct loop_timer waiting_timer;
    struct loop_turn turn;
    struct socket_info *sockets; /* by descriptor */
    size_t sockets_cap;
    struct tls_sessions *sessions;
    size_t tls_allowance;           /* what TLS may still read within this call of libcurl */
    int *descriptor_of_port;        /* 65536 entries: local port -> descriptor, 0 none */
    struct parsed_url *urls;        /* by text: the latest, and those in use */
    struct parsed_urls unused_urls; /* of these, used longest ago first */
};

/* client.c */
void transfer_move(struct http_transfer *transfer, struct transfer_list *list);

/* client_url.c: get counts a user, leave ends that; NULL allowed. NULL: no memory. What is
 * kept goes by the target's text, of which target->url is what url_parse makes. All are free when
 * the client's transfers are. */
void client_url_init(struct http_client *client);
struct parsed_url *client_url_get(struct http_client *client, const struct http_target *target);
void client_url_leave(struct parsed_url *parsed);
void client_url_free_all(struct http_client *client);

/* client_easy.c: the only maker of easy handles. */
int transfer_init_easy(struct http_transfer *transfer);
int transfer_prepare(struct http_transfer *transfer, const struct http_target *target);
int transfer_set_timeouts(struct http_transfer *transfer, int64_t elapsed_ms);

/* client_proxy.c: the options that every handle has; the way of a transfer, from the beginning;
 * is a transfer that ended only judged, and goes on? -1 when an option is refused. */
CURLcode proxy_set_policy(CURL *easy, const struct http_client_config *config);
int proxy_choose_way(struct http_transfer *transfer, const struct url *url);
bool proxy_goes_on(struct http_transfer *transfer, CURLcode code);
bool proxy_refused(const struct http_transfer *transfer); /* it answered, but let nothing through */

/* client_socket.c: libcurl's callbacks. */
bool guard_allows(struct http_transfer *transfer, const struct sockaddr *address);
struct socket_info *client_socket(struct http_client *client, curl_socket_t descriptor);
curl_socket_t on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address);
void transfer_leave_destination(struct http_transfer *transfer);
int on_close_socket(void *context, curl_socket_t descriptor);
int on_before_request(void *context, char *peer_ip, char *local_ip, int peer_port, int local_port);

/* client_lookup.c */
int on_lookup(void *resolver, void *reserved, void *context);       /* libcurl's callback */
void lookup_seen(struct http_transfer *transfer, int descriptor);   /* libcurl watches it */
void lookup_unseen(struct http_transfer *transfer, int descriptor); /* no more */
void lookup_end(struct http_transfer *transfer, bool answered);     /* also when there is none */
void lookup_wait(struct http_transfer *transfer);
void lookup_release(struct http_client *client); /* starts those that may, answers the overdue */
void on_strays_check(void *context);

/* client_tls.c */
int tls_init(void);
void tls_allow(struct http_client *client); /* before each call that may read */
CURLcode on_ssl_context(CURL *easy, void *ssl_context, void *context); /* libcurl's callback */
/* What a session of TLS may be used for: the same receiver. */
const char *tls_peer(const struct http_transfer *transfer, char out[TLS_PEER_SIZE]);
const char *tls_reason(const char *error); /* ours, within libcurl's words; NULL: none */

/* client_certificate.c: of the body of a Certificate message. */
enum tls_refusal certificates_judge(struct bytes message, bool is_tls13);

/* client_answer.c: libcurl's callbacks. */
size_t on_body(char *data, size_t size, size_t count, void *context);
size_t on_header(char *data, size_t size, size_t count, void *context);

/* client_result.c */
void transfer_result(struct http_transfer *transfer, CURLcode code, struct http_result *ret_result);

#endif
