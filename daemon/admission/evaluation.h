/* Between evaluation.c, which judges, and recheck.c, which looks whether that is needed. */
#ifndef STINT_ADMISSION_EVALUATION_H
#define STINT_ADMISSION_EVALUATION_H

#include "state.h"

enum evaluation_stage {
    EVALUATION_QUEUED = 0,
    EVALUATION_FETCHING,
    EVALUATION_RECHECKING,
    EVALUATION_JUDGING,
    EVALUATION_READING
};

struct waiter {
    evaluation_fn fn;
    void *context;
};

struct evaluation {
    struct stint_admission *admission; /* NULL once admission is gone */
    struct evaluation *prev;
    struct evaluation *next;
    enum evaluation_stage stage;
    uid_t uid;
    gid_t gid;
    const char *kind;
    char *rules;
    char *path;
    char *name;
    char known_digest[DOCUMENT_DIGEST_SIZE];
    char must_be[DOCUMENT_DIGEST_SIZE];
    bool is_ours;
    bool is_fresh;
    bool is_kept;
    bool is_background;
    bool has_seen; /* of ours: @seen is its identity now */
    bool is_same;  /* and is what it was when its bytes were known */
    bool has_known;
    struct stint_sha256 seen;
    struct stint_sha256 known;
    uint64_t told_serial; /* of the registry, when it was told what names stand for */
    char told_rules[DOCUMENT_DIGEST_SIZE];
    char told[DOCUMENT_DIGEST_SIZE]; /* whose statements it was told, "" for nobody's */
    unsigned times;                  /* that it was judged */
    struct waiter *waiters;
    size_t waiter_count;
    struct verdict_head head; /* a copy; id 0 when there is none */
    char *manifest;
    char *criteria;
    uv_work_t work;
    char *output;
    size_t output_length;
    int read_status;
    struct stint_error read_error;
    struct document document;
};

/* Each of these answers all who wait, and frees @evaluation. */
void evaluation_answer_code(struct evaluation *evaluation, enum stint_reason_code code,
                            const char *why, const char *fix);
void evaluation_answer_problem(struct evaluation *evaluation, const struct stint_error *problem);
/* The bytes are those that were judged before. */
void evaluation_answer_stored(struct evaluation *evaluation);
/* The engine took no tool. A refusal of the engine is a word about us, not about the artefact. */
void evaluation_not_started(struct evaluation *evaluation, int code, struct stint_error *err);
/* What a tool that did not end well means: answered. False when there is a document to read. */
bool evaluation_tool_failed(struct evaluation *evaluation, int result, int exit_status);

int evaluation_run_tool(struct evaluation *evaluation, const char *const *argv, const char *input,
                        stint_engine_tool_fn done, struct stint_error *err);
void evaluation_judge(struct evaluation *evaluation);
void evaluation_free(struct evaluation *evaluation);

/* recheck.c: is what lies there still what @evaluation->head judged? 0, or why no worker looks. */
int evaluation_recheck(struct evaluation *evaluation, struct stint_error *err);
/* The bytes of ours are those of @digest: what has the same identity later needs no look. */
void evaluation_remember(const struct evaluation *evaluation, const char *digest);

#endif
