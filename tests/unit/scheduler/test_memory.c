/* Every allocation fails once: what could not be done leaves no trace, and the same call works when
 * there is memory again. Linked with malloc, calloc and realloc wrapped. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stint/scheduler.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long fail_at; /* the allocation that fails, 0 for none */
static bool has_failed;

static bool must_fail(void)
{
    if (fail_at == 0 || --fail_at > 0)
        return false;
    has_failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return must_fail() ? NULL : __real_realloc(old, size);
}

static struct stint_scheduler *scheduler;

static void check(void)
{
    const char *wrong = stint_scheduler_check(scheduler);
    if (wrong)
        fail_msg("%s", wrong);
}

static int submit(uint64_t job)
{
    struct stint_ask ask = { .key = { job, 0 },
                             .cpus = 1 + (uint32_t)(job % 5),
                             .gpu_type = STINT_ANY_GPU_TYPE,
                             .walltime_ms = 1000 + (int64_t)(job % 7) * 1000,
                             .begin_ms = job % 11 == 0 ? 1000 : 0,
                             .user = (uint32_t)job,
                             .fair_account = STINT_NO_ACCOUNT };
    return stint_scheduler_submit(scheduler, &ask, NULL);
}

static int hold(uint64_t job)
{
    struct stint_task_key key = { job, 0 };
    struct stint_reason reason = { .code = STINT_REASON_HeldByUser };
    return stint_scheduler_set_blocked(scheduler, key, &reason);
}

static uint64_t started[512];
static size_t started_count;

static int pass(int64_t now_ms)
{
    struct stint_start starts[4];
    size_t count = 0;
    int r = stint_scheduler_pass(scheduler, now_ms, starts, 4, &count);
    for (size_t i = 0; i < count; i++)
        started[started_count++] = starts[i].key.job;
    return r;
}

/* One day: every call is tried with its nth allocation failing, for all n, until it works. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        for (long nth = 1;; nth++) {                                                               \
            fail_at = nth;                                                                         \
            has_failed = false;                                                                    \
            int r = call;                                                                          \
            fail_at = 0;                                                                           \
            check();                                                                               \
            assert_true(r == 0 || (has_failed && r == -ENOMEM));                                   \
            if (!has_failed)                                                                       \
                break;                                                                             \
            if (r == 0)                                                                            \
                break; /* it did without */                                                        \
        }                                                                                          \
    } while (0)

static void a_day_survives_every_failed_allocation(void **state)
{
    (void)state;
    for (int mode = 0; mode < STINT_MODE_COUNT; mode++) {
        struct stint_machine *machine = NULL;
        struct stint_policy policy = { .mode = (enum stint_mode)mode };
        assert_int_equal(stint_machine_new_flat(8, &machine, NULL), 0);
        for (long nth = 1;; nth++) {
            fail_at = nth;
            has_failed = false;
            int r = stint_scheduler_new(machine, &policy, &scheduler, NULL);
            fail_at = 0;
            if (!has_failed)
                break;
            assert_int_equal(r, -ENOMEM);
        }
        started_count = 0;
        for (uint64_t job = 1; job <= 200; job++) {
            TRY(submit(job));
            if (job % 13 == 0)
                TRY(hold(job));
            TRY(pass((int64_t)job));
            if (job % 3 == 0 && started_count > 0) {
                struct stint_task_key key = { started[--started_count], 0 };
                assert_int_equal(stint_scheduler_end(scheduler, key, (int64_t)job), 0);
                check();
            }
        }
        assert_true(stint_scheduler_running_count(scheduler) > 0);
        scheduler = stint_scheduler_free(scheduler);
        (void)stint_machine_free(machine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests_name("scheduler-memory", tests, NULL, NULL);
}
