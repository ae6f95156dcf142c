/* The writer thread: owns the one connection that writes, and turns a batch into a transaction. It
 * never calls anybody but @notify. */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "stint/error.h"

struct writer;

/* What became of a batch. */
struct writer_result {
    int status; /* 0 or a negative errno */
    uint64_t commit_ns;
    struct stint_error error;
};

/* @path: of the database; made when it is not there, and brought up to date. @notify: called on the
 * writer's thread when a result waits; must be safe there (uv_async_send). */
int writer_start(const char *path, void (*notify)(void *context), void *context,
                 struct writer **ret_writer, struct stint_error *err);
/* Commit @batch, which is the writer's until writer_take(). Only while it is idle. */
void writer_give(struct writer *writer, const struct batch *batch);
/* True when a commit has ended since the last call. */
bool writer_take(struct writer *writer, struct writer_result *ret_result);
/* Joins the thread, closes the connection. Only while it is idle. NULL is fine. */
void writer_stop(struct writer *writer);

#endif
