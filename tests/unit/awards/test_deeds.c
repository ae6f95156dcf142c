/* What operators do. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"

/* ---- permission, reason, rehearsal, and what is written down: the same for every verb */

typedef int (*verb_fn)(struct fixture *f, const struct stint_act *act);

static int verb_institution(struct fixture *f, const struct stint_act *act)
{
    int64_t id;
    return stint_ledger_institution_add(f->ledger, act, "lab", NULL, &id, &f->err);
}
static int verb_project(struct fixture *f, const struct stint_act *act)
{
    int64_t id;
    return stint_ledger_project_add(f->ledger, act, "vision", "uni", NULL, NULL, &id, &f->err);
}
static int verb_set(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_project_set(f->ledger, act, "nlp", "D. Other", NULL, &f->err);
}
static int verb_suspend(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_project_suspend(f->ledger, act, "nlp", true, &f->err);
}
static int verb_user(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_user_add(f->ledger, act, "70002", "nlp", "pi", -1, &f->err);
}
static int verb_user_suspend(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_user_suspend(f->ledger, act, "70001", true, &f->err);
}
static int verb_user_remove(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_user_remove(f->ledger, act, "70001", "nlp", &f->err);
}
static int verb_grant(struct fixture *f, const struct stint_act *act)
{
    int64_t id;
    return stint_ledger_award_grant(f->ledger, act, NULL, "nlp", NULL, HOUR_MICRO, clock_ms,
                                    clock_ms + DAY_MS, NULL, &id, &f->err);
}
static int verb_reduce(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_award_change(f->ledger, act, "2026-nlp", STINT_AWARD_REDUCE, HOUR_MICRO, 0,
                                     &f->err);
}
static int verb_transfer(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_award_transfer(f->ledger, act, "default", "2026-nlp", HOUR_MICRO, &f->err);
}
static int verb_quota(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_quota_set(f->ledger, act, STINT_SCOPE_SITE, NULL, "gpus=3", &f->err);
}

static const struct {
    verb_fn run;
    const char *entry; /* type in the public log */
} verbs[] = {
    { verb_institution, "institution.change" },
    { verb_project, "project.change" },
    { verb_set, "project.change" },
    { verb_suspend, "project.change" },
    { verb_user, "member.change" },
    { verb_user_suspend, "user.change" },
    { verb_user_remove, "member.change" },
    { verb_grant, "award.change" },
    { verb_reduce, "award.change" },
    { verb_transfer, "award.change" },
    { verb_quota, "quota.set" },
};

static void only_operators_change_anything(void **state)
{
    struct fixture *f = *state;
    struct stint_act act = { .caller = &f->anna, .reason = "mine" };
    fixture_nlp(f, 10);
    size_t before = entry_count;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(verbs); i++)
        assert_int_equal(verbs[i].run(f, &act), STINT_NOT_PERMITTED);
    assert_int_equal(entry_count, before);
}

static void every_change_needs_a_reason(void **state)
{
    struct fixture *f = *state;
    static const char *const reasons[] = { NULL, "", "  " };
    fixture_nlp(f, 10);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(verbs); i++)
        for (size_t j = 0; j < STINT_ARRAY_SIZE(reasons); j++) {
            struct stint_act act = { .caller = &f->operator_caller, .reason = reasons[j] };
            assert_int_equal(verbs[i].run(f, &act), STINT_INVALID);
        }
}

static void a_rehearsal_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    struct stint_act act = { .caller = &f->operator_caller, .reason = "try", .is_rehearsal = true };
    fixture_nlp(f, 10);
    assert_int_equal(fixture_commit(f), 0);
    size_t before = entry_count;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(verbs); i++)
        assert_int_equal(verbs[i].run(f, &act), 0);
    assert_int_equal(entry_count, before);
    assert_false(stint_store_is_pending(f->store));
    assert_int_equal(fixture_award(f->ledger, "2026-nlp").awarded_micro, 10 * HOUR_MICRO);
}

static void every_change_is_public_and_names_no_user(void **state)
{
    struct fixture *f = *state;
    fixture_nlp(f, 10);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(verbs); i++) {
        size_t before = entry_count;
        assert_int_equal(verbs[i].run(f, &f->act), 0);
        assert_int_equal(entry_count, before + 1);
        assert_string_equal(entries[before].type, verbs[i].entry);
        assert_string_equal(entries[before].reason, "autumn call");
        assert_null(strstr(entries[before].subject, "7000"));
    }
}

static void a_change_the_record_refuses_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    fixture_nlp(f, 10);
    assert_int_equal(fixture_commit(f), 0);
    record_answer = STINT_BUSY;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(verbs); i++) {
        assert_int_equal(verbs[i].run(f, &f->act), STINT_BUSY);
        assert_false(stint_store_is_pending(f->store));
    }
    record_answer = 0;
    assert_int_equal(fixture_award(f->ledger, "2026-nlp").awarded_micro, 10 * HOUR_MICRO);
    assert_int_equal(fixture_award(f->ledger, "default").awarded_micro, 1000 * HOUR_MICRO);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(verbs); i++) /* and each can be done afterwards */
        assert_int_equal(verbs[i].run(f, &f->act), 0);
}

static void malformed_administration_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {
        "",      "Upper",
        "-dash", ".dot",
        "a b",   "ümlaut",
        "a/b",   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    };
    int64_t id;
    fixture_nlp(f, 10);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(names); i++) {
        assert_int_equal(
            stint_ledger_project_add(f->ledger, &f->act, names[i], "uni", NULL, NULL, &id, &f->err),
            STINT_INVALID);
        assert_int_equal(
            stint_ledger_institution_add(f->ledger, &f->act, names[i], NULL, &id, &f->err),
            STINT_INVALID);
    }
    assert_int_equal(
        stint_ledger_project_add(f->ledger, &f->act, "nlp", "uni", NULL, NULL, &id, &f->err),
        STINT_CONFLICT);
    assert_int_equal(
        stint_ledger_project_add(f->ledger, &f->act, "p", "none", NULL, NULL, &id, &f->err),
        STINT_NOT_FOUND);
    assert_int_equal(
        stint_ledger_project_add(f->ledger, &f->act, "p", "uni", NULL, "two\nlines", &id, &f->err),
        STINT_INVALID);
    assert_int_equal(
        stint_ledger_user_add(f->ledger, &f->act, "no-such-login", "nlp", NULL, -1, &f->err),
        STINT_NOT_FOUND);
    assert_int_equal(stint_ledger_user_add(f->ledger, &f->act, "70002", "nlp", "boss", -1, &f->err),
                     STINT_INVALID);
    assert_int_equal(stint_ledger_award_grant(f->ledger, &f->act, "x", "nlp", NULL, 0, clock_ms,
                                              clock_ms + 1, NULL, &id, &f->err),
                     STINT_INVALID);
    assert_int_equal(stint_ledger_award_grant(f->ledger, &f->act, "x", "nlp", NULL, 1, clock_ms,
                                              clock_ms, NULL, &id, &f->err),
                     STINT_INVALID);
    assert_int_equal(stint_ledger_award_grant(f->ledger, &f->act, "2026-nlp", "nlp", NULL, 1,
                                              clock_ms, clock_ms + 1, NULL, &id, &f->err),
                     STINT_CONFLICT);
    assert_int_equal(stint_ledger_award_change(f->ledger, &f->act, "2026-nlp", STINT_AWARD_EXTEND,
                                               0, clock_ms, &f->err),
                     STINT_INVALID);
    assert_int_equal(
        stint_ledger_award_transfer(f->ledger, &f->act, "2026-nlp", "2026-nlp", 1, &f->err),
        STINT_INVALID);
    assert_int_equal(stint_ledger_award_transfer(f->ledger, &f->act, "2026-nlp", "default",
                                                 10 * HOUR_MICRO + 1, &f->err),
                     STINT_NO_AWARD);
}

static void awards_get_names_of_the_year(void **state)
{
    struct fixture *f = *state;
    fixture_nlp(f, 10);
    assert_int_equal(verb_grant(f, &f->act), 0);
    assert_int_equal(verb_grant(f, &f->act), 0);
    assert_int_not_equal(stint_ledger_award_id(f->ledger, "2026-001"), 0);
    assert_int_not_equal(stint_ledger_award_id(f->ledger, "2026-002"), 0);
}

#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(only_operators_change_anything),
        LEDGER_TEST(every_change_needs_a_reason),
        LEDGER_TEST(a_rehearsal_leaves_no_trace),
        LEDGER_TEST(every_change_is_public_and_names_no_user),
        LEDGER_TEST(a_change_the_record_refuses_leaves_no_trace),
        LEDGER_TEST(malformed_administration_is_refused),
        LEDGER_TEST(awards_get_names_of_the_year),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
