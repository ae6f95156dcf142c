/* Owns: a copy of the store for operators. It is made beside the store by a thread that reads what
 * is durable, while work goes on; its name is taken away as soon as it is open, and its bytes go to
 * the caller, who writes them as himself: the daemon opens no path that a user named. */
#include "views.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stint/store.h"

struct backup {
    struct exchange *ex;
    char path[STINT_CONFIG_TEXT_MAX + 16];
};

static void backup_fail(struct exchange *ex, int code, const char *why)
{
    struct stint_error err;
    (void)stint_fail(&err, code < 0 ? STINT_BUSY : code, "the store could not be copied: %s", why);
    if (code == -ENOSPC)
        (void)stint_fix(&err, err.code, "the state folder needs room for a second copy meanwhile");
    exchange_fail(ex, &err);
}

/* 128 KiB a turn of the loop, of a file that was just written. */
static void backup_send(struct exchange *ex, const char *path)
{
    struct stat at;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    (void)unlink(path);
    struct MHD_Response *response =
        fd >= 0 && fstat(fd, &at) == 0
            ? MHD_create_response_from_fd64((uint64_t)at.st_size, fd) /* closes it */
            : NULL;
    if (response) {
        ex->type = "application/vnd.sqlite3";
        exchange_send_response(ex, response);
        return;
    }
    backup_fail(ex, -errno, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
}

static void backup_on_done(void *context, int status)
{
    struct backup *backup = context;
    struct exchange *ex = backup->ex;
    ex->api->is_copying = false;
    if (exchange_is_gone(ex)) {
        if (status == 0)
            (void)unlink(backup->path);
    } else if (status != 0) {
        backup_fail(ex, status, strerror(-status));
    } else {
        backup_send(ex, backup->path);
    }
    exchange_unref(ex);
    free(backup);
}

void handle_backup(struct exchange *ex)
{
    struct stint_api *api = ex->api;
    struct stint_error err = { 0 };
    if (api->is_copying) {
        backup_fail(ex, STINT_BUSY, "another copy is being made");
        return;
    }
    struct backup *backup = calloc(1, sizeof(*backup));
    if (!backup) {
        backup_fail(ex, STINT_BUSY, "no memory");
        return;
    }
    (void)snprintf(backup->path, sizeof(backup->path), "%s/backup.tmp", api->config->state);
    (void)unlink(backup->path); /* of a daemon that was killed over it */
    backup->ex = exchange_ref(ex);
    int r = stint_store_backup(api->options.store, backup->path, backup_on_done, backup, &err);
    if (r == 0) {
        api->is_copying = true;
        return;
    }
    err.code = r;
    exchange_fail(ex, &err);
    exchange_unref(ex);
    free(backup);
}
