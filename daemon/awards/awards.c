/* Awards in memory: which one pays, and what stands in the way. The state is the enforcement: an
 * award that is expired, revoked or not begun lets nothing start (shared reference on allocations,
 * section 1.4: elsewhere an expired allocation goes on working, and users say so). */
#include "charge.h"
#include "state.h"

#include <errno.h>
#include <string.h>

#include "stint/measure.h"

struct ledger_award *award_find(const struct stint_ledger *ledger, int64_t id)
{
    struct ledger_award *award = NULL;
    HASH_FIND(by_id, ledger->awards, &id, sizeof(id), award);
    return award;
}

struct ledger_award *award_by_name(const struct stint_ledger *ledger, const char *name)
{
    struct ledger_award *award = NULL;
    HASH_FIND(by_name, ledger->awards_by_name, name, strlen(name), award);
    return award;
}

static void award_free(struct ledger_award *award)
{
    if (!award)
        return;
    free(award->name);
    free(award->title);
    free(award->resource_name);
    free(award->unit);
    free(award);
}

static bool project_keep(struct ledger_project *project, struct ledger_award *award)
{
    struct ledger_award **awards =
        reallocarray(project->awards, project->award_count + 1, sizeof(struct ledger_award *));
    if (!awards)
        return false;
    project->awards = awards;
    project->awards[project->award_count++] = award;
    return true;
}

static bool award_fill(struct stint_ledger *ledger, const struct stint_award_row *row,
                       struct ledger_award *award)
{
    award->id = row->id;
    award->name = strdup(row->name);
    award->title = strdup(row->title ? row->title : "");
    award->from_ms = row->from_ms;
    award->until_ms = row->until_ms;
    award->created_ms = row->created_ms;
    award->is_revoked = row->state && strcmp(row->state, "revoked") == 0;
    award->project = project_find(ledger, row->project);
    award->account = account_for(ledger, STINT_ACCOUNT_AWARD, row->id, STINT_NO_ACCOUNT);
    award->resource = stint_resource_find(ledger->options.resources, row->resource);
    award->resource_name = strdup(
        row->resource ? row->resource : ledger->options.resources->list[award->resource].name);
    bool is_gone = award->resource == STINT_RESOURCE_NONE && row->unit;
    award->unit = strdup(is_gone ? row->unit : ledger_unit(ledger, award->resource));
    return award->name && award->title && award->resource_name && award->unit && award->project &&
           award->account && project_keep(award->project, award);
}

struct ledger_award *award_add(struct stint_ledger *ledger, const struct stint_award_row *row)
{
    struct ledger_award *award = calloc(1, sizeof(*award));
    if (!award || !award_fill(ledger, row, award)) {
        award_free(award);
        return NULL;
    }
    HASH_ADD(by_id, ledger->awards, id, sizeof(award->id), award);
    HASH_ADD_KEYPTR(by_name, ledger->awards_by_name, award->name, strlen(award->name), award);
    return award;
}

void award_drop(struct stint_ledger *ledger, struct ledger_award *award)
{
    award->project->award_count--;
    HASH_DELETE(by_id, ledger->awards, award);
    HASH_DELETE(by_name, ledger->awards_by_name, award);
    award_free(award);
}

void awards_free(struct stint_ledger *ledger)
{
    struct ledger_award *award = ledger->awards, *next;
    HASH_CLEAR(by_name, ledger->awards_by_name);
    HASH_CLEAR(by_id, ledger->awards); /* frees the table alone; the awards stay a list */
    for (; award; award = next) {
        next = award->by_id.next;
        award_free(award);
    }
}

const char *award_state(const struct ledger_award *award, int64_t now_ms)
{
    if (award->is_revoked)
        return "revoked";
    if (now_ms >= award->until_ms)
        return "expired";
    if (now_ms < award->from_ms)
        return "upcoming";
    return award->used_micro >= award->awarded_micro ? "exhausted" : "active";
}

/* What keeps @award from paying @cost_micro now, with its figures. */
static struct stint_reason award_obstacle(const struct ledger_award *award, int64_t cost_micro,
                                          int64_t now_ms)
{
    struct stint_reason reason = { .account = award->account->number,
                                   .asked = cost_micro,
                                   .used = award->used_micro,
                                   .limit = award->awarded_micro };
    if (award->is_revoked || now_ms >= award->until_ms) {
        reason.code = STINT_REASON_AwardExpired;
    } else if (now_ms < award->from_ms) {
        reason.code = STINT_REASON_AwardNotStarted;
        reason.until_ms = award->from_ms;
    } else if (cost_micro > award->awarded_micro - award->used_micro) {
        reason.code = STINT_REASON_BalanceExhausted;
    } else if (cost_micro > award->awarded_micro - award->used_micro - award->held_micro) {
        reason.code = STINT_REASON_BalanceHeld;
        reason.used = award->used_micro + award->held_micro;
    }
    return reason;
}

/* How near an award is to paying, the nearest last; a revoked one never comes back. */
static int nearness(const struct ledger_award *award, enum stint_reason_code code)
{
    static const enum stint_reason_code order[] = { STINT_REASON_AwardExpired,
                                                    STINT_REASON_AwardNotStarted,
                                                    STINT_REASON_BalanceExhausted,
                                                    STINT_REASON_BalanceHeld, STINT_REASON_NONE };
    for (int i = 0; i < (int)STINT_ARRAY_SIZE(order); i++)
        if (order[i] == code)
            return award->is_revoked ? -1 : i;
    return -1;
}

static struct stint_reason no_award(int64_t cost_micro)
{
    struct stint_reason reason = { .code = STINT_REASON_NoAward,
                                   .account = STINT_NO_ACCOUNT,
                                   .asked = cost_micro };
    return reason;
}

struct stint_reason stint_ledger_award_for(struct stint_ledger *ledger, int64_t project,
                                           uint32_t resource, int64_t asked_award,
                                           int64_t cost_micro, int64_t *ret_award)
{
    const struct ledger_project *payer = project_find(ledger, project);
    const struct ledger_award *best = NULL;
    struct stint_reason best_reason = no_award(cost_micro);
    int64_t now_ms = ledger_now_ms(ledger);
    for (size_t i = 0; payer && i < payer->award_count; i++) {
        const struct ledger_award *award = payer->awards[i];
        if (award->resource != resource || (asked_award && award->id != asked_award))
            continue;
        struct stint_reason reason = award_obstacle(award, cost_micro, now_ms);
        int nearer = best ? nearness(award, reason.code) - nearness(best, best_reason.code) : 1;
        if (nearer > 0 || (nearer == 0 && award->until_ms < best->until_ms)) {
            best = award;
            best_reason = reason;
        }
    }
    *ret_award = best ? best->id : 0;
    return best_reason;
}

struct stint_reason stint_ledger_blocks(struct stint_ledger *ledger, int64_t project,
                                        uint32_t resource, uid_t uid, int64_t asked_award,
                                        int64_t cost_micro)
{
    const struct ledger_project *payer = project_find(ledger, project);
    const struct ledger_user *user = user_find(ledger, uid);
    struct stint_reason reason = { .account = STINT_NO_ACCOUNT };
    int64_t award;
    if (payer && payer->is_suspended) {
        reason.code = STINT_REASON_ProjectSuspended;
        reason.account = payer->account->number;
    } else if (user && user->is_suspended) {
        reason.code = STINT_REASON_UserSuspended;
        reason.account = user->account->number;
    } else {
        reason = stint_ledger_award_for(ledger, project, resource, asked_award, cost_micro, &award);
    }
    return reason;
}

/* What is asked for at a submit. */
struct payment {
    const struct ledger_project *project;
    uint32_t resource;
    const char *award_name; /* NULL for any */
};

/* Could @award be the one, wherever it is? */
static bool is_meant(const struct payment *payment, const struct ledger_award *award)
{
    return !payment->award_name || strcmp(award->name, payment->award_name) == 0;
}

/* A revoked award that stands in for those that are missing; NULL for none. */
static const struct ledger_award *revoked_award(const struct payment *payment)
{
    const struct ledger_award *last = NULL;
    for (size_t i = 0; i < payment->project->award_count; i++) {
        const struct ledger_award *award = payment->project->awards[i];
        if (award->is_revoked && award->resource == payment->resource && is_meant(payment, award))
            last = award;
    }
    return last;
}

/* One that would do, were the job on its resource. */
static const struct ledger_award *award_elsewhere(const struct payment *payment)
{
    for (size_t i = 0; i < payment->project->award_count; i++) {
        const struct ledger_award *award = payment->project->awards[i];
        if (!award->is_revoked && award->resource != payment->resource && is_meant(payment, award))
            return award;
    }
    return NULL;
}

static int refuse_no_award(const struct stint_ledger *ledger, const struct payment *payment,
                           enum stint_reason_code *ret_code, struct stint_error *err)
{
    const char *project = payment->project->name;
    const struct ledger_award *revoked = revoked_award(payment);
    const struct ledger_award *other = award_elsewhere(payment);
    const struct stint_resource *on =
        stint_resource_at(ledger->options.resources, payment->resource);
    *ret_code = STINT_REASON_NoAward;
    if (revoked)
        (void)stint_fail(err, STINT_NO_AWARD, "award %s of project %s was revoked", revoked->name,
                         project);
    else if (other && payment->award_name)
        (void)stint_fail(err, STINT_NO_AWARD, "award %s is on resource %s, and the job on %s",
                         other->name, other->resource_name, on ? on->name : "none");
    else if (payment->award_name)
        (void)stint_fail(err, STINT_NO_AWARD, "project %s has no award %.64s", project,
                         payment->award_name);
    else if (ledger->options.resources->count > 1 && on)
        (void)stint_fail(err, STINT_NO_AWARD, "project %s has no award on resource %s", project,
                         on->name);
    else
        (void)stint_fail(err, STINT_NO_AWARD, "project %s has no award", project);
    (void)stint_params(err, STINT_NO_AWARD, "\"project\":\"%s\"", project);
    if (!revoked && other && other->resource != STINT_RESOURCE_NONE)
        return stint_fix(err, STINT_NO_AWARD, "--resource %s, where it has %s%s",
                         other->resource_name, payment->award_name ? "it" : "award ",
                         payment->award_name ? "" : other->name);
    return stint_fix(err, STINT_NO_AWARD, "see `stint award list`, or ask an operator for one");
}

/* With what it asks for, a job costs by its time: so long could be paid. */
static int64_t longest_s(int64_t walltime_s, int64_t cost_micro, int64_t largest_micro)
{
    return (int64_t)((charge_wide)walltime_s * largest_micro / cost_micro);
}

static int refuse_too_dear(const struct stint_ledger *ledger, const struct payment *payment,
                           int64_t cost_micro, int64_t walltime_s, int64_t largest_micro,
                           enum stint_reason_code *ret_code, struct stint_error *err)
{
    char cost[32], largest[32], longest[32];
    const char *unit = ledger_unit(ledger, payment->resource);
    int64_t time_s = longest_s(walltime_s, cost_micro, largest_micro);
    *ret_code = STINT_REASON_BalanceExhausted;
    (void)stint_micro_format(cost_micro, cost, sizeof(cost));
    (void)stint_micro_format(largest_micro, largest, sizeof(largest));
    (void)stint_fail(err, STINT_NO_AWARD,
                     "the job may cost %s %ss, more than the %s of the largest award of %s", cost,
                     unit, largest, payment->project->name);
    (void)stint_params(err, STINT_NO_AWARD, "\"asked\":%s,\"limit\":%s,\"unit\":\"%ss\"", cost,
                       largest, unit);
    if (time_s < 60)
        return stint_fix(err, STINT_NO_AWARD, "ask for less: %s %ss can be paid", largest, unit);
    return stint_fix(err, STINT_NO_AWARD, "--time %s can be paid with the same, or ask for less",
                     stint_duration_format(time_s, longest, sizeof(longest)));
}

/* The largest award that could pay, -1 when there is none. Expired ones count, as they can be
 * extended: such a job waits with AwardExpired. A revoked one stays revoked. */
static int64_t largest_award(const struct payment *payment)
{
    int64_t largest = -1;
    for (size_t i = 0; i < payment->project->award_count; i++) {
        const struct ledger_award *award = payment->project->awards[i];
        if (award->is_revoked || award->resource != payment->resource || !is_meant(payment, award))
            continue;
        if (award->awarded_micro > largest)
            largest = award->awarded_micro;
    }
    return largest;
}

int stint_ledger_can_pay(struct stint_ledger *ledger, int64_t project, uint32_t resource, uid_t uid,
                         const char *award_name, int64_t cost_micro, int64_t walltime_s,
                         int64_t task_count, enum stint_reason_code *ret_code,
                         struct stint_error *err)
{
    struct ledger_account *owners[LEDGER_OWNERS];
    const struct ledger_project *payer = project_find(ledger, project);
    *ret_code = STINT_REASON_NONE;
    if (!payer)
        return stint_fail(err, STINT_NOT_FOUND, "there is no such project");
    struct payment payment = { payer, resource, award_name };
    int64_t largest = largest_award(&payment);
    if (largest < 0)
        return refuse_no_award(ledger, &payment, ret_code, err);
    if (cost_micro > largest)
        return refuse_too_dear(ledger, &payment, cost_micro, walltime_s, largest, ret_code, err);
    if (!owners_of(ledger, payer, uid, owners))
        return stint_fail(err, -ENOMEM, "no memory for a new user");
    return quota_check_submit(ledger, owners, walltime_s, task_count, ret_code, err);
}

const char *stint_ledger_award_name(const struct stint_ledger *ledger, int64_t award)
{
    const struct ledger_award *found = award_find(ledger, award);
    return found ? found->name : NULL;
}

int64_t stint_ledger_award_id(const struct stint_ledger *ledger, const char *name)
{
    const struct ledger_award *found = award_by_name(ledger, name);
    return found ? found->id : 0;
}

uint32_t stint_ledger_award_resource(const struct stint_ledger *ledger, const char *name)
{
    const struct ledger_award *found = award_by_name(ledger, name);
    return found ? found->resource : STINT_RESOURCE_NONE;
}
