/* What reviewers said of which bytes, in memory: few, and read with every verdict. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

/* All statements about one artefact's bytes, in the order of their ids. */
struct attested {
    UT_hash_handle hh;
    char digest[DOCUMENT_DIGEST_SIZE];
    struct statement *statements;
};

static struct attested *attested_find(const struct stint_admission *admission, const char *digest)
{
    struct attested *attested = NULL;
    HASH_FIND(hh, admission->attested, digest, strlen(digest), attested);
    return attested;
}

static struct attested *attested_of(struct stint_admission *admission, const char *digest)
{
    struct attested *attested = attested_find(admission, digest);
    if (attested || !(attested = calloc(1, sizeof(*attested))))
        return attested;
    (void)snprintf(attested->digest, sizeof(attested->digest), "%s", digest);
    HASH_ADD(hh, admission->attested, digest, strlen(attested->digest), attested);
    return attested;
}

struct statement *statement_by_id(const struct stint_admission *admission, int64_t id,
                                  char digest[DOCUMENT_DIGEST_SIZE])
{
    for (struct attested *at = admission->attested; at; at = at->hh.next) {
        struct statement *statement;
        DL_FOREACH(at->statements, statement)
        {
            if (statement->id != id)
                continue;
            if (digest)
                (void)snprintf(digest, DOCUMENT_DIGEST_SIZE, "%s", at->digest);
            return statement;
        }
    }
    return NULL;
}

size_t statements_standing(const struct stint_admission *admission, const char *digest)
{
    const struct attested *attested = attested_find(admission, digest);
    const struct statement *statement;
    size_t count = 0;
    DL_FOREACH(attested ? attested->statements : NULL, statement)
    {
        count += statement->is_standing;
    }
    return count;
}

/* A row that is there already can only have been revoked. */
int statement_keep(struct stint_admission *admission, const struct stint_attestation_row *row)
{
    struct statement *statement = statement_by_id(admission, row->id, NULL);
    bool is_standing = strcmp(row->state, "standing") == 0;
    registry_changed(admission);
    if (statement) {
        statement->is_standing = is_standing;
        statement->revoked_ms = row->revoked_ms;
        return 0;
    }
    struct attested *attested = attested_of(admission, row->digest);
    statement = attested ? calloc(1, sizeof(*statement)) : NULL;
    if (!statement || !(statement->json = strdup(row->statement))) {
        free(statement);
        return -ENOMEM;
    }
    statement->id = row->id;
    statement->is_signed = row->is_signed;
    statement->is_standing = is_standing;
    statement->made_by = row->made_by;
    statement->at_ms = row->at_ms;
    statement->revoked_ms = row->revoked_ms;
    DL_APPEND(attested->statements, statement);
    admission->statement_count++;
    return 0;
}

static void attested_free(struct attested *attested)
{
    struct statement *statement, *next;
    DL_FOREACH_SAFE(attested->statements, statement, next)
    {
        free(statement->json);
        free(statement);
    }
    free(attested);
}

void statements_free(struct stint_admission *admission)
{
    struct attested *attested = admission->attested, *next;
    HASH_CLEAR(hh, admission->attested); /* frees the table alone; the rows stay a list */
    for (; attested; attested = next) {
        next = attested->hh.next;
        attested_free(attested);
    }
    admission->statement_count = 0;
}

void statements_json(const struct stint_admission *admission, const char *digest,
                     struct stint_buffer *json)
{
    const struct attested *attested = attested_find(admission, digest);
    const struct statement *statement;
    if (statements_standing(admission, digest) == 0)
        return;
    stint_json_array(json);
    DL_FOREACH(attested->statements, statement)
    {
        if (statement->is_standing)
            stint_json_raw(json, statement->json, strlen(statement->json));
    }
    stint_json_array_end(json);
}

static struct stint_attestation_view view_of(const char *digest, const struct statement *statement)
{
    return (struct stint_attestation_view){
        .id = statement->id,
        .digest = digest,
        .statement = statement->json,
        .is_signed = statement->is_signed,
        .is_standing = statement->is_standing,
        .made_ms = statement->at_ms,
        .revoked_ms = statement->revoked_ms,
    };
}

int stint_admission_attestation(struct stint_admission *admission, int64_t id,
                                struct stint_attestation_view *ret_view)
{
    for (struct attested *at = admission->attested; at; at = at->hh.next) {
        const struct statement *statement;
        DL_FOREACH(at->statements, statement)
        {
            if (statement->id != id)
                continue;
            *ret_view = view_of(at->digest, statement);
            return 0;
        }
    }
    return STINT_NOT_FOUND;
}

void stint_admission_each_attestation(struct stint_admission *admission, const char *digest,
                                      bool (*fn)(void *context,
                                                 const struct stint_attestation_view *view),
                                      void *context)
{
    const struct attested *attested = attested_find(admission, digest);
    const struct statement *statement;
    DL_FOREACH(attested ? attested->statements : NULL, statement)
    {
        struct stint_attestation_view view = view_of(attested->digest, statement);
        if (!fn(context, &view))
            return;
    }
}
