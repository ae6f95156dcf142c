/* Copies of artefacts into our own store: a tool that runs as the owner passes descriptors, a
 * worker reads them. The copy's digest is computed by us while it is written, and must be the one
 * that was judged: so the verdict of a child that runs as the user is bound to bytes that we know.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "registration.h"
#include "wake.h"

static void copy_path(const struct registration *registration, char *path, size_t size)
{
    const struct stint_artifact_manifest *copy = &registration->copy;
    (void)snprintf(path, size, "%s/sha256-%s/files%s%s",
                   registration->admission->options.artifact_store, registration->digest + 7,
                   copy->is_file ? "/" : "", copy->is_file ? copy->files[0].path : "");
}

static bool copy_is_what_was_judged(const struct registration *registration)
{
    char hex[STINT_SHA256_HEX];
    return registration->copy.has_digest &&
           strcmp(stint_sha256_hex(&registration->copy.digest, hex), registration->digest + 7) == 0;
}

static void copy_finish(struct registration *registration)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer manifest = { 0 };
    char path[ADMISSION_PATH_MAX + 256];
    const struct stint_error *error = &registration->copy_error;
    if (registration->copy_status != 0) {
        int code = registration->copy_status < 0 ? registration->copy_status : STINT_UNTRUSTED;
        registration_fail(registration, code,
                          error->text[0] ? error->text : "it could not be copied", error->fix);
        return;
    }
    if (!copy_is_what_was_judged(registration)) {
        registration_fail(registration, STINT_CONFLICT, "it changed while it was copied",
                          "register it when nobody writes to it");
        return;
    }
    stint_artifact_manifest_json(&registration->copy, &manifest);
    free(registration->manifest);
    registration->manifest = stint_buffer_take(&manifest);
    copy_path(registration, path, sizeof(path));
    registration_keep(registration, path);
}

/* Both the tool that offers and the worker that receives have ended. */
static void copy_part_ended(struct registration *registration)
{
    if (registration->is_tool_out || registration->is_worker_out)
        return;
    if (!registration->admission) {
        registration_free(registration);
        return;
    }
    registration->admission->copy_count--;
    admission_wake(registration->admission, 0);
    copy_finish(registration);
}

static void receive_in_worker(uv_work_t *work)
{
    struct registration *registration = work->data;
    registration->copy_status =
        stint_artifact_receive(registration->socket, registration->store_fd, 0, &registration->copy,
                               &registration->copy_error);
}

static void receive_on_done(uv_work_t *work, int status)
{
    struct registration *registration = work->data;
    if (status != 0)
        registration->copy_status = status;
    registration->is_worker_out = false;
    copy_part_ended(registration);
}

static void offer_on_done(void *context, int result, int exit_status, const char *output,
                          size_t length)
{
    struct registration *registration = context;
    struct stint_error problem = { 0 };
    registration->is_tool_out = false;
    /* What arrived is what counts; the child's word only says why nothing did. */
    if (result == 0 && exit_status == 0 && document_read_offer(output, length, &problem) != 0 &&
        registration->is_worker_out)
        registration->copy_error = problem;
    copy_part_ended(registration);
}

static int copy_offer(struct registration *registration, int socket, struct stint_error *err)
{
    const char *argv[] = { "offer", "--socket", "3", registration->path, NULL };
    struct owner owner;
    owner_of(registration->runner.uid, registration->runner.gid, &owner);
    struct stint_tool_request request = {
        .owner = owner.run,
        .argv = argv,
        .extra_fd = socket,
        .timeout_ms = (uint64_t)registration->admission->options.evaluation_timeout_ms,
        .output_max = 65536,
        .memory_bytes = ADMISSION_TOOL_MEMORY,
    };
    return stint_engine_run_tool(registration->admission->options.engine, &request, offer_on_done,
                                 registration, err);
}

/* STINT_BUSY: try again later. */
static int copy_start(struct registration *registration, struct stint_error *err)
{
    struct stint_admission *admission = registration->admission;
    int sockets[2];
    registration->store_fd = dup(admission->store_fd);
    if (registration->store_fd < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return stint_fail(err, -errno, "no descriptors to copy it: %s", strerror(errno));
    registration->socket = sockets[0];
    int r = copy_offer(registration, sockets[1], err);
    (void)close(sockets[1]);
    if (r != 0)
        return r;
    registration->is_tool_out = true;
    registration->stage = REGISTRATION_COPYING;
    admission->copy_count++;
    registration->work.data = registration;
    r = uv_queue_work(admission->options.loop, &registration->work, receive_in_worker,
                      receive_on_done);
    registration->is_worker_out = r == 0;
    registration->copy_status = r;
    return 0;
}

static void copy_reset(struct registration *registration)
{
    if (registration->socket >= 0)
        (void)close(registration->socket);
    if (registration->store_fd >= 0)
        (void)close(registration->store_fd);
    registration->socket = -1;
    registration->store_fd = -1;
}

void registrations_run(struct stint_admission *admission)
{
    struct registration *at, *next;
    DL_FOREACH_SAFE(admission->registrations, at, next)
    {
        struct stint_error err = { 0 };
        if (at->stage != REGISTRATION_COPY_WAITING)
            continue;
        if (admission->copy_count >= ADMISSION_COPIES_MAX)
            return;
        int r = copy_start(at, &err);
        if (r == STINT_BUSY) {
            copy_reset(at);
            admission_wake(admission, ADMISSION_RETRY_MS);
            return;
        }
        if (r != 0)
            registration_fail(at, r, err.text, err.fix);
    }
}
