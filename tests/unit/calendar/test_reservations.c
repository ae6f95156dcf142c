/* Reservations from an operator's word to what waits and why: a real store, core, ledger, record.
 */
#include "fixture.h"

#include <string.h>

#include "stint/calendar.h"
#include "stint/clerk.h"
#include "stint/record.h"
#include "stint/scheduler.h"

#define HOUR_MS INT64_C(3600000)

static int64_t wall_now(void)
{
    return fixture_wall_ms;
}

static int64_t boot_now(void)
{
    return fixture_boot_ms;
}

static struct stint_calendar *open_calendar(struct fixture *f)
{
    struct stint_calendar *calendar = NULL;
    struct stint_calendar_options options = {
        .store = f->store,
        .record = f->record,
        .ledger = f->ledger,
        .resources = &f->resources,
        .now_wall_ms = wall_now,
        .now_boot_ms = boot_now,
    };
    assert_int_equal(stint_calendar_new(&options, &calendar, &f->err), 0);
    assert_int_equal(stint_calendar_load(calendar, &f->err), 0);
    return calendar;
}

/* Time passes on both clocks, and what it brings is done. */
static void later(struct fixture *f, struct stint_calendar *calendar, int64_t ms)
{
    fixture_wall_ms += ms;
    fixture_boot_ms += ms;
    stint_calendar_turn(calendar);
    fixture_settle(f);
}

static struct stint_act act_of(struct fixture *f)
{
    return (struct stint_act){ &f->operator_caller, "course", false };
}

/* Three of the four cores for @project (NULL: nobody), in an hour, for an hour. */
static struct stint_reservation_new three(const char *name, const char *project)
{
    return (struct stint_reservation_new){ .name = name,
                                           .project = project,
                                           .cpus = 3,
                                           .from_ms = fixture_wall_ms + HOUR_MS,
                                           .until_ms = fixture_wall_ms + 2 * HOUR_MS };
}

static uint64_t submit(struct fixture *f, const char *project, int cpus, int64_t walltime_s)
{
    char text[200];
    (void)snprintf(text, sizeof(text),
                   "{\"command\":[\"true\"],\"project\":\"%s\",\"resources\":{\"cpus\":%d,"
                   "\"walltime_s\":%d}}",
                   project, cpus, (int)walltime_s);
    uint64_t id = fixture_submit(f, &f->anna, text);
    if (id == 0)
        fail_msg("%s", f->err.text);
    fixture_settle(f);
    return id;
}

static void add_nlp(struct fixture *f)
{
    struct stint_act act = act_of(f);
    int64_t id;
    assert_int_equal(
        stint_ledger_project_add(f->ledger, &act, "nlp", "home", "C", "L", &id, &f->err), 0);
    assert_int_equal(stint_ledger_user_add(f->ledger, &act, "70001", "nlp", NULL, -1, &f->err), 0);
    assert_int_equal(stint_ledger_award_grant(f->ledger, &act, "nlp-1", "nlp", NULL,
                                              INT64_C(1000000000), fixture_wall_ms,
                                              fixture_wall_ms + 1000 * HOUR_MS, NULL, &id, &f->err),
                     0);
}

static void others_start_around_it_and_the_holder_inside(void **state)
{
    struct fixture *f = *state;
    struct stint_calendar *calendar = open_calendar(f);
    struct stint_act act = act_of(f);
    struct stint_reservation_new asked = three("course", "nlp");
    struct stint_reservation_view view;
    struct stint_job_view job;
    add_nlp(f);
    assert_int_equal(stint_calendar_reserve(calendar, &act, &asked, &view, &f->err), 0);
    assert_int_equal(view.window_from_ms, fixture_wall_ms + HOUR_MS);
    uint64_t longer = submit(f, "default", 2, 3601);
    uint64_t shorter = submit(f, "default", 2, 3600);
    assert_int_equal(fixture_told(f, "start", longer), 0);
    assert_int_equal(fixture_told(f, "start", shorter), 1);
    fixture_end(f, shorter, 1, 0, 1000);
    fixture_settle(f);
    assert_int_equal(stint_jobs_view(f->jobs, longer, &job), 0);
    assert_int_equal(job.reason.code, STINT_REASON_Reserved);
    assert_int_equal(job.reason.reservation, view.id);
    assert_int_equal(job.reason.until_ms, fixture_wall_ms + 2 * HOUR_MS);
    later(f, calendar, HOUR_MS);
    uint64_t holders = submit(f, "nlp", 3, 600);
    assert_int_equal(fixture_told(f, "start", holders), 1);
    assert_int_equal(fixture_told(f, "start", longer), 0);
    fixture_end(f, holders, 1, 0, 1000);
    later(f, calendar, HOUR_MS);
    assert_int_equal(fixture_told(f, "start", longer), 1);
    assert_false(stint_calendar_reservation(calendar, (uint32_t)view.id, &view));
    (void)stint_calendar_free(calendar);
}

static bool count_view(void *context, const struct stint_reservation_view *view)
{
    *(struct stint_reservation_view *)context = *view;
    return true;
}

static void it_outlives_the_daemon_and_its_removal_too(void **state)
{
    struct fixture *f = *state;
    struct stint_calendar *calendar = open_calendar(f);
    struct stint_act act = act_of(f);
    struct stint_reservation_new asked = three("nights", NULL);
    struct stint_reservation_view view = { 0 };
    asked.days = "mon-fri";
    asked.hours = "20:00-06:00";
    asked.until_ms = 0;
    assert_int_equal(stint_calendar_reserve(calendar, &act, &asked, &view, &f->err), 0);
    int64_t from_ms = view.window_from_ms;
    (void)stint_calendar_free(calendar);
    fixture_restart(f);
    calendar = open_calendar(f);
    stint_calendar_turn(calendar);
    memset(&view, 0, sizeof(view));
    stint_calendar_each_reservation(calendar, count_view, &view);
    assert_string_equal(view.name, "nights");
    assert_string_equal(view.reason, "course");
    assert_int_equal(view.window_from_ms, from_ms);
    assert_int_equal(view.allocation->grants[0].core_count, 3);
    uint64_t longer = submit(f, "default", 2, 24 * 3600);
    assert_int_equal(fixture_reason(f, longer), STINT_REASON_Reserved);
    assert_int_equal(stint_calendar_unreserve(calendar, &act, "nights", &f->err), 0);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", longer), 1);
    (void)stint_calendar_free(calendar);
    fixture_restart(f);
    calendar = open_calendar(f);
    memset(&view, 0, sizeof(view));
    stint_calendar_each_reservation(calendar, count_view, &view);
    assert_null(view.name);
    (void)stint_calendar_free(calendar);
}

static void what_nobody_uses_is_given_up_for_good(void **state)
{
    struct fixture *f = *state;
    struct stint_calendar *calendar = open_calendar(f);
    struct stint_act act = act_of(f);
    struct stint_reservation_new asked = three("course", "nlp");
    struct stint_reservation_view view = { 0 };
    asked.release_after_s = 600;
    add_nlp(f);
    assert_int_equal(stint_calendar_reserve(calendar, &act, &asked, &view, &f->err), 0);
    later(f, calendar, HOUR_MS);
    uint64_t other = submit(f, "default", 3, 600);
    uint64_t holders = submit(f, "nlp", 1, 3600);
    later(f, calendar, 20 * 60000); /* in use: not given up */
    assert_int_equal(fixture_told(f, "start", holders), 1);
    assert_int_equal(fixture_reason(f, other), STINT_REASON_Reserved);
    fixture_end(f, holders, 1, 0, 1000);
    later(f, calendar, 9 * 60000);
    assert_int_equal(fixture_told(f, "start", other), 0);
    struct stint_record_mark before = stint_record_mark(f->record);
    later(f, calendar, 2 * 60000);
    assert_int_equal(fixture_told(f, "start", other), 1);
    assert_int_equal(stint_record_mark(f->record).size, before.size + 1);
    (void)stint_calendar_free(calendar);
    fixture_restart(f);
    calendar = open_calendar(f);
    memset(&view, 0, sizeof(view));
    stint_calendar_turn(calendar);
    stint_calendar_each_reservation(calendar, count_view, &view);
    assert_null(view.name);
    (void)stint_calendar_free(calendar);
}

static void a_step_of_the_wall_clock_moves_reservations_and_no_job(void **state)
{
    struct fixture *f = *state;
    struct stint_calendar *calendar = open_calendar(f);
    struct stint_act act = act_of(f);
    struct stint_reservation_new asked = three("pumps", NULL);
    struct stint_reservation_view view;
    assert_int_equal(stint_calendar_reserve(calendar, &act, &asked, &view, &f->err), 0);
    uint64_t running = submit(f, "default", 1, 7200);
    uint64_t waiting = submit(f, "default", 2, 2 * 3600);
    assert_int_equal(fixture_reason(f, waiting), STINT_REASON_Reserved);
    fixture_wall_ms += 2 * HOUR_MS; /* past its end */
    stint_calendar_turn(calendar);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", waiting), 1);
    assert_int_equal(fixture_told(f, "control", running), 0);
    fixture_end(f, waiting, 1, 0, 1000);
    asked = three("again", NULL);
    assert_int_equal(stint_calendar_reserve(calendar, &act, &asked, &view, &f->err), 0);
    uint64_t fits = submit(f, "default", 2, 3600);
    assert_int_equal(fixture_told(f, "start", fits), 1);
    fixture_end(f, fits, 1, 0, 1000);
    fixture_wall_ms += HOUR_MS / 2; /* nearer by half an hour */
    stint_calendar_turn(calendar);
    uint64_t late = submit(f, "default", 2, 3600);
    assert_int_equal(fixture_reason(f, late), STINT_REASON_Reserved);
    (void)stint_calendar_free(calendar);
}

static void conflicts_and_nonsense_leave_no_trace(void **state)
{
    struct fixture *f = *state;
    struct stint_calendar *calendar = open_calendar(f);
    struct stint_act act = act_of(f);
    struct stint_act rehearsal = { &f->operator_caller, "course", true };
    struct stint_act by_user = { &f->anna, "course", false };
    struct stint_act silent = { &f->operator_caller, "", false };
    struct stint_reservation_view view;
    const struct stint_reservation_new good = three("course", NULL);
    struct stint_reservation_new asked[12];
    for (size_t i = 0; i < STINT_ARRAY_SIZE(asked); i++)
        asked[i] = good;
    asked[3].cpus = 5;
    asked[4].until_ms = asked[4].from_ms;
    asked[5].until_ms = 0;
    asked[6].name = "No name";
    asked[7].project = "nobody-knows";
    asked[8].nodes = "node9";
    asked[9].cpus = 0;
    asked[10].release_after_s = 60; /* nobody's, so never used */
    asked[11].days = "someday";
    const struct {
        struct stint_act *act;
        int answer;
    } cases[STINT_ARRAY_SIZE(asked)] = {
        { &by_user, STINT_NOT_PERMITTED }, { &silent, STINT_INVALID }, { &rehearsal, 0 },
        { &act, STINT_UNSATISFIABLE },     { &act, STINT_INVALID },    { &act, STINT_INVALID },
        { &act, STINT_INVALID },           { &act, STINT_NOT_FOUND },  { &act, STINT_NOT_FOUND },
        { &act, STINT_INVALID },           { &act, STINT_INVALID },    { &act, STINT_INVALID },
    };
    struct stint_record_mark before = stint_record_mark(f->record);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        int r = stint_calendar_reserve(calendar, cases[i].act, &asked[i], &view, &f->err);
        if (r != cases[i].answer)
            fail_msg("case %zu: %d %s", i, r, f->err.text);
    }
    assert_int_equal(stint_record_mark(f->record).size, before.size);
    uint64_t free = submit(f, "default", 4, 7200); /* none of them keeps anything */
    assert_int_equal(fixture_told(f, "start", free), 1);

    assert_int_equal(stint_calendar_reserve(calendar, &act, &good, &view, &f->err), 0);
    struct stint_reservation_new other = good;
    other.name = "other";
    other.cpus = 2;
    other.from_ms += HOUR_MS / 2;
    other.until_ms += HOUR_MS / 2;
    assert_int_equal(stint_calendar_reserve(calendar, &act, &other, &view, &f->err),
                     STINT_CONFLICT);
    assert_non_null(strstr(f->err.text, "reservation course keeps some of it"));
    assert_non_null(strstr(f->err.fix, "at most 1 cores of one node are not reserved then"));
    other.cpus = 1;
    assert_int_equal(stint_calendar_reserve(calendar, &act, &other, &view, &f->err), 0);
    other.name = "whole";
    other.cpus = 0;
    other.nodes = "all";
    assert_int_equal(stint_calendar_reserve(calendar, &act, &other, &view, &f->err),
                     STINT_CONFLICT);
    other.days = "daily"; /* a weekly one meets it, too */
    other.hours = "00:00-24:00";
    other.until_ms = 0;
    assert_int_equal(stint_calendar_reserve(calendar, &act, &other, &view, &f->err),
                     STINT_CONFLICT);
    assert_int_equal(stint_calendar_reserve(calendar, &act, &good, &view, &f->err),
                     STINT_CONFLICT); /* the name */
    (void)stint_calendar_free(calendar);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(others_start_around_it_and_the_holder_inside),
        TEST(it_outlives_the_daemon_and_its_removal_too),
        TEST(what_nobody_uses_is_given_up_for_good),
        TEST(a_step_of_the_wall_clock_moves_reservations_and_no_job),
        TEST(conflicts_and_nonsense_leave_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
