/* Owns: the way of the scheduler's transcript into the store (stint/clerk.h). What was decided is
 * put into the same batch as its effects, so that no start is durable without the words that led
 * to it; what led to nothing yet waits for the next batch that is written anyway, for the sake of
 * the disk. What is lost with a crash had no durable effect, and a new core begins behind it.
 * Pieces of several resources' cores, which begin together, hang on one chain. */
#include <errno.h>

#include "job.h"
#include "stint/log.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define KEPT_BYTES_MAX ((size_t)64 << 10) /* beyond this a batch is written for it alone */

static bool load_last(void *context, const struct stint_transcript_row *row)
{
    struct stint_jobs *jobs = context;
    if (row->chain.length == sizeof(jobs->transcript.bytes))
        memcpy(jobs->transcript.bytes, row->chain.data, sizeof(jobs->transcript.bytes));
    return false;
}

int jobs_transcript_load(struct stint_jobs *jobs)
{
    jobs->transcript = (struct stint_sha256){ 0 };
    jobs->transcript_core = 0;
    jobs->transcript_is_broken = false;
    int r = stint_reader_last_transcript(stint_store_reader(jobs->options.store), load_last, jobs);
    return r == -ENOENT ? 0 : r;
}

static void tell_broken(struct stint_jobs *jobs, const char *why)
{
    if (!jobs->transcript_is_broken)
        stint_log(STINT_LOG_ERROR, "transcript-broken",
                  "cause=\"%s\" cure=\"scheduling goes on; it can be replayed again from the next "
                  "start of stintd\"",
                  why);
    jobs->transcript_is_broken = true;
}

static void keep_one(struct stint_jobs *jobs, const struct stint_resource *resource)
{
    struct stint_transcript piece;
    struct stint_store *store = jobs->options.store;
    if (stint_clerk_transcript(resource->clerk, &piece) != 0) {
        tell_broken(jobs, "no memory for it");
        return;
    }
    if (piece.length == 0 ||
        (piece.start_count == 0 && piece.length < KEPT_BYTES_MAX &&
         stint_store_mark(store).rows == 0) ||
        stint_store_is_read_only(store))
        return;
    int64_t id = stint_store_next_id(store, STINT_ID_TRANSCRIPT);
    struct stint_transcript_piece whole = { .id = id,
                                            .core =
                                                jobs->transcript_core ? jobs->transcript_core : id,
                                            .at_ms = jobs->options.now_wall_ms(),
                                            .start_count = (int64_t)piece.start_count,
                                            .body = piece.data,
                                            .length = piece.length };
    struct stint_sha256 chain;
    stint_transcript_chain(&jobs->transcript, &whole, &chain);
    struct stint_transcript_row row = { .id = id,
                                        .core = whole.core,
                                        .at_ms = whole.at_ms,
                                        .start_count = whole.start_count,
                                        .body = { whole.body, whole.length },
                                        .chain = { chain.bytes, sizeof(chain.bytes) },
                                        .resource = resource->name };
    if (stint_store_put_transcript(store, &row, NULL) != 0)
        return; /* the batch is full: with the next one */
    jobs->transcript = chain;
    jobs->transcript_core = whole.core;
    stint_clerk_taken(resource->clerk);
}

void jobs_transcript_keep(struct stint_jobs *jobs)
{
    for (uint32_t i = 0; i < jobs->options.resources->count; i++)
        keep_one(jobs, &jobs->options.resources->list[i]);
}
