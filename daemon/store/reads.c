/* Owns: reads on libuv's thread pool, each with a connection from a small pool of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "reader.h"
#include "schema.h"
#include "state.h"
#include "stint/auto.h"

struct read_request {
    uv_work_t work;
    struct stint_store *store;
    int (*fn)(struct stint_reader *reader, void *context);
    void (*done)(void *context, int status);
    void *context;
    int status;
};

/* ---- the pool; any thread */

static bool is_closing(struct stint_store *store)
{
    uv_mutex_lock(&store->pool_mutex);
    bool closing = store->is_interrupted;
    uv_mutex_unlock(&store->pool_mutex);
    return closing;
}

/* Remembered while it works, so that the close can interrupt a long scan. */
static void mark_busy(struct stint_store *store, struct stint_reader *from, struct stint_reader *to)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(store->busy); i++)
        if (store->busy[i] == from) {
            store->busy[i] = to;
            return;
        }
}

static int pool_take(struct stint_store *store, struct stint_reader **ret_reader)
{
    uv_mutex_lock(&store->pool_mutex);
    struct stint_reader *reader = store->pool;
    if (reader)
        store->pool = reader->next;
    uv_mutex_unlock(&store->pool_mutex);
    int r = reader ? 0 : reader_open(store->path, &reader, NULL);
    if (r != 0)
        return r;
    uv_mutex_lock(&store->pool_mutex);
    mark_busy(store, NULL, reader);
    uv_mutex_unlock(&store->pool_mutex);
    *ret_reader = reader;
    return 0;
}

static void pool_give(struct stint_store *store, struct stint_reader *reader)
{
    uv_mutex_lock(&store->pool_mutex);
    mark_busy(store, reader, NULL);
    reader->next = store->pool;
    store->pool = reader;
    uv_mutex_unlock(&store->pool_mutex);
}

static void read_on_work(uv_work_t *work)
{
    struct read_request *request = work->data;
    struct stint_reader *reader = NULL;
    request->status = is_closing(request->store) ? -ECANCELED : pool_take(request->store, &reader);
    if (request->status != 0)
        return;
    request->status = request->fn(reader, request->context);
    pool_give(request->store, reader);
}

static void read_on_done(uv_work_t *work, int status)
{
    struct read_request *request = work->data;
    struct stint_store *store = request->store;
    request->done(request->context, status != 0 ? status : request->status);
    free(request);
    store->reads--;
    store_wake(store);
}

int stint_store_read(struct stint_store *store,
                     int (*work)(struct stint_reader *reader, void *context),
                     void (*done)(void *context, int status), void *context,
                     struct stint_error *err)
{
    if (store->reads >= STINT_STORE_READS_MAX || store->is_closing) {
        (void)stint_fail(err, STINT_BUSY, "%d reads of history wait already",
                         STINT_STORE_READS_MAX);
        return STINT_BUSY;
    }
    struct read_request *request = calloc(1, sizeof(*request));
    if (!request) {
        (void)stint_fail(err, -ENOMEM, "no memory to read the store");
        return -ENOMEM;
    }
    request->store = store;
    request->fn = work;
    request->done = done;
    request->context = context;
    request->work.data = request;
    int r = uv_queue_work(store->options.loop, &request->work, read_on_work, read_on_done);
    if (r != 0) {
        free(request);
        (void)stint_fail(err, r, "reading the store: %s", uv_strerror(r));
        return r;
    }
    store->reads++;
    return 0;
}

void store_reads_interrupt(struct stint_store *store)
{
    uv_mutex_lock(&store->pool_mutex);
    store->is_interrupted = true;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(store->busy); i++)
        if (store->busy[i])
            sqlite3_interrupt(store->busy[i]->db);
    uv_mutex_unlock(&store->pool_mutex);
}

void store_reads_deinit(struct stint_store *store)
{
    while (store->pool) {
        struct stint_reader *reader = store->pool;
        store->pool = reader->next;
        reader_close(reader);
    }
}

/* ---- backup */

struct backup {
    char *path;
    void (*done)(void *context, int status);
    void *context;
};

/* VACUUM INTO writes into an empty file: making it here gives it its mode, and refuses one that is
 * there. */
static int backup_on_work(struct stint_reader *reader, void *context)
{
    static const char BACKUP[] = "VACUUM INTO ?1";
    const struct backup *backup = context;
    stint_auto(stint_fd) int fd =
        open(backup->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(reader->db, BACKUP, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(statement, 1, backup->path, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    int r = schema_errno(code);
    if (r == 0 && fsync(fd) != 0)
        r = -errno;
    if (r != 0)
        (void)unlink(backup->path);
    return r;
}

static void backup_on_done(void *context, int status)
{
    struct backup *backup = context;
    backup->done(backup->context, status);
    free(backup->path);
    free(backup);
}

int stint_store_backup(struct stint_store *store, const char *path,
                       void (*done)(void *context, int status), void *context,
                       struct stint_error *err)
{
    struct backup *backup = calloc(1, sizeof(*backup));
    if (!backup || !(backup->path = strdup(path))) {
        free(backup);
        return stint_fail(err, -ENOMEM, "no memory for a backup");
    }
    backup->done = done;
    backup->context = context;
    int r = stint_store_read(store, backup_on_work, backup_on_done, backup, err);
    if (r != 0) {
        free(backup->path);
        free(backup);
    }
    return r;
}
