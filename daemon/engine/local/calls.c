/* Owns: opens and tools under way. Each is answered once, whatever becomes of the launcher. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "local.h"

#define TOOL_READ_BYTES    65536
#define TOOL_READS_MAX     64   /* in one turn of the loop */
#define TOOL_LATE_MS       5000 /* after its time: the keeper itself must have died */
#define TOOL_TIMEOUT_MAX   UINT64_C(3600000)
#define TOOL_ARGUMENT_MAX  64
#define TOOL_STATUS_NOEXEC 127

static struct local_call *call_take(struct local *engine, uint64_t id)
{
    struct local_call **link = &engine->calls;
    while (*link && (*link)->id != id)
        link = &(*link)->next;
    struct local_call *call = *link;
    if (call)
        *link = call->next;
    return call;
}

static void call_add(struct local *engine, struct local_call *call)
{
    call->engine = engine;
    call->id = ++engine->id_last;
    call->next = engine->calls;
    engine->calls = call;
}

void local_call_opened(struct local *engine, const struct wire_message *message, int fd)
{
    struct local_call *call = call_take(engine, message->id);
    if (!call || !call->opened) {
        if (fd >= 0)
            close(fd);
        free(call);
        return;
    }
    call->opened(call->ctx, message->code ? message->code : fd >= 0 ? fd : -EPROTO);
    free(call);
}

static int owner_check(const struct stint_run_owner *owner, struct stint_error *err)
{
    if (owner->group_count > STINT_RUN_GROUP_MAX)
        return stint_fail(err, STINT_INVALID, "%zu supplementary groups, at most %d",
                          owner->group_count, STINT_RUN_GROUP_MAX);
    return 0;
}

int local_open_output(struct stint_engine *engine, struct stint_run_key key,
                      const struct stint_run_owner *owner, enum stint_run_stream stream,
                      const char *path, stint_engine_open_fn done, void *ctx,
                      struct stint_error *err)
{
    struct local *local = stint_container_of(engine, struct local, base);
    struct wire_body_source source = { 0 };
    struct wire_message message;
    int fd = -1;
    int r = owner_check(owner, err);
    if (r != 0)
        return r;
    local_owner_put(owner, &source);
    if (stream == STINT_RUN_STDERR)
        source.stderr_path = path;
    else
        source.stdout_path = path;
    if ((r = local_body_make(&source, &fd)) != 0)
        return stint_fail(err, r, "cannot describe the output file");
    struct local_call *call = calloc(1, sizeof(*call));
    if (!call) {
        close(fd);
        return stint_fail(err, -ENOMEM, "out of memory");
    }
    wire_message_init(&message, WIRE_OPEN, key);
    message.id = local->id_last + 1;
    message.value = stream;
    if ((r = local_send(local, &message, &fd, 1)) != 0) {
        free(call);
        return stint_fail(err, r, "the launcher takes nothing now");
    }
    call->opened = done;
    call->ctx = ctx;
    call_add(local, call);
    return 0;
}

static void tool_on_closed(uv_handle_t *handle)
{
    struct local_call *call = handle->data;
    struct local *engine = call->engine;
    if (--call->handles == 0) {
        stint_buffer_deinit(&call->output);
        if (call->output_fd >= 0)
            close(call->output_fd);
        free(call);
    }
    local_handle_closed(engine);
}

/* The one place that answers a tool. */
static void tool_finish(struct local_call *call)
{
    struct local *engine = call->engine;
    (void)call_take(engine, call->id);
    engine->tool_count--;
    if (call->result == 0 && call->output.failed)
        call->result = -ENOMEM;
    call->ended(call->ctx, call->result, call->exit_status, stint_buffer_text(&call->output),
                call->output.length);
    uv_close((uv_handle_t *)&call->poll, tool_on_closed);
    uv_close((uv_handle_t *)&call->timer, tool_on_closed);
}

static void tool_reading_end(struct local_call *call)
{
    call->reading = false;
    uv_poll_stop(&call->poll);
    if (call->answered)
        tool_finish(call);
}

/* Closing our end is the way to stop a tool that says too much: it gets SIGPIPE. */
static void tool_output_close(struct local_call *call)
{
    uv_poll_stop(&call->poll);
    close(call->output_fd);
    call->output_fd = -1;
    tool_reading_end(call);
}

static void tool_on_output(uv_poll_t *poll, int status, int events)
{
    struct local_call *call = poll->data;
    char bytes[TOOL_READ_BYTES];
    (void)status;
    (void)events;
    for (int i = 0; i < TOOL_READS_MAX; i++) {
        ssize_t got = read(call->output_fd, bytes, sizeof(bytes));
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            tool_reading_end(call);
            return;
        }
        if ((size_t)got > call->output.bound - call->output.length) {
            call->result = -EFBIG;
            tool_output_close(call);
            return;
        }
        stint_buffer_add(&call->output, bytes, (size_t)got);
    }
}

static int tool_result(int code, int status, int *ret_exit_status)
{
    if (code != 0)
        return code;
    if (!WIFEXITED(status))
        return -ECHILD;
    if (WEXITSTATUS(status) == TOOL_STATUS_NOEXEC)
        return -ENOEXEC;
    *ret_exit_status = WEXITSTATUS(status);
    return 0;
}

void local_call_ended(struct local *engine, const struct wire_message *message)
{
    struct local_call *call = engine->calls;
    while (call && (call->id != message->id || !call->ended))
        call = call->next;
    if (!call || call->answered)
        return;
    call->answered = true;
    if (call->result == 0)
        call->result = tool_result(message->code, (int)message->value, &call->exit_status);
    if (!call->reading)
        tool_finish(call);
}

static void tool_on_late(uv_timer_t *timer)
{
    struct local_call *call = timer->data;
    call->result = call->result ? call->result : -ETIMEDOUT;
    tool_finish(call);
}

void local_calls_fail(struct local *engine, int code)
{
    while (engine->calls) {
        struct local_call *call = engine->calls;
        if (call->ended) {
            call->result = code;
            tool_finish(call);
        } else {
            (void)call_take(engine, call->id);
            call->opened(call->ctx, code);
            free(call);
        }
    }
}

static int tool_check(const struct local *engine, const struct stint_tool_request *request,
                      struct stint_error *err)
{
    size_t count = 0;
    while (request->argv && request->argv[count] && count <= TOOL_ARGUMENT_MAX)
        count++;
    if (count > TOOL_ARGUMENT_MAX || request->input_length > STINT_RUN_BODY_MAX ||
        request->output_max > STINT_TOOL_OUTPUT_MAX || request->timeout_ms == 0 ||
        request->timeout_ms > TOOL_TIMEOUT_MAX)
        return stint_fail(err, STINT_INVALID, "a bound of a tool's request is broken");
    if (!engine->has_tool)
        return stint_fail(err, -ENOSYS, "the launcher was given no evaluator");
    if (engine->tool_count == STINT_TOOL_MAX)
        return stint_fail(err, STINT_BUSY, "%d evaluations are running", STINT_TOOL_MAX);
    return owner_check(&request->owner, err);
}

/* Body, input, output, extra, in that order; closes all of them when it fails. */
static int tool_fds(const struct stint_tool_request *request, int *fds, int *ret_count,
                    int *ret_output)
{
    struct wire_body_source source = { .argv = request->argv };
    int ends[2] = { -1, -1 };
    source.head.walltime_ms = request->timeout_ms;
    source.head.memory_bytes = request->memory_bytes;
    local_owner_put(&request->owner, &source);
    int count = 0;
    int r = local_body_make(&source, &fds[0]);
    if (r == 0) {
        count = 1;
        r = local_bytes_make(request->input, request->input_length, &fds[1]);
    }
    if (r == 0) {
        count = 2;
        r = pipe2(ends, O_CLOEXEC) != 0 ? -errno : 0;
    }
    if (r == 0) {
        fds[2] = ends[1];
        count = 3;
        if (request->extra_fd >= 0 &&
            (fds[count++] = fcntl(request->extra_fd, F_DUPFD_CLOEXEC, 3)) < 0) {
            r = -errno;
            count--;
            close(ends[0]);
        }
    }
    if (r == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
        r = -errno;
    for (int i = 0; r != 0 && i < count; i++)
        close(fds[i]);
    *ret_count = count;
    *ret_output = ends[0];
    return r;
}

static int tool_watch(struct local *engine, struct local_call *call, uint64_t timeout_ms)
{
    int r = uv_poll_init(engine->loop, &call->poll, call->output_fd);
    if (r != 0)
        return r;
    uv_timer_init(engine->loop, &call->timer);
    call->poll.data = call;
    call->timer.data = call;
    call->handles = 2;
    engine->handles += 2;
    engine->tool_count++;
    call->reading = true;
    uv_poll_start(&call->poll, UV_READABLE | UV_DISCONNECT, tool_on_output);
    uv_timer_start(&call->timer, tool_on_late, timeout_ms + TOOL_LATE_MS, 0);
    return 0;
}

int local_run_tool(struct stint_engine *engine, const struct stint_tool_request *request,
                   stint_engine_tool_fn done, void *ctx, struct stint_error *err)
{
    struct local *local = stint_container_of(engine, struct local, base);
    struct wire_message message;
    int fds[WIRE_FD_MAX] = { -1, -1, -1, -1 };
    int count = 0;
    int output = -1;
    int r = tool_check(local, request, err);
    if (r != 0)
        return r;
    struct local_call *call = calloc(1, sizeof(*call));
    if (!call)
        return stint_fail(err, -ENOMEM, "out of memory");
    if ((r = tool_fds(request, fds, &count, &output)) != 0) {
        free(call);
        return stint_fail(err, r, "cannot prepare the evaluator's input");
    }
    wire_message_init(&message, WIRE_TOOL, (struct stint_run_key){ 0 });
    message.id = local->id_last + 1;
    r = local_send(local, &message, fds, count);
    call->output_fd = output;
    call->output.bound = request->output_max;
    call->ended = done;
    call->ctx = ctx;
    if (r != 0 || (r = tool_watch(local, call, request->timeout_ms)) != 0) {
        close(output);
        free(call);
        return stint_fail(err, r, "the launcher takes nothing now");
    }
    call_add(local, call);
    return 0;
}
