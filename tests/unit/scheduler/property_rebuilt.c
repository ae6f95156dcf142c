/* The incremental state equals one that is built from nothing: a new core is told, in one go, the
 * accounts, the past, what runs and what waits, and stands where the old one came to step by step.
 * Promises are not told: they are the old core's word, and not to be had from the state; so what
 * is compared is what does not depend on them, and in the modes without any, the decisions too. */
#include "property.h"

static int by_sequence(const void *a, const void *b)
{
    const struct element *const *x = a;
    const struct element *const *y = b;
    return (*x)->sequence < (*y)->sequence ? -1 : (*x)->sequence > (*y)->sequence;
}

static void tell_one(const struct world *world, const struct element *element,
                     struct stint_scheduler *rebuilt)
{
    struct stint_clock clock;
    struct stint_reason held = { .code = STINT_REASON_HeldByUser, .account = STINT_NO_ACCOUNT };
    struct stint_ask ask = element->ask;
    ask.tasks = element->tasks;
    if (element->state == ELEMENT_RUNNING) {
        assert_int_equal(stint_scheduler_adopt(rebuilt, &ask, element->held, element->started_ms,
                                               element->limit_ms, NULL),
                         0);
        return;
    }
    assert_int_equal(stint_scheduler_submit(rebuilt, &ask, NULL), 0);
    if (element->is_held || element->after)
        assert_int_equal(stint_scheduler_set_blocked(rebuilt, ask.key, &held), 0);
    assert_int_equal(stint_scheduler_clock(world->scheduler, ask.key, &clock), 0);
    assert_int_equal(stint_scheduler_set_wait(rebuilt, ask.key, &clock), 0);
}

static void tell_work(const struct world *world, struct stint_scheduler *rebuilt)
{
    const struct element *in_order[ELEMENT_MAX];
    for (uint32_t i = 0; i < world->element_count; i++)
        in_order[i] = &world->elements[i];
    qsort(in_order, world->element_count, sizeof(const struct element *), by_sequence);
    for (uint32_t i = 0; i < world->element_count; i++)
        tell_one(world, in_order[i], rebuilt);
}

static struct stint_scheduler *rebuild(const struct world *world)
{
    struct stint_scheduler *rebuilt = NULL;
    struct stint_start start;
    size_t count;
    assert_int_equal(stint_scheduler_new(world->machine, &world->policy, &rebuilt, NULL), 0);
    limits_copy(world, rebuilt);
    for (uint32_t i = 0; i < world->history_count; i++) {
        const struct past *past = &world->history[i];
        assert_int_equal(stint_scheduler_add_use(rebuilt, past->ask.fair_account, &past->ask,
                                                 past->from_ms, past->until_ms),
                         0);
    }
    for (uint32_t n = 0; n < world->machine->node_count; n++)
        assert_int_equal(stint_scheduler_set_node_state(rebuilt, n, world->nodes[n]), 0);
    for (uint32_t i = 0; i < WINDOWS; i++) {
        const struct kept *kept = &world->windows[i];
        struct stint_window window = { i + 1, kept->account, kept->from_ms, kept->until_ms,
                                       kept->allocation };
        if (kept->allocation && kept->until_ms > world->now_ms)
            assert_int_equal(stint_scheduler_reserve(rebuilt, &window, NULL, NULL), 0);
    }
    tell_work(world, rebuilt);
    stint_scheduler_set_away(rebuilt, true); /* the time is told, and nothing decided */
    assert_int_equal(stint_scheduler_pass(rebuilt, world->now_ms, &start, 1, &count), 0);
    assert_int_equal(count, 0);
    return rebuilt;
}

static void compare_nodes(const struct world *world, const struct stint_scheduler *rebuilt)
{
    for (uint32_t n = 0; n < world->machine->node_count; n++) {
        assert_int_equal(stint_scheduler_free_cores(rebuilt, n),
                         stint_scheduler_free_cores(world->scheduler, n));
        assert_int_equal(stint_scheduler_free_gpus(rebuilt, n),
                         stint_scheduler_free_gpus(world->scheduler, n));
        assert_int_equal(stint_scheduler_node_state(rebuilt, n),
                         stint_scheduler_node_state(world->scheduler, n));
    }
}

static bool is_near(double a, double b)
{
    return a <= b * 1.0000001 + 0.001 && b <= a * 1.0000001 + 0.001;
}

static void compare_fair(const struct world *world, const struct stint_scheduler *rebuilt)
{
    for (uint32_t a = INSTITUTION; a < ARRAY && world->policy.tiers > 0; a++) {
        struct stint_fair old;
        struct stint_fair new;
        assert_int_equal(stint_scheduler_fair(world->scheduler, a, &old), 0);
        assert_int_equal(stint_scheduler_fair(rebuilt, a, &new), 0);
        assert_int_equal(new.rank, old.rank);
        assert_int_equal(new.tier, old.tier);
        if (!is_near(new.usage_share_ms, old.usage_share_ms))
            fail_msg("account %u used %f, built anew %f", a, old.usage_share_ms,
                     new.usage_share_ms);
    }
}

static void compare_turn(const struct world *world, const struct stint_scheduler *rebuilt,
                         const struct element *waiting)
{
    struct stint_turn old;
    struct stint_turn new;
    struct stint_clock waited;
    struct stint_clock waits;
    struct stint_task_key key = waiting->ask.key;
    assert_int_equal(stint_scheduler_clock(world->scheduler, key, &waited), 0);
    assert_int_equal(stint_scheduler_clock(rebuilt, key, &waits), 0);
    assert_int_equal(waits.ready_ms, waited.ready_ms);
    assert_int_equal(waits.blocked_ms, waited.blocked_ms);
    assert_int_equal(waits.lent_count, waited.lent_count);
    assert_int_equal(waits.has_lent, waited.has_lent);
    if (world->policy.mode != STINT_MODE_STINT)
        return;
    assert_int_equal(stint_scheduler_turn(world->scheduler, key, &old), 0);
    assert_int_equal(stint_scheduler_turn(rebuilt, key, &new), 0);
    assert_true(new.factor == old.factor &&new.priority == old.priority);
    assert_int_equal(new.level, old.level);
    assert_int_equal(new.is_starved, old.is_starved);
}

/* What does not hang on promises: that it can never start, is blocked, early, or over a limit. */
static void compare_reason(const struct world *world, const struct stint_scheduler *rebuilt,
                           struct stint_task_key key)
{
    struct stint_reason old = stint_scheduler_reason(world->scheduler, key);
    struct stint_reason new = stint_scheduler_reason(rebuilt, key);
    enum stint_reason_class class = stint_reason_class(old.code);
    assert_int_equal(class, stint_reason_class(new.code));
    if (class == STINT_CLASS_NEVER || class == STINT_CLASS_LIMITED) {
        assert_int_equal(new.code, old.code);
        assert_int_equal(new.account, old.account);
        assert_int_equal(new.used, old.used);
        assert_int_equal(new.limit, old.limit);
    }
}

/* Without promises to keep, whatever waits after the old core's pass waits after the new one's. */
static void compare_starts(const struct world *world, struct stint_scheduler *rebuilt)
{
    struct stint_start starts[START_MAX];
    size_t count = 0;
    bool has_promises =
        world->policy.mode != STINT_MODE_FCFS && world->policy.mode != STINT_MODE_SJF;
    if (world->is_away || world->is_unsettled)
        return;
    stint_scheduler_set_away(rebuilt, false);
    assert_int_equal(stint_scheduler_pass(rebuilt, world->now_ms, starts, START_MAX, &count), 0);
    if (!has_promises && count > 0)
        fail_msg("job %d starts in a core that is built anew", (int)starts[0].key.job);
}

static void check(const struct stint_scheduler *scheduler)
{
    const char *wrong = stint_scheduler_check(scheduler);
    if (wrong)
        fail_msg("built anew: %s", wrong);
}

void rebuilt_check(const struct world *world)
{
    struct stint_scheduler *rebuilt = rebuild(world);
    check(rebuilt);
    compare_nodes(world, rebuilt);
    limits_check(world, rebuilt);
    compare_fair(world, rebuilt);
    assert_int_equal(stint_scheduler_pending_count(rebuilt),
                     stint_scheduler_pending_count(world->scheduler));
    assert_int_equal(stint_scheduler_running_count(rebuilt),
                     stint_scheduler_running_count(world->scheduler));
    for (uint32_t i = 0; i < world->element_count; i++) {
        if (world->elements[i].state != ELEMENT_WAITING)
            continue;
        compare_turn(world, rebuilt, &world->elements[i]);
        if (!world->is_away)
            stint_scheduler_set_away(rebuilt, false);
        compare_reason(world, rebuilt, world->elements[i].ask.key);
        stint_scheduler_set_away(rebuilt, true);
    }
    compare_starts(world, rebuilt);
    check(rebuilt);
    (void)stint_scheduler_free(rebuilt);
}
