/* Owns: reviewers' statements (stint.attestation/1) as facts of grade `attested`. A statement is
 * bound to the digest of the artefact it was made about; about other bytes it says nothing. Whether
 * its signature or role is good is decided by whoever hands it over, before it comes here. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/reader.h"
#include "stint/auto.h"

#define STATEMENTS_MAX 256

struct statement {
    const char *component;
    const char *predicate;
    const char *subject;
    const char *source;
    const char *date;
    const char *reviewer;
    const char *digest;
    const char *document;
    json_t *value;
};

static int statement_read(json_t *entry, size_t index, struct statement *statement,
                          struct stint_error *err)
{
    json_error_t problem;
    const char *schema = NULL;
    const char *criterion = NULL; /* for people: which criterion it was asked for */
    const char *signature = NULL;
    *statement = (struct statement){ .subject = "", .document = "" };
    if (json_unpack_ex(entry, &problem, JSON_STRICT,
                       "{s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s?s, s?s, s?s, s?s}", "schema",
                       &schema, "digest", &statement->digest, "component", &statement->component,
                       "predicate", &statement->predicate, "value", &statement->value, "source",
                       &statement->source, "date", &statement->date, "reviewer",
                       &statement->reviewer, "subject", &statement->subject, "document",
                       &statement->document, "criterion", &criterion, "signature", &signature) != 0)
        return stint_fail(err, STINT_INVALID, "attestation %zu: %s", index + 1, problem.text);
    if (strcmp(schema, "stint.attestation/1") != 0 || !*statement->reviewer ||
        !*statement->source || strlen(statement->date) < 10)
        return stint_fail(err, STINT_INVALID,
                          "attestation %zu: wants schema stint.attestation/1, a reviewer, a source "
                          "and a date",
                          index + 1);
    return 0;
}

static int statement_value(const struct statement *statement, size_t index, struct stint_fact *fact,
                           struct stint_error *err)
{
    bool fits = false;
    switch (stint_predicate_type(fact->predicate)) {
    case STINT_VALUE_BOOL:
        fits = json_is_boolean(statement->value);
        fact->truth = json_is_true(statement->value);
        break;
    case STINT_VALUE_NUMBER:
        fits = json_is_integer(statement->value);
        fact->number = json_integer_value(statement->value);
        break;
    case STINT_VALUE_TEXT:
        fits = json_is_string(statement->value);
        fact->text = json_string_value(statement->value);
        break;
    }
    return fits ? 0
                : stint_fail(err, STINT_INVALID, "attestation %zu: a value of '%s' is another type",
                             index + 1, statement->predicate);
}

static int attest_one(struct reader *reader, json_t *entry, size_t index, struct stint_error *err)
{
    struct statement statement;
    struct stint_fact fact = { .source = STINT_SOURCE_ATTESTATION, .grade = STINT_ATTESTED };
    struct stint_sha256 digest;
    char path[400];
    char what[400];
    int r = statement_read(entry, index, &statement, err);
    if (r == 0)
        r = stint_sha256_parse(statement.digest, &digest, err);
    if (r != 0)
        return r;
    fact.component = stint_component_parse(statement.component);
    fact.predicate = stint_predicate_parse(statement.predicate);
    if (!fact.component || !fact.predicate)
        return stint_fail(err, STINT_INVALID,
                          "attestation %zu: no component '%s' or predicate '%s'", index + 1,
                          statement.component, statement.predicate);
    if ((r = statement_value(&statement, index, &fact, err)) != 0)
        return r;
    (void)snprintf(path, sizeof(path), "attestation by %.100s, %.20s: %.200s", statement.reviewer,
                   statement.date, statement.source);
    if (!reader->manifest->has_digest ||
        memcmp(&digest, &reader->manifest->digest, sizeof(digest)) != 0) {
        (void)snprintf(what, sizeof(what), "%s speaks of other bytes", path);
        verdict_finding(reader->verdict, "T-attestation", what, NULL, 0);
        return 0;
    }
    fact.subject = statement.subject;
    fact.path = path;
    fact.has_sha256 =
        *statement.document && stint_sha256_parse(statement.document, &fact.sha256, NULL) == 0;
    (void)stint_facts_add(reader->facts, &fact);
    return 0;
}

int read_attestations(struct reader *reader, const char *text, struct stint_error *err)
{
    json_error_t problem;
    size_t index;
    json_t *entry;
    if (!text || !*text)
        return 0;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    int r = 0;
    if (!json_is_array(root) || json_array_size(root) > STATEMENTS_MAX)
        r = stint_fail(err, STINT_INVALID, "attestations are a JSON array of at most %d: %s",
                       STATEMENTS_MAX, root ? "it is not one" : problem.text);
    json_array_foreach(root, index, entry)
    {
        if (r != 0)
            break;
        r = attest_one(reader, entry, index, err);
    }
    json_decref(root);
    return r;
}
