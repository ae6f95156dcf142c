/* Claims about the tree of shares, against ranks that were worked out by hand. Definition: Slurm's
 * Fair Tree: of the children of one account, users and accounts alike, the one with the larger
 * share over use goes first, with all that is below it. */
#include "fixture.h"

enum { LAB, NLP, VISION, ANN, BOB, CAT, DAN };

/* lab: ann (1 share), nlp (3): bob (1), cat (1); vision (1): dan (1). */
static void open_lab(void)
{
    static const struct {
        uint32_t parent;
        uint32_t shares;
    } accounts[] = { [LAB] = { STINT_NO_ACCOUNT, 1 },
                     [NLP] = { LAB, 3 },
                     [VISION] = { LAB, 1 },
                     [ANN] = { LAB, 1 },
                     [BOB] = { NLP, 1 },
                     [CAT] = { NLP, 1 },
                     [DAN] = { VISION, 1 } };
    struct stint_machine *machine = NULL;
    assert_int_equal(stint_machine_new_flat(8, &machine, NULL), 0);
    open_machine(machine, (struct stint_policy){ .mode = STINT_MODE_STINT,
                                                 .tiers = 4,
                                                 .half_life_ms = INT64_C(1) << 40 });
    for (uint32_t a = 0; a <= DAN; a++)
        assert_int_equal(stint_scheduler_set_account(fixture.scheduler, a, STINT_ACCOUNT_PROJECT,
                                                     accounts[a].parent, accounts[a].shares),
                         0);
}

static void use(uint32_t account, int64_t amount)
{
    struct stint_ask ask = { .cpus = 8, .gpu_type = STINT_ANY_GPU_TYPE };
    assert_int_equal(stint_scheduler_add_use(fixture.scheduler, account, &ask, -amount * 1000, 0),
                     0);
}

static uint32_t rank_of(uint32_t account)
{
    struct stint_fair fair;
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, account, &fair), 0);
    assert_int_equal(fair.rank_count, 4); /* ann, bob, cat, dan */
    assert_int_equal(fair.tier, fair.rank);
    return fair.rank;
}

/* share / use of 100: ann 0.2 / 0.10 = 2; nlp 0.6 / 0.40 = 1.5; vision 0.2 / 0.50 = 0.4; in nlp
 * bob 0.5 / 0.75 = 0.67, cat 0.5 / 0.25 = 2. */
static void who_used_least_of_its_share_goes_first_with_all_below_it(void **state)
{
    (void)state;
    open_lab();
    use(ANN, 10);
    use(BOB, 30);
    use(CAT, 10);
    use(DAN, 50);
    assert_int_equal(rank_of(ANN), 0);
    assert_int_equal(rank_of(CAT), 1);
    assert_int_equal(rank_of(BOB), 2);
    assert_int_equal(rank_of(DAN), 3);
    assert_int_equal(rank_of(NLP), 1); /* of its first leaf */
}

/* ann 0.2 / 0.45 = 0.44; nlp 0.6 / 0.40 = 1.5; vision 0.2 / 0.15 = 1.33: a user of the laboratory
 * itself goes behind all of its groups, and behind bob, who used more of his share than anybody. */
static void a_parents_own_user_stands_among_its_children(void **state)
{
    (void)state;
    open_lab();
    use(ANN, 45);
    use(BOB, 39);
    use(CAT, 1);
    use(DAN, 15);
    assert_int_equal(rank_of(CAT), 0);
    assert_int_equal(rank_of(BOB), 1);
    assert_int_equal(rank_of(DAN), 2);
    assert_int_equal(rank_of(ANN), 3);
}

/* Eight levels, at each of which one branch has all the use: the shallower goes first. */
static void deep_trees_are_ranked_from_the_root(void **state)
{
    (void)state;
    struct stint_machine *machine = NULL;
    assert_int_equal(stint_machine_new_flat(8, &machine, NULL), 0);
    open_machine(machine, (struct stint_policy){ .mode = STINT_MODE_STINT,
                                                 .tiers = 4,
                                                 .half_life_ms = INT64_C(1) << 40 });
    for (uint32_t level = 0; level < 8; level++) {
        uint32_t parent = level == 0 ? STINT_NO_ACCOUNT : 2 * level - 2;
        for (uint32_t i = 0; i < 2; i++)
            assert_int_equal(stint_scheduler_set_account(fixture.scheduler, 2 * level + i,
                                                         STINT_ACCOUNT_PROJECT, parent, 1),
                             0);
    }
    use(14, 100); /* the deepest of the branch with children */
    for (uint32_t level = 0; level < 8; level++) {
        struct stint_fair fair;
        assert_int_equal(stint_scheduler_fair(fixture.scheduler, 2 * level + 1, &fair), 0);
        assert_int_equal(fair.rank, level);
    }
}

/* Institution 0 with projects 1 and 2; users 3 and 4 below 1, 5 below 2. */
static void open_shares(void)
{
    struct stint_machine *machine = NULL;
    assert_int_equal(stint_machine_new_flat(1, &machine, NULL), 0);
    open_machine(machine, (struct stint_policy){
                              .mode = STINT_MODE_STINT, .tiers = 8, .half_life_ms = 1000000 });
    static const uint32_t parents[] = { STINT_NO_ACCOUNT, 0, 0, 1, 1, 2 };
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(stint_scheduler_set_account(fixture.scheduler, i, STINT_ACCOUNT_PROJECT,
                                                     parents[i], i == 2 ? 3 : 1),
                         0);
}

static struct stint_ask ask_of(uint64_t job, uint32_t account)
{
    struct stint_ask a = ask(job, 1, 100);
    a.fair_account = account;
    return a;
}

static void who_used_less_than_its_share_goes_first(void **state)
{
    (void)state;
    open_shares();
    struct stint_fair fair;
    submit(ask_of(1, 3));
    assert_string_equal(pass(0), "1");
    submit(ask_of(2, 3));
    submit(ask_of(3, 4)); /* same project, nothing used */
    submit(ask_of(4, 5)); /* the other project */
    end(1, 100);
    assert_string_equal(pass(100), "4");
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 1, &fair), 0);
    assert_true(fair.share > 0.249 && fair.share < 0.251);
    assert_true(fair.usage > 0.999);
    end(4, 130); /* 30 s of project 2, which has three times the shares: still less */
    submit(ask_of(5, 5));
    assert_string_equal(pass(130), "5");
    end(5, 500);
    assert_string_equal(pass(500), "3"); /* now project 1, and in it who used nothing */
    end(3, 501);
    assert_string_equal(pass(501), "2");
}

static void use_decays_by_half_in_a_half_life(void **state)
{
    (void)state;
    open_shares();
    struct stint_fair before;
    struct stint_fair after;
    submit(ask_of(1, 3));
    assert_string_equal(pass(0), "1");
    end(1, 100);
    assert_string_equal(pass(100), "");
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 3, &before), 0);
    assert_true(before.usage_share_ms > 96000 && before.usage_share_ms < 97000);
    submit(ask_of(2, 5));
    assert_string_equal(pass(1100), "2");
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 3, &after), 0);
    assert_true(after.usage_share_ms > before.usage_share_ms * 0.4999);
    assert_true(after.usage_share_ms < before.usage_share_ms * 0.5001);
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 5, &after), 0);
    assert_string_equal(pass(1150), ""); /* what runs counts before it ends */
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 5, &after), 0);
    assert_true(after.usage_share_ms > 49000 && after.usage_share_ms < 50000);
}

static double use_of(uint32_t account)
{
    struct stint_fair fair;
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, account, &fair), 0);
    return fair.usage_share_ms;
}

/* What was used before a restart is added from the books, in any order, and comes to the same. */
static void use_read_back_is_the_use_that_was_counted(void **state)
{
    (void)state;
    open_shares();
    submit(ask_of(1, 3));
    assert_string_equal(pass(0), "1");
    end(1, 100);
    submit(ask_of(2, 5));
    assert_string_equal(pass(250), "2");
    end(2, 300);
    submit(ask_of(3, 3));
    assert_string_equal(pass(300), "3"); /* runs on over the restart */
    assert_string_equal(pass(350), "");
    double before[6];
    for (uint32_t i = 0; i < 6; i++)
        before[i] = use_of(i);
    struct stint_ask held = ask_of(0, 0);
    stint_scheduler_forget_use(fixture.scheduler);
    assert_true(use_of(3) > before[3] * 0.3 && use_of(3) < before[3] * 0.4); /* 3 alone */
    assert_true(use_of(5) < 1e-9);
    assert_int_equal(stint_scheduler_add_use(fixture.scheduler, 5, &held, 250000, 300000), 0);
    assert_int_equal(stint_scheduler_add_use(fixture.scheduler, 3, &held, 0, 100000), 0);
    for (uint32_t i = 0; i < 6; i++)
        assert_true(use_of(i) >= before[i] * 0.999999 && use_of(i) <= before[i] * 1.000001);
}

/* The engine knows better when a run began and ended; a start that never was used nothing. */
static void a_run_uses_what_the_books_say(void **state)
{
    (void)state;
    open_shares();
    struct stint_task_key key = { 1, 0 };
    submit(ask_of(1, 3));
    assert_string_equal(pass(0), "1");
    assert_string_equal(pass(500), "");
    assert_int_equal(stint_scheduler_count_use(fixture.scheduler, key, 2000, 102000), 0);
    end(1, 500);
    struct stint_ask held = ask_of(0, 0);
    double counted = use_of(3);
    stint_scheduler_forget_use(fixture.scheduler);
    assert_int_equal(stint_scheduler_add_use(fixture.scheduler, 3, &held, 2000, 102000), 0);
    assert_true(counted > use_of(3) * 0.999999 && counted < use_of(3) * 1.000001);
    submit(ask_of(1, 3));
    assert_string_equal(pass(501), "1");
    assert_string_equal(pass(900), "");
    assert_int_equal(stint_scheduler_undo(fixture.scheduler, key), 0);
    double decayed = use_of(3);
    assert_true(decayed < counted && decayed > counted * 0.7);
    struct stint_fair unused;
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 5, &unused), 0);
    assert_int_equal(unused.rank, 0);
}

static void equal_use_is_the_same_tier(void **state)
{
    (void)state;
    open_shares();
    struct stint_fair a;
    struct stint_fair b;
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 3, &a), 0);
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 5, &b), 0);
    assert_int_equal(a.tier, b.tier);
    assert_int_equal(stint_scheduler_set_account(fixture.scheduler, 1, STINT_ACCOUNT_PROJECT, 3, 1),
                     STINT_INVALID); /* no circles */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(who_used_least_of_its_share_goes_first_with_all_below_it),
        T(a_parents_own_user_stands_among_its_children),
        T(deep_trees_are_ranked_from_the_root),
        T(who_used_less_than_its_share_goes_first),
        T(use_decays_by_half_in_a_half_life),
        T(use_read_back_is_the_use_that_was_counted),
        T(a_run_uses_what_the_books_say),
        T(equal_use_is_the_same_tier),
    };
    return cmocka_run_group_tests_name("scheduler-fair", tests, NULL, NULL);
}
