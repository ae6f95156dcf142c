/* Owns: submitting many at once, a list or NDJSON. Each request is judged alone. Reading them is
 * most of the work and needs no room of the daemon, so a thread of libuv's pool reads a piece of
 * the body while the loop submits the piece before it: nobody else waits for more than a piece.
 * The answer leaves when the last request is answered, which is after its commit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/admission.h"
#include "stint/request.h"
#include "views.h"

#define BULK_MAX 20000 /* requests of one body */
#define PIECE    128   /* requests the loop takes in one go: about 2 ms of its time */

/* One request of a bulk. @line: where it stands in NDJSON, from 1; 0 in a list. */
struct result {
    uint64_t job;
    size_t line;
    bool is_evaluated;
    enum stint_reason_code reason; /* when it is not */
    char *problem;
    char *rehearsal;
};

/* A request as the thread read it: with its problem when it is none. */
struct given {
    size_t line;
    char *problem;
    struct stint_request request;
};

struct piece {
    size_t count;
    struct given given[PIECE];
};

/* @reading: the piece that is the thread's while it works; the other one is the loop's.
 * @open: answers still to come, and one while requests are being handed over. */
struct bulk {
    uv_work_t work;
    struct exchange *ex;
    bool is_rehearsal;
    size_t open;
    size_t count; /* known, as @results, when the first piece is read */
    struct result *results;
    size_t submitted;

    struct piece pieces[2];
    unsigned reading;
    struct stint_buffer body;
    bool is_lines;
    json_t *list;
    const char *at;
    size_t line;
    size_t read_count;
    struct stint_error error; /* of the body */
};

struct item {
    struct bulk *bulk;
    size_t index;
};

static void bulk_free(struct bulk *bulk)
{
    for (size_t i = 0; bulk->results && i < bulk->count; i++) {
        free(bulk->results[i].problem);
        free(bulk->results[i].rehearsal);
    }
    free(bulk->results);
    json_decref(bulk->list);
    stint_buffer_deinit(&bulk->body);
    exchange_unref(bulk->ex);
    free(bulk);
}

/* ---- the thread's part ---- */

static size_t line_ends(const char *from, const char *to)
{
    size_t count = 0;
    for (; from < to && (from = memchr(from, '\n', (size_t)(to - from))); from++)
        count++;
    return count;
}

/* Lines of nothing but blanks are no requests. */
static size_t count_lines(const struct stint_buffer *body)
{
    size_t count = 0;
    size_t length;
    const char *at = stint_buffer_text(body);
    for (const char *end = at + body->length; text_line(&at, end, &length); at += length)
        count++;
    return count;
}

/* What is over the bound is refused together with the whole: nothing was promised yet. */
static int body_open(struct bulk *bulk, struct stint_error *err)
{
    int r = 0;
    bulk->at = stint_buffer_text(&bulk->body);
    bulk->line = 1;
    if (!bulk->is_lines)
        r = text_json(bulk->at, bulk->body.length, 0, &bulk->list, err);
    if (r != 0)
        return r;
    bulk->count = bulk->is_lines ? count_lines(&bulk->body) : json_array_size(bulk->list);
    if (bulk->count > BULK_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "%zu requests, at most %d in one body", bulk->count,
                          BULK_MAX);
    bulk->results = calloc(bulk->count + 1, sizeof(*bulk->results));
    return bulk->results ? 0 : stint_fail(err, -ENOMEM, "no memory for the requests");
}

static char *problem_text(const struct stint_answer *answer)
{
    struct stint_buffer problem = { 0 };
    problem_write(&problem, problem_status(answer->error.code), &answer->error, answer->reason,
                  answer->criteria, answer->decision);
    char *text = stint_buffer_take(&problem);
    stint_buffer_deinit(&problem);
    return text;
}

static int line_json(struct bulk *bulk, struct given *given, json_t **ret_json,
                     struct stint_error *err)
{
    const char *end = stint_buffer_text(&bulk->body) + bulk->body.length;
    const char *before = bulk->at;
    size_t length = 0;
    (void)text_line(&bulk->at, end, &length); /* it is there: the lines were counted */
    bulk->line += line_ends(before, bulk->at);
    given->line = bulk->line;
    int r = text_json(bulk->at, length, bulk->line, ret_json, err);
    bulk->at += length;
    return r;
}

static void given_read(struct bulk *bulk, struct given *given)
{
    struct stint_answer answer = { .reason = STINT_REASON_NONE };
    json_t *json = NULL;
    *given = (struct given){ 0 };
    if (bulk->is_lines)
        answer.error.code = line_json(bulk, given, &json, &answer.error);
    else
        json = json_incref(json_array_get(bulk->list, bulk->read_count));
    if (json)
        answer.error.code = stint_request_parse(json, &given->request, &answer.error);
    if (answer.error.code != 0)
        given->problem = problem_text(&answer);
    json_decref(json);
    bulk->read_count++;
}

static void read_in_thread(uv_work_t *work)
{
    struct bulk *bulk = work->data;
    struct piece *piece = &bulk->pieces[bulk->reading];
    piece->count = 0;
    if (!bulk->results && (bulk->error.code = body_open(bulk, &bulk->error)) != 0)
        return;
    for (; piece->count < PIECE && bulk->read_count < bulk->count; piece->count++)
        given_read(bulk, &piece->given[piece->count]);
}

/* ---- the loop's part ---- */

static void write_result(struct stint_buffer *out, const struct result *result)
{
    stint_json_object(out);
    if (result->line != 0)
        stint_json_kv_int(out, "line", (int64_t)result->line);
    if (result->job != 0) {
        stint_json_kv_int(out, "id", (int64_t)result->job);
        if (!result->is_evaluated)
            stint_json_kv_text(out, "reason", unjudged_reason(result->reason));
    } else {
        const char *text = result->rehearsal ? result->rehearsal : result->problem;
        stint_json_key(out, result->rehearsal ? "job" : "problem");
        stint_json_raw(out, text ? text : "{}", text ? strlen(text) : 2);
    }
    stint_json_object_end(out);
}

static void part_done(struct bulk *bulk)
{
    struct exchange *ex = bulk->ex;
    if (--bulk->open > 0)
        return;
    if (!exchange_is_gone(ex)) {
        stint_json_object(&ex->out);
        stint_json_key(&ex->out, "results");
        stint_json_array(&ex->out);
        for (size_t i = 0; i < bulk->count; i++)
            write_result(&ex->out, &bulk->results[i]);
        stint_json_array_end(&ex->out);
        stint_json_object_end(&ex->out);
        exchange_send_durable(ex, 200);
    }
    bulk_free(bulk);
}

static void on_answer(void *context, const struct stint_answer *answer)
{
    struct item item = *(struct item *)context;
    struct result *result = &item.bulk->results[item.index];
    free(context);
    if (answer->error.code != 0)
        result->problem = problem_text(answer);
    else if (answer->rehearsal)
        result->rehearsal = strdup(answer->rehearsal);
    result->job = answer->job;
    result->is_evaluated = answer->is_evaluated;
    result->reason = answer->reason;
    part_done(item.bulk);
}

/* The others go on when one is no request. */
static void submit(struct bulk *bulk, struct given *given)
{
    size_t index = bulk->submitted++;
    struct item *item = given->problem ? NULL : malloc(sizeof(*item));
    bulk->results[index].line = given->line;
    if (!item) {
        stint_request_deinit(&given->request);
        bulk->results[index].problem = given->problem;
        return;
    }
    *item = (struct item){ bulk, index };
    bulk->open++;
    stint_admission_submit(bulk->ex->api->options.admission, &bulk->ex->caller, &given->request,
                           bulk->is_rehearsal, on_answer, item);
}

static void piece_submit(struct bulk *bulk, struct piece *piece)
{
    for (size_t i = 0; i < piece->count; i++)
        submit(bulk, &piece->given[i]);
}

static void piece_drop(struct piece *piece)
{
    for (size_t i = 0; i < piece->count; i++) {
        free(piece->given[i].problem);
        stint_request_deinit(&piece->given[i].request);
    }
}

/* The next piece is read while this one is submitted. When the daemon stops, the client was told so
 * already and nothing more is taken. */
static void on_read(uv_work_t *work, int status)
{
    struct bulk *bulk = work->data;
    struct piece *piece = &bulk->pieces[bulk->reading];
    bool is_over = status != 0 || bulk->error.code != 0 || exchange_is_gone(bulk->ex);
    bool has_more = !is_over && bulk->read_count < bulk->count;
    if (is_over)
        piece_drop(piece);
    if (bulk->error.code != 0) {
        exchange_fail(bulk->ex, &bulk->error);
        bulk_free(bulk);
        return;
    }
    bulk->reading ^= 1;
    if (has_more)
        (void)uv_queue_work(work->loop, work, read_in_thread, on_read);
    if (!is_over)
        piece_submit(bulk, piece);
    if (!has_more)
        part_done(bulk);
}

void bulk_begin(struct exchange *ex, bool is_lines, bool is_rehearsal)
{
    struct stint_error err;
    struct bulk *bulk = calloc(1, sizeof(*bulk));
    if (!bulk) {
        (void)stint_fail(&err, -ENOMEM, "no memory for the requests");
        exchange_fail(ex, &err);
        return;
    }
    bulk->work.data = bulk;
    bulk->ex = exchange_ref(ex);
    bulk->is_lines = is_lines;
    bulk->is_rehearsal = is_rehearsal;
    bulk->open = 1;
    bulk->body = ex->body; /* still counted among the bodies until the answer is queued */
    ex->body = (struct stint_buffer){ 0 };
    (void)uv_queue_work(ex->api->options.loop, &bulk->work, read_in_thread, on_read);
}
