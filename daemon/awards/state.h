/* Inside of the ledger: what it knows, and the ways between its files. Everything is told apart by
 * ids of the store; names are looked up by hash. Nothing here is freed before the ledger is, but by
 * a reload: pointers and account numbers may be kept for the length of a call only, but account
 * numbers stay what they are as long as the process lives (the scheduler's core knows them). */
#ifndef STINT_AWARDS_STATE_H
#define STINT_AWARDS_STATE_H

/* The default of uthash falls through in a switch, which our warnings refuse. All keys are ids,
 * uids or names that operators gave: nobody outside can make them collide. */
#define HASH_FUNCTION HASH_FNV
#include <uthash.h>

#include "charge.h"
#include "stint/auto.h"
#include "stint/civil.h"
#include "stint/clerk.h"
#include "stint/digest.h"
#include "stint/ledger.h"
#include "stint/record.h"
#include "stint/resource.h"
#include "stint/store.h"
#include "stint/token.h"

/* Bounds of what administrators can make; all of it is in memory. */
#define LEDGER_INSTITUTIONS_MAX 10000
#define LEDGER_PROJECTS_MAX     100000
#define LEDGER_AWARDS_MAX       200000
#define LEDGER_USERS_MAX        200000
#define LEDGER_MEMBERSHIPS_MAX  64 /* of one user */
#define LEDGER_SITE_ACCOUNT     0
#define LEDGER_SHARES           1 /* everybody's weight, until it is set */
#define LEDGER_PERIODS          (STINT_PERIOD_MONTH + 1)
#define LEDGER_HALF_LIVES       64 /* use older than this many is nothing: 2^-64 of it is left */

/* What runs that started in the current period hold or used: the store's units, and the core's:
 * thousandths of a GPU for a second, which is a GPU for a millisecond. */
struct ledger_usage {
    int64_t gpu_ms;
    int64_t core_ms;
};

/* One ceiling. @ceiling: in the units of struct stint_quota_view. */
struct ledger_quota {
    int64_t ceiling;
    enum stint_period period;
    int64_t set_ms;
    char *set_by;
    char *reason;
};

/* Who set a weight, when and why; @set_ms is 0 for LEDGER_SHARES, which nobody set. */
struct ledger_share {
    int64_t set_ms;
    char *set_by;
    char *reason;
};

/**
 * struct ledger_account - whoever can have ceilings; its place in the array is its number
 * @owner: id of the institution, project or award, uid of the user, 0 for the site; of a seat, both
 * @shares: its weight among its siblings; a user's is that of all of his seats
 * @stale: what it has running on one resource changed, and the others' cores know an older figure
 * @usage: by enum stint_period; the entry of NONE is unused
 * @quotas: by kind and period, NONE for those that have none
 */
/* Since when, by whom and why its project or user is suspended; all 0 while active. */
struct ledger_suspension {
    int64_t ms;
    char *by;
    char *why;
};

struct ledger_account {
    UT_hash_handle hh;
    int64_t key; /* of both, see account_key() */
    int64_t owner;
    enum stint_account_kind kind;
    uint32_t number;
    int64_t queued;
    int64_t running;
    struct ledger_account *stale; /* the next of those to tell to all cores; itself at the end */
    uint32_t shares;
    struct ledger_share share;
    struct ledger_suspension suspension;
    struct ledger_usage usage[LEDGER_PERIODS];
    struct ledger_quota *quotas[STINT_QUOTA_KIND_COUNT][LEDGER_PERIODS];
};

struct ledger_institution {
    UT_hash_handle by_id;
    UT_hash_handle by_name;
    int64_t id;
    char *name;
    char *title;
    struct ledger_account *account;
};

struct ledger_award;
struct ledger_project {
    UT_hash_handle by_id;
    UT_hash_handle by_name;
    int64_t id;
    char *name;
    char *pi;
    char *title;
    int64_t created_ms;
    bool is_suspended;
    int64_t member_count;
    struct ledger_institution *institution;
    struct ledger_account *account;
    struct ledger_award **awards;
    size_t award_count;
};

struct ledger_member {
    struct ledger_project *project;
    const char *role; /* one of the literals of role_word() */
};

/* @is_stored: has a row; others only submitted under an open `join`. */
struct ledger_user {
    UT_hash_handle hh;
    uid_t uid;
    char name[STINT_USER_NAME_MAX];
    bool is_stored;
    bool is_operator;
    bool is_suspended;
    int64_t created_ms;
    struct ledger_account *account;
    struct ledger_member *members;
    size_t member_count;
};

/* Free is awarded - used - held, and never below zero (invariant 4). */
struct ledger_award {
    UT_hash_handle by_id;
    UT_hash_handle by_name;
    int64_t id;
    char *name;
    char *title;
    struct ledger_project *project;
    struct ledger_account *account;
    int64_t from_ms;
    int64_t until_ms;
    int64_t created_ms;
    int64_t awarded_micro;
    int64_t used_micro;
    int64_t held_micro;
    uint32_t resource; /* STINT_RESOURCE_NONE: its resource is not configured any more */
    char *resource_name;
    char *unit;
    bool is_revoked;
};

/* A bearer token, without it. */
struct ledger_token {
    UT_hash_handle hh;
    char hash[STINT_SHA256_HEX];
    char id[STINT_TOKEN_ID];
    char *name;
    uid_t uid;
    stint_token_scopes scopes;
    bool is_revoked;
    int64_t created_ms;
    int64_t until_ms;
    int64_t used_ms;
};

struct stint_ledger {
    struct stint_ledger_options options;
    struct charge_base base[STINT_RESOURCE_MAX];
    struct ledger_account *stale;
    struct ledger_account **accounts;
    uint32_t account_count;
    uint32_t account_capacity;
    uint32_t
        array_free; /* a chain of arrays' accounts, through `owner`; STINT_NO_ACCOUNT ends it */
    uint64_t generation; /* stint_ledger_generation() */
    struct ledger_account *accounts_by_key;
    struct ledger_institution *institutions;
    struct ledger_institution *institutions_by_name;
    struct ledger_project *projects;
    struct ledger_project *projects_by_name;
    struct ledger_user *users;
    struct ledger_award *awards;
    struct ledger_award *awards_by_name;
    struct ledger_token *tokens;
    int64_t period_begin_ms[STINT_PERIOD_MONTH + 1];
    int64_t period_end_ms[STINT_PERIOD_MONTH + 1];
};

int64_t ledger_now_ms(const struct stint_ledger *ledger);
const char *ledger_unit(const struct stint_ledger *ledger, uint32_t resource);
/* Cores of all resources, one after the other. */
#define LEDGER_EACH_CORE(ledger, i)                                                                \
    for (uint32_t i = 0; i < (ledger)->options.resources->count; i++)
struct stint_clerk *ledger_clerk(const struct stint_ledger *ledger, uint32_t resource);

/* ---- accounts.c: numbers for the scheduler, and what it is told of them */

/* Finds or makes; NULL without memory. A new one is told to the scheduler under @parent. */
struct ledger_account *account_for(struct stint_ledger *ledger, enum stint_account_kind kind,
                                   int64_t owner, uint32_t parent);
struct ledger_account *account_find(const struct stint_ledger *ledger, enum stint_account_kind kind,
                                    int64_t owner);
/* Forgets counts and ceilings, keeps numbers. */
void accounts_clear(struct stint_ledger *ledger);
void accounts_free(struct stint_ledger *ledger);
void quota_free(struct ledger_quota *quota);
/* Of the account of a project or a user; 0 and NULL: it is active. False without memory: what is
 * missing is told again after a restart. */
bool suspension_take(struct ledger_account *account, int64_t ms, const char *by, const char *why);
/* A user's place in a project: the leaf of the tree of shares. NULL without memory. */
struct ledger_account *seat_for(struct stint_ledger *ledger, const struct ledger_project *project,
                                uid_t uid);
/* Tells the core the account's place and weight. */
int account_tell_shares(struct stint_ledger *ledger, const struct ledger_account *account);
/* A user's weight is that of all of his seats. O(accounts). */
int seats_weigh(struct stint_ledger *ledger, const struct ledger_account *user);
/* Tells the core the ceilings of one kind, with what is used of them; all kinds. */
void account_tell(struct stint_ledger *ledger, const struct ledger_account *account,
                  enum stint_quota_kind kind);
/* Millionths of an hour as milliseconds, downwards: a ceiling is never passed by rounding. */
int64_t ledger_hours_ms(int64_t micro);
/* And back upwards, as prices are rounded: what is held and what is used are one figure. */
int64_t ledger_ms_hours(int64_t ms);
void account_tell_all(struct stint_ledger *ledger, const struct ledger_account *account);
void award_tell(struct stint_ledger *ledger, const struct ledger_award *award);
/* What runs under the account's ceilings changed on one resource. */
void account_mark(struct stint_ledger *ledger, struct ledger_account *account);
/* Site, institution, project and user of a job; NULL without memory for a new user. */
#define LEDGER_OWNERS 4
bool owners_of(struct stint_ledger *ledger, const struct ledger_project *project, uid_t uid,
               struct ledger_account *owners[LEDGER_OWNERS]);

/* ---- roster.c: institutions, projects, users */

bool name_is_valid(const char *name);
int name_check(const char *what, const char *name, struct stint_error *err);
/* Titles, names of PIs and reasons: bounded, printable UTF-8. NULL is fine. */
int text_check(const char *what, const char *text, size_t length_max, struct stint_error *err);
const char *role_word(const char *role); /* its literal, NULL for an unknown one */

struct ledger_institution *institution_find(const struct stint_ledger *ledger, int64_t id);
struct ledger_institution *institution_by_name(const struct stint_ledger *ledger, const char *name);
struct ledger_project *project_find(const struct stint_ledger *ledger, int64_t id);
struct ledger_project *project_by_name(const struct stint_ledger *ledger, const char *name);
struct ledger_user *user_find(const struct stint_ledger *ledger, uid_t uid);
struct ledger_user *user_by_name(const struct stint_ledger *ledger, const char *name);
/* Into memory, with their account; NULL without memory. */
struct ledger_institution *institution_add(struct stint_ledger *ledger,
                                           const struct stint_institution_row *row);
struct ledger_project *project_add(struct stint_ledger *ledger,
                                   const struct stint_project_row *row);
/* Undo an addition that nobody knows of yet. */
void institution_drop(struct stint_ledger *ledger, struct ledger_institution *institution);
void project_drop(struct stint_ledger *ledger, struct ledger_project *project);
/* Finds or makes; @name may be NULL. */
struct ledger_user *user_for(struct stint_ledger *ledger, uid_t uid, const char *name);
struct ledger_member *user_member(const struct ledger_user *user,
                                  const struct ledger_project *project);
/* False when the user has too many, or without memory. */
bool user_join(struct ledger_user *user, struct ledger_project *project, const char *role);
void user_leave(struct ledger_user *user, struct ledger_project *project);
void roster_free(struct stint_ledger *ledger);

/* ---- awards.c */

struct ledger_award *award_find(const struct stint_ledger *ledger, int64_t id);
struct ledger_award *award_by_name(const struct stint_ledger *ledger, const char *name);
struct ledger_award *award_add(struct stint_ledger *ledger, const struct stint_award_row *row);
/* Undo an addition: the last award of its project. */
void award_drop(struct stint_ledger *ledger, struct ledger_award *award);
const char *award_state(const struct ledger_award *award, int64_t now_ms);
void awards_free(struct stint_ledger *ledger);

/* ---- quotas.c */

const char *quota_kind_name(enum stint_quota_kind kind);
enum stint_quota_kind quota_kind_from_name(const char *name);
const char *quota_scope_name(enum stint_quota_scope scope);
enum stint_quota_scope quota_scope_from_name(const char *name); /* 0 for an unknown one */
bool quota_kind_is_periodic(enum stint_quota_kind kind);
/* `gpus=4` to its kind, ceiling and period; @ret_is_removal for `gpus=`, and for `gpu-hours=/day`,
 * which takes away that period's alone. */
int quota_parse(const char *assignment, enum stint_quota_kind *ret_kind, int64_t *ret_ceiling,
                enum stint_period *ret_period, bool *ret_is_removal, struct stint_error *err);
/* What @kind has used of an account now, in the units of its ceiling. */
int64_t quota_used(const struct stint_ledger *ledger, const struct ledger_account *account,
                   enum stint_quota_kind kind, enum stint_period period);
/* Puts a ceiling into memory and tells the core; NULL takes it away. 0 or -ENOMEM. */
int quota_put(struct stint_ledger *ledger, struct ledger_account *account,
              enum stint_quota_kind kind, enum stint_period period,
              const struct stint_quota_row *row);
/* Queue and walltime ceilings of a job to be. */
int quota_check_submit(const struct stint_ledger *ledger,
                       struct ledger_account *const owners[LEDGER_OWNERS], int64_t walltime_s,
                       int64_t task_count, enum stint_reason_code *ret_code,
                       struct stint_error *err);

/* ---- usage.c: what the current periods used */

/* Sets the bounds of all periods for @now_ms and sums up from the store. */
int usage_load(struct stint_ledger *ledger, int64_t now_ms, struct stint_error *err);
/* What @size uses in @ms, as periods count it. */
void usage_of(const struct stint_charge_size *size, int64_t ms, struct ledger_usage *ret_usage);
/* Adds the run's time, @sign 1 or -1 times, to every period that its start lies in. */
void usage_add(struct stint_ledger *ledger, struct ledger_account *const owners[LEDGER_OWNERS],
               const struct stint_ledger_run *run, int64_t ms, int sign);
/* Empties the periods that are over. */
int usage_turn(struct stint_ledger *ledger, int64_t now_ms, struct stint_error *err);

/* ---- tokens.c */

/* From its row, over one with the same hash; NULL without memory. */
struct ledger_token *token_keep(struct stint_ledger *ledger, const struct stint_token_row *row);
void tokens_free(struct stint_ledger *ledger);

/* ---- shares.c: weights, and use that was before a restart */

/* Puts a weight into memory and tells the core. 0 or -ENOMEM. */
int share_put(struct stint_ledger *ledger, struct ledger_account *account,
              const struct stint_share_row *row);
/* Tells the core all past use that still counts. */
int shares_load_use(struct stint_ledger *ledger, struct stint_error *err);

/* ---- postings.c: legs in, balances moved; into the open batch */

struct ledger_leg {
    struct ledger_award *award;
    enum stint_posting_account account;
    int64_t amount_micro;
};
#define LEDGER_LEGS_MAX 4
/* Refuses with STINT_NO_AWARD what would bring a FREE below zero; leaves out legs of nothing. */
int postings_put(struct stint_ledger *ledger, const struct ledger_leg *legs, size_t count,
                 const struct stint_ledger_run *run, const char *memo, struct stint_error *err);
/* The same without a store: every check and no effect. */
int postings_check(const struct ledger_leg *legs, size_t count, struct stint_error *err);

/* ---- act.c: what every administrator's change has in common */

/* Permission, reason, a store that takes writes. */
int act_begin(const struct stint_ledger *ledger, const struct stint_act *act,
              struct stint_error *err);
/**
 * act_publish() - the event and the public entry of a change, into the open batch
 * @type: of both, "award.change"; @verb: "award.grant" for the event
 * @subject: JSON object, public: no user's name is in it
 * @target: whom or what it is about, for the private event only; NULL for nobody
 * Comes after all other puts of a change: the record cannot be wound back, the store can.
 */
int act_publish(struct stint_ledger *ledger, const struct stint_act *act, const char *type,
                const char *verb, const char *subject, const char *target, struct stint_error *err);

/* Where the batch and the record stand: an action that fails half way goes back to it in both, or
 * the log would have a hole. */
struct act_mark {
    struct stint_store_mark store;
    struct stint_record_mark record;
};
struct act_mark act_mark(const struct stint_ledger *ledger);
/* 0, or the change refused half way: the open batch is as it was at @mark. */
int act_end(struct stint_ledger *ledger, struct act_mark mark, int status);

/* Whom a ceiling or a weight is for; @name is NULL for the site and for users, who are nobody's
 * business. */
struct scope_owner {
    struct ledger_account *account;
    int64_t id;
    const char *name;
};
/* 0, STINT_NOT_FOUND. */
int scope_find(struct stint_ledger *ledger, enum stint_quota_scope scope, const char *name,
               struct scope_owner *ret_owner, struct stint_error *err);

/* A user by login name: one that is known, else the system's. STINT_NOT_FOUND. */
int user_resolve(struct stint_ledger *ledger, const char *name, struct ledger_user **ret_user,
                 struct stint_error *err);

/* ---- first.c: an empty store gets its institution, project and award */
int ledger_first_start(struct stint_ledger *ledger, struct stint_error *err);

#endif
