/* Admission on a real store and a real ledger, with artefacts that are real folders. Stood in for:
 * the engine (its tools are answered by the test, when the test says so, from the files
 * themselves), the jobs room (it remembers what it was told), the scheduler's core and the public
 * record. */
#ifndef TEST_ADMISSION_FIXTURE_H
#define TEST_ADMISSION_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <uv.h>

#include "stint/admission.h"
#include "stint/engine.h"
#include "stint/jobs.h"
#include "stint/ledger.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define ANNA 70001
#define BERT 70002

struct tool_call {
    stint_engine_tool_fn done;
    void *context;
    char verb[16];
    char path[512];
    char name[128];
    char kind[16];
    char rules[128];
    char *input;
    int fd;
    uid_t uid;
};

/* What came of one submission. */
struct reply {
    bool is_given;
    int code;
    char text[400];
    char fix[240];
    uint64_t job;
    bool is_evaluated;
    enum stint_reason_code reason;
    int64_t decision;
    char criteria[4096];
    char rehearsal[4096];
};

/* What came of one registration or check. */
struct outcome {
    bool is_given;
    int code;
    char text[400];
    char fix[240];
    char digest[80];
    int64_t verdict;
    char document[4096];
};

struct fixture {
    char folder[64];
    struct stint_store *store;
    struct stint_ledger *ledger;
    struct stint_admission *admission;
    struct stint_admission_options options;
    struct stint_caller anna;
    struct stint_caller bert;
    struct stint_caller boss;
    struct stint_error err;
};

/* The engine */
extern struct tool_call calls[64];
extern size_t call_count;
extern struct stint_engine_report engine_says;
extern int engine_answer;      /* what run_tool says: 0, STINT_BUSY … */
extern const char *tool_word;  /* what judgings come to, whatever the files say; NULL for not */
void tools_wait(size_t count); /* until so many calls are there */
void tool_answer(void);        /* the oldest call, from its files */
void tool_answer_all(struct fixture *f, const bool *until);
void tool_say(int result, int exit_status, const char *output); /* the oldest call, these words */
/* The answer of a judging of @path as text; free() it. */
char *judging_text(const char *path, const char *kind, const char *rules);

/* The jobs room */
struct told_job {
    uint64_t id;
    bool is_evaluated;
    bool is_admitted;
    bool is_live;
    enum stint_reason_code refused;
    int64_t decision;
    char digest[80];
    char path[512];
    bool is_in_place;
    char script[80];
    char *spec;
};
extern struct told_job jobs_told[640];
extern size_t jobs_count;
extern int jobs_answer;
extern int64_t jobs_default_memory;
extern struct stint_reason jobs_reason; /* what a rehearsal waits for */
extern int64_t jobs_p50_ms;

/* The record */
extern char entry_types[128][64];
extern char entry_subjects[128][2048];
extern size_t entry_count;

int fixture_setup(void **state);
int fixture_teardown(void **state);
void fixture_reopen(struct fixture *f); /* admission anew, from the store */
/* A folder may hold besides: `needs`, a text that must be among the evidence, or what would pass is
 * unknown; `facts`, the JSON array of the verdict's facts. */
/* A folder with one file; its file `verdict` says pass, fail or unknown. Path is borrowed. */
const char *fixture_folder(struct fixture *f, const char *name, const char *verdict);
void fixture_write(const char *folder, const char *name, const char *text);
void fixture_submit(struct fixture *f, const struct stint_caller *caller, const char *request,
                    bool is_rehearsal, struct reply *reply);
/* Submits, answers every tool, waits for the reply. */
void fixture_submit_judged(struct fixture *f, const struct stint_caller *caller,
                           const char *request, struct reply *reply);
void fixture_wait(struct fixture *f, const bool *until);
void fixture_register(struct fixture *f, const struct stint_caller *caller, const char *path,
                      const char *name, bool is_in_place, struct outcome *outcome);
/* The same without answering tools. */
void fixture_register_begin(struct fixture *f, const struct stint_caller *caller, const char *path,
                            const char *name, bool is_in_place, struct outcome *outcome);
void fixture_check(struct fixture *f, const char *path, const char *rules, struct outcome *outcome);

#endif
