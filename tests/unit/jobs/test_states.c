/* The table of states: every way in the diagram of stint/jobs.h is there, and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../daemon/jobs/states.h"
#include "stint/auto.h"

static void the_diagram_is_the_table(void **state)
{
    (void)state;
    static const struct {
        enum stint_job_state from;
        enum job_event event;
        enum stint_job_state to;
    } ways[] = {
        { STINT_JOB_PENDING, JOB_GRANTED, STINT_JOB_STARTING },
        { STINT_JOB_PENDING, JOB_HELD, STINT_JOB_HELD },
        { STINT_JOB_PENDING, JOB_CANCELLED, STINT_JOB_DONE },
        { STINT_JOB_PENDING, JOB_REFUSED, STINT_JOB_DONE },
        { STINT_JOB_HELD, JOB_RELEASED, STINT_JOB_PENDING },
        { STINT_JOB_HELD, JOB_HELD, STINT_JOB_HELD },
        { STINT_JOB_HELD, JOB_CANCELLED, STINT_JOB_DONE },
        { STINT_JOB_HELD, JOB_REFUSED, STINT_JOB_DONE },
        { STINT_JOB_STARTING, JOB_SPAWNED, STINT_JOB_RUNNING },
        { STINT_JOB_STARTING, JOB_CANCELLED, STINT_JOB_ENDING },
        { STINT_JOB_STARTING, JOB_ENDED, STINT_JOB_DONE },
        { STINT_JOB_STARTING, JOB_RETURNED, STINT_JOB_PENDING },
        { STINT_JOB_RUNNING, JOB_SUSPENDED, STINT_JOB_SUSPENDED },
        { STINT_JOB_RUNNING, JOB_CANCELLED, STINT_JOB_ENDING },
        { STINT_JOB_RUNNING, JOB_PREEMPTED, STINT_JOB_ENDING },
        { STINT_JOB_RUNNING, JOB_ENDED, STINT_JOB_DONE },
        { STINT_JOB_RUNNING, JOB_RETURNED, STINT_JOB_PENDING },
        { STINT_JOB_SUSPENDED, JOB_RESUMED, STINT_JOB_RUNNING },
        { STINT_JOB_SUSPENDED, JOB_CANCELLED, STINT_JOB_ENDING },
        { STINT_JOB_SUSPENDED, JOB_PREEMPTED, STINT_JOB_ENDING },
        { STINT_JOB_SUSPENDED, JOB_ENDED, STINT_JOB_DONE },
        { STINT_JOB_SUSPENDED, JOB_RETURNED, STINT_JOB_PENDING },
        { STINT_JOB_ENDING, JOB_ENDED, STINT_JOB_DONE },
        { STINT_JOB_ENDING, JOB_RETURNED, STINT_JOB_PENDING },
        { STINT_JOB_ENDING, JOB_CANCELLED, STINT_JOB_ENDING },
    };
    unsigned found = 0;
    for (unsigned s = 0; s < STINT_JOB_STATE_COUNT; s++)
        for (unsigned e = 0; e < JOB_EVENT_COUNT; e++)
            found +=
                job_next_state((enum stint_job_state)s, (enum job_event)e) != STINT_JOB_NO_STATE;
    assert_int_equal(found, STINT_ARRAY_SIZE(ways));
    for (size_t i = 0; i < STINT_ARRAY_SIZE(ways); i++)
        assert_int_equal(job_next_state(ways[i].from, ways[i].event), ways[i].to);
}

static void nothing_leads_out_of_done(void **state)
{
    (void)state;
    for (unsigned e = 0; e < JOB_EVENT_COUNT; e++)
        assert_int_equal(job_next_state(STINT_JOB_DONE, (enum job_event)e), STINT_JOB_NO_STATE);
}

static void every_name_reads_back(void **state)
{
    (void)state;
    for (unsigned s = 1; s < STINT_JOB_STATE_COUNT; s++)
        assert_int_equal(stint_job_state_from_name(stint_job_state_name((enum stint_job_state)s)),
                         s);
    for (unsigned o = 1; o < STINT_OUTCOME_COUNT; o++)
        assert_int_equal(
            stint_job_outcome_from_name(stint_job_outcome_name((enum stint_job_outcome)o)), o);
    assert_int_equal(stint_job_state_from_name("PENDING"), STINT_JOB_NO_STATE);
    assert_int_equal(stint_job_outcome_from_name(""), STINT_OUTCOME_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_diagram_is_the_table),
        cmocka_unit_test(nothing_leads_out_of_done),
        cmocka_unit_test(every_name_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
