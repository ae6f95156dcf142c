/* Owns: fair share. Use is the dominant share (the largest of a task's shares of the machine's
 * cores, memory and GPUs) over time, decayed with a half-life, running tasks included. Tasks are
 * ranked as Slurm's Fair Tree ranks accounts: siblings by share over use, level by level from the
 * root, so that a project's light user never pays for another project. Ranks become a few coarse
 * tiers, inside of which the expansion factor decides. Source: Cox & Morrison, "Fair Tree", Slurm
 * user group 2014.
 *
 * Use is kept in closed form: between two changes of what runs, du/dt = rate - u ln 2 / half-life.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "core.h"

#define PLACE_MAX   UINT16_MAX /* siblings told apart at one level */
#define LEVELS      12         /* of the tree that are told apart: what is deeper shares its rank */
#define LN2_INVERSE 1.4426950408889634
#define LAST_PART   4.1314791474339085e-08 /* ln 2 / 2^24 */
#define PARTS       1099511627776.0        /* of the whole machine: 2^40 */
#define FRESH_MS    1000                   /* ranks are worked out anew at most so often */
#define STEPS       4096.0                 /* between two powers of two of a level's fairness */
#define MOST_FAIR   0x1p40

/* 2^-(2^-i) for i = 1, 2, …: written out, so that every machine decays by the same bits. */
static const double halves[] = {
    0.7071067811865476, 0.8408964152537146, 0.9170040432046712, 0.9576032806985736,
    0.9785720620877001, 0.9892280131939755, 0.9945994234836332, 0.9972960560854701,
    0.9986471128909702, 0.9993233275026507, 0.9996616064962437, 0.9998307889319291,
    0.9999153908866135, 0.9999576945484312, 0.999978847050492,  0.9999894234693145,
    0.9999947117206743, 0.9999973558568415, 0.9999986779275468, 0.999999338963555,
    0.9999996694817229, 0.9999998347408479, 0.9999999173704205, 0.9999999586852094,
};

/* 2^-(elapsed / half_life). */
static double decay(int64_t elapsed_ms, int64_t half_life_ms)
{
    int64_t whole = elapsed_ms / half_life_ms;
    double rest = (double)(elapsed_ms % half_life_ms) / (double)half_life_ms;
    double factor = 1.0;
    if (whole > 200)
        return 0;
    for (; whole > 0; whole--)
        factor *= 0.5;
    for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
        rest *= 2;
        if (rest >= 1) {
            rest -= 1;
            factor *= halves[i];
        }
    }
    /* Behind the last bit of the table the curve is a line, to a part in 10^15: use that is decayed
     * in a thousand steps, as it happened, and in one, after a restart, is the same. */
    return factor * (1.0 - rest * LAST_PART);
}

static double usage_at(const struct stint_scheduler *s, const struct account *account,
                       int64_t at_ms)
{
    int64_t elapsed = at_ms > account->usage_ms ? at_ms - account->usage_ms : 0;
    double factor = decay(elapsed, s->policy.half_life_ms);
    return account->usage * factor + (double)account->rate / PARTS *
                                         (double)s->policy.half_life_ms * LN2_INVERSE *
                                         (1.0 - factor);
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* The largest of @need's shares of what the machine has. */
static double dominant_share(const struct stint_scheduler *s, const struct need *need,
                             uint32_t nodes)
{
    double totals[3] = { 0 };
    for (uint32_t i = 0; i < s->machine->shape_count; i++) {
        const struct layout *layout = &s->layouts[i];
        uint64_t gpus = need->gpu_type >= 0
                            ? layout->type_gpus[need->gpu_type]
                            : UINT64_MAX >> (64 - (layout->gpus ? layout->gpus : 1));
        totals[0] += (double)layout->node_count * (layout->gpus ? __builtin_popcountll(gpus) : 0);
        for (uint32_t n = 0; n < layout->numa; n++) {
            totals[1] += (double)layout->node_count * layout->total[n];
            totals[2] += (double)layout->node_count * layout->total[layout->numa + n];
        }
    }
    double share = 0;
    if (totals[0] > 0)
        share = (double)need->gpus * need->gpu_milli / 1000.0 / totals[0];
    if (totals[1] > 0)
        share = larger(share, (double)need->cores / totals[1]);
    if (totals[2] > 0)
        share = larger(share, (double)need->memory_mib / totals[2]);
    return share * nodes;
}

/* Whole parts: what is added and taken away again leaves nothing. */
static int64_t share_parts(const struct stint_scheduler *s, const struct need *need, uint32_t nodes)
{
    return (int64_t)(larger(dominant_share(s, need, nodes), 0) * PARTS + 0.5);
}

/* What is known of @account, as of @at_ms or later. */
static void account_forward(const struct stint_scheduler *s, struct account *account, int64_t at_ms)
{
    if (at_ms <= account->usage_ms)
        return;
    account->usage = usage_at(s, account, at_ms);
    account->usage_ms = at_ms;
}

/* Adds the use of @parts, less than none takes some away, from @from_ms until @until_ms, decayed to
 * where the account stands. */
static void account_use(const struct stint_scheduler *s, struct account *account, int64_t parts,
                        int64_t from_ms, int64_t until_ms)
{
    if (until_ms <= from_ms)
        return;
    account_forward(s, account, until_ms);
    double grown = (double)s->policy.half_life_ms * LN2_INVERSE *
                   (1.0 - decay(until_ms - from_ms, s->policy.half_life_ms));
    account->usage +=
        (double)parts / PARTS * grown * decay(account->usage_ms - until_ms, s->policy.half_life_ms);
    account->usage = larger(account->usage, 0);
}

/* @job begins (+1) or ceases (-1) to use, as of @at_ms, which may be past: for its account and all
 * above. */
void fair_change(struct stint_scheduler *s, const struct job *job, int sign, int64_t at_ms)
{
    if (s->policy.tiers == 0 || job->is_counted)
        return;
    int64_t parts = share_parts(s, &job->need, job->nodes) * sign;
    s->fair_changes++;
    for (uint32_t a = job->fair_account; a < s->account_count; a = s->accounts[a].parent) {
        struct account *account = &s->accounts[a];
        account_forward(s, account, at_ms);
        account_use(s, account, parts, at_ms, account->usage_ms);
        account->rate += parts;
    }
}

int stint_scheduler_count_use(struct stint_scheduler *s, struct stint_task_key key, int64_t from_ms,
                              int64_t until_ms)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place != PLACE_RUNNING)
        return STINT_NOT_FOUND;
    struct job *job = &s->jobs[number];
    if (s->policy.tiers == 0 || job->is_counted)
        return 0;
    fair_change(s, job, -1, job->started_ms);
    job->is_counted = true;
    int64_t parts = share_parts(s, &job->need, job->nodes);
    for (uint32_t a = job->fair_account; a < s->account_count; a = s->accounts[a].parent)
        account_use(s, &s->accounts[a], parts, from_ms, until_ms);
    return 0;
}

int stint_scheduler_add_use(struct stint_scheduler *s, uint32_t account,
                            const struct stint_ask *ask, int64_t from_ms, int64_t until_ms)
{
    struct need need;
    if (account >= s->account_count || !s->accounts[account].is_known)
        return STINT_NOT_FOUND;
    if (s->policy.tiers == 0)
        return 0;
    need_from_ask(ask, &need);
    int64_t parts = share_parts(s, &need, ask->nodes ? ask->nodes : 1);
    s->fair_changes++;
    for (uint32_t a = account; a < s->account_count; a = s->accounts[a].parent)
        account_use(s, &s->accounts[a], parts, from_ms, until_ms);
    return 0;
}

void stint_scheduler_forget_use(struct stint_scheduler *s)
{
    if (s->policy.tiers == 0)
        return;
    s->fair_changes++;
    for (uint32_t a = 0; a < s->account_count; a++) {
        s->accounts[a].usage = 0;
        s->accounts[a].usage_ms = PASS_TIME_MIN;
        s->accounts[a].rate = 0;
    }
    for (uint32_t i = 0; i < s->job_count; i++)
        if (s->jobs[i].place == PLACE_RUNNING)
            fair_change(s, &s->jobs[i], 1, s->jobs[i].started_ms);
}

/* One account among its siblings. */
struct sibling {
    uint32_t account;
    uint32_t parent;
    double level_fairness; /* share over use, both of the siblings' sums */
};

static int by_fairness(const void *a, const void *b)
{
    const struct sibling *x = a;
    const struct sibling *y = b;
    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    if (x->level_fairness > y->level_fairness)
        return -1;
    if (x->level_fairness < y->level_fairness)
        return 1;
    return x->account < y->account ? -1 : x->account > y->account;
}

/* Coarse enough that two accounts with the same history are equal, whatever the order in which it
 * was summed up: use that was counted as it happened, and use that was read back after a restart,
 * differ in their last bits. */
static double coarse(double fairness)
{
    int exponent;
    double part = frexp(fairness, &exponent);
    if (fairness >= MOST_FAIR)
        return MOST_FAIR;
    return ldexp((double)(int64_t)(part * STEPS + 0.5), exponent);
}

/* Gives each account of one group its place among its siblings; equals share a place. */
static void place_siblings(struct stint_scheduler *s, const struct sibling *siblings,
                           uint32_t count)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && siblings[i].level_fairness < siblings[i - 1].level_fairness)
            place++;
        s->accounts[siblings[i].account].fair_place = place < PLACE_MAX ? place : PLACE_MAX;
    }
}

static void measure_group(struct stint_scheduler *s, struct sibling *siblings, uint32_t count)
{
    double shares = 0;
    double usage = 0;
    for (uint32_t i = 0; i < count; i++) {
        shares += s->accounts[siblings[i].account].shares;
        usage += usage_at(s, &s->accounts[siblings[i].account], s->now_ms);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct account *account = &s->accounts[siblings[i].account];
        double used = usage_at(s, account, s->now_ms);
        account->fair_share = shares > 0 ? account->shares / shares : 0;
        account->fair_usage = usage > 0 ? used / usage : 0;
        /* Without shares it comes last; without use, first. */
        siblings[i].level_fairness = account->shares == 0 ? -1
                                     : account->fair_usage > 0
                                         ? coarse(account->fair_share / account->fair_usage)
                                         : MOST_FAIR;
    }
}

/* Places from the root down. */
struct path {
    uint16_t places[LEVELS];
};

static struct path path_of(const struct stint_scheduler *s, uint32_t number)
{
    struct path path = { { 0 } };
    uint32_t depth = 0;
    for (uint32_t a = number; a < s->account_count; a = s->accounts[a].parent)
        depth++;
    for (uint32_t a = number; a < s->account_count; a = s->accounts[a].parent)
        if (--depth < LEVELS)
            path.places[depth] = (uint16_t)s->accounts[a].fair_place;
    return path;
}

static int by_path(const void *a, const void *b)
{
    const struct path *x = a;
    const struct path *y = b;
    for (int i = 0; i < LEVELS; i++)
        if (x->places[i] != y->places[i])
            return x->places[i] < y->places[i] ? -1 : 1;
    return 0;
}

/* Ranks of all accounts: an account above others has that of its first leaf. */
static void rank(struct stint_scheduler *s, const struct sibling *siblings, uint32_t count,
                 struct path *paths)
{
    uint32_t ranks = 0;
    for (uint32_t i = 0; i < count; i++)
        paths[i] = path_of(s, siblings[i].account);
    qsort(paths, count, sizeof(*paths), by_path);
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || by_path(&paths[i], &paths[ranks - 1]) != 0)
            paths[ranks++] = paths[i];
    for (uint32_t i = 0; i < count; i++) {
        struct account *account = &s->accounts[siblings[i].account];
        struct path path = path_of(s, siblings[i].account);
        const struct path *found = bsearch(&path, paths, ranks, sizeof(*paths), by_path);
        account->fair_rank = found ? (uint32_t)(found - paths) : ranks - 1;
    }
    s->fair_ranks = ranks;
}

/* Awards, arrays and users' limits have no place in the tree of shares. */
static bool is_in_tree(const struct account *account)
{
    return account->is_known && (account->parent != STINT_NO_ACCOUNT || account->shares > 0);
}

static uint32_t tier_of(const struct stint_scheduler *s, const struct account *account)
{
    return s->fair_ranks == 0
               ? 0
               : (uint32_t)((uint64_t)account->fair_rank * s->policy.tiers / s->fair_ranks);
}

/* Everybody's rank as of now; worked out once for whoever asks about many. */
static int rank_all(struct stint_scheduler *s)
{
    uint32_t count = 0;
    if (s->fair_asked_ms == s->now_ms && s->fair_asked == s->fair_changes)
        return 0;
    struct sibling *siblings = calloc(s->account_count, sizeof(*siblings));
    struct path *paths = calloc(s->account_count, sizeof(*paths));
    if (!siblings || !paths) {
        free(siblings);
        free(paths);
        return -ENOMEM;
    }
    for (uint32_t a = 0; a < s->account_count; a++)
        if (is_in_tree(&s->accounts[a]))
            siblings[count++] = (struct sibling){ .account = a, .parent = s->accounts[a].parent };
    qsort(siblings, count, sizeof(*siblings), by_fairness); /* into groups */
    for (uint32_t first = 0, end; first < count; first = end) {
        for (end = first; end < count && siblings[end].parent == siblings[first].parent;)
            end++;
        measure_group(s, siblings + first, end - first);
        qsort(siblings + first, end - first, sizeof(*siblings), by_fairness);
        place_siblings(s, siblings + first, end - first);
    }
    if (count > 0)
        rank(s, siblings, count, paths);
    free(siblings);
    free(paths);
    s->fair_asked_ms = s->now_ms;
    s->fair_asked = s->fair_changes;
    return 0;
}

/* For the plan alone, so that whoever asks for a rank does not move a turn (invariant 7). */
int fair_refresh(struct stint_scheduler *s)
{
    if (s->policy.tiers == 0 || s->account_count == 0 || s->now_ms - s->ranked_ms < FRESH_MS)
        return 0;
    int r = rank_all(s);
    for (uint32_t a = 0; a < s->account_count && r == 0; a++)
        s->accounts[a].fair_tier = tier_of(s, &s->accounts[a]);
    s->ranked_ms = r == 0 ? s->now_ms : s->ranked_ms;
    return r;
}

uint32_t fair_tier(const struct stint_scheduler *s, const struct job *job)
{
    if (s->policy.tiers == 0 || job->fair_account >= s->account_count)
        return 0;
    return s->accounts[job->fair_account].fair_tier;
}

int stint_scheduler_fair(const struct stint_scheduler *s, uint32_t number,
                         struct stint_fair *ret_fair)
{
    if (s->policy.tiers == 0 || number >= s->account_count || !s->accounts[number].is_known)
        return STINT_NOT_FOUND;
    int r = rank_all(asked(s));
    if (r != 0)
        return r;
    const struct account *account = &s->accounts[number];
    *ret_fair = (struct stint_fair){ .share = account->fair_share,
                                     .usage = account->fair_usage,
                                     .usage_share_ms = usage_at(s, account, s->now_ms),
                                     .rank = account->fair_rank,
                                     .rank_count = s->fair_ranks,
                                     .tier = tier_of(s, account),
                                     .shares = account->shares,
                                     .parent = account->parent };
    return 0;
}
