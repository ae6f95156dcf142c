/* Projects, awards, quotas (DESIGN §2, invariant 4). Who exists and what they may use is in memory,
 * read from the store at start; every change is journalled, logged publicly, and moved in memory at
 * once. Balances are sums of postings, in memory a sum kept beside them; a posting always has its
 * counter-posting. Amounts are int64 millionths of the award's unit. */
#ifndef STINT_LEDGER_H
#define STINT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/caller.h"
#include "stint/civil.h"
#include "stint/error.h"
#include "stint/key.h"
#include "stint/reason.h"

struct stint_ledger;
struct stint_store;
struct stint_record;
struct stint_resources;

enum stint_quota_scope {
    STINT_SCOPE_SITE = 1,
    STINT_SCOPE_INSTITUTION,
    STINT_SCOPE_PROJECT,
    STINT_SCOPE_USER
};

#define STINT_LEDGER_NAME_MAX   64
#define STINT_LEDGER_TITLE_MAX  400
#define STINT_LEDGER_REASON_MAX 400

/**
 * struct stint_ledger_options - all borrowed, all outlive the ledger
 * @resources: on which awards are given, and what a GPU-hour costs there; ceilings of what runs and
 * of hours hold over all of them
 * @time_zone: the site's, for calendar periods; NULL for the process's own
 * @join_open: any caller of the socket is a member of `default` (INTERFACE §3)
 * @operator_uid: who administers besides root: the daemon's own user on a first start
 * @default_award_hours: hours of the award that a first start grants to `default`, 0 for none
 */
struct stint_ledger_options {
    struct stint_store *store;
    struct stint_record *record;
    const struct stint_resources *resources;
    const char *time_zone;
    bool join_open;
    uid_t operator_uid;
    int64_t default_award_hours;
    int64_t (*now_wall_ms)(void);
    int64_t (*now_boot_ms)(void); /* the core's clock; NULL: the same */
};

int stint_ledger_new(const struct stint_ledger_options *options, struct stint_ledger **ret_ledger,
                     struct stint_error *err);
struct stint_ledger *stint_ledger_free(struct stint_ledger *ledger);
/* Everything from the store, and every account and limit told to the scheduler anew; at start
 * (where an empty store gets its institution, project `default` and default award) and after a
 * failed commit. Blocking. */
int stint_ledger_load(struct stint_ledger *ledger, struct stint_error *err);

/* ---- who may what
 * -------------------------------------------------------------------------------------------------
 */

/* The role of a user of this machine: operator for root, operator_uid and users so named; else
 * user. */
enum stint_role stint_ledger_role(const struct stint_ledger *ledger, uid_t uid, const char *name);

/**
 * stint_ledger_project_for() - the project that @caller's job goes to
 * @name: as asked, NULL for the caller's only project or `default`
 * Return: 0 and the project's id; STINT_NOT_FOUND; STINT_NOT_PERMITTED (not a member: err->fix says
 * how to ask). A suspended project or user is not an error here: its job waits with that reason.
 */
int stint_ledger_project_for(struct stint_ledger *ledger, const struct stint_caller *caller,
                             const char *name, int64_t *ret_project, struct stint_error *err);

/* ---- what it costs
 * ------------------------------------------------------------------------------------------------
 */

/* The size of a job as charging sees it. */
struct stint_charge_size {
    int64_t gpu_milli; /* GPUs times 1000, shares included */
    int64_t cores;
    int64_t memory_bytes;
    bool is_preemptible; /* may be stopped for others, and pays a part of the price */
    uint32_t resource;   /* where it is; STINT_RESOURCE_NONE for one that is no more */
};

/**
 * stint_ledger_charge() - price of holding @size for @ms: time x rate x max(gpus, cores / cores per
 * GPU, memory / memory per GPU), rounded up once to a millionth; machines without GPUs count cores
 * One that may be stopped for others pays preemptible_rate_micro millionths of the rate.
 * Pure. Saturates at INT64_MAX, which no award can pay. On a resource that is no more it is 0.
 */
int64_t stint_ledger_charge(const struct stint_ledger *ledger, const struct stint_charge_size *size,
                            int64_t ms);
/* What that price counts @size as where it is not its GPUs: "2.000 GPUs by its memory"; "" where it
 * is. Returns @text. */
const char *stint_ledger_counted_as(const struct stint_ledger *ledger,
                                    const struct stint_charge_size *size, char *text,
                                    size_t text_size);

/* ---- the way of a job
 * --------------------------------------------------------------------------------------------- */

/**
 * stint_ledger_can_pay() - at submit: is there any award on the resource, and could one ever pay
 * the whole job?
 * @award_name: as asked with --award, NULL for the choice of the ledger
 * @task_count: how many join the queue; each is paid by itself, so the cost is one's
 * Return: 0; STINT_NO_AWARD with *ret_code NoAward; STINT_NO_AWARD when @cost is larger than the
 * whole of every award; STINT_UNSATISFIABLE with ExceedsMaxWalltime when a walltime quota is
 * shorter; STINT_OVER_QUOTA (429) when the queued-jobs quota of site, institution, project or user
 * is full (fix names limit, figures, when it was set).
 */
int stint_ledger_can_pay(struct stint_ledger *ledger, int64_t project, uint32_t resource, uid_t uid,
                         const char *award_name, int64_t cost_micro, int64_t walltime_s,
                         int64_t task_count, enum stint_reason_code *ret_code,
                         struct stint_error *err);

/**
 * stint_ledger_fits_ceilings() - at submit: is the job above a ceiling all by itself?
 * @size, @walltime_s: of the whole job, with its default memory
 * GPUs, cores, memory and the hours of a period, of site, institution, project and user.
 * Return: 0; STINT_UNSATISFIABLE with the limit's reason in *ret_code and "ask for at most …" in
 * err->fix: such a job would wait for ever. -ENOMEM; STINT_NOT_FOUND. Pure but for a user not seen
 * before.
 */
int stint_ledger_fits_ceilings(struct stint_ledger *ledger, int64_t project, uid_t uid,
                               const struct stint_charge_size *size, int64_t walltime_s,
                               enum stint_reason_code *ret_code, struct stint_error *err);

/**
 * stint_ledger_award_for() - the award that pays a run starting now: the one asked for, else the
 * project's that expires first on the resource among those that could pay; else the nearest to
 * paying, with the reason that stands in the way; a revoked one (AwardExpired, with its account,
 * whose award says so) when there is no other
 * @ret_award: 0 when the project has none
 * Return: the reason (STINT_REASON_NONE, NoAward, AwardNotStarted, AwardExpired, BalanceExhausted,
 * BalanceHeld) with figures.
 */
struct stint_reason stint_ledger_award_for(struct stint_ledger *ledger, int64_t project,
                                           uint32_t resource, int64_t asked_award,
                                           int64_t cost_micro, int64_t *ret_award);

/* Reasons that are not of the plan's making: ProjectSuspended, UserSuspended, the award's;
 * STINT_REASON_NONE otherwise. */
struct stint_reason stint_ledger_blocks(struct stint_ledger *ledger, int64_t project,
                                        uint32_t resource, uid_t uid, int64_t asked_award,
                                        int64_t cost_micro);

/* Accounts of a job for the scheduler, in this order: site, institution, project, user, and the
 * award unless 0; returns the count, 0 for an unknown project. A user not seen before gets his
 * account here. */
#define STINT_LEDGER_ACCOUNTS_MAX 8
#define STINT_LEDGER_USER_ACCOUNT 3 /* place of the user's in that order */
size_t stint_ledger_accounts(struct stint_ledger *ledger, int64_t project, uid_t uid, int64_t award,
                             uint32_t accounts[STINT_LEDGER_ACCOUNTS_MAX]);
/* The account of an array that runs at most @running_max tasks at once: it stands behind those of
 * the job, until it is given back. 0 or -ENOMEM. A number that was given back is given again. */
int stint_ledger_array_account(struct stint_ledger *ledger, uint32_t resource, uint64_t job,
                               uint32_t running_max, uint32_t *ret_account);
void stint_ledger_array_account_free(struct stint_ledger *ledger, uint32_t account);
/* The leaf in the tree of shares (site, institution, project, user) of @uid's jobs in @project;
 * UINT32_MAX for an unknown project, and without memory for a new user. */
uint32_t stint_ledger_seat(struct stint_ledger *ledger, int64_t project, uid_t uid);
/**
 * struct stint_account_view - what account and limit of a reason mean; NULL where unknown
 * @kind: "project"; @name: "nlp"; a user's is never public
 * @unit: "GPU-hours" or "core-hours" for the hours of a @period ("day", "week", "month")
 * @set_by: the operator who set it, never public; @set_reason, @set_ms: why and when, as published
 */
struct stint_account_view {
    const char *kind;
    const char *name;
    const char *unit;
    const char *period;
    const char *set_by;
    const char *set_reason;
    int64_t set_ms;
};
/* @what: of the reason, 0 for no limit in particular. */
void stint_ledger_account(const struct stint_ledger *ledger, uint32_t account, uint32_t what,
                          struct stint_account_view *ret_view);

/* The account of a project or an institution by name, for who keeps things for them: 0,
 * STINT_NOT_FOUND, STINT_INVALID for another scope. */
int stint_ledger_account_of(const struct stint_ledger *ledger, enum stint_quota_scope scope,
                            const char *name, uint32_t *ret_account, struct stint_error *err);

/* A number that changes when an administrator's change or a turn of dates may let something start
 * or stop something that waits (suspension, awards, quotas, members); holds and settlements leave
 * it. */
uint64_t stint_ledger_generation(const struct stint_ledger *ledger);

/* Queued jobs (tasks of arrays each) by project and user are counted here, for the queue quota. */
void stint_ledger_job_queued(struct stint_ledger *ledger, int64_t project, uid_t uid, int delta);

/**
 * struct stint_ledger_run - one run as the ledger counts it; the caller keeps it from hold to
 * settle
 * @size, @walltime_ms: what it holds and for how long at most: the period quotas count it so
 * @held_micro: stint_ledger_charge() of both at the start; kept, because the rate may change
 * @start_ms: wall clock of the start: the run counts, whole, in the calendar period of this instant
 */
struct stint_ledger_run {
    struct stint_run_key key;
    int64_t project;
    uid_t uid;
    int64_t award;
    struct stint_charge_size size;
    int64_t walltime_ms;
    int64_t held_micro;
    int64_t start_ms;
};

/**
 * stint_ledger_hold() - at the start of a run: hold @run->held_micro of its award for the whole
 * walltime, into the open batch
 * The core counted the start in its pass already: nothing is told to it here, so that undoing a
 * start that this refuses leaves the core's figures right.
 * Return: 0; STINT_NO_AWARD when used + held would pass awarded, or the award is expired, revoked
 * or not begun (invariant 4: a race with an administrator: do not start); STINT_NOT_FOUND for an
 * unknown project or award; STINT_BUSY; STINT_READ_ONLY.
 */
int stint_ledger_hold(struct stint_ledger *ledger, const struct stint_ledger_run *run,
                      struct stint_error *err);
/**
 * stint_ledger_settle() - at the end: give back what was held, charge what was used
 * @elapsed_ms: the charge is that of min(elapsed, walltime), at most what was held; 0 for a start
 * that failed. Call it after stint_clerk_end(): the core's budgets are corrected here
 * @ret_charged_micro: may be NULL
 * Into the open batch. Return: 0; STINT_NOT_FOUND; STINT_BUSY; STINT_READ_ONLY.
 */
int stint_ledger_settle(struct stint_ledger *ledger, const struct stint_ledger_run *run,
                        int64_t elapsed_ms, int64_t *ret_charged_micro, struct stint_error *err);

/* ---- administration (each needs an operator; each lands in the store, the event table and the
 * public log) ------------ */

/**
 * struct stint_act - who changes what, why
 * @reason: mandatory: STINT_INVALID without one
 * @is_rehearsal: --dry-run: every check, no effect
 */
struct stint_act {
    const struct stint_caller *caller;
    const char *reason;
    bool is_rehearsal;
};

/* What every administrator's change has in common, for the rooms above that have changes of their
 * own. begin: permission, reason, a store that takes writes. publish: the event @verb
 * ("node.drain") and the public entry of @type ("node.set") with @subject, a JSON object in which
 * no user is named; into the open batch, after all other puts of the change, because a record can
 * only be wound back with its batch. */
int stint_ledger_act_begin(const struct stint_ledger *ledger, const struct stint_act *act,
                           struct stint_error *err);
int stint_ledger_act_publish(struct stint_ledger *ledger, const struct stint_act *act,
                             const char *type, const char *verb, const char *subject,
                             struct stint_error *err);

int stint_ledger_institution_add(struct stint_ledger *ledger, const struct stint_act *act,
                                 const char *name, const char *title, int64_t *ret_id,
                                 struct stint_error *err);
int stint_ledger_project_add(struct stint_ledger *ledger, const struct stint_act *act,
                             const char *name, const char *institution, const char *pi,
                             const char *title, int64_t *ret_id, struct stint_error *err);
/* @is_suspended: running jobs go on, waiting ones wait with ProjectSuspended. */
int stint_ledger_project_suspend(struct stint_ledger *ledger, const struct stint_act *act,
                                 const char *name, bool is_suspended, struct stint_error *err);
/* Title, PI; NULL leaves a field as it is. */
int stint_ledger_project_set(struct stint_ledger *ledger, const struct stint_act *act,
                             const char *name, const char *pi, const char *title,
                             struct stint_error *err);
/* A user of the machine (by login name) becomes a member of @project with @role member|manager|pi;
 * NULL project only makes the user known. @is_operator: -1 leaves it. */
int stint_ledger_user_add(struct stint_ledger *ledger, const struct stint_act *act,
                          const char *user, const char *project, const char *role, int is_operator,
                          struct stint_error *err);
int stint_ledger_user_suspend(struct stint_ledger *ledger, const struct stint_act *act,
                              const char *user, bool is_suspended, struct stint_error *err);
int stint_ledger_user_remove(struct stint_ledger *ledger, const struct stint_act *act,
                             const char *user, const char *project, struct stint_error *err);

/* Before a resource's pass: ceilings that hold over several resources are told to each core with
 * what runs on the others, where that has changed since. Nothing on a single resource. */
void stint_ledger_share_counts(struct stint_ledger *ledger);
/* A start of the core's was taken back before stint_ledger_hold(): its account's counts moved. */
void stint_ledger_run_undone(struct stint_ledger *ledger, int64_t project, uid_t uid);
/* After runs were adopted: every account with a ceiling is told anew. */
void stint_ledger_runs_adopted(struct stint_ledger *ledger);

/* Awards: the unit is `gpu-hour` or `core-hour`, what the resource counts. Names are like
 * `2026-001`, given by the ledger when @name is NULL. @resource: NULL for the default one. */
int stint_ledger_award_grant(struct stint_ledger *ledger, const struct stint_act *act,
                             const char *name, const char *project, const char *resource,
                             int64_t amount_micro, int64_t from_ms, int64_t until_ms,
                             const char *title, int64_t *ret_id, struct stint_error *err);
enum stint_award_change {
    STINT_AWARD_EXTEND = 1,
    STINT_AWARD_SUPPLEMENT,
    STINT_AWARD_REDUCE,
    STINT_AWARD_REVOKE
};
/* @amount_micro for supplement and reduce (never below used + held), @until_ms for extend; revoke
 * stops new starts. */
int stint_ledger_award_change(struct stint_ledger *ledger, const struct stint_act *act,
                              const char *name, enum stint_award_change change,
                              int64_t amount_micro, int64_t until_ms, struct stint_error *err);
int stint_ledger_award_transfer(struct stint_ledger *ledger, const struct stint_act *act,
                                const char *from, const char *to, int64_t amount_micro,
                                struct stint_error *err);

/* Quota kinds, wire names, and whether they count in millionths of an hour. */
#define STINT_QUOTA_KINDS(X)                                                                       \
    X(STINT_QUOTA_GPUS, "gpus")                                                                    \
    X(STINT_QUOTA_CORES, "cores")                                                                  \
    X(STINT_QUOTA_MEMORY, "memory")                                                                \
    X(STINT_QUOTA_JOBS, "jobs")                                                                    \
    X(STINT_QUOTA_QUEUED, "queued")                                                                \
    X(STINT_QUOTA_GPU_HOURS, "gpu-hours")                                                          \
    X(STINT_QUOTA_CORE_HOURS, "core-hours")                                                        \
    X(STINT_QUOTA_WALLTIME, "walltime")
enum stint_quota_kind {
    STINT_QUOTA_NONE = 0,
#define X(name, wire) name,
    STINT_QUOTA_KINDS(X)
#undef X
        STINT_QUOTA_KIND_COUNT
};

/**
 * stint_ledger_quota_set() - one ceiling from its words: `gpus=4`, `memory=512G`, `walltime=2d`,
 * `gpu-hours=500/month`
 * Ceilings of one kind for a day, a week and a month hold side by side.
 * @scope_name: institution, project or login name; NULL for the site. @assignment `KIND=` removes
 * the ceiling, of all periods; `gpu-hours=/day` that of a day.
 */
int stint_ledger_quota_set(struct stint_ledger *ledger, const struct stint_act *act,
                           enum stint_quota_scope scope, const char *scope_name,
                           const char *assignment, struct stint_error *err);

#define STINT_LEDGER_SHARES_MAX 1000000
/**
 * stint_ledger_share_set() - the weight of an institution among all, of a project in its
 * institution, or of a user in each of his projects
 * @shares: 0..STINT_LEDGER_SHARES_MAX; everybody has 1 until it is set, with 0 one comes last
 * Return: 0; STINT_NOT_FOUND; STINT_INVALID (the site's scope, an amount out of its bounds);
 * STINT_NOT_PERMITTED; STINT_BUSY; STINT_READ_ONLY.
 */
int stint_ledger_share_set(struct stint_ledger *ledger, const struct stint_act *act,
                           enum stint_quota_scope scope, const char *scope_name, int64_t shares,
                           struct stint_error *err);

/* ---- views, borrowed until the next call; each returns false from @fn to stop
 * ---------------------------------------- */

struct stint_project_view {
    int64_t id;
    const char *name;
    const char *institution;
    const char *pi; /* public, by role */
    const char *title;
    bool is_suspended;
    int64_t member_count;
    int64_t running_jobs;
    int64_t queued_jobs;
};
struct stint_award_view {
    int64_t id;
    const char *name;
    const char *project;
    const char *title;
    const char *unit;
    const char *state; /* active, upcoming, expired, exhausted, revoked */
    const char *resource;
    int64_t awarded_micro;
    int64_t used_micro;
    int64_t held_micro;
    int64_t from_ms;
    int64_t until_ms;
};
struct stint_quota_view {
    const char *scope; /* site, institution, project, user */
    const char *scope_name;
    const char *kind;
    const char *period; /* "", day, week, month */
    int64_t ceiling;    /* GPUs, cores, bytes, jobs, seconds, or millionths of an hour */
    int64_t used;
    const char *set_by;
    const char *reason;
    int64_t set_ms;
};
/**
 * struct stint_share_view - one account of the tree of shares, as a resource's core sees it
 * @scope: institution, project or user; @parent: name of the institution or project above
 * @share, @usage: its part, 0..1, of its siblings' weights and of their decayed use
 * @used_share_ms: its decayed use, dominant share of the machine times ms; @rank of @rank_count, 0
 * is served first
 * @awarded_micro, @used_micro: of its awards together, institutions and projects only
 * @set_by: NULL when nobody set it
 */
struct stint_share_view {
    const char *scope;
    const char *name; /* a user's is never public */
    const char *parent;
    int64_t shares;
    double share;
    double usage;
    double used_share_ms;
    uint32_t rank;
    uint32_t rank_count;
    uint32_t tier;
    int64_t awarded_micro;
    int64_t used_micro;
    const char *set_by;
    const char *reason;
    int64_t set_ms;
};
struct stint_user_view {
    uid_t uid;
    const char *name;
    const char *projects; /* comma-separated "nlp (pi), default (member)" */
    bool is_operator;
    bool is_suspended;
};
void stint_ledger_each_institution(struct stint_ledger *ledger,
                                   bool (*fn)(void *context, int64_t id, const char *name,
                                              const char *title),
                                   void *context);
void stint_ledger_each_project(struct stint_ledger *ledger,
                               bool (*fn)(void *context, const struct stint_project_view *view),
                               void *context);
void stint_ledger_each_award(struct stint_ledger *ledger,
                             bool (*fn)(void *context, const struct stint_award_view *view),
                             void *context);
void stint_ledger_each_quota(struct stint_ledger *ledger,
                             bool (*fn)(void *context, const struct stint_quota_view *view),
                             void *context);
/* Institutions, then projects, then users in their projects. */
void stint_ledger_each_share(struct stint_ledger *ledger, uint32_t resource,
                             bool (*fn)(void *context, const struct stint_share_view *view),
                             void *context);
/* The same from the leaf of @uid's jobs in @project upwards: user, project, institution. */
void stint_ledger_shares_of(struct stint_ledger *ledger, uint32_t resource, int64_t project,
                            uid_t uid,
                            bool (*fn)(void *context, const struct stint_share_view *view),
                            void *context);
void stint_ledger_each_user(struct stint_ledger *ledger,
                            bool (*fn)(void *context, const struct stint_user_view *view),
                            void *context);
/* Is @uid a member of @project (by name)? */
bool stint_ledger_is_member(const struct stint_ledger *ledger, uid_t uid, const char *project);
const char *stint_ledger_project_name(const struct stint_ledger *ledger, int64_t project);
const char *stint_ledger_award_name(const struct stint_ledger *ledger, int64_t award);
/* The resource that an award is on; STINT_RESOURCE_NONE for no award, or a resource that is gone.
 */
uint32_t stint_ledger_award_resource(const struct stint_ledger *ledger, const char *name);
/* "gpu-hour" or "core-hour", as the resource counts. */
const char *stint_ledger_unit(const struct stint_ledger *ledger, uint32_t resource);
/* Id of an award by name, 0 when there is none. */
int64_t stint_ledger_award_id(const struct stint_ledger *ledger, const char *name);
/* Wall ms at which the next award begins or ends or a quota's period turns; 0 for never.
 * stint_ledger_turn() then does it. */
int64_t stint_ledger_next_turn_ms(const struct stint_ledger *ledger);
void stint_ledger_turn(struct stint_ledger *ledger);

#endif
