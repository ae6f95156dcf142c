/* What people ask of the past: filters, cursors, chains of events, sums, and whether the books
 * balance. */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct list {
    uint64_t ids[64];
    size_t count;
    size_t stop_at;
};

static bool list_job(void *context, const struct stint_job_row *row)
{
    struct list *list = context;
    list->ids[list->count++] = row->id;
    return list->count != list->stop_at;
}

static bool list_run(void *context, const struct stint_run_row *row)
{
    struct list *list = context;
    list->ids[list->count++] = row->job * 100 + row->attempt;
    return true;
}

static bool list_event(void *context, const struct stint_event_row *row)
{
    struct list *list = context;
    list->ids[list->count++] = (uint64_t)row->id;
    return true;
}

/* "5 4 3" of what was listed. */
static const char *list_text(const struct list *list)
{
    static char text[512];
    text[0] = '\0';
    for (size_t i = 0; i < list->count; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%llu", i ? " " : "",
                       (unsigned long long)list->ids[i]);
    return text;
}

/* Jobs 1..6: odd ones are uid 1001's and done, 2 is project 7, 4 is called "other". */
static void put_jobs(struct fixture *f)
{
    for (uint64_t id = 1; id <= 6; id++) {
        struct stint_job_row job = fixture_job(id);
        job.uid = id % 2 ? 1001 : 1000;
        job.project = id == 2 ? 7 : 1;
        job.name = id == 4 ? "other" : "tune";
        job.submit_ms = (int64_t)id * 1000;
        if (id % 2) {
            job.state = "done";
            job.outcome = id == 5 ? "failed" : "completed";
            job.end_ms = 90000;
        }
        struct stint_change change = { .event = { .kind = "job.submit", .job = id },
                                       .job = &job,
                                       .job_is_new = true };
        assert_int_equal(stint_store_put_change(f->store, &change, NULL, NULL), 0);
    }
    assert_int_equal(fixture_commit(f), 0);
}

static void filters_and_cursor_choose_jobs_newest_first(void **state)
{
    struct fixture *f = *state;
    static const struct {
        struct stint_job_filter filter;
        const char *ids;
    } cases[] = {
        { { .limit = 10, .uid = -1 }, "6 5 4 3 2 1" },
        { { .limit = 2, .uid = -1 }, "6 5" },
        { { .limit = 2, .uid = -1, .before = 5 }, "4 3" },
        { { .limit = 2, .uid = -1, .before = 1 }, "" },
        { { .limit = 0, .uid = -1 }, "6" },
        { { .limit = 10, .uid = 1001 }, "5 3 1" },
        { { .limit = 10, .uid = -1, .project = 7 }, "2" },
        { { .limit = 10, .uid = -1, .state = "pending" }, "6 4 2" },
        { { .limit = 10, .uid = -1, .outcome = "failed" }, "5" },
        { { .limit = 10, .uid = -1, .name = "other" }, "4" },
        { { .limit = 10, .uid = -1, .name = "' OR 1=1 --" }, "" },
        { { .limit = 10, .uid = -1, .since_ms = 3000 }, "6 5 4 3" },
        { { .limit = 10, .uid = -1, .since_ms = 3001, .until_ms = 5000 }, "4" },
        { { .limit = 10, .uid = 1001, .state = "done", .outcome = "completed" }, "3 1" },
    };
    put_jobs(f);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct list list = { .count = 0 };
        assert_int_equal(
            stint_reader_each_job(stint_store_reader(f->store), &cases[i].filter, list_job, &list),
            0);
        assert_string_equal(list_text(&list), cases[i].ids);
    }
}

static void callback_that_says_stop_stops(void **state)
{
    struct fixture *f = *state;
    struct list list = { .stop_at = 2 };
    struct stint_job_filter filter = { .limit = 10, .uid = -1 };
    put_jobs(f);
    assert_int_equal(stint_reader_each_job(stint_store_reader(f->store), &filter, list_job, &list),
                     0);
    assert_string_equal(list_text(&list), "6 5");
}

static void live_jobs_are_those_without_an_end(void **state)
{
    struct fixture *f = *state;
    struct list list = { .count = 0 };
    put_jobs(f);
    assert_int_equal(stint_reader_each_live_job(stint_store_reader(f->store), list_job, &list), 0);
    assert_string_equal(list_text(&list), "2 4 6");
}

static void missing_rows_are_not_found(void **state)
{
    struct fixture *f = *state;
    struct list list = { .count = 0 };
    struct stint_reader *reader = stint_store_reader(f->store);
    assert_int_equal(stint_reader_job(reader, 1, list_job, &list), -ENOENT);
    assert_int_equal(stint_reader_job(reader, UINT64_MAX, list_job, &list), -ENOENT);
    assert_int_equal(stint_reader_run(reader, (struct stint_run_key){ 1, 0, 1 }, list_run, &list),
                     -ENOENT);
    assert_int_equal(list.count, 0);
}

static void events_of_a_job_are_found_among_many(void **state)
{
    struct fixture *f = *state;
    struct stint_reader *reader = stint_store_reader(f->store);
    put_jobs(f); /* events 1..6 */
    for (int i = 0; i < 3; i++) {
        struct stint_event_row event = { .kind = "job.note", .job = 2, .payload = "{}" };
        assert_int_equal(fixture_put_event(f, "test.between"), 0);                /* 7, 9, 11 */
        assert_int_equal(stint_store_put_event(f->store, &event, NULL, NULL), 0); /* 8, 10, 12 */
    }
    assert_int_equal(fixture_commit(f), 0);
    static const struct {
        uint64_t job;
        int64_t limit;
        const char *ids;
    } cases[] = { { 2, 100, "2 8 10 12" }, { 2, 2, "10 12" }, { 3, 100, "3" }, { 9, 100, "" } };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct list list = { .count = 0 };
        assert_int_equal(
            stint_reader_each_event_of(reader, cases[i].job, cases[i].limit, list_event, &list), 0);
        assert_string_equal(list_text(&list), cases[i].ids);
    }
    struct list list = { .count = 0 };
    assert_int_equal(stint_reader_each_event(reader, 8, 3, list_event, &list), 0);
    assert_string_equal(list_text(&list), "9 10 11");
}

/* ---- runs and sums */

static void put_run(struct fixture *f, const struct stint_run_row *run)
{
    struct stint_change change = { .event = { .kind = "run.start", .job = run->job },
                                   .run = run,
                                   .run_is_new = true };
    assert_int_equal(stint_store_put_change(f->store, &change, NULL, NULL), 0);
}

static void put_runs(struct fixture *f)
{
    static const struct stint_run_row runs[] = {
        /* ended early, 1.5 GPUs: 10.0005 s counted up to 15001 milli-GPU-seconds and 21
           core-seconds */
        { .job = 1,
          .attempt = 1,
          .state = "done",
          .project = 1,
          .uid = 1000,
          .cpus = 2,
          .gpu_milli = 1500,
          .walltime_s = 60,
          .start_ms = 1000,
          .elapsed_ms = 10001,
          .end_ms = 11001,
          .charged_micro = 70 },
        /* ran over its walltime: counted as its walltime */
        { .job = 2,
          .attempt = 1,
          .state = "done",
          .project = 1,
          .uid = 1000,
          .cpus = 1,
          .walltime_s = 60,
          .start_ms = 2000,
          .elapsed_ms = 90000,
          .end_ms = 92000,
          .charged_micro = 5 },
        /* open: counted whole */
        { .job = 4,
          .attempt = 2,
          .state = "running",
          .project = 1,
          .uid = 1000,
          .cpus = 4,
          .gpu_milli = 1000,
          .walltime_s = 100,
          .start_ms = 3000,
          .hold_micro = 900,
          .award = 1 },
        /* another user, later */
        { .job = 6,
          .attempt = 1,
          .state = "running",
          .project = 1,
          .uid = 1001,
          .cpus = 1,
          .walltime_s = 1,
          .start_ms = 9000,
          .hold_micro = 1 },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(runs); i++)
        put_run(f, &runs[i]);
    assert_int_equal(fixture_commit(f), 0);
}

struct usage {
    struct stint_usage_sum sums[8];
    size_t count;
};

static bool usage_add(void *context, const struct stint_usage_sum *sum)
{
    struct usage *usage = context;
    usage->sums[usage->count++] = *sum;
    return true;
}

static void usage_counts_what_ran_and_what_is_held(void **state)
{
    struct fixture *f = *state;
    struct usage usage = { .count = 0 };
    put_jobs(f);
    put_runs(f);
    assert_int_equal(
        stint_reader_sum_usage(stint_store_reader(f->store), 1000, 9000, usage_add, &usage), 0);
    assert_int_equal(usage.count, 1);
    assert_int_equal(usage.sums[0].project, 1);
    assert_int_equal(usage.sums[0].uid, 1000);
    assert_int_equal(usage.sums[0].run_count, 3);
    assert_int_equal(usage.sums[0].gpu_milli_s, 15002 + 100000);
    assert_int_equal(usage.sums[0].core_s, 21 + 60 + 400);
    assert_int_equal(usage.sums[0].open_core_s, 400);
    assert_int_equal(usage.sums[0].open_gpu_milli_s, 100 * 1000);
    assert_int_equal(usage.sums[0].charged_micro, 75);
    assert_int_equal(usage.sums[0].held_micro, 900);
    usage.count = 0;
    assert_int_equal(
        stint_reader_sum_usage(stint_store_reader(f->store), 1001, 0, usage_add, &usage), 0);
    assert_int_equal(usage.count, 2);
    assert_int_equal(usage.sums[0].run_count, 2);
    assert_int_equal(usage.sums[1].uid, 1001);
}

static void open_runs_are_those_of_live_jobs(void **state)
{
    struct fixture *f = *state;
    struct list list = { .count = 0 };
    put_jobs(f);
    put_runs(f);
    assert_int_equal(stint_reader_each_open_run(stint_store_reader(f->store), list_run, &list), 0);
    assert_string_equal(list_text(&list), "402 601");
}

struct balances {
    int64_t micro[8][STINT_POSTING_ACCOUNT_COUNT];
    size_t count;
};

static bool balance_add(void *context, const struct stint_posting_sum *sum)
{
    struct balances *balances = context;
    balances->micro[sum->award][sum->account] = sum->amount_micro;
    balances->count++;
    return true;
}

static void post(struct fixture *f, int64_t award, int64_t from, int64_t to, int64_t micro)
{
    struct stint_posting_row legs[] = { { .account = from, .award = award, .amount_micro = -micro },
                                        { .account = to, .award = award, .amount_micro = micro } };
    assert_int_equal(stint_store_put_postings(f->store, legs, 2, NULL, NULL), 0);
}

static void balances_are_sums_of_postings(void **state)
{
    struct fixture *f = *state;
    struct balances balances = { .count = 0 };
    struct stint_store_audit audit;
    struct stint_reader *reader = stint_store_reader(f->store);
    put_jobs(f);
    put_runs(f);
    for (int64_t award = 1; award <= 2; award++)
        post(f, award, STINT_POSTING_SITE, STINT_POSTING_FREE, 1000);
    post(f, 1, STINT_POSTING_FREE, STINT_POSTING_HELD, 900);
    post(f, 2, STINT_POSTING_FREE, STINT_POSTING_USED, 300);
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(stint_reader_sum_postings(reader, balance_add, &balances), 0);
    assert_int_equal(balances.count, 6);
    assert_int_equal(balances.micro[1][STINT_POSTING_SITE], -1000);
    assert_int_equal(balances.micro[1][STINT_POSTING_FREE], 100);
    assert_int_equal(balances.micro[1][STINT_POSTING_HELD], 900);
    assert_int_equal(balances.micro[2][STINT_POSTING_USED], 300);
    assert_int_equal(stint_reader_audit(reader, &audit), 0);
    assert_int_equal(audit.posting_count, 8);
    assert_int_equal(audit.unbalanced, 0);
    assert_int_equal(audit.overdrawn, 0);
    assert_int_equal(audit.held_micro, 900);
    assert_int_equal(audit.open_hold_micro, 900);
}

static void audit_finds_an_overdrawn_award(void **state)
{
    struct fixture *f = *state;
    struct stint_store_audit audit;
    post(f, 1, STINT_POSTING_SITE, STINT_POSTING_FREE, 1000);
    post(f, 1, STINT_POSTING_FREE, STINT_POSTING_HELD, 1001);
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(stint_reader_audit(stint_store_reader(f->store), &audit), 0);
    assert_int_equal(audit.overdrawn, 1);
}

static void audit_finds_a_tampered_posting(void **state)
{
    struct fixture *f = *state;
    struct stint_store_audit audit;
    sqlite3 *db = NULL;
    post(f, 1, STINT_POSTING_SITE, STINT_POSTING_FREE, 1000);
    post(f, 1, STINT_POSTING_FREE, STINT_POSTING_HELD, 10);
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE posting SET amount_micro = 11 WHERE id = 4", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(stint_reader_audit(stint_store_reader(f->store), &audit), 0);
    assert_int_equal(audit.unbalanced, 1);
    assert_int_equal(audit.first_unbalanced, 2);
}

/* ---- on the thread pool */

struct read {
    struct fixture *f;
    struct list list;
    int status;
    int done;
    uv_thread_t thread;
};

static int read_on_pool(struct stint_reader *reader, void *context)
{
    struct read *read = context;
    struct stint_job_filter filter = { .limit = 10, .uid = -1 };
    read->thread = uv_thread_self();
    return stint_reader_each_job(reader, &filter, list_job, &read->list);
}

static void read_done(void *context, int status)
{
    struct read *read = context;
    read->status = status;
    read->done = 1;
}

static void read_runs_on_another_thread_and_ends_on_the_loop(void **state)
{
    struct fixture *f = *state;
    struct read reads[20] = { 0 };
    uv_thread_t self = uv_thread_self();
    put_jobs(f);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(reads); i++)
        assert_int_equal(stint_store_read(f->store, read_on_pool, read_done, &reads[i], NULL), 0);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(reads); i++) {
        fixture_run_until(f, &reads[i].done);
        assert_int_equal(reads[i].status, 0);
        assert_string_equal(list_text(&reads[i].list), "6 5 4 3 2 1");
        assert_false(uv_thread_equal(&self, &reads[i].thread));
    }
}

static void reads_are_bounded_and_the_close_waits_for_them(void **state)
{
    struct fixture *f = *state;
    struct read *reads = calloc(STINT_STORE_READS_MAX + 1, sizeof(*reads));
    put_jobs(f);
    for (size_t i = 0; i < STINT_STORE_READS_MAX; i++)
        assert_int_equal(stint_store_read(f->store, read_on_pool, read_done, &reads[i], NULL), 0);
    assert_int_equal(
        stint_store_read(f->store, read_on_pool, read_done, &reads[STINT_STORE_READS_MAX], NULL),
        STINT_BUSY);
    fixture_close(f);
    for (size_t i = 0; i < STINT_STORE_READS_MAX; i++) {
        assert_int_equal(reads[i].done, 1);
        assert_true(reads[i].status == 0 || reads[i].status == -ECANCELED ||
                    reads[i].status == -EINTR);
    }
    assert_int_equal(reads[STINT_STORE_READS_MAX].done, 0);
    free(reads);
}

static void backup_is_whole_private_and_never_written_over(void **state)
{
    struct fixture *f = *state;
    struct read read = { .f = f };
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/backup.db", f->folder);
    put_jobs(f);
    assert_int_equal(stint_store_backup(f->store, path, read_done, &read, NULL), 0);
    fixture_run_until(f, &read.done);
    assert_int_equal(read.status, 0);
    read.done = 0;
    assert_int_equal(stint_store_backup(f->store, path, read_done, &read, NULL), 0);
    fixture_run_until(f, &read.done);
    assert_int_equal(read.status, -EEXIST);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    /* It opens as a store of its own. */
    fixture_close(f);
    assert_int_equal(rename(path, f->path), 0);
    assert_int_equal(fixture_open(f, NULL), 0);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM job"), 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(filters_and_cursor_choose_jobs_newest_first),
        TEST(callback_that_says_stop_stops),
        TEST(live_jobs_are_those_without_an_end),
        TEST(missing_rows_are_not_found),
        TEST(events_of_a_job_are_found_among_many),
        TEST(usage_counts_what_ran_and_what_is_held),
        TEST(open_runs_are_those_of_live_jobs),
        TEST(balances_are_sums_of_postings),
        TEST(audit_finds_an_overdrawn_award),
        TEST(audit_finds_a_tampered_posting),
        TEST(read_runs_on_another_thread_and_ends_on_the_loop),
        TEST(reads_are_bounded_and_the_close_waits_for_them),
        TEST(backup_is_whole_private_and_never_written_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
