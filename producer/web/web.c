#include "web/web.h"

#include <inttypes.h>
#include <jansson.h>
#include <roomhook/version.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/notify.h"
#include "contract/json_object.h"
#include "contract/parse.h"
#include "web/api_hook.h"
#include "web/assets.h"
#include "web/call.h"
#include "web/jobs.h"
#include "web/metrics.h"
#include "web/openapi.h"
#include "web/server.h"
#include "web/snapshot.h"
#include "web/tasks.h"
#include "web/token_file.h"

#define TOKEN_DEFAULT_MS (15 * 60 * INT64_C(1000))
#define OPENAPI_MAX ((size_t)1 << 20)

#define TESTS_MAX (JOBS_THREADS / 2) /* of hooks, at a time */

struct web {
    const struct web_options *options;
    struct loop *loop;
    struct jobs *jobs;
    struct snapshot *snapshot;
    struct tasks *tasks; /* NULL without --actions */
    struct server *server;
    struct notify *notify;
    bool stops;
    struct token_file tokens;
    struct buffer openapi;
    char home[BASE_PATH_MAX + 2]; /* the base path with its '/' */
    int64_t answers[METRICS_CLASSES];
    const struct request *tests[TESTS_MAX]; /* under way */
};

/* A request to the API. */
struct request {
    struct call call; /* first */
    struct web *web;
    struct exchange *exchange;
};

static void on_answered(void *context, int status)
{
    struct web *web = context;
    int class = status / 100;
    if (class >= 0 && class < METRICS_CLASSES)
        web->answers[class]++;
}

/* --- without a route --- */

static void answer_text(struct exchange *exchange, int status, const char *text)
{
    struct answer answer;
    answer_init(&answer);
    answer.status = status;
    answer.type = "text/plain; charset=utf-8";
    buffer_append_text(&answer.body, text);
    server_answer(exchange, &answer);
}

static void refuse(struct exchange *exchange, int status, const char *code, const char *message)
{
    struct answer answer;
    answer_init(&answer);
    answer_refuse(&answer, status, code, "%s", message);
    server_answer(exchange, &answer);
}

static void on_ready_view(void *context, const struct snapshot_view *view)
{
    if (!view->is_up)
        answer_text(context, 503, "Redis cannot be read\n");
    else if (!view->is_contract_ours)
        answer_text(context, 503, "the queue is of another contract\n");
    else
        answer_text(context, 200, "ready\n");
}

struct scrape {
    struct web *web;
    struct exchange *exchange;
};

static void on_metrics_view(void *context, const struct snapshot_view *view)
{
    struct scrape *scrape = context;
    const char *queue = scrape->web->options->redis.keys.queue;
    struct answer answer;
    answer_init(&answer);
    answer.type = METRICS_TYPE;
    metrics_put_redis(&answer.body, queue, view->is_up, view->age_ms);
    if (view->is_up)
        buffer_append_bytes(&answer.body, view->metrics);
    metrics_put_answers(&answer.body, scrape->web->answers);
    server_answer(scrape->exchange, &answer);
    free(scrape);
}

static void answer_metrics(struct web *web, struct exchange *exchange)
{
    struct scrape *scrape = malloc(sizeof(*scrape));
    if (scrape != NULL)
        *scrape = (struct scrape){web, exchange};
    if (scrape == NULL || snapshot_get(web->snapshot, on_metrics_view, scrape) != 0) {
        free(scrape);
        refuse(exchange, 503, "busy", "too many requests wait for Redis");
    }
}

static void answer_openapi(struct web *web, struct exchange *exchange)
{
    struct answer answer;
    answer_init(&answer);
    buffer_append_bytes(&answer.body, buffer_bytes(&web->openapi));
    server_answer(exchange, &answer);
}

static bool is_probe(struct bytes path)
{
    static const char *const paths[] = {"/livez", "/readyz", "/metrics", "/openapi.json"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (bytes_equal_text(path, paths[i]))
            return true;
    }
    return false;
}

/* What programs watch. */
static void answer_probe(struct web *web, struct exchange *exchange, struct bytes path)
{
    if (bytes_equal_text(path, "/livez"))
        answer_text(exchange, 200, "alive\n");
    else if (bytes_equal_text(path, "/metrics"))
        answer_metrics(web, exchange);
    else if (bytes_equal_text(path, "/openapi.json"))
        answer_openapi(web, exchange);
    else if (snapshot_get(web->snapshot, on_ready_view, exchange) != 0)
        refuse(exchange, 503, "busy", "too many requests wait for Redis");
}

/* --- the pages --- */

static void answer_asset(struct exchange *exchange, const struct asset *asset)
{
    struct answer answer;
    answer_init(&answer);
    asset_answer(asset, exchange->request, &answer);
    server_answer(exchange, &answer);
}

/* The base path without '/' at its end: the page's own links would lead beside it. */
static void redirect(struct web *web, struct exchange *exchange)
{
    struct answer answer;
    answer_init(&answer);
    answer_refuse(&answer, 308, "moved", "the pages are at %s", web->home);
    answer.location = web->home;
    server_answer(exchange, &answer);
}

static bool is_bare(const struct web *web, struct bytes path)
{
    const char *base_path = web->options->base_path;
    return base_path[0] != '\0' && bytes_equal_text(path, base_path);
}

static bool is_page(const struct web *web, struct bytes path)
{
    return is_bare(web, path) || (path.data[0] == '/' && asset_find(path) != NULL);
}

static void answer_page(struct web *web, struct exchange *exchange, struct bytes path)
{
    if (is_bare(web, path))
        redirect(web, exchange);
    else
        answer_asset(exchange, asset_find(path));
}

/* --- rights --- */

static struct access find_access(struct web *web, const struct http_request *request)
{
    static const char bearer[] = "bearer ";
    const size_t len = sizeof(bearer) - 1;
    struct bytes given = http_request_header(request, "Authorization");
    struct access reader = {.role = ROLE_READ};
    if (given.data == NULL && web->options->tokens == NULL)
        return reader;
    if (web->options->tokens == NULL || given.len <= len ||
        !bytes_equal_nocase((struct bytes){given.data, len}, BYTES(bearer)))
        return (struct access){.role = ROLE_NONE};
    return tokens_judge(token_file_tokens(&web->tokens, loop_now_ms()),
                        (struct bytes){given.data + len, given.len - len},
                        web->options->redis.keys.queue, loop_wall_ms() / 1000);
}

/* Before the path is decoded: who are you? After it: may you do that? */
static bool is_known(struct request *request)
{
    if (request->call.access.role != ROLE_NONE)
        return true;
    answer_refuse(&request->call.answer, 401, "token",
                  "a valid token is needed: Authorization: Bearer TOKEN (roomhook-web token "
                  "create)");
    return false;
}

static bool is_allowed(struct request *request)
{
    const struct call *call = &request->call;
    const struct access *access = &call->access;
    struct answer *answer = &request->call.answer;
    bool is_of_room = access->room.len > 0;
    if (call->route->right == RIGHT_ANY)
        return true;
    if (is_of_room && (call->room.len == 0 || !room_id_equal(&access->room, &call->room)))
        answer_refuse(answer, 403, "room", "this token is for room %s only", access->room.text);
    else if (call->route->right == RIGHT_ACT && !request->web->options->actions)
        answer_refuse(answer, 403, "actions", "this service only reads: it runs without --actions");
    else if (call->route->right != RIGHT_READ && access->role != ROLE_OPERATE)
        answer_refuse(answer, 403, "role", "this token may only read");
    else if (call->route->right == RIGHT_TOKEN && is_of_room)
        answer_refuse(answer, 403, "role", "a room's token makes no tokens");
    else
        return true;
    return false;
}

/* --- the API --- */

static void request_free(struct request *request)
{
    call_release(&request->call);
    free(request);
}

static const char *role_name(const struct access *access)
{
    if (access->room.len > 0)
        return "room";
    return access->role == ROLE_OPERATE ? "operate" : "read";
}

static void log_request(const struct request *request)
{
    const struct call *call = &request->call;
    bool is_action = call->route->right == RIGHT_ACT || call->route->right == RIGHT_TOKEN;
    bool shows_document = call_flag(call, "document");
    if (is_action || shows_document)
        log_at(LOG_INFO, is_action ? "action" : "document_shown",
               log_text("route", call->route->name), log_text("room", call->room.text),
               log_text("hook", call->hook_id), log_text("letter", call->letter_id),
               log_text("task", call->task_id), log_text("role", role_name(&call->access)),
               log_int("status", call->answer.status));
    else
        log_at(LOG_DEBUG, "read", log_text("route", call->route->name),
               log_int("status", call->answer.status));
}

static void finish(struct request *request)
{
    log_request(request);
    server_answer(request->exchange, &request->call.answer);
    request_free(request);
}

static void refuse_by_result(struct call *call)
{
    static const struct {
        int status;
        const char *code;
    } refusals[] = {
        [ADMIN_DONE] = {500, "internal"},     [ADMIN_FAILED] = {503, "redis"},
        [ADMIN_INVALID] = {400, "invalid"},   [ADMIN_MISSING] = {404, "not_found"},
        [ADMIN_CONFLICT] = {409, "conflict"},
    };
    enum admin_result result = call->job.result;
    answer_refuse(&call->answer, refusals[result].status, refusals[result].code, "%s",
                  call->job.why.text);
}

/* --- tests of hooks: each waits for its receiver, and a thread with it, so they leave threads for
 * all else, and a room has one at a time --- */

static bool begin_test(struct web *web, const struct request *request)
{
    const struct request **place = NULL;
    for (size_t i = 0; i < TESTS_MAX; i++) {
        if (web->tests[i] == NULL)
            place = &web->tests[i];
        else if (room_id_equal(&web->tests[i]->call.room, &request->call.room))
            return false;
    }
    if (place != NULL)
        *place = request;
    return place != NULL;
}

static void end_test(struct web *web, const struct request *request)
{
    for (size_t i = 0; i < TESTS_MAX; i++) {
        if (web->tests[i] == request)
            web->tests[i] = NULL;
    }
}

/* --- what threads do --- */

static void on_run(struct job *job, struct session *session)
{
    struct call *call = (struct call *)job;
    call->route->run(call, session);
}

static void on_done(struct job *job)
{
    struct request *request = (struct request *)job;
    end_test(request->web, request);
    if (job->result != ADMIN_DONE)
        refuse_by_result(&request->call);
    finish(request);
}

static void answer_workers(struct call *call, const struct snapshot_view *view)
{
    buffer_append_text(&call->answer.body, "{\"data\":");
    buffer_append_bytes(&call->answer.body, view->workers);
    buffer_append_text(&call->answer.body, ",\"iterator\":null,\"done\":true}");
}

/* The queue is as it should be, or not. */
static void on_view(void *context, const struct snapshot_view *view)
{
    struct request *request = context;
    struct call *call = &request->call;
    bool is_status = call->route->source == SOURCE_STATUS;
    if (!view->is_up) {
        answer_refuse(&call->answer, 503, "redis", "%s", view->why);
    } else if (!view->is_contract_ours && !is_status) {
        answer_refuse(&call->answer, 503, "contract",
                      "the queue is of contract %s, and this service of " KEYS_CONTRACT,
                      view->contract);
    } else if (is_status) {
        buffer_append_bytes(&call->answer.body, view->status);
    } else if (call->route->source == SOURCE_WORKERS) {
        answer_workers(call, view);
    } else if (call->route->run == api_test_hook && !begin_test(request->web, request)) {
        answer_refuse(&call->answer, 503, "busy", "another test is under way; ask again");
    } else if (jobs_add(request->web->jobs, &call->job) != 0) {
        end_test(request->web, request);
        answer_refuse(&call->answer, 503, "busy", "too many requests wait for Redis");
    } else {
        return;
    }
    finish(request);
}

static void make_token(struct request *request)
{
    struct call *call = &request->call;
    struct web *web = request->web;
    const char *expires = call_value(call, "expires");
    int64_t ms = TOKEN_DEFAULT_MS;
    char token[TOKEN_SIZE];
    if (expires != NULL)
        (void)parse_duration_ms(bytes_of(expires), 1000, 3600 * INT64_C(1000), &ms);
    int64_t expires_s = loop_wall_ms() / 1000 + ms / 1000;
    if (token_make_for_room(&web->tokens.tokens, web->options->redis.keys.queue, &call->room,
                            expires_s, token) < 0) {
        answer_refuse(&call->answer, 409, "key",
                      "the tokens' file has no key: roomhook-web token create adds one");
        return;
    }
    call->answer.has_secret = true;
    call->answer.status = 201;
    object_begin(&call->answer.body);
    object_put_text(&call->answer.body, "token", bytes_of(token));
    object_put_room(&call->answer.body, "room", &call->room);
    object_put_int(&call->answer.body, "expires_at", expires_s * 1000);
    object_end(&call->answer.body);
}

/* What a page needs to know of its rights. */
static void put_service(struct request *request)
{
    const struct web_options *options = request->web->options;
    const struct access *access = &request->call.access;
    struct buffer *out = &request->call.answer.body;
    object_begin(out);
    object_put_text(out, "version", BYTES(RH_VERSION));
    object_put_text(out, "queue", bytes_of(options->redis.keys.queue));
    if (options->environment != NULL)
        object_put_text(out, "environment", bytes_of(options->environment));
    object_put_text(out, "role", bytes_of(role_name(access)));
    if (access->room.len > 0)
        object_put_room(out, "room", &access->room);
    object_put_bool(out, "actions", options->actions);
    object_end(out);
}

static void start(struct request *request, struct bytes path, struct bytes query)
{
    const struct http_request *http = request->exchange->request;
    struct call *call = &request->call;
    if (!is_known(request) ||
        !call_read(call, path, query, http->body, http_request_header(http, "Content-Type")) ||
        !is_allowed(request) || !call_is_complete(call)) {
        finish(request);
        return;
    }
    if (call->route->source == SOURCE_TOKEN) {
        make_token(request);
        finish(request);
    } else if (call->route->source == SOURCE_SERVICE) {
        put_service(request);
        finish(request);
    } else if (snapshot_get(request->web->snapshot, on_view, request) != 0) {
        answer_refuse(&call->answer, 503, "busy", "too many requests wait for Redis");
        finish(request);
    }
}

static void answer_api(struct web *web, struct exchange *exchange, const struct route *route,
                       struct bytes path, struct bytes query)
{
    struct request *request = calloc(1, sizeof(*request));
    if (request == NULL) {
        refuse(exchange, 503, "busy", "out of memory");
        return;
    }
    request->web = web;
    request->exchange = exchange;
    request->call.route = route;
    request->call.job.run = on_run;
    request->call.job.done = on_done;
    request->call.access = find_access(web, exchange->request);
    answer_init(&request->call.answer);
    start(request, path, query);
}

static void refuse_method(struct exchange *exchange, const char *allow)
{
    struct answer answer;
    answer_init(&answer);
    answer_refuse(&answer, 405, "method", "allowed here: %s", allow);
    (void)bytes_copy_text(bytes_of(allow), answer.allow, sizeof(answer.allow));
    server_answer(exchange, &answer);
}

static void on_request(void *context, struct exchange *exchange)
{
    struct web *web = context;
    const struct http_request *request = exchange->request;
    struct bytes path = request->target;
    struct bytes query = {path.data, 0};
    const char *question = memchr(path.data, '?', path.len);
    size_t base_len = strlen(web->options->base_path);
    char allow[ANSWER_ALLOW_SIZE] = "";
    if (question != NULL) {
        size_t len = (size_t)(question - path.data);
        query = (struct bytes){question + 1, path.len - len - 1};
        path.len = len;
    }
    if (path.len > base_len && memcmp(path.data, web->options->base_path, base_len) == 0)
        path = (struct bytes){path.data + base_len, path.len - base_len};
    const struct route *route =
        path.data[0] == '/' ? route_find(request->method, path, allow) : NULL;
    if (route != NULL)
        answer_api(web, exchange, route, path, query);
    else if (allow[0] != '\0')
        refuse_method(exchange, allow);
    else if ((is_probe(path) || is_page(web, path)) && !fence_is_safe(request->method))
        refuse_method(exchange, "GET, HEAD");
    else if (is_probe(path))
        answer_probe(web, exchange, path);
    else if (is_page(web, path))
        answer_page(web, exchange, path);
    else
        refuse(exchange, 404, "not_found", "there is nothing at this path: see /openapi.json");
}

/* --- the service --- */

static void put_status(void *context, char text[NOTIFY_TEXT_SIZE])
{
    const struct web *web = context;
    (void)snprintf(text, NOTIFY_TEXT_SIZE, "%s\nSTATUS=listening on %.128s\nWATCHDOG=1",
                   web->stops ? "STOPPING=1" : "READY=1", server_address(web->server));
}

static void on_stop(void *context)
{
    struct web *web = context;
    web->stops = true;
    notify_now(web->notify);
    loop_stop(web->loop);
}

static int open_notify(struct web *web)
{
    struct notify_request request;
    struct error_text why;
    if (notify_request_read(&request, &why) != 0)
        log_at(LOG_WARN, "notify_ignored", log_text("why", why.text));
    web->notify = notify_new(web->loop, &request, "", put_status, web);
    return web->notify != NULL ? 0 : -1;
}

static int open_parts(struct web *web, struct error_text *why)
{
    const struct web_options *options = web->options;
    const struct server_config config = {
        .fence = &options->fence,
        .listen = options->listen,
        .handle = on_request,
        .answered = on_answered,
        .context = web,
    };
    error_text_set(why, "out of memory or descriptors");
    if (options->tokens != NULL && token_file_open(&web->tokens, options->tokens, why) != 0)
        return -1;
    web->loop = loop_new();
    if (web->loop == NULL || loop_on_signal(web->loop, SIGTERM, on_stop, web) != 0 ||
        loop_on_signal(web->loop, SIGINT, on_stop, web) != 0)
        return -1;
    web->jobs = jobs_new(web->loop, &options->redis, why);
    if (web->jobs == NULL)
        return -1;
    web->snapshot = snapshot_new(web->jobs, options->redis.keys.queue);
    (void)snprintf(web->home, sizeof(web->home), "%s/", options->base_path);
    buffer_init(&web->openapi, OPENAPI_MAX);
    openapi_put(&web->openapi, options->base_path);
    if (options->actions)
        web->tasks = tasks_new(web->loop, web->jobs, &options->redis);
    if (web->snapshot == NULL || buffer_failed(&web->openapi) ||
        (options->actions && web->tasks == NULL))
        return -1;
    web->server = server_new(web->loop, &config, why);
    return web->server != NULL ? open_notify(web) : -1;
}

static void close_parts(struct web *web)
{
    notify_free(web->notify);
    jobs_free(web->jobs);
    tasks_free(web->tasks);
    server_free(web->server);
    snapshot_free(web->snapshot);
    buffer_release(&web->openapi);
    loop_free(web->loop);
    explicit_bzero(&web->tokens, sizeof(web->tokens));
}

int web_run(const struct web_options *options)
{
    struct web *web = calloc(1, sizeof(*web));
    struct error_text why = {"out of memory"};
    int result = EXIT_FAILURE;
    if (web == NULL)
        return EXIT_FAILURE;
    web->options = options;
    if (open_parts(web, &why) == 0) {
        log_at(LOG_INFO, "listening", log_text("address", server_address(web->server)),
               log_text("queue", options->redis.keys.queue),
               log_text("actions", options->actions ? "yes" : "no"),
               log_text("version", RH_VERSION));
        result = loop_run(web->loop) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
        log_at(LOG_INFO, "stopped", log_int("status", result));
    } else {
        log_at(LOG_ERROR, "cannot_start", log_text("why", why.text));
    }
    close_parts(web);
    free(web);
    return result;
}
