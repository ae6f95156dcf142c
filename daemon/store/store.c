/* Owns: the life of the store, the hand-over of batches, the release of effects, and what happens
 * when a commit fails. Always true, at the end of every callback:
 *   1. At most one batch flies. Effects of a batch are released after its commit, in the order they
 *      were queued, and batches in the order of their numbers.
 *   2. While it is read-only no row is in the open batch, so what waits there waits for nothing.
 *   3. The async handle holds the loop exactly while something waits or flies, the timer while
 * writing is tried again, or a batch waits for company. The hand-over is in uv_prepare and in
 * uv_check: work that arrives from a timer would otherwise lie there while poll sleeps; and work
 * that arrives from another's prepare callback is found through the async handle. */
#include "stint/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "reader.h"
#include "schema.h"
#include "state.h"
#include "stint/auto.h"
#include "stint/log.h"

/* ---- effects */

static void release_events(struct stint_store *store, const struct batch *batch)
{
    const struct table *table = &store_tables[TABLE_EVENT];
    struct batch_row row;
    size_t at = 0;
    if (!store->options.on_event)
        return;
    while (batch_next_of(batch, (enum statement_id)TABLE_EVENT, &at, &row)) {
        struct stint_event_row event = { 0 };
        for (size_t i = 0; i < table->column_count; i++)
            column_set(&table->columns[i], &event, &row.values[i]);
        store->options.on_event(store->options.context, &event);
    }
}

static void release_effects(struct batch *batch, int status)
{
    for (size_t i = 0; i < batch->effect_count; i++)
        batch->effects[i].fn(batch->effects[i].context, status);
}

/* The open batch steps aside and an empty one takes its place. */
static struct batch *swap_batches(struct stint_store *store)
{
    struct batch *full = store->open;
    struct batch *empty = store->flying;
    assert(!store->is_flying && empty->length == 0 && empty->effect_count == 0);
    empty->number = full->number + 1;
    store->open = empty;
    store->flying = full;
    return full;
}

/* ---- failure and recovery */

static void fail_batch(struct batch *batch, int status)
{
    release_effects(batch, status);
    batch_clear(batch);
}

static void probe_on_timer(uv_timer_t *timer);

static void store_fail(struct stint_store *store, const struct stint_error *error)
{
    char quoted[300];
    store->is_read_only = true;
    store->failure = *error;
    store->figures.failures++;
    stint_log(STINT_LOG_ERROR, "store-failed", "rows=%zu lost=%zu error=%s", store->flying->rows,
              store->open->rows, stint_log_quote(error->text, quoted, sizeof(quoted)));
    fail_batch(store->flying, error->code);
    fail_batch(swap_batches(store), error->code);
    if (!store->is_closing)
        uv_timer_start(&store->timer, probe_on_timer, STINT_STORE_PROBE_MS, STINT_STORE_PROBE_MS);
    if (store->options.on_failed)
        store->options.on_failed(store->options.context, error);
}

static void store_recover(struct stint_store *store)
{
    stint_log(STINT_LOG_INFO, "store-recovered", "probes=%llu",
              (unsigned long long)store->probe_count);
    store->is_read_only = false;
    store->probe_count = 0;
    uv_timer_stop(&store->timer);
    if (store->options.on_recovered)
        store->options.on_recovered(store->options.context);
}

static void probe_on_timer(uv_timer_t *timer)
{
    struct stint_store *store = timer->data;
    char text[32];
    if (store->is_flying || store->is_closing || !store->is_read_only)
        return;
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)++store->probe_count);
    struct stint_meta_row row = { .key = "probe", .value = text };
    if (batch_put_row(&store->probe, (enum statement_id)TABLE_META, &store_tables[TABLE_META],
                      SELECT_INSERT, &row, NULL, NULL) != 0)
        return;
    store->is_flying = true;
    store->is_probing = true;
    writer_give(store->writer, &store->probe);
}

/* ---- the hand-over */

static void count_commit(struct stint_store *store, const struct writer_result *result)
{
    struct stint_store_figures *figures = &store->figures;
    figures->commits++;
    figures->rows += store->flying->rows;
    figures->commit_ns_sum += result->commit_ns;
    if (result->commit_ns > figures->commit_ns_max)
        figures->commit_ns_max = result->commit_ns;
    if (store->flying->rows > figures->batch_rows_max)
        figures->batch_rows_max = store->flying->rows;
}

static void store_on_result(struct stint_store *store, const struct writer_result *result)
{
    store->is_flying = false;
    if (store->is_probing) {
        store->is_probing = false;
        batch_clear(&store->probe);
        if (result->status == 0)
            store_recover(store);
        return;
    }
    if (result->status != 0) {
        store_fail(store, &result->error);
        return;
    }
    count_commit(store, result);
    release_events(store, store->flying);
    release_effects(store->flying, 0);
    batch_clear(store->flying);
}

static bool is_empty(const struct batch *batch)
{
    return batch->rows == 0 && batch->effect_count == 0;
}

bool stint_store_is_pending(const struct stint_store *store)
{
    return (store->is_flying && !store->is_probing) || store->open->rows > 0;
}

static void close_handles(struct stint_store *store);

static void company_on_timer(uv_timer_t *timer)
{
    struct stint_store *store = timer->data;
    store->is_due = true;
    stint_store_advance(store);
}

/* A batch that nobody waits for stays a moment, so that what somebody waits for need not wait for
 * its commit first: a start told by the engine is followed soon by an end, and that by a start. */
static bool may_fly(struct stint_store *store)
{
    if (store->open->is_awaited || store->is_due || store->is_closing)
        return true;
    if (!uv_is_active((uv_handle_t *)&store->timer))
        uv_timer_start(&store->timer, company_on_timer, STINT_STORE_COMPANY_MS, 0);
    return false;
}

static void hand_over(struct stint_store *store)
{
    const struct batch *full = swap_batches(store);
    uv_timer_stop(&store->timer);
    store->is_due = false;
    store->is_flying = true;
    writer_give(store->writer, full);
}

void stint_store_advance(struct stint_store *store)
{
    struct writer_result result;
    if (store->is_flying && writer_take(store->writer, &result))
        store_on_result(store, &result);
    /* Effects that wait for nothing, once a turn: what they queue waits for the next. */
    if (!store->is_flying && store->open->rows == 0 && store->open->effect_count > 0) {
        struct batch *waiting = swap_batches(store);
        release_effects(waiting, 0);
        batch_clear(waiting);
        if (!is_empty(store->open))
            store_wake(store);
    }
    if (!store->is_flying && store->open->rows > 0 && may_fly(store))
        hand_over(store);
    bool is_idle = !store->is_flying && is_empty(store->open);
    if (store->is_closing && is_idle && store->reads == 0)
        close_handles(store);
    else if (is_idle && !store->is_closing)
        uv_unref((uv_handle_t *)&store->async);
}

void store_wake(struct stint_store *store)
{
    uv_ref((uv_handle_t *)&store->async);
    uv_async_send(&store->async);
}

static void store_on_prepare(uv_prepare_t *handle)
{
    stint_store_advance(handle->data);
}

static void store_on_check(uv_check_t *handle)
{
    stint_store_advance(handle->data);
}

static void store_on_async(uv_async_t *handle)
{
    stint_store_advance(handle->data);
}

static void store_on_notify(void *context)
{
    struct stint_store *store = context;
    uv_async_send(&store->async);
}

/* ---- opening */

static int state_failed(struct stint_store *store, int code, struct stint_error *err)
{
    (void)stint_fail(err, -code, "state folder %s: %s", store->state, strerror(code));
    if (code == EROFS || code == EACCES || code == EPERM)
        (void)stint_fix(err, -code,
                        "let the daemon's own user write there, or choose another with "
                        "--state");
    return -code;
}

static int refuse_second(const char *state, struct stint_error *err)
{
    (void)stint_fail(err, STINT_CONFLICT, "state folder %s: another daemon uses it", state);
    return stint_fix(err, STINT_CONFLICT, "stop that daemon, or choose another with --state");
}

int stint_store_is_free(const char *state, struct stint_error *err)
{
    stint_auto(stint_free) char *path = NULL;
    if (asprintf(&path, "%s/stint.lock", state) < 0)
        return -ENOMEM;
    stint_auto(stint_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return 0; /* what else is wrong with it the open will tell */
    return refuse_second(state, err);
}

/* One daemon a folder: the lock goes with the process, however it ends. */
static int store_lock(struct stint_store *store, struct stint_error *err)
{
    stint_auto(stint_free) char *path = NULL;
    if (mkdir(store->state, 0700) != 0 && errno != EEXIST)
        return state_failed(store, errno, err);
    if (asprintf(&path, "%s/stint.lock", store->state) < 0)
        return -ENOMEM;
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (store->lock_fd < 0)
        return state_failed(store, errno, err);
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return state_failed(store, errno, err);
    return refuse_second(store->state, err);
}

static int store_open_file(struct stint_store *store, struct stint_error *err)
{
    struct stat info;
    bool is_there = lstat(store->path, &info) == 0;
    if (!is_there && errno != ENOENT)
        return state_failed(store, errno, err);
    if (is_there && !S_ISREG(info.st_mode))
        return stint_fail(err, STINT_UNTRUSTED, "%s is not a regular file", store->path);
    if (is_there && access(store->path, W_OK) != 0) {
        int code = errno;
        (void)stint_fail(err, -code, "%s cannot be written: %s", store->path, strerror(code));
        return stint_fix(err, -code, "the daemon's own user must own it and may write it");
    }
    int r = is_there && info.st_size > 0 ? schema_check(store->path, err) : 0;
    mode_t mask = umask(0077);
    if (r == 0)
        r = writer_start(store->path, store_on_notify, store, &store->writer, err);
    if (r == 0)
        r = reader_open(store->path, &store->reader, err);
    umask(mask);
    return r == 0 ? reader_last_ids(store->reader, store->ids, err) : r;
}

static void start_handles(struct stint_store *store)
{
    uv_loop_t *loop = store->options.loop;
    uv_prepare_init(loop, &store->prepare);
    uv_check_init(loop, &store->check);
    uv_timer_init(loop, &store->timer);
    store->prepare.data = store->check.data = store->timer.data = store->async.data = store;
    uv_prepare_start(&store->prepare, store_on_prepare);
    uv_check_start(&store->check, store_on_check);
    uv_unref((uv_handle_t *)&store->prepare);
    uv_unref((uv_handle_t *)&store->check);
    uv_unref((uv_handle_t *)&store->async);
    store->handles = 4;
}

static void store_free(struct stint_store *store)
{
    /* The writer last: the last connection that closes folds the log back into the database, which
     * one that only reads cannot do. */
    reader_close(store->reader);
    store_reads_deinit(store);
    writer_stop(store->writer);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(store->batches); i++)
        batch_deinit(&store->batches[i]);
    batch_deinit(&store->probe);
    stint_buffer_deinit(&store->payload);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    uv_mutex_destroy(&store->pool_mutex);
    free(store->state);
    free(store->path);
    free(store);
}

static int store_new(const struct stint_store_options *options, struct stint_store **ret_store)
{
    struct stint_store *store = calloc(1, sizeof(*store));
    if (!store)
        return -ENOMEM;
    if (uv_mutex_init(&store->pool_mutex) != 0)
        abort(); /* never on Linux: nothing is allocated */
    store->options = *options;
    store->lock_fd = -1;
    store->open = &store->batches[0];
    store->flying = &store->batches[1];
    store->open->number = 1;
    store->state = strdup(options->state);
    if (!store->state || asprintf(&store->path, "%s/stint.db", options->state) < 0) {
        store->path = NULL;
        store_free(store);
        return -ENOMEM;
    }
    store->options.state = store->state;
    *ret_store = store;
    return 0;
}

int stint_store_open(const struct stint_store_options *options, struct stint_store **ret_store,
                     struct stint_error *err)
{
    struct stint_store *store = NULL;
    int r = store_new(options, &store);
    if (r != 0)
        return stint_fail(err, r, "no memory for the store");
    r = store_lock(store, err);
    if (r == 0)
        r = store_open_file(store, err);
    if (r == 0 && (r = uv_async_init(options->loop, &store->async, store_on_async)) != 0)
        (void)stint_fail(err, r, "waking the loop: %s", uv_strerror(r));
    if (r != 0) {
        store_free(store);
        return r;
    }
    start_handles(store);
    *ret_store = store;
    return 0;
}

/* ---- closing */

static void store_on_closed(uv_handle_t *handle)
{
    struct stint_store *store = handle->data;
    if (--store->handles > 0)
        return;
    void (*closed)(void *context) = store->closed;
    void *context = store->closed_context;
    store_free(store);
    if (closed)
        closed(context);
}

static void close_handles(struct stint_store *store)
{
    if (uv_is_closing((uv_handle_t *)&store->async))
        return;
    uv_close((uv_handle_t *)&store->prepare, store_on_closed);
    uv_close((uv_handle_t *)&store->check, store_on_closed);
    uv_close((uv_handle_t *)&store->timer, store_on_closed);
    uv_close((uv_handle_t *)&store->async, store_on_closed);
}

void stint_store_close(struct stint_store *store, void (*closed)(void *context), void *context)
{
    if (!store) {
        if (closed)
            closed(context);
        return;
    }
    assert(!store->is_closing);
    store->is_closing = true;
    store->closed = closed;
    store->closed_context = context;
    uv_timer_stop(&store->timer);
    store_reads_interrupt(store);
    store_wake(store);
}

/* ---- what others ask */

int stint_store_ready(const struct stint_store *store, struct stint_error *err)
{
    if (store->is_closing)
        return stint_fail(err, STINT_READ_ONLY, "the daemon is stopping");
    if (store->is_read_only) {
        (void)stint_fail(err, STINT_READ_ONLY, "the store cannot be written: %.300s",
                         store->failure.text);
        return stint_fix(err, STINT_READ_ONLY,
                         "free space or repair the disk; writing is tried again each second");
    }
    if (store->open->rows >= STINT_STORE_BATCH_ROWS_MAX ||
        store->open->length >= STINT_STORE_BATCH_BYTES_MAX ||
        store->open->effect_count >= STINT_STORE_EFFECTS_MAX)
        return stint_fail(err, STINT_BUSY, "too much waits to be written; try again");
    return 0;
}

bool stint_store_is_read_only(const struct stint_store *store)
{
    return store->is_read_only || store->is_closing;
}

struct stint_store_mark stint_store_mark(const struct stint_store *store)
{
    return (struct stint_store_mark){ .batch = store->open->number,
                                      .bytes = store->open->length,
                                      .rows = store->open->rows,
                                      .effects = store->open->effect_count };
}

void stint_store_rewind(struct stint_store *store, struct stint_store_mark mark)
{
    assert(mark.batch == store->open->number && mark.bytes <= store->open->length);
    store->open->length = mark.bytes;
    store->open->rows = mark.rows;
    store->open->effect_count = mark.effects;
}

int stint_store_follow(struct stint_store *store, stint_effect_fn fn, void *context,
                       struct stint_error *err)
{
    int r = batch_after(store->open, fn, context, err);
    if (r == 0)
        store_wake(store);
    return r;
}

int stint_store_after(struct stint_store *store, stint_effect_fn fn, void *context,
                      struct stint_error *err)
{
    int r = stint_store_follow(store, fn, context, err);
    if (r == 0)
        store->open->is_awaited = true;
    return r;
}

int64_t stint_store_next_id(struct stint_store *store, enum stint_id_kind kind)
{
    return ++store->ids[kind];
}

int64_t stint_store_last_id(const struct stint_store *store, enum stint_id_kind kind)
{
    return store->ids[kind];
}

struct stint_reader *stint_store_reader(struct stint_store *store)
{
    return store->reader;
}

void stint_store_figures(const struct stint_store *store, struct stint_store_figures *ret_figures)
{
    *ret_figures = store->figures;
}
