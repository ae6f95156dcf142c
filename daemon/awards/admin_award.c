/* Administrators' verbs on awards. Each is a transaction of the books, a row, an event and a public
 * entry with the figures before and after, in one batch. */
#include "state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "stint/buffer.h"
#include "stint/measure.h"

/* A year's award names; more would not be `2026-0001`. */
#define AWARD_NUMBER_MAX 99999
/* No single amount is larger: sums of many stay far from the end of int64. */
#define AWARD_AMOUNT_MAX_MICRO (INT64_C(1) << 60)

static int amount_check(int64_t amount_micro, struct stint_error *err)
{
    if (amount_micro > 0 && amount_micro <= AWARD_AMOUNT_MAX_MICRO)
        return 0;
    (void)stint_fail(err, STINT_INVALID, "the amount is not between 0 and 1.1e12 hours");
    return stint_fix(err, STINT_INVALID, "give a number of hours above 0, as --amount 500");
}

static void award_fill(const struct ledger_award *award, struct stint_award_row *row)
{
    *row = (struct stint_award_row){
        .id = award->id,
        .name = award->name,
        .project = award->project->id,
        .resource = award->resource_name,
        .unit = award->unit,
        .from_ms = award->from_ms,
        .until_ms = award->until_ms,
        .state = award->is_revoked ? "revoked" : "active",
        .title = award->title,
        .created_ms = award->created_ms,
    };
}

/* `2026-001`, the first number of this year that is free. */
static int award_name_next(const struct stint_ledger *ledger, char name[STINT_LEDGER_NAME_MAX])
{
    time_t now = (time_t)(ledger_now_ms(ledger) / 1000);
    struct tm local;
    unsigned first = HASH_CNT(by_id, ledger->awards) + 1;
    if (!localtime_r(&now, &local))
        return -EINVAL;
    for (unsigned number = 1; number <= AWARD_NUMBER_MAX; number++) {
        (void)snprintf(name, STINT_LEDGER_NAME_MAX, "%d-%03u", local.tm_year + 1900, number);
        if (!award_by_name(ledger, name))
            return 0;
        if (number == 1 && first > 1000) /* long lists: begin near the end */
            number = first - 1000;
    }
    return -ENOSPC;
}

/* @other: of a transfer; NULL else. */
static int award_publish(struct stint_ledger *ledger, const struct stint_act *act, const char *verb,
                         const struct stint_award_row *row, int64_t before_micro,
                         int64_t change_micro, const struct ledger_award *other,
                         struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    const struct ledger_project *project = project_find(ledger, row->project);
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "award", row->name);
    stint_json_kv_text(&subject, "project", project->name);
    stint_json_kv_text(&subject, "institution", project->institution->name);
    stint_json_kv_text(&subject, "change", verb);
    stint_json_kv_text(&subject, "resource", row->resource);
    stint_json_kv_text(&subject, "unit", row->unit);
    stint_json_kv_int(&subject, "before_micro", before_micro);
    stint_json_kv_int(&subject, "change_micro", change_micro);
    stint_json_kv_int(&subject, "awarded_micro", before_micro + change_micro);
    stint_json_kv_time(&subject, "from", row->from_ms);
    stint_json_kv_time(&subject, "until", row->until_ms);
    stint_json_kv_text(&subject, "state", row->state);
    if (other)
        stint_json_kv_text(&subject, "to", other->name);
    stint_json_object_end(&subject);
    return act_publish(ledger, act, "award.change", verb, stint_buffer_text(&subject), NULL, err);
}

/* ---- grant */

static int grant_check(struct stint_ledger *ledger, const struct stint_act *act, const char *name,
                       const char *project, int64_t amount_micro, int64_t from_ms, int64_t until_ms,
                       const char *title, struct stint_error *err)
{
    int r = act_begin(ledger, act, err);
    if (r == 0 && name)
        r = name_check("an award", name, err);
    if (r == 0)
        r = amount_check(amount_micro, err);
    if (r == 0)
        r = text_check("the title", title, STINT_LEDGER_TITLE_MAX, err);
    if (r != 0)
        return r;
    if (name && award_by_name(ledger, name))
        return stint_fail(err, STINT_CONFLICT, "there is an award %s already", name);
    if (!project || !project_by_name(ledger, project))
        return stint_fail(err, STINT_NOT_FOUND, "there is no project %.64s",
                          project ? project : "");
    if (from_ms < 0 || from_ms >= until_ms || until_ms <= ledger_now_ms(ledger))
        return stint_fail(err, STINT_INVALID, "the award ends before it begins, or before now");
    if (HASH_CNT(by_id, ledger->awards) >= LEDGER_AWARDS_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "there are %d awards already", LEDGER_AWARDS_MAX);
    return 0;
}

static int grant_put(struct stint_ledger *ledger, const struct stint_act *act,
                     const struct stint_award_row *row, struct ledger_award *award,
                     int64_t amount_micro, struct stint_error *err)
{
    const struct ledger_leg legs[] = {
        { award, STINT_POSTING_SITE, -amount_micro },
        { award, STINT_POSTING_FREE, amount_micro },
    };
    int r = stint_store_put_award(ledger->options.store, row, err);
    if (r == 0)
        r = postings_put(ledger, legs, STINT_ARRAY_SIZE(legs), NULL, "grant", err);
    if (r == 0)
        r = award_publish(ledger, act, "award.grant", row, 0, amount_micro, NULL, err);
    return r;
}

static int refuse_resource(const struct stint_ledger *ledger, const char *resource,
                           struct stint_error *err)
{
    char names[200];
    (void)stint_fail(err, STINT_NOT_FOUND, "there is no resource '%.60s'", resource);
    return stint_fix(err, STINT_NOT_FOUND, "one of: %s",
                     stint_resource_names(ledger->options.resources, names, sizeof(names)));
}

int stint_ledger_award_grant(struct stint_ledger *ledger, const struct stint_act *act,
                             const char *name, const char *project, const char *resource,
                             int64_t amount_micro, int64_t from_ms, int64_t until_ms,
                             const char *title, int64_t *ret_id, struct stint_error *err)
{
    char given[STINT_LEDGER_NAME_MAX];
    uint32_t on = stint_resource_find(ledger->options.resources, resource);
    int r = grant_check(ledger, act, name, project, amount_micro, from_ms, until_ms, title, err);
    if (r == 0 && on == STINT_RESOURCE_NONE)
        r = refuse_resource(ledger, resource, err);
    if (r == 0 && !name)
        r = award_name_next(ledger, given);
    if (r != 0 || act->is_rehearsal)
        return r;
    struct act_mark mark = act_mark(ledger);
    struct stint_award_row row = {
        .id = stint_store_next_id(ledger->options.store, STINT_ID_AWARD),
        .name = name ? name : given,
        .project = project_by_name(ledger, project)->id,
        .resource = ledger->options.resources->list[on].name,
        .unit = ledger_unit(ledger, on),
        .from_ms = from_ms,
        .until_ms = until_ms,
        .state = "active",
        .title = title ? title : "",
        .created_ms = ledger_now_ms(ledger),
    };
    struct ledger_award *award = award_add(ledger, &row);
    if (!award)
        return stint_fail(err, -ENOMEM, "no memory");
    r = grant_put(ledger, act, &row, award, amount_micro, err);
    if (r != 0) {
        award_drop(ledger, award);
        return act_end(ledger, mark, r);
    }
    award_tell(ledger, award);
    *ret_id = row.id;
    return 0;
}

/* ---- changes of one award */

static const char *change_verb(enum stint_award_change change)
{
    switch (change) {
    case STINT_AWARD_EXTEND:
        return "award.extend";
    case STINT_AWARD_SUPPLEMENT:
        return "award.supplement";
    case STINT_AWARD_REDUCE:
        return "award.reduce";
    case STINT_AWARD_REVOKE:
        return "award.revoke";
    }
    return NULL;
}

/* The row as it will be, and what is added to the award (negative for a reduction). */
static int change_plan(const struct ledger_award *award, enum stint_award_change change,
                       int64_t amount_micro, int64_t until_ms, struct stint_award_row *row,
                       int64_t *ret_added, struct stint_error *err)
{
    award_fill(award, row);
    *ret_added = 0;
    switch (change) {
    case STINT_AWARD_EXTEND:
        if (until_ms <= award->until_ms) {
            (void)stint_fail(err, STINT_INVALID, "award %s would not end later", award->name);
            return stint_fix(err, STINT_INVALID, "give an end after the present one");
        }
        row->until_ms = until_ms;
        return 0;
    case STINT_AWARD_SUPPLEMENT:
        *ret_added = amount_micro;
        return amount_check(amount_micro, err);
    case STINT_AWARD_REDUCE:
        *ret_added = -amount_micro;
        return amount_check(amount_micro, err);
    case STINT_AWARD_REVOKE:
        if (award->is_revoked)
            return stint_fail(err, STINT_WRONG_STATE, "award %s is revoked already", award->name);
        row->state = "revoked";
        return 0;
    }
    return stint_fail(err, STINT_INVALID, "no such change of an award");
}

static int change_put(struct stint_ledger *ledger, const struct stint_act *act, const char *verb,
                      struct ledger_award *award, const struct stint_award_row *row,
                      const struct ledger_leg legs[2], struct stint_error *err)
{
    int64_t before_micro = award->awarded_micro;
    struct act_mark mark = act_mark(ledger);
    int r = stint_store_put_award(ledger->options.store, row, err);
    if (r == 0)
        r = postings_put(ledger, legs, 2, NULL, verb, err);
    if (r == 0)
        r = award_publish(ledger, act, verb, row, before_micro, legs[1].amount_micro, NULL, err);
    if (r != 0)
        award->awarded_micro = before_micro;
    return act_end(ledger, mark, r);
}

int stint_ledger_award_change(struct stint_ledger *ledger, const struct stint_act *act,
                              const char *name, enum stint_award_change change,
                              int64_t amount_micro, int64_t until_ms, struct stint_error *err)
{
    struct stint_award_row row;
    int64_t added;
    int r = act_begin(ledger, act, err);
    if (r != 0)
        return r;
    struct ledger_award *award = name ? award_by_name(ledger, name) : NULL;
    if (!award)
        return stint_fail(err, STINT_NOT_FOUND, "there is no award %.64s", name ? name : "");
    r = change_plan(award, change, amount_micro, until_ms, &row, &added, err);
    if (r != 0)
        return r;
    const struct ledger_leg legs[2] = { { award, STINT_POSTING_SITE, -added },
                                        { award, STINT_POSTING_FREE, added } };
    r = postings_check(legs, 2, err);
    if (r == 0 && !act->is_rehearsal)
        r = change_put(ledger, act, change_verb(change), award, &row, legs, err);
    if (r != 0 || act->is_rehearsal)
        return r;
    award->until_ms = row.until_ms;
    award->is_revoked = change == STINT_AWARD_REVOKE || award->is_revoked;
    award_tell(ledger, award);
    return 0;
}

/* ---- from one award to another: a change of both, in one transaction */

static int transfer_find(struct stint_ledger *ledger, const char *name, const char *other,
                         struct ledger_award **ret_award, struct stint_error *err)
{
    *ret_award = name ? award_by_name(ledger, name) : NULL;
    if (!*ret_award)
        return stint_fail(err, STINT_NOT_FOUND, "there is no award %.64s", name ? name : "");
    if ((*ret_award)->is_revoked)
        return stint_fail(err, STINT_WRONG_STATE, "award %s is revoked", name);
    if (other && strcmp(name, other) == 0)
        return stint_fail(err, STINT_INVALID, "an award cannot be transferred to itself");
    return 0;
}

/* An hour here is not an hour there. What is left of a resource that is no more can be had. */
static int transfer_check(const struct ledger_award *source, const struct ledger_award *target,
                          struct stint_error *err)
{
    assert(source && target); /* both were found */
    bool is_one = strcmp(source->resource_name, target->resource_name) == 0;
    bool is_left =
        source->resource == STINT_RESOURCE_NONE && strcmp(source->unit, target->unit) == 0;
    if (is_one || is_left)
        return 0;
    (void)stint_fail(err, STINT_INVALID, "award %s is on resource %s (%ss), award %s on %s (%ss)",
                     source->name, source->resource_name, source->unit, target->name,
                     target->resource_name, target->unit);
    return stint_fix(err, STINT_INVALID, "reduce the one and supplement the other");
}

static int transfer_put(struct stint_ledger *ledger, const struct stint_act *act,
                        struct ledger_award *from, struct ledger_award *to,
                        const struct ledger_leg legs[4], struct stint_error *err)
{
    struct stint_award_row row;
    int64_t from_before = from->awarded_micro, to_before = to->awarded_micro;
    struct act_mark mark = act_mark(ledger);
    int r = postings_put(ledger, legs, 4, NULL, "award.transfer", err);
    award_fill(from, &row);
    if (r == 0)
        r = award_publish(ledger, act, "award.transfer", &row, from_before, legs[0].amount_micro,
                          to, err);
    if (r != 0) {
        from->awarded_micro = from_before;
        to->awarded_micro = to_before;
    }
    return act_end(ledger, mark, r);
}

int stint_ledger_award_transfer(struct stint_ledger *ledger, const struct stint_act *act,
                                const char *from, const char *to, int64_t amount_micro,
                                struct stint_error *err)
{
    struct ledger_award *source, *target;
    int r = act_begin(ledger, act, err);
    if (r == 0)
        r = transfer_find(ledger, from, to, &source, err);
    if (r == 0)
        r = transfer_find(ledger, to, NULL, &target, err);
    if (r == 0)
        r = amount_check(amount_micro, err);
    if (r == 0)
        r = transfer_check(source, target, err);
    if (r != 0)
        return r;
    assert(source && target);
    const struct ledger_leg legs[4] = { { source, STINT_POSTING_FREE, -amount_micro },
                                        { source, STINT_POSTING_SITE, amount_micro },
                                        { target, STINT_POSTING_SITE, -amount_micro },
                                        { target, STINT_POSTING_FREE, amount_micro } };
    r = postings_check(legs, 4, err);
    if (r == 0 && !act->is_rehearsal)
        r = transfer_put(ledger, act, source, target, legs, err);
    if (r != 0 || act->is_rehearsal)
        return r;
    award_tell(ledger, source);
    award_tell(ledger, target);
    return 0;
}
