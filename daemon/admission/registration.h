/* A registration under way, shared by the way in (register.c) and the copying (copy.c). */
#ifndef STINT_ADMISSION_REGISTRATION_H
#define STINT_ADMISSION_REGISTRATION_H

#include "state.h"
#include "stint/artifact.h"

#define REGISTER_RULES_MAX 256

enum registration_stage {
    REGISTRATION_JUDGING = 0,
    REGISTRATION_COPY_WAITING,
    REGISTRATION_COPYING,
    REGISTRATION_KEEPING
};

struct registration {
    struct stint_admission *admission; /* NULL once admission is gone */
    struct admission_life *life;
    struct registration *prev;
    struct registration *next;
    enum registration_stage stage;
    struct stint_caller caller;
    struct runner runner; /* as whom its files are read */
    char *path;
    char *name; /* NULL: judged only (stint_admission_check()) */
    const char *kind;
    char rules[REGISTER_RULES_MAX];
    bool is_in_place;
    bool is_tool_out;
    bool is_worker_out;
    stint_register_fn done;
    void *context;
    /* of the judging */
    char digest[DOCUMENT_DIGEST_SIZE];
    int64_t verdict_id;
    int64_t bytes;
    int64_t files;
    char *verdict;
    char *manifest;
    enum document_result result;
    /* of the copying */
    int store_fd;
    int socket;
    uv_work_t work;
    struct stint_artifact_manifest copy;
    struct stint_error copy_error;
    int copy_status;
    struct stint_error error;
};

/* register.c: the end of it, well or not; it is gone afterwards. */
void registration_fail(struct registration *registration, int code, const char *text,
                       const char *fix);
void registration_free(struct registration *registration);
/* Row and public entry for what lies at @path, into the open batch; answers after its commit. */
void registration_keep(struct registration *registration, const char *path);

#endif
