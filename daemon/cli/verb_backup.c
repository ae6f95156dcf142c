/* Owns: admin backup: a copy of the store, written here, as whoever asks for it. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "stint/auto.h"

static int file_failed(const char *path, const char *what)
{
    struct stint_error err = { 0 };
    int code = errno;
    (void)stint_fail(&err, code == EEXIST ? STINT_CONFLICT : -code, "%s %s: %s", path, what,
                     strerror(code));
    if (code == EEXIST)
        (void)stint_fix(&err, STINT_CONFLICT, "another name: a backup is never written over");
    return cli_fail_file(&err, path);
}

/* The file and its name are on the disk before we say so. */
static int sync_both(int fd, const char *path)
{
    stint_auto(stint_free) char *copy = strdup(path);
    if (!copy || fsync(fd) != 0)
        return -1;
    stint_auto(stint_fd) int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder >= 0 ? fsync(folder) : -1;
}

static int backup_into(struct cli *cli, int fd, const char *path)
{
    struct client_stream stream = { .path = "/api/v1/backup", .fd = fd };
    struct stint_error err = { 0 };
    int status = EXIT_OK;
    err.code = client_follow(cli->client, &stream, 1, NULL, NULL, &err);
    if (err.code != 0)
        status = cli_fail(&err);
    else if (stream.response.status / 100 != 2)
        status = cli_problem(&stream.response);
    else if (sync_both(fd, path) != 0)
        status = file_failed(path, "cannot be kept");
    else
        (void)printf("%s  %llu bytes\n", path, (unsigned long long)stream.offset);
    response_deinit(&stream.response);
    return status;
}

int verb_backup(struct cli *cli)
{
    const char *path = cli->args.words[0];
    int status = cli_connect(cli);
    if (status != EXIT_OK)
        return status;
    stint_auto(stint_fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return file_failed(path, "cannot be made");
    status = backup_into(cli, fd, path);
    if (status != EXIT_OK)
        (void)unlink(path);
    return status;
}
