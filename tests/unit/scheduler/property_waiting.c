/* What is told of who waits. */
#include "property.h"

/* Has a promise moved later? Of what is neither blocked nor over a limit the headline says it. */
static void check_promise(struct element *waiting, const struct stint_reason *reason)
{
    int64_t promised_ms = reason->reservation == 0 ? reason->until_ms : 0;
    if (stint_reason_class(reason->code) != STINT_CLASS_WAITING)
        return;
    if (waiting->promised_ms > 0 && (promised_ms == 0 || promised_ms > waiting->promised_ms))
        fail_msg("job %d was promised %lld, and is now promised %lld", (int)waiting->ask.key.job,
                 (long long)waiting->promised_ms, (long long)promised_ms);
    waiting->promised_ms = promised_ms;
}

/* The headline of one that waits is that of the first of these that is true: it can never start;
 * somebody blocks it or its time has not come; a limit; else it waits for room. */
static void check_headline(const struct world *world, const struct element *waiting,
                           const struct stint_reason *reason)
{
    enum stint_reason_class class = stint_reason_class(reason->code);
    bool is_over_budget =
        reason->code == STINT_REASON_BalanceHeld || reason->code == STINT_REASON_BalanceExhausted;
    bool is_never = stint_scheduler_fits_ever(world->scheduler, &waiting->ask, NULL, NULL, NULL);
    bool is_stopped = is_blocked(waiting) || waiting->ask.begin_ms > world->now_ms;
    assert_int_equal(class == STINT_CLASS_NEVER, is_never);
    if (is_never)
        return;
    if (!is_over_budget)
        assert_int_equal(class == STINT_CLASS_BLOCKED, is_stopped);
    if (!is_stopped)
        assert_int_equal(class == STINT_CLASS_LIMITED || is_over_budget,
                         limits_over(world, &waiting->ask));
    assert_true(reason->reservation == 0 ||
                (reason->code == STINT_REASON_Reserved && reason->until_ms > world->now_ms &&
                 world->windows[reason->reservation - 1].allocation));
}

/* Where others may be passed, a pass leaves nobody waiting who could start: what it did not look at
 * could not. (Stops change what is promised, after the last look.) */
static void check_complete(const struct world *world, const struct element *waiting,
                           const struct stint_reason *reason)
{
    bool has_backfill =
        world->policy.mode != STINT_MODE_FCFS && world->policy.mode != STINT_MODE_SJF;
    if (has_backfill && world->policy.try_max == 0 && !world->is_unsettled &&
        reason->code == STINT_REASON_Priority)
        fail_msg("job %d could start and waits, in mode %s", (int)waiting->ask.key.job,
                 stint_mode_name(world->policy.mode));
}

static void check_waiting(struct world *world, struct element *waiting)
{
    struct stint_reason reason = stint_scheduler_reason(world->scheduler, waiting->ask.key);
    int64_t p50 = 0;
    int64_t p90 = 0;
    assert_true(reason.code != STINT_REASON_NONE);
    check_headline(world, waiting, &reason);
    check_complete(world, waiting, &reason);
    if (world->is_calm)
        check_promise(waiting, &reason);
    if (below(16) == 0 &&
        stint_scheduler_estimate(world->scheduler, waiting->ask.key, &p50, &p90) == 0)
        assert_true(p50 >= world->now_ms && p50 <= p90);
}

void waiting_check(struct world *world)
{
    for (uint32_t i = 0; i < world->element_count; i++) {
        struct element *element = &world->elements[i];
        if (element->state == ELEMENT_WAITING)
            check_waiting(world, element);
        else
            assert_int_equal(stint_scheduler_reason(world->scheduler, element->ask.key).code,
                             STINT_REASON_NONE);
    }
    limits_check(world, world->scheduler);
}
