/* The transcript of a core: what it holds, what a replay notices, and that nothing which tells the
 * core something goes round the clerk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stint/clerk.h"
#include "stint/replay.h"
#include "stint/transcript.h"

struct fixture {
    struct stint_machine *machine;
    struct stint_clerk *clerk;
};

static int setup(void **state)
{
    struct stint_policy policy = { .mode = STINT_MODE_EASY };
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    assert_int_equal(stint_machine_new_flat(4, &f->machine, NULL), 0);
    assert_int_equal(stint_clerk_new(f->machine, &policy, &f->clerk, NULL), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    (void)stint_clerk_free(f->clerk);
    (void)stint_machine_free(f->machine);
    free(f);
    return 0;
}

static struct stint_ask ask_of(uint64_t job, uint32_t cpus)
{
    return (struct stint_ask){ .key = { job, 0 },
                               .cpus = cpus,
                               .gpu_type = STINT_ANY_GPU_TYPE,
                               .user = UINT32_MAX,
                               .walltime_ms = 60000,
                               .fair_account = STINT_NO_ACCOUNT };
}

static void submit(struct fixture *f, uint64_t job, uint32_t cpus)
{
    struct stint_ask ask = ask_of(job, cpus);
    assert_int_equal(stint_clerk_submit(f->clerk, &ask, NULL), 0);
}

static size_t pass(struct fixture *f, int64_t now_ms)
{
    struct stint_start starts[8];
    size_t count = 0;
    assert_int_equal(stint_clerk_pass(f->clerk, now_ms, starts, 8, &count), 0);
    return count;
}

/* Three jobs, a hold, an end: two starts. */
static void tell_a_day(struct fixture *f)
{
    struct stint_reason held = { .code = STINT_REASON_HeldByUser, .account = STINT_NO_ACCOUNT };
    assert_int_equal(stint_clerk_set_clock(f->clerk, 1000000), 0);
    submit(f, 1, 3);
    submit(f, 2, 2);
    submit(f, 3, 4);
    assert_int_equal(stint_clerk_set_blocked(f->clerk, (struct stint_task_key){ 3, 0 }, &held), 0);
    assert_int_equal(pass(f, 500), 1);
    assert_int_equal(stint_clerk_end(f->clerk, (struct stint_task_key){ 1, 0 }, 900), 0);
    assert_int_equal(pass(f, 1000), 1);
}

static int replay(const void *data, size_t length, struct stint_replay_counts *ret_counts,
                  struct stint_replay_difference *ret_difference)
{
    stint_auto(stint_replay_free) struct stint_replay *replay = NULL;
    struct stint_error err = { 0 };
    assert_int_equal(stint_replay_new(&replay), 0);
    int r = stint_replay_feed(replay, data, length, ret_difference, &err);
    stint_replay_counts(replay, ret_counts);
    return r;
}

static void same_words_give_the_same_starts(void **state)
{
    struct fixture *f = *state;
    struct stint_transcript piece;
    struct stint_replay_counts counts;
    struct stint_replay_difference difference;
    tell_a_day(f);
    assert_int_equal(stint_clerk_transcript(f->clerk, &piece), 0);
    assert_true(piece.begins);
    assert_int_equal(piece.start_count, 2);
    assert_int_equal(replay(piece.data, piece.length, &counts, &difference), 0);
    assert_int_equal(counts.passes, 2);
    assert_int_equal(counts.starts, 2);
    assert_int_equal(counts.cores, 1);
    assert_int_equal(counts.at_ms, 1001000);
}

/* The day again with one thing left out or other: where the replay first differs. */
static void another_word_is_noticed_at_the_first_start_it_changes(void **state)
{
    struct fixture *f = *state;
    struct stint_transcript told;
    struct stint_transcript decided;
    struct stint_replay_counts counts;
    struct stint_replay_difference difference = { 0 };
    /* What was told to a core where job 1 had asked for one core… */
    submit(f, 1, 1);
    submit(f, 2, 2);
    assert_int_equal(stint_clerk_transcript(f->clerk, &told), 0);
    stint_auto(stint_buffer_deinit) struct stint_buffer forged = { 0 };
    stint_buffer_add(&forged, told.data, told.length);
    /* …with the decisions of one where it had asked for three. */
    assert_int_equal(stint_clerk_reset(f->clerk, NULL), 0);
    submit(f, 1, 3);
    submit(f, 2, 2);
    stint_clerk_taken(f->clerk);
    assert_int_equal(stint_clerk_set_clock(f->clerk, 0), 0);
    assert_int_equal(pass(f, 777), 1);
    assert_int_equal(stint_clerk_transcript(f->clerk, &decided), 0);
    stint_buffer_add(&forged, decided.data, decided.length);
    assert_int_equal(replay(forged.data, forged.length, &counts, &difference), STINT_CONFLICT);
    assert_int_equal(difference.at_ms, 777);
    assert_int_equal(difference.key.job, 1);
    assert_non_null(strstr(difference.text, "other cores"));
}

static void start_that_the_words_do_not_give_says_why_it_waits(void **state)
{
    struct fixture *f = *state;
    struct stint_transcript piece;
    struct stint_replay_counts counts;
    struct stint_replay_difference difference = { 0 };
    struct stint_reason held = { .code = STINT_REASON_HeldByUser, .account = STINT_NO_ACCOUNT };
    stint_auto(stint_buffer_deinit) struct stint_buffer forged = { 0 };
    submit(f, 7, 1);
    assert_int_equal(stint_clerk_set_blocked(f->clerk, (struct stint_task_key){ 7, 0 }, &held), 0);
    assert_int_equal(stint_clerk_transcript(f->clerk, &piece), 0);
    stint_buffer_add(&forged, piece.data, piece.length);
    assert_int_equal(stint_clerk_reset(f->clerk, NULL), 0);
    submit(f, 7, 1);
    stint_clerk_taken(f->clerk);
    assert_int_equal(pass(f, 5), 1);
    assert_int_equal(stint_clerk_transcript(f->clerk, &piece), 0);
    stint_buffer_add(&forged, piece.data, piece.length);
    assert_int_equal(replay(forged.data, forged.length, &counts, &difference), STINT_CONFLICT);
    assert_int_equal(difference.key.job, 7);
    assert_non_null(strstr(difference.text, "HeldByUser"));
}

/* A start that is struck out of the record is noticed too. */
static void start_that_the_record_lacks_is_noticed(void **state)
{
    struct fixture *f = *state;
    struct stint_transcript piece;
    struct stint_replay_counts counts;
    struct stint_replay_difference difference = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer forged = { 0 };
    assert_int_equal(pass(f, 5), 0);
    assert_int_equal(stint_clerk_transcript(f->clerk, &piece), 0);
    size_t begin_length = piece.length;
    stint_clerk_taken(f->clerk);
    submit(f, 7, 1);
    assert_int_equal(stint_clerk_transcript(f->clerk, &piece), 0);
    assert_true(begin_length > 0);
    assert_int_equal(stint_clerk_reset(f->clerk, NULL), 0);
    submit(f, 7, 1);
    assert_int_equal(stint_clerk_transcript(f->clerk, &piece), 0);
    stint_buffer_add(&forged, piece.data, piece.length);
    stint_clerk_taken(f->clerk);
    assert_int_equal(stint_clerk_remove(f->clerk, (struct stint_task_key){ 7, 0 }), 0);
    stint_clerk_taken(f->clerk);
    assert_int_equal(pass(f, 5), 0);
    assert_int_equal(stint_clerk_transcript(f->clerk, &piece), 0);
    stint_buffer_add(&forged, piece.data, piece.length);
    assert_int_equal(replay(forged.data, forged.length, &counts, &difference), STINT_CONFLICT);
    assert_int_equal(difference.key.job, 7);
    assert_non_null(strstr(difference.text, "the record has no such start"));
}

/* Hostile bytes: whatever is in it, a replay ends with an answer. */
static void no_bytes_break_a_replay(void **state)
{
    struct fixture *f = *state;
    struct stint_transcript piece;
    struct stint_replay_counts counts;
    struct stint_replay_difference difference;
    tell_a_day(f);
    assert_int_equal(stint_clerk_transcript(f->clerk, &piece), 0);
    uint8_t *bytes = malloc(piece.length + 1);
    assert_non_null(bytes);
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        memcpy(bytes, piece.data, piece.length);
        for (int i = 0; i < 1 + round % 4; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[(seed >> 8) % piece.length] = (uint8_t)(seed >> 24);
        }
        (void)replay(bytes, piece.length - (seed >> 16) % 3, &counts, &difference);
    }
    free(bytes);
    assert_int_equal(replay("", 0, &counts, &difference), 0);
    assert_int_equal(replay("\x06\x02\x00", 3, &counts, &difference), STINT_UNTRUSTED);
}

static void what_is_refused_is_not_written_down(void **state)
{
    struct fixture *f = *state;
    struct stint_transcript before;
    struct stint_transcript after;
    struct stint_ask bad = ask_of(1, 1);
    bad.walltime_ms = 0;
    assert_int_equal(stint_clerk_transcript(f->clerk, &before), 0);
    assert_int_equal(stint_clerk_submit(f->clerk, &bad, NULL), STINT_INVALID);
    assert_int_equal(stint_clerk_remove(f->clerk, bad.key), STINT_NOT_FOUND);
    assert_int_equal(stint_clerk_end(f->clerk, bad.key, 5), STINT_NOT_FOUND);
    assert_int_equal(stint_clerk_transcript(f->clerk, &after), 0);
    assert_int_equal(before.length, after.length);
}

static void reset_begins_a_new_core_where_nodes_stay_as_they_were(void **state)
{
    struct fixture *f = *state;
    struct stint_transcript piece;
    struct stint_replay_counts counts;
    struct stint_replay_difference difference = { 0 };
    assert_int_equal(stint_clerk_set_node_state(f->clerk, 0, STINT_NODE_DRAINING), 0);
    submit(f, 1, 1);
    assert_int_equal(stint_clerk_reset(f->clerk, NULL), 0);
    assert_int_equal(stint_scheduler_pending_count(stint_clerk_scheduler(f->clerk)), 0);
    submit(f, 2, 1);
    assert_int_equal(pass(f, 10), 0);
    assert_int_equal(stint_clerk_transcript(f->clerk, &piece), 0);
    assert_true(piece.begins);
    assert_int_equal(replay(piece.data, piece.length, &counts, &difference), 0);
    assert_int_equal(counts.cores, 1);
}

/* A start takes tens of bytes, not hundreds: a year of a thousand jobs a day is some tens of MB. */
static void job_takes_less_than_a_hundred_bytes(void **state)
{
    struct fixture *f = *state;
    struct stint_transcript piece;
    stint_clerk_taken(f->clerk);
    for (uint64_t job = 100000; job < 101000; job++) {
        int64_t now_ms = (int64_t)(job - 99999) * 30000;
        struct stint_ask ask = ask_of(job, 1);
        ask.submit_ms = now_ms - 3;
        ask.memory_bytes = 4 << 20;
        ask.cost_micro = 1000000;
        assert_int_equal(stint_clerk_submit(f->clerk, &ask, NULL), 0);
        assert_int_equal(pass(f, now_ms), 1);
        assert_int_equal(stint_clerk_end(f->clerk, ask.key, now_ms + 20000), 0);
        assert_int_equal(pass(f, now_ms + 20000), 0);
    }
    assert_int_equal(stint_clerk_transcript(f->clerk, &piece), 0);
    assert_true(piece.length < 100 * 1000);
}

static void each_piece_is_tied_to_the_one_before(void **state)
{
    (void)state;
    struct stint_sha256 first, second, other;
    struct stint_transcript_piece piece = { 1, 1, 1000, 2, "abc", 3 };
    stint_transcript_chain(NULL, &piece, &first);
    piece.id = 2;
    stint_transcript_chain(&first, &piece, &second);
    assert_memory_not_equal(&first, &second, sizeof(first));
    struct stint_transcript_piece changes[] = { piece, piece, piece, piece, piece };
    changes[0].id++;
    changes[1].core++;
    changes[2].at_ms++;
    changes[3].start_count++;
    changes[4].body = "abd";
    for (size_t i = 0; i < STINT_ARRAY_SIZE(changes); i++) {
        stint_transcript_chain(&first, &changes[i], &other);
        assert_memory_not_equal(&other, &second, sizeof(other));
    }
    stint_transcript_chain(&second, &piece, &other);
    assert_memory_not_equal(&other, &second, sizeof(other));
}

/* ---- nothing goes round the clerk ---- */

static char *read_header(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", STINT_INCLUDE, name);
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 18);
    if (!file || !text || fread(text, 1, (1 << 18) - 1, file) == 0)
        fail_msg("%s cannot be read", path);
    (void)fclose(file);
    return text;
}

/* Every function of scheduler.h whose scheduler is not const tells it something, and must be in
 * clerk.h by the same name: see there how an input is added. */
static void every_input_of_the_core_goes_through_the_clerk(void **state)
{
    (void)state;
    static const char prefix[] = "stint_scheduler_";
    static const char told[] = "(struct stint_scheduler *scheduler";
    stint_auto(stint_free) char *scheduler = read_header("scheduler.h");
    stint_auto(stint_free) char *clerk = read_header("clerk.h");
    int found = 0;
    for (char *at = scheduler; (at = strstr(at, prefix)); at += sizeof(prefix) - 1) {
        char name[64] = "";
        char wanted[96];
        size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
        if (length >= sizeof(name) || strncmp(at + length, told, sizeof(told) - 1) != 0)
            continue;
        memcpy(name, at + sizeof(prefix) - 1, length - (sizeof(prefix) - 1));
        if (strcmp(name, "free") == 0)
            continue;
        (void)snprintf(wanted, sizeof(wanted), "stint_clerk_%s(struct stint_clerk *clerk", name);
        if (!strstr(clerk, wanted))
            fail_msg("stint_scheduler_%s() has no stint_clerk_%s(): days with it could not be "
                     "replayed; include/stint/clerk.h says how to add it",
                     name, name);
        found++;
    }
    assert_true(found >= 17);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(same_words_give_the_same_starts),
        TEST(another_word_is_noticed_at_the_first_start_it_changes),
        TEST(start_that_the_words_do_not_give_says_why_it_waits),
        TEST(start_that_the_record_lacks_is_noticed),
        TEST(no_bytes_break_a_replay),
        TEST(what_is_refused_is_not_written_down),
        TEST(reset_begins_a_new_core_where_nodes_stay_as_they_were),
        TEST(job_takes_less_than_a_hundred_bytes),
        cmocka_unit_test(each_piece_is_tied_to_the_one_before),
        cmocka_unit_test(every_input_of_the_core_goes_through_the_clerk),
    };
    return cmocka_run_group_tests_name("scheduler-clerk", tests, NULL, NULL);
}
