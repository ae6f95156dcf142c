/* Owns: output of jobs, once or followed. The daemon never opens a path that a user named: the
 * engine gives a read-only descriptor opened as the job's owner. The file is read on the thread
 * pool; a follower looks again several times a second until the job is done and the end is
 * reached. */
#include "views.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../jobs/pattern.h"
#include "stint/engine.h"
#include "stint/jobs.h"
#include "stint/request.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define CHUNK_BYTES ((size_t)64 << 10)
#define LOOK_MS     200

/* @refs: the response (or the opening) and a read under way. */
struct output {
    struct exchange *ex; /* NULL once the response is gone */
    struct streams *streams;
    struct output *next;
    struct output *previous;
    unsigned refs;
    int fd;
    uint64_t job;
    uint32_t task; /* STINT_TASK_WHOLE: a plain job */
    int64_t offset;
    bool is_following;
    bool is_reading;
    bool is_ended;
    bool is_job_done;
    bool was_done_at_opening;
    bool was_job_done; /* when the read under way began */
    uv_fs_t request;
    size_t length;
    size_t sent;
    char bytes[CHUNK_BYTES];
};

struct streams {
    struct stint_api *api;
    struct output *outputs;
    size_t count;
    uv_timer_t *timer;
};

static void on_look(uv_timer_t *timer);

int streams_new(struct stint_api *api, struct streams **ret_streams)
{
    struct streams *streams = calloc(1, sizeof(*streams));
    uv_timer_t *timer = calloc(1, sizeof(*timer));
    if (!streams || !timer) {
        free(streams);
        free(timer);
        return -ENOMEM;
    }
    streams->timer = timer;
    streams->api = api;
    (void)uv_timer_init(api->options.loop, streams->timer);
    streams->timer->data = streams;
    *ret_streams = streams;
    return 0;
}

static void output_unlink(struct output *output)
{
    if (!output->streams)
        return;
    if (output->next)
        output->next->previous = output->previous;
    if (output->previous)
        output->previous->next = output->next;
    else
        output->streams->outputs = output->next;
    if (--output->streams->count == 0)
        (void)uv_timer_stop(output->streams->timer);
    output->streams = NULL;
}

static void output_unref(struct output *output)
{
    if (--output->refs > 0)
        return;
    output_unlink(output);
    if (output->fd >= 0)
        close(output->fd);
    free(output);
}

static void output_end(struct output *output)
{
    output->is_ended = true;
    if (output->ex)
        exchange_resume(output->ex);
}

void streams_end(struct stint_api *api)
{
    for (struct output *output = api->streams->outputs; output; output = output->next)
        output_end(output);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

struct streams *streams_free(struct streams *streams)
{
    if (!streams)
        return NULL;
    while (streams->outputs)
        output_unlink(streams->outputs);
    (void)uv_timer_stop(streams->timer);
    uv_close((uv_handle_t *)streams->timer, free_handle);
    free(streams);
    return NULL;
}

/* ---- reading ---- */

static void output_on_read(uv_fs_t *request)
{
    struct output *output = request->data;
    ssize_t n = request->result;
    uv_fs_req_cleanup(request);
    output->is_reading = false;
    if (n > 0) {
        output->length = (size_t)n;
        output->sent = 0;
        output->offset += n;
    } else if (n < 0 || !output->is_following || output->was_job_done) {
        output->is_ended = true;
    }
    if (output->ex && (n > 0 || output->is_ended))
        exchange_resume(output->ex);
    output_unref(output);
}

static void output_look(struct output *output)
{
    uv_buf_t buffer = uv_buf_init(output->bytes, CHUNK_BYTES);
    if (output->is_reading || output->is_ended || output->sent < output->length)
        return;
    output->was_job_done = output->is_job_done;
    output->request.data = output;
    output->is_reading = true;
    output->refs++;
    if (uv_fs_read(output->streams->api->options.loop, &output->request, output->fd, &buffer, 1,
                   output->offset, output_on_read) != 0) {
        output->is_reading = false;
        output->is_ended = true;
        output->refs--; /* the response still holds it */
    }
}

static void on_look(uv_timer_t *timer)
{
    struct streams *streams = timer->data;
    for (struct output *output = streams->outputs; output; output = output->next) {
        if (!output->ex || output->fd < 0)
            continue;
        if (exchange_is_hung_up(output->ex))
            output_end(output);
        else
            output_look(output);
    }
}

void streams_on_event(struct stint_api *api, uint64_t job)
{
    for (struct output *output = api->streams->outputs; output; output = output->next)
        if (output->job == job && !output->is_job_done)
            output->is_job_done = job_or_task_is_done(api, job, output->task);
}

static ssize_t output_read(void *context, uint64_t position, char *bytes, size_t max)
{
    struct output *output = context;
    size_t left = output->length - output->sent;
    (void)position;
    if (left > 0) {
        size_t length = left < max ? left : max;
        memcpy(bytes, output->bytes + output->sent, length);
        output->sent += length;
        return (ssize_t)length;
    }
    if (output->is_ended || !output->ex || !output->streams)
        return MHD_CONTENT_READER_END_OF_STREAM;
    exchange_suspend(output->ex);
    output_look(output);
    if (output->is_ended)
        exchange_resume(output->ex);
    return 0;
}

static void output_closed(void *context)
{
    struct output *output = context;
    struct exchange *ex = stint_take(output->ex);
    output_unlink(output);
    if (ex)
        exchange_unref(ex);
    output_unref(output);
}

/* ---- opening ---- */

static void output_on_open(void *context, int fd)
{
    struct output *output = context;
    struct exchange *ex = output->ex;
    struct stint_error err;
    if (fd < 0 || exchange_is_gone(ex) || !output->streams) {
        if (fd >= 0)
            close(fd);
        const char *missing = output->was_done_at_opening
                                  ? "the job is done, and its file is not there"
                                  : "nothing was written yet";
        (void)stint_fail(&err, fd == -ENOENT ? STINT_NOT_FOUND : fd,
                         "the output cannot be read: %s",
                         fd == -ENOENT ? missing : strerror(fd < 0 ? -fd : EIO));
        exchange_fail(ex, &err);
        output_closed(output);
        return;
    }
    output->fd = fd;
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, 16384, output_read, output, output_closed);
    if (!response) {
        (void)stint_fail(&err, -ENOMEM, "no memory for another stream");
        exchange_fail(ex, &err);
        output_closed(output);
        return;
    }
    if (output->is_following)
        (void)uv_timer_start(output->streams->timer, on_look, LOOK_MS, LOOK_MS);
    ex->type = "text/plain; charset=utf-8";
    exchange_send_response(ex, response);
}

/* What is needed of the job's row to find its files; copied, since the row ends with the read. */
struct place {
    uid_t uid;
    gid_t gid;
    struct stint_run_key key;
    bool is_task;
    bool is_array;
    bool is_done;
    bool failed_to_start;
    bool has_path;
    bool is_same_as_stdout;
    int code;
    char user[STINT_USER_NAME_MAX];
    char path[STINT_RUN_PATH_MAX];
    char note[STINT_RUN_TEXT_MAX];
    enum stint_run_stream stream;
};

static void place_path(struct place *place, const struct stint_job_row *row)
{
    __attribute__((cleanup(stint_request_deinit_auto))) struct stint_request request = { 0 };
    json_t *spec = json_loads(row->spec ? row->spec : "{}", 0, NULL);
    if (!spec || stint_request_parse_stored(spec, &request, NULL) != 0)
        place->code = -EINVAL;
    json_decref(spec);
    const char *pattern = place->stream == STINT_RUN_STDERR ? request.error : request.output;
    place->is_same_as_stdout = place->stream == STINT_RUN_STDERR && request.output &&
                               (!request.error || strcmp(request.error, request.output) == 0);
    if (place->code != 0 || !pattern)
        return;
    place->has_path = true;
    place->code = pattern_expand(pattern, request.workdir, row->id, place->key.task, row->name,
                                 row->user_name, place->path, sizeof(place->path));
}

static bool place_on_row(void *context, const struct stint_job_row *row)
{
    struct place *place = context;
    place->uid = row->uid;
    place->gid = row->gid;
    place->key.job = row->id;
    place->key.attempt = (uint32_t)row->attempts;
    place->is_array = row->task_count > 0;
    place->is_done = row->end_ms != 0;
    place->failed_to_start = job_row_failed_to_start(row);
    (void)snprintf(place->user, sizeof(place->user), "%s", row->user_name ? row->user_name : "");
    place_path(place, row);
    return false;
}

static bool place_on_task(void *context, const struct stint_task_row *row)
{
    struct place *place = context;
    place->key.attempt = (uint32_t)row->attempts;
    place->is_done = row->end_ms != 0;
    place->failed_to_start = false;
    return false;
}

/* Tasks have their files each; an array has none. */
static int place_task(struct stint_reader *reader, struct place *place, bool is_named,
                      struct stint_error *err)
{
    unsigned long long id = place->key.job;
    if (!place->is_array)
        return is_named && place->key.task != 0
                   ? stint_fail(err, STINT_NOT_FOUND, "job %llu is not an array", id)
                   : 0;
    if (!is_named) {
        (void)stint_fail(err, STINT_INVALID, "job %llu is an array: each task has its own output",
                         id);
        return stint_fix(err, STINT_INVALID, "name one task, as in %llu_1", id);
    }
    place->is_task = true;
    place->key.attempt = 0;
    int r = stint_reader_task(reader, place->key.job, place->key.task, place_on_task, place);
    return r == -ENOENT ? 0 : r;
}

static bool place_on_run(void *context, const struct stint_run_row *run)
{
    struct place *place = context;
    (void)snprintf(place->note, sizeof(place->note), "%s", run->note ? run->note : "");
    return false;
}

/* Without a start there is no output, and the cause is what is looked for. */
static int place_fail_start(struct stint_reader *reader, struct place *place,
                            struct stint_error *err)
{
    (void)stint_reader_run(reader, place->key, place_on_run, place);
    (void)stint_fail(err, STINT_WRONG_STATE, "job %llu could not be started%s%s",
                     (unsigned long long)place->key.job, place->note[0] ? ": " : "", place->note);
    return stint_fix(err, STINT_WRONG_STATE, "mend that, and submit it again");
}

static int output_open(struct output *output, const struct place *place, struct stint_error *err)
{
    gid_t groups[STINT_RUN_GROUP_MAX];
    int count = STINT_RUN_GROUP_MAX;
    if (!place->user[0] || getgrouplist(place->user, place->gid, groups, &count) < 0)
        count = 0;
    struct stint_run_owner owner = { .uid = place->uid,
                                     .gid = place->gid,
                                     .groups = groups,
                                     .group_count = (size_t)count,
                                     .user = place->user };
    return stint_engine_open_output(output->streams->api->options.engine, place->key, &owner,
                                    place->stream, place->has_path ? place->path : NULL,
                                    output_on_open, output, err);
}

static struct output *output_new(struct exchange *ex, const struct place *place, int64_t offset)
{
    struct streams *streams = ex->api->streams;
    struct output *output = streams->count < API_STREAMS_MAX ? calloc(1, sizeof(*output)) : NULL;
    if (!output)
        return NULL;
    output->ex = exchange_ref(ex);
    output->streams = streams;
    output->refs = 1;
    output->fd = -1;
    output->job = place->key.job;
    output->task = place->is_task ? place->key.task : STINT_TASK_WHOLE;
    output->offset = offset;
    output->is_job_done = place->is_done;
    output->was_done_at_opening = place->is_done;
    output->is_following = exchange_query_flag(ex, "follow");
    output->next = streams->outputs;
    if (output->next)
        output->next->previous = output;
    streams->outputs = output;
    streams->count++;
    return output;
}

static int place_find(struct exchange *ex, const struct stint_job_ref *ref, struct place *place,
                      struct stint_error *err)
{
    uint64_t id = ref->job;
    bool is_named = ref->tasks != NULL;
    place->key.task = is_named ? stint_array_task(ref->tasks, 0) : 0;
    if (is_named && ref->tasks->task_count > 1)
        return stint_fail(err, STINT_INVALID, "one task at a time, as in %llu_1",
                          (unsigned long long)id);
    struct stint_reader *reader = stint_store_reader(ex->api->options.store);
    const char *stream = exchange_query(ex, "stream");
    if (stream && strcmp(stream, "stdout") != 0 && strcmp(stream, "stderr") != 0)
        return stint_fail(err, STINT_INVALID, "stream must be stdout or stderr");
    place->stream = stream && strcmp(stream, "stderr") == 0 ? STINT_RUN_STDERR : STINT_RUN_STDOUT;
    int r = stint_reader_job(reader, id, place_on_row, place);
    if (r == -ENOENT || (r == 0 && !exchange_sees(ex, place->uid)))
        return stint_fail(err, STINT_NOT_FOUND, "there is no job %llu of yours",
                          (unsigned long long)id);
    if (r == 0 && (r = place_task(reader, place, is_named, err)) > 0)
        return r;
    if (r == 0)
        r = place->code;
    if (r != 0)
        return stint_fail(err, r, "the output of job %llu cannot be found", (unsigned long long)id);
    if (place->key.attempt == 0 && place->is_done)
        return stint_fail(err, STINT_WRONG_STATE, "job %llu ended before it started: no output",
                          (unsigned long long)id);
    if (place->key.attempt == 0) {
        (void)stint_fail(err, STINT_WRONG_STATE, "job %llu has not started",
                         (unsigned long long)id);
        return stint_fix(err, STINT_WRONG_STATE, "stint why %llu", (unsigned long long)id);
    }
    return place->failed_to_start ? place_fail_start(reader, place, err) : 0;
}

void handle_job_output(struct exchange *ex)
{
    struct stint_error err = { 0 };
    struct place place = { 0 };
    int64_t offset;
    struct stint_job_ref ref = { 0 };
    if (!exchange_query_int(ex, "offset", 0, INT64_MAX, 0, &offset) ||
        !exchange_param_ref(ex, &ref))
        return;
    int r = place_find(ex, &ref, &place, &err);
    ref.tasks = stint_array_free(ref.tasks);
    if (r == 0 && place.is_same_as_stdout) { /* everything is in the other stream's file */
        ex->type = "text/plain; charset=utf-8";
        exchange_send(ex, 200);
        return;
    }
    struct output *output = r == 0 ? output_new(ex, &place, offset) : NULL;
    if (r == 0 && !output)
        r = stint_fail(&err, STINT_BUSY, "too many outputs are being read");
    if (r == 0 && (r = output_open(output, &place, &err)) != 0)
        output_closed(output);
    if (r != 0) {
        err.code = r;
        exchange_fail(ex, &err);
    }
}
