/* Owns: limits. An account has ceilings and what is used of them; a start must fit every ceiling of
 * every account of the task. What runs is counted here; budgets are used for good, and the ledger
 * corrects them after each settlement. */
#include <errno.h>
#include <stdlib.h>

#include "core.h"

/* What one start of @job takes of each limit. */
int64_t account_takes(const struct job *job, enum stint_limit limit)
{
    int64_t gpu_milli = (int64_t)job->need.gpus * job->need.gpu_milli * job->nodes;
    int64_t cores = (int64_t)job->need.cores * job->nodes;
    int64_t amount = 0;
    switch (limit) {
    case STINT_LIMIT_GPU_MILLI:
        return gpu_milli;
    case STINT_LIMIT_CORES:
        return cores;
    case STINT_LIMIT_MEMORY:
        return (int64_t)job->need.memory_mib * MIB * job->nodes;
    case STINT_LIMIT_JOBS:
        return 1;
    case STINT_LIMIT_BUDGET:
        return job->cost_micro;
    case STINT_LIMIT_GPU_MS_DAY:
    case STINT_LIMIT_GPU_MS_WEEK:
    case STINT_LIMIT_GPU_MS_MONTH:
        if (__builtin_mul_overflow(gpu_milli, job->walltime_ms, &amount))
            return INT64_MAX;
        return amount / 1000 + (amount % 1000 > 0);
    case STINT_LIMIT_CORE_MS_DAY:
    case STINT_LIMIT_CORE_MS_WEEK:
    case STINT_LIMIT_CORE_MS_MONTH:
        return __builtin_mul_overflow(cores, job->walltime_ms, &amount) ? INT64_MAX : amount;
    case STINT_LIMIT_COUNT:
        break;
    }
    return 0;
}

static bool is_over(const struct account *account, enum stint_limit limit, int64_t amount)
{
    int64_t total;
    return amount > 0 && (__builtin_add_overflow(account->used[limit], amount, &total) ||
                          total > account->ceiling[limit]);
}

static enum stint_reason_code limit_code(const struct account *account, enum stint_limit limit,
                                         int64_t amount)
{
    static const enum stint_reason_code codes[4][4] = {
        { STINT_REASON_SiteGpuLimit, STINT_REASON_SiteCoreLimit, STINT_REASON_SiteMemoryLimit,
          STINT_REASON_SiteJobLimit },
        { STINT_REASON_InstitutionGpuLimit, STINT_REASON_InstitutionCoreLimit,
          STINT_REASON_InstitutionMemoryLimit, STINT_REASON_InstitutionJobLimit },
        { STINT_REASON_ProjectGpuLimit, STINT_REASON_ProjectCoreLimit,
          STINT_REASON_ProjectMemoryLimit, STINT_REASON_ProjectJobLimit },
        { STINT_REASON_UserGpuLimit, STINT_REASON_UserCoreLimit, STINT_REASON_UserMemoryLimit,
          STINT_REASON_UserJobLimit },
    };
    if (limit == STINT_LIMIT_BUDGET)
        return amount <= account->ceiling[limit] - (account->used[limit] - account->held_micro)
                   ? STINT_REASON_BalanceHeld
                   : STINT_REASON_BalanceExhausted;
    if (limit > STINT_LIMIT_BUDGET)
        return STINT_REASON_PeriodLimit;
    if (account->kind == STINT_ACCOUNT_ARRAY)
        return STINT_REASON_ArrayLimit;
    /* An award has no running kinds of its own; one that is given them is its project's. */
    bool is_own = account->kind <= STINT_ACCOUNT_USER;
    return codes[is_own ? account->kind : STINT_ACCOUNT_PROJECT][limit];
}

/* Of what is used of a budget or a period's hours, what running tasks hold. */
static int64_t held_of(const struct stint_scheduler *s, uint32_t number, enum stint_limit limit)
{
    int64_t held = 0;
    for (uint32_t i = 0; i < s->running.count && limit > STINT_LIMIT_BUDGET; i++) {
        const struct job *job = &s->jobs[s->running.jobs[i]];
        for (uint32_t a = 0; a < job->account_count; a++)
            if (job->accounts[a] == number &&
                __builtin_add_overflow(held, account_takes(job, limit), &held))
                held = INT64_MAX;
    }
    held = limit == STINT_LIMIT_BUDGET ? s->accounts[number].held_micro : held;
    return held < s->accounts[number].used[limit] ? held : s->accounts[number].used[limit];
}

size_t account_reasons(const struct stint_scheduler *s, const struct job *job,
                       struct stint_reason *reasons, size_t max)
{
    size_t count = 0;
    for (uint32_t i = 0; i < job->account_count; i++) {
        const struct account *account = &s->accounts[job->accounts[i]];
        for (uint32_t left = account->limited; left && count < max; left &= left - 1) {
            enum stint_limit limit = (enum stint_limit)__builtin_ctz(left);
            int64_t amount = account_takes(job, limit);
            if (!is_over(account, limit, amount))
                continue;
            reasons[count++] = (struct stint_reason){ .code = limit_code(account, limit, amount),
                                                      .account = job->accounts[i],
                                                      .asked = amount,
                                                      .used = account->used[limit],
                                                      .limit = account->ceiling[limit],
                                                      .held = held_of(s, job->accounts[i], limit),
                                                      .what = (uint32_t)limit + 1 };
        }
    }
    return count;
}

bool account_fits(const struct stint_scheduler *s, const struct job *job,
                  struct stint_reason *ret_reason)
{
    for (uint32_t i = 0; i < job->account_count; i++) {
        const struct account *account = &s->accounts[job->accounts[i]];
        for (uint32_t left = account->limited; left; left &= left - 1) {
            enum stint_limit limit = (enum stint_limit)__builtin_ctz(left);
            if (!is_over(account, limit, account_takes(job, limit)))
                continue;
            if (ret_reason)
                (void)account_reasons(s, job, ret_reason, 1);
            return false;
        }
    }
    return true;
}

/* Are all tasks of a block over a limit of an account that all of them have? */
bool account_excludes(const struct stint_scheduler *s, const struct queue *queue, uint32_t b)
{
    const struct queue_block *block = queue->blocks[b];
    const struct queue_least *needs = &queue->least[b];
    for (uint32_t k = 0; k < STINT_ASK_ACCOUNT_MAX; k++) {
        if (block->common[k] == STINT_NO_ACCOUNT)
            continue;
        const struct account *account = &s->accounts[block->common[k]];
        const int64_t least[STINT_LIMIT_BUDGET] = {
            [STINT_LIMIT_GPU_MILLI] = needs->gpus,
            [STINT_LIMIT_CORES] = needs->cores,
            [STINT_LIMIT_MEMORY] = needs->memory * MIB,
            [STINT_LIMIT_JOBS] = 1,
        };
        for (int limit = 0; account->limited && limit < STINT_LIMIT_BUDGET; limit++)
            if (account->limited >> limit & 1 &&
                is_over(account, (enum stint_limit)limit, least[limit]))
                return true;
    }
    return false;
}

static int64_t add_saturated(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

void account_charge(struct stint_scheduler *s, const struct job *job, int sign, bool with_budgets)
{
    for (uint32_t i = 0; i < job->account_count; i++) {
        struct account *account = &s->accounts[job->accounts[i]];
        for (int limit = 0; limit < STINT_LIMIT_COUNT; limit++) {
            if (limit >= STINT_LIMIT_BUDGET && !with_budgets)
                break;
            account->used[limit] = add_saturated(
                account->used[limit], sign * account_takes(job, (enum stint_limit)limit));
        }
        account->held_micro = add_saturated(account->held_micro, sign * job->cost_micro);
    }
}

int stint_scheduler_set_account(struct stint_scheduler *s, uint32_t number,
                                enum stint_account_kind kind, uint32_t parent, uint32_t shares)
{
    if (number >= STINT_SCHEDULER_ACCOUNT_MAX)
        return STINT_TOO_LARGE;
    for (uint32_t up = parent; up != STINT_NO_ACCOUNT; up = s->accounts[up].parent)
        if (up >= s->account_count || !s->accounts[up].is_known || up == number)
            return STINT_INVALID;
    if (number >= s->account_count) {
        uint32_t count = number + 1 + number / 4;
        struct account *accounts = realloc(s->accounts, count * sizeof(*accounts));
        if (!accounts)
            return -ENOMEM;
        s->accounts = accounts;
        for (uint32_t i = s->account_count; i < count; i++)
            s->accounts[i] =
                (struct account){ .parent = STINT_NO_ACCOUNT, .usage_ms = PASS_TIME_MIN };
        s->account_count = count;
    }
    struct account *account = &s->accounts[number];
    if (!account->is_known)
        for (int i = 0; i < STINT_LIMIT_COUNT; i++)
            account->ceiling[i] = STINT_UNLIMITED;
    account->is_known = true;
    account->kind = kind;
    account->parent = parent;
    account->shares = shares;
    s->ranked_ms = PASS_TIME_MIN * 2; /* the next pass ranks anew */
    s->fair_changes++;
    return 0;
}

int stint_scheduler_set_limit(struct stint_scheduler *s, uint32_t number, enum stint_limit limit,
                              int64_t ceiling, int64_t used)
{
    if (number >= s->account_count || !s->accounts[number].is_known || limit >= STINT_LIMIT_COUNT)
        return STINT_NOT_FOUND;
    struct account *account = &s->accounts[number];
    bool has_used = used >= 0;
    if (has_used && limit < STINT_LIMIT_BUDGET) {
        int64_t own = account->used[limit] - account->elsewhere[limit];
        account->elsewhere[limit] = used < INT64_MAX - own ? used : INT64_MAX - own;
        used = own + account->elsewhere[limit];
    }
    /* Tightened, too: who is over it now must not stand in anybody's way. */
    if (ceiling != account->ceiling[limit] || (has_used && used != account->used[limit]))
        s->is_dirty = true;
    account->ceiling[limit] = ceiling;
    if (has_used)
        account->used[limit] = used;
    if (ceiling == STINT_UNLIMITED)
        account->limited &= ~(UINT32_C(1) << limit);
    else
        account->limited |= UINT32_C(1) << limit;
    s->generation++;
    return 0;
}

int64_t stint_scheduler_used(const struct stint_scheduler *s, uint32_t number,
                             enum stint_limit limit)
{
    if (number >= s->account_count || limit >= STINT_LIMIT_COUNT)
        return 0;
    const struct account *account = &s->accounts[number];
    return account->used[limit] - (limit < STINT_LIMIT_BUDGET ? account->elsewhere[limit] : 0);
}
