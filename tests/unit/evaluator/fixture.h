/* Folders of files, made for a test and removed after it; and the evaluator over the tree's own
 * rules and licences. */
#ifndef STINT_TEST_EVALUATOR_FIXTURE_H
#define STINT_TEST_EVALUATOR_FIXTURE_H

#include <stddef.h>

#include "stint/evaluator.h"

struct fixture {
    char root[64];
    struct stint_evaluator *evaluator;
};

/* cmocka set-up and tear-down; *state is a struct fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* A path below the fixture's root; valid until eight calls later. */
const char *fixture_path(const struct fixture *f, const char *path);
/* Writes a file and makes its folders. */
void fixture_bytes(const struct fixture *f, const char *path, const void *bytes, size_t length);
void fixture_text(const struct fixture *f, const char *path, const char *text);
void fixture_remove(const struct fixture *f, const char *path);
/* A safetensors file of one F32 tensor of two values, with the header given or a sound one. */
void fixture_tensors(const struct fixture *f, const char *path, const char *header);
/* A model that passes OSAID 1.0, in folder @name; a data set that is open; made of texts here. */
void fixture_open_model(const struct fixture *f, const char *name);
void fixture_open_data(const struct fixture *f, const char *name);
/* The text of a licence of the tree's LICENSE file (Apache-2.0). */
const char *fixture_apache(void);

/* The verdict on a path below the root; fails the test when there is none. */
struct stint_verdict *fixture_judge(struct fixture *f, const char *path,
                                    enum stint_artifact_kind kind, const char *rules);
const struct stint_criterion_result *fixture_criterion(const struct stint_verdict *verdict,
                                                       const char *id);
/* "pass", "fail" or "unknown" of one criterion. */
const char *fixture_result(const struct stint_verdict *verdict, const char *id);
bool fixture_has_finding(const struct stint_verdict *verdict, const char *id);
/* The first fact of that component and predicate; NULL for none. */
const struct stint_fact *fixture_fact(const struct stint_verdict *verdict,
                                      enum stint_component component,
                                      enum stint_predicate predicate);

#endif
