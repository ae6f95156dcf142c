/* Rows as the store keeps them: one struct a table, one member a column, in the words of the
 * schema. Integers carry their unit in the name; texts are NUL-terminated and borrowed (for the
 * call when written, for the callback when read); NULL is SQL's NULL. Times are wall clock ms since
 * the epoch, 0 for "does not apply", unless the name says otherwise. Words (states, outcomes,
 * reasons, kinds) are the wire names of INTERFACE §5, so that a store can be read without this
 * program. */
#ifndef STINT_STORE_ROWS_H
#define STINT_STORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that are not text. */
struct stint_bytes {
    const void *data;
    size_t length;
};

/**
 * struct stint_event_row - the journal (DESIGN §2): append-only, its id is the server-sent event's
 * @id: given by the store, from 1, increasing; ignored when written
 * @kind: "job.submit", "job.start", "run.end", "award.grant" …: noun.verb, the writer's to choose
 * @job, @task, @attempt: 0 where the event is about none
 * @actor: who, as the audit trail names him ("uid:1000", "daemon"); never public
 * @payload: JSON object. Of a change (struct stint_change) the store writes it itself:
 *   {"job":{…},"task":{…},"run":{…},"detail":{…}}, each part only where there is one. The parts
 *   name columns; a column that is not named is NULL or 0. A new row has all its columns, a
 *   change those that can change (marked below), so that the tables `job`, `task` and `run` can be
 *   built again from the journal alone. `spec` and `uses` are JSON, not text, in there.
 */
struct stint_event_row {
    int64_t id;
    int64_t at_ms;
    const char *kind;
    uint64_t job;
    uint32_t task;
    uint32_t attempt;
    const char *actor;
    const char *payload;
};

/**
 * struct stint_job_row - what was submitted
 * Live is a job whose @end_ms is 0. Columns that can change are marked (*): a change writes all of
 * those and no other.
 * @project: id; @gpu_milli: of each GPU, 1000 is a whole one; @walltime_s: (*) extended ones
 * @start_ms: (*) of the last run; @end_ms: (*) set when it is done, for good
 * @held_by: (*) "user" or "admin", NULL when it is not held
 * @award: (*) id, 0 while none was chosen; @decision: (*) id of a refusal, 0 for none
 * @uses: (*) JSON array, what it uses and the verdict that admitted it; NULL for nothing
 * @spec: the validated request, a JSON object; @script: hex digest of its text in `script`
 * @exit_code, @exit_signal: (*) of the last run; @exit_code below 0: its program never ran, and
 * -127 or -126 is what a shell would have said of it
 * @attempts: (*) runs so far; @task_count: elements of an array, 0 for a plain job
 * @version: read only: 1 when new, one more with each change; the ETag
 */
struct stint_job_row {
    uint64_t id;
    const char *state;   /* (*) */
    const char *outcome; /* (*) NULL until done */
    const char *reason;  /* (*) headline token, NULL for none */
    const char *resource;
    int64_t project;
    uint32_t uid;
    uint32_t gid;
    const char *user_name;
    const char *name; /* (*) */
    int64_t priority; /* (*) */
    int64_t cpus;
    int64_t gpus;
    int64_t gpu_milli;
    const char *gpu_type;
    int64_t memory_bytes;
    int64_t nodes;
    int64_t walltime_s; /* (*) */
    int64_t submit_ms;
    int64_t begin_ms;    /* (*) */
    int64_t start_ms;    /* (*) */
    int64_t end_ms;      /* (*) */
    const char *held_by; /* (*) */
    int64_t award;       /* (*) */
    int64_t decision;    /* (*) */
    const char *uses;    /* (*) */
    const char *spec;
    const char *script;
    int64_t exit_code;   /* (*) */
    int64_t exit_signal; /* (*) */
    int64_t attempts;    /* (*) */
    int64_t task_count;
    int64_t updated_ms; /* (*) */
    int64_t version;
};

/* One element of an array; a plain job has no row here. Key (job, task). */
struct stint_task_row {
    uint64_t job;
    uint32_t task;
    const char *state;   /* (*) */
    const char *outcome; /* (*) */
    const char *reason;  /* (*) */
    int64_t attempts;    /* (*) */
    int64_t start_ms;    /* (*) */
    int64_t end_ms;      /* (*) */
    int64_t updated_ms;  /* (*) */
};

/**
 * struct stint_run_row - one attempt; key (job, task, attempt). Open is a run whose @end_ms is 0
 * @node: of the first grant; @allocation: the stored form of a struct stint_allocation
 * @cpus, @gpu_milli (all GPUs together, a whole one is 1000), @memory_bytes: what it holds
 * @project, @uid: whose, for sums by period
 * @start_ms: wall clock; @start_boot_ms: CLOCK_BOOTTIME in the boot called @boot_id
 * @back: (*) its end brings the job back to the queue: "requeue", "preempt"; NULL
 * @hold_micro: held for the whole walltime; @charged_micro: (*) what was charged at the end
 */
struct stint_run_row {
    uint64_t job;
    uint32_t task;
    uint32_t attempt;
    const char *state; /* (*) */
    const char *resource;
    const char *node;
    const char *allocation;
    int64_t cpus;
    int64_t gpu_milli;
    int64_t memory_bytes;
    int64_t project;
    uint32_t uid;
    int64_t award;
    int64_t hold_micro;
    int64_t charged_micro;     /* (*) */
    int64_t start_ms;          /* (*) */
    int64_t start_boot_ms;     /* (*) */
    const char *boot_id;       /* (*) */
    int64_t walltime_s;        /* (*) */
    int64_t end_ms;            /* (*) */
    int64_t elapsed_ms;        /* (*) */
    int64_t exit_code;         /* (*) */
    int64_t exit_signal;       /* (*) */
    int64_t cpu_ms;            /* (*) */
    int64_t peak_memory_bytes; /* (*) */
    const char *outcome;       /* (*) */
    const char *note;          /* (*) */
    const char *back;          /* (*) */
};

/**
 * struct stint_change - one step in the life of a job: the event and the rows it explains
 * @event: id and payload are the store's to fill; @event.payload, when given, becomes "detail"
 * @job, @task, @run: NULL where nothing changes; @*_is_new: inserted, otherwise the columns marked
 * (*) are written to the row with the same key, which must exist
 */
struct stint_change {
    struct stint_event_row event;
    const struct stint_job_row *job;
    const struct stint_task_row *task;
    const struct stint_run_row *run;
    bool job_is_new;
    bool task_is_new;
    bool run_is_new;
};

/* A job's script, kept once by its digest (64 hex digits). */
struct stint_script_row {
    const char *sha256;
    struct stint_bytes text;
};

struct stint_institution_row {
    int64_t id;
    const char *name; /* unique */
    const char *title;
    const char *state;
    int64_t created_ms;
};

struct stint_project_row {
    int64_t id;
    const char *name; /* unique */
    int64_t institution;
    const char *state; /* active, suspended */
    const char *pi;
    const char *title;
    int64_t created_ms;
    int64_t suspended_ms; /* 0 while active, as are the next two */
    const char *suspended_by;
    const char *suspended_why;
};

/* A user of this machine. @role: "user" or "operator". */
struct stint_user_row {
    uint32_t uid;
    const char *name;
    int64_t institution;
    const char *state; /* active, suspended */
    const char *role;
    int64_t created_ms;
    int64_t suspended_ms; /* 0 while active, as are the next two */
    const char *suspended_by;
    const char *suspended_why;
};

/* Key (project, uid). @role: member, manager, pi. */
struct stint_member_row {
    int64_t project;
    uint32_t uid;
    const char *role;
    const char *state;
    int64_t created_ms;
};

/* Amounts are postings, never here (invariant 4). @state: "active" or "revoked"; the rest follows
 * from the dates and the postings. */
struct stint_award_row {
    int64_t id;
    const char *name; /* unique */
    int64_t project;
    const char *resource;
    const char *unit;
    int64_t from_ms;
    int64_t until_ms;
    const char *state;
    const char *title;
    int64_t created_ms;
};

/* Accounts of the books; each exists once an award. SITE is where awards come from and stands
 * negative; used + held never passes what went from SITE to FREE. */
#define STINT_POSTING_ACCOUNTS(X)                                                                  \
    X(STINT_POSTING_SITE, "site")                                                                  \
    X(STINT_POSTING_FREE, "free")                                                                  \
    X(STINT_POSTING_HELD, "held")                                                                  \
    X(STINT_POSTING_USED, "used")
enum stint_posting_account {
    STINT_POSTING_NONE = 0,
#define X(name, wire) name,
    STINT_POSTING_ACCOUNTS(X)
#undef X
        STINT_POSTING_ACCOUNT_COUNT
};

/**
 * struct stint_posting_row - one leg of a transaction
 * @id, @transaction: given by the store; ignored when written
 * @account: enum stint_posting_account; @award: whose account it is
 * @amount_micro: signed; the legs of a transaction sum to zero
 * @project, @uid, @job, @task, @attempt: what it was for, 0 for none
 */
struct stint_posting_row {
    int64_t id;
    int64_t at_ms;
    int64_t transaction;
    int64_t account;
    int64_t award;
    int64_t amount_micro;
    int64_t project;
    uint32_t uid;
    uint64_t job;
    uint32_t task;
    uint32_t attempt;
    const char *memo;
};

/* Key (scope, scope_id, kind, period). @scope: enum stint_quota_scope's wire name; @period: "",
 * day, week, month, never NULL. */
struct stint_quota_row {
    const char *scope;
    int64_t scope_id;
    const char *kind;
    const char *period;
    int64_t ceiling;
    const char *reason;
    const char *set_by;
    int64_t set_ms;
};

/* Key (scope, scope_id): institution, project, or user, whose weight holds in all of his projects.
 */
struct stint_share_row {
    const char *scope;
    int64_t scope_id;
    int64_t shares;
    const char *reason;
    const char *set_by;
    int64_t set_ms;
};

/* Key digest ("sha256:…"). @verdict: id of the newest; @state: "registered", "removed". */
struct stint_artifact_row {
    const char *digest;
    const char *name;
    const char *kind;
    const char *path;
    bool is_in_place;
    int64_t bytes;
    int64_t files;
    const char *manifest; /* JSON */
    const char *state;
    int64_t verdict;
    uint32_t registered_by;
    int64_t at_ms;
};

/* @document: stint.verdict/1 JSON; NULL when only heads are read. @rules: names asked for;
 * @rules_digest: over the rule sets, licence table and policy, so that an old verdict is known. */
struct stint_verdict_row {
    int64_t id;
    const char *digest;
    const char *rules;
    const char *rules_digest;
    const char *result;
    const char *reason;
    const char *document;
    int64_t at_ms;
    const char *names;    /* JSON array of names that were looked up; NULL for none */
    const char *heritage; /* JSON members that others inherit; NULL for nothing */
};

/* Key id. @digest: of the artefact; @statement: stint.attestation/1; @is_signed: by a key that was
 * known then, else by the role of @made_by; @state: "standing", "revoked". */
struct stint_attestation_row {
    int64_t id;
    const char *digest;
    const char *statement; /* JSON */
    bool is_signed;
    const char *state;
    uint32_t made_by;
    int64_t at_ms;
    int64_t revoked_ms;
};

/* Key id. @digest: of an artefact whose verdict is unknown; @state: "standing", "revoked". */
struct stint_waiver_row {
    int64_t id;
    const char *digest;
    const char *reason;
    const char *set_by;
    const char *state;
    int64_t at_ms;
    int64_t until_ms;
};

/* What admission answered; @document is public JSON. */
struct stint_decision_row {
    int64_t id;
    int64_t at_ms;
    const char *result;
    const char *reason;
    int64_t project;
    const char *document;
};

/* @leaf: 32 bytes, the RFC 6962 leaf hash of @body. */
struct stint_log_entry_row {
    uint64_t seq; /* from 0 */
    int64_t at_ms;
    const char *type;
    struct stint_bytes body;
    struct stint_bytes leaf;
};

struct stint_checkpoint_row {
    uint64_t size;
    struct stint_bytes root; /* 32 bytes */
    const char *note;        /* the signed note as published */
    int64_t at_ms;
};

/* What a commitment in the public log stands for. Deleting the row erases the person. */
struct stint_personal_row {
    struct stint_bytes commitment; /* 32 bytes */
    struct stint_bytes salt;       /* 16 bytes */
    const char *value;
};

/* Key (uid, key). */
struct stint_idempotency_row {
    uint32_t uid;
    const char *key;
    const char *body_sha256;
    int64_t status; /* of HTTP */
    const char *answer;
    int64_t at_ms;
};

/* Only the digest of a token is kept. @role: its scopes; @state: active, revoked; @used_ms: to the
 * hour. */
struct stint_token_row {
    const char *hash;
    uint32_t uid;
    const char *name;
    const char *role;
    const char *state;
    int64_t created_ms;
    int64_t until_ms;
    int64_t used_ms;
};

/* Key (name, resource). @resource: "" for all that have a node of this name. */
struct stint_node_state_row {
    const char *name;
    const char *resource;
    const char *state;
    const char *reason;
    const char *set_by;
    int64_t at_ms;
};

/**
 * struct stint_reservation_row - what an operator keeps for somebody, or for nobody
 * @id: from 1, never used again; @name: unique among those that are not over
 * @scope: "project" or "institution" of @holder; NULL for nobody: maintenance
 * @days, @hours: "mon-fri" and "08:00-18:00" of a weekly one, NULL for one that is once
 * @from_ms, @until_ms: of the only window, or between which there are weekly ones (0: for good)
 * @release_after_s: given up when unused for so long, 0 for never
 * @released_ms: windows that began before are given up, 0 for none
 * @allocation: the stored form of a struct stint_allocation; @state: "active", "removed"
 */
struct stint_reservation_row {
    int64_t id;
    const char *name;
    const char *scope;
    const char *holder;
    const char *days;
    const char *hours;
    int64_t from_ms;
    int64_t until_ms;
    int64_t release_after_s;
    int64_t released_ms;
    const char *allocation;
    const char *state;
    const char *reason;
    const char *set_by;
    int64_t created_ms;
    const char *resource; /* NULL: of the default one */
};

struct stint_meta_row {
    const char *key;
    const char *value;
};

/**
 * struct stint_estimate_row - the first estimate of its start that a job (of an array, its first
 * task) was given: at @given_ms, expected @p50_ms, at the latest in nine cases of ten @p90_ms
 * @start_ms: when it started; 0 before, -1 when that says nothing (somebody held it meanwhile)
 */
struct stint_estimate_row {
    uint64_t job;
    int64_t given_ms;
    int64_t p50_ms;
    int64_t p90_ms;
    int64_t start_ms;
};

/**
 * struct stint_wait_row - what the wait of a task that is not done counts, once it counts other
 * than from its submission (struct stint_clock); wall clock
 * @task: STINT_TASK_WHOLE for an array's tasks that wait together
 * @ready_ms: 0 when nothing is known of it any more: it has started
 * @blocked_ms: 0 while nothing blocks it
 */
struct stint_wait_row {
    uint64_t job;
    uint32_t task;
    int64_t ready_ms;
    int64_t blocked_ms;
    int64_t lent_ms;
    uint32_t lent_count;
    bool has_lent;
};

/**
 * struct stint_transcript_row - a piece of what the scheduler was told and decided (stint/clerk.h)
 * @id: from 1, increasing; @core: id of the row in which this core began
 * @at_ms: when it was put; @start_count: starts decided in it
 * @chain: 32 bytes, stint_transcript_chain() of this row behind the one before it
 */
struct stint_transcript_row {
    int64_t id;
    int64_t core;
    int64_t at_ms;
    int64_t start_count;
    struct stint_bytes body;
    struct stint_bytes chain;
    const char *resource; /* whose core; NULL: the only one there was */
};

#endif
