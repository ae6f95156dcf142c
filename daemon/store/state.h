/* The store as its own files see it. */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include <uv.h>

#include "batch.h"
#include "stint/buffer.h"
#include "stint/store.h"
#include "writer.h"

/**
 * struct stint_store - see stint/store.h
 * @open: filled by the loop; @flying: with the writer while @is_flying
 * @probe: the batch that tries to write again while @is_read_only; flies like another
 * @timer: while read-only the next probe, else the end of a batch's wait for company
 * @handles: open libuv handles; the last close callback frees
 */
struct stint_store {
    struct stint_store_options options;
    char *state;
    char *path;
    int lock_fd;
    struct writer *writer;
    struct stint_reader *reader; /* the loop's */
    struct batch batches[2];
    struct batch *open;
    struct batch *flying;
    struct batch probe;
    struct stint_buffer payload; /* of the event being put */
    uint64_t probe_count;
    bool is_flying;
    bool is_probing;
    bool is_read_only;
    bool is_closing;
    bool is_due;                /* the open batch has waited for company long enough */
    struct stint_error failure; /* why it is read-only */
    int64_t ids[STINT_ID_KIND_COUNT];
    struct stint_store_figures figures;

    uv_prepare_t prepare;
    uv_check_t check;
    uv_async_t async;
    uv_timer_t timer;
    int handles;
    void (*closed)(void *context);
    void *closed_context;

    /* Readers of the thread pool. */
    uv_mutex_t pool_mutex; /* guards @pool, @busy, @is_interrupted */
    struct stint_reader *pool;
    size_t reads;
    struct stint_reader *busy[64]; /* working now */
    bool is_interrupted;           /* the store closes */
};

/* Something was put: the loop must come by even if it sleeps. */
void store_wake(struct stint_store *store);
/* reads.c */
void store_reads_interrupt(struct stint_store *store);
void store_reads_deinit(struct stint_store *store);

#endif
