/* Owns: the thread that folds the log back. */
#include "fold.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

#include "schema.h"
#include "thread.h"

/* Pages of the log, of 8192 bytes: as many more as ask for the next folding, few, so that no commit
 * waits long behind the folding's own synchronisation; and so many that the writer folds the rest
 * itself, because the log begins anew only when all of it is folded, and under a steady load the
 * thread alone is never quite done. A log that begins anew soon is overwritten, which costs a
 * commit a fifth to a third less than one that grows: there is no new size to synchronise. */
#define FOLD_EACH 125
#define FOLD_MOST 1000

struct fold {
    sqlite3 *db;
    sqlite3 *writer;
    int asked_at; /* pages when it was asked last; the writer's */
    uv_thread_t thread;
    bool has_thread;
    uv_mutex_t mutex;
    uv_cond_t wake;
    /* within @mutex */
    bool is_wanted;
    bool is_stopping;
};

/* Never waits for a reader or a writer. What cannot be folded now, on a full disk too, stays in the
 * log, where it is safe. */
static void fold_now(sqlite3 *db)
{
    (void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static void fold_main(void *argument)
{
    struct fold *fold = argument;
    uv_mutex_lock(&fold->mutex);
    while (!fold->is_stopping) {
        if (!fold->is_wanted) {
            uv_cond_wait(&fold->wake, &fold->mutex);
            continue;
        }
        fold->is_wanted = false;
        uv_mutex_unlock(&fold->mutex);
        fold_now(fold->db);
        uv_mutex_lock(&fold->mutex);
    }
    uv_mutex_unlock(&fold->mutex);
}

/* On the writer's thread, after each commit. */
static int on_commit(void *context, sqlite3 *db, const char *name, int pages)
{
    struct fold *fold = context;
    (void)name;
    if (pages < fold->asked_at)
        fold->asked_at = 0; /* the log began anew */
    if (pages >= FOLD_MOST)
        fold_now(db);
    if (pages - fold->asked_at < FOLD_EACH)
        return SQLITE_OK;
    fold->asked_at = pages;
    uv_mutex_lock(&fold->mutex);
    fold->is_wanted = true;
    uv_mutex_unlock(&fold->mutex);
    uv_cond_signal(&fold->wake);
    return SQLITE_OK;
}

int fold_start(const char *path, sqlite3 *writer, struct fold **ret_fold, struct stint_error *err)
{
    struct fold *fold = calloc(1, sizeof(*fold));
    if (!fold)
        return stint_fail(err, -ENOMEM, "no memory for the store's log");
    if (uv_mutex_init(&fold->mutex) != 0 || uv_cond_init(&fold->wake) != 0)
        abort(); /* never on Linux: nothing is allocated */
    fold->writer = writer;
    int r = schema_open_writer(path, &fold->db, err);
    if (r == 0 && (r = thread_start(&fold->thread, fold_main, fold)) != 0)
        (void)stint_fail(err, r, "starting the thread of the store's log: %s", uv_strerror(r));
    fold->has_thread = r == 0;
    if (r != 0) {
        fold_stop(fold);
        return r;
    }
    (void)sqlite3_wal_hook(writer, on_commit, fold);
    *ret_fold = fold;
    return 0;
}

void fold_stop(struct fold *fold)
{
    if (!fold)
        return;
    (void)sqlite3_wal_hook(fold->writer, NULL, NULL);
    if (fold->has_thread) {
        uv_mutex_lock(&fold->mutex);
        fold->is_stopping = true;
        uv_cond_signal(&fold->wake);
        uv_mutex_unlock(&fold->mutex);
        uv_thread_join(&fold->thread);
    }
    sqlite3_close_v2(fold->db);
    uv_cond_destroy(&fold->wake);
    uv_mutex_destroy(&fold->mutex);
    free(fold);
}
