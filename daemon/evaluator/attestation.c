/* Owns: reviewers' statements as such: read, checked, written, and the text that is signed. */
#include "stint/attestation.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "stint/auto.h"
#include "stint/licence.h"

static const char schema[] = "stint.attestation/1";

void stint_attestation_deinit(struct stint_attestation *attestation)
{
    json_decref(attestation->owner);
    *attestation = (struct stint_attestation){ 0 };
}

static int refuse(struct stint_error *err, const char *member, const char *what, const char *cure)
{
    (void)stint_fail(err, STINT_INVALID, "attestation: '%s': %s", member, what);
    return stint_fix(err, STINT_INVALID, "%s", cure);
}

/* ---- what a word can be about */

/* Predicates that a person can know and files cannot always show. What files do show (formats,
 * sizes, completeness, quantization) is read from them, and no word changes it. */
static const enum stint_predicate attestable[] = {
    STINT_PRESENT,
    STINT_USED,
    STINT_LICENCE,
    STINT_RESTRICTION,
    STINT_GATED,
    STINT_NAME,
    STINT_LOCATION,
    STINT_VALUE,
    STINT_DATA_CLASS,
    STINT_LISTED,
    STINT_DESCRIBES_ALL,
    STINT_DESCRIBES_PROVENANCE,
    STINT_DESCRIBES_SCOPE,
    STINT_DESCRIBES_SELECTION,
    STINT_DESCRIBES_LABELLING,
    STINT_DESCRIBES_PROCESSING,
    STINT_DESCRIBES_REASON,
    STINT_OWNER,
};

static bool is_attestable(enum stint_predicate predicate)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(attestable); i++)
        if (attestable[i] == predicate)
            return true;
    return false;
}

/* They are what is judged: they lie among the files, or they are not there. */
static bool is_matter(enum stint_component component)
{
    return component == STINT_WEIGHTS || component == STINT_DATA || component == STINT_CODE ||
           component == STINT_ARTIFACT;
}

static bool is_word_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], text) == 0)
            return true;
    return false;
}

static int check_meaning(const struct stint_attestation *attestation, struct stint_error *err)
{
    static const char *const classes[] = { "open", "public", "obtainable", "unshareable" };
    bool is_restriction =
        attestation->predicate == STINT_RESTRICTION && strcmp(attestation->text, "none") != 0;
    if (!is_attestable(attestation->predicate))
        return refuse(err, "predicate", "the files show that by themselves, and no word changes it",
                      "attest what files cannot show: licence, restriction, data-class, "
                      "describes-…, present, location");
    if (attestation->predicate == STINT_PRESENT && is_matter(attestation->component))
        return refuse(err, "component", "it lies among the files, or it is not there",
                      "attest the presence of what may be published elsewhere: training-code, …");
    if (attestation->predicate == STINT_LICENCE && attestation->component == STINT_ARTIFACT)
        return refuse(err, "component", "terms belong to a part",
                      "name it: weights, data, code, training-code, data-information …");
    int facet = is_restriction ? stint_licence_facet_find(attestation->text) : -1;
    if (is_restriction &&
        (facet < 0 || !stint_licence_facet_restricts((enum stint_licence_facet)facet)))
        return refuse(err, "value", "no facet that restricts is called so",
                      "none, or a facet: non_commercial, field_of_use, user_limit …");
    if (attestation->predicate == STINT_DATA_CLASS &&
        !is_word_of(attestation->text, classes, STINT_ARRAY_SIZE(classes)))
        return refuse(err, "value", "not a class of data",
                      "open, public, obtainable or unshareable");
    return 0;
}

/* ---- reading */

/* One line of plain text: it stands in a text that is signed line by line. */
static bool is_line(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && (c[1] & 0xe0) == 0x80))
            return false;
    return strlen(text) <= STINT_ATTESTATION_TEXT_MAX;
}

static bool is_date(const char *text)
{
    static const char form[] = "9999-19-39";
    for (size_t i = 0; i < sizeof(form); i++)
        if (form[i] == '-' || form[i] == '\0' ? text[i] != form[i]
                                              : text[i] < '0' || text[i] > form[i])
            return false;
    int month = (text[5] - '0') * 10 + text[6] - '0';
    int day = (text[8] - '0') * 10 + text[9] - '0';
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

struct member {
    const char *name;
    const char **text;
    bool is_required;
};

static int read_text(const json_t *root, const struct member *member, struct stint_error *err)
{
    const json_t *value = json_object_get(root, member->name);
    bool is_text =
        json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
    *member->text = is_text ? json_string_value(value) : "";
    if (value && !is_text)
        return refuse(err, member->name, "not a text", "write it as a string");
    if (member->is_required && !**member->text)
        return refuse(err, member->name, "it is missing", "add it");
    if (!is_line(*member->text))
        return refuse(err, member->name, "more than one plain line of 1000 bytes", "shorten it");
    return 0;
}

static int read_value(const json_t *value, struct stint_attestation *attestation,
                      struct stint_error *err)
{
    attestation->text = "";
    switch (stint_predicate_type(attestation->predicate)) {
    case STINT_VALUE_BOOL:
        attestation->truth = json_is_true(value);
        return json_is_boolean(value)
                   ? 0
                   : refuse(err, "value", "this predicate is true or false", "write true or false");
    case STINT_VALUE_NUMBER:
        attestation->number = json_integer_value(value);
        return json_is_integer(value)
                   ? 0
                   : refuse(err, "value", "this predicate is a number", "write a whole number");
    case STINT_VALUE_TEXT:
        break;
    }
    if (!json_is_string(value) || !*json_string_value(value) || !is_line(json_string_value(value)))
        return refuse(err, "value", "this predicate is a text of one line", "write one");
    attestation->text = json_string_value(value);
    return 0;
}

static int read_digest(const char *member, const char *text, struct stint_sha256 *ret_digest,
                       struct stint_error *err)
{
    return strlen(text) == 71 && stint_sha256_parse(text, ret_digest, NULL) == 0
               ? 0
               : refuse(err, member, "not a digest", "sha256: and 64 hexadecimal digits");
}

static int check_members(const json_t *root, const struct member *members, size_t count,
                         struct stint_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)root, key, value)
    {
        bool is_known = strcmp(key, "value") == 0;
        for (size_t i = 0; i < count && !is_known; i++)
            is_known = strcmp(key, members[i].name) == 0;
        if (!is_known)
            return refuse(err, is_line(key) ? key : "?", "a statement has no such member",
                          "remove it");
    }
    return 0;
}

static int read_members(const json_t *root, struct stint_attestation *attestation,
                        struct stint_error *err)
{
    const char *given = "";
    const char *digest = "";
    const char *document = "";
    const char *component = "";
    const char *predicate = "";
    const struct member members[] = {
        { "schema", &given, true },
        { "digest", &digest, true },
        { "component", &component, true },
        { "predicate", &predicate, true },
        { "subject", &attestation->subject, false },
        { "source", &attestation->source, true },
        { "date", &attestation->date, true },
        { "document", &document, false },
        { "criterion", &attestation->criterion, false },
        { "reviewer", &attestation->reviewer, true },
        { "signature", &attestation->signature, false },
    };
    int r = check_members(root, members, STINT_ARRAY_SIZE(members), err);
    for (size_t i = 0; r == 0 && i < STINT_ARRAY_SIZE(members); i++)
        r = read_text(root, &members[i], err);
    if (r == 0 && strcmp(given, schema) != 0)
        r = refuse(err, "schema", "another version", schema);
    if (r == 0)
        r = read_digest("digest", digest, &attestation->digest, err);
    if (r == 0 && *document)
        r = read_digest("document", document, &attestation->document, err);
    attestation->has_document = *document != '\0';
    if (r == 0 && !is_date(attestation->date))
        r = refuse(err, "date", "not a date", "write it as 2026-11-25");
    attestation->component = stint_component_parse(component);
    attestation->predicate = stint_predicate_parse(predicate);
    if (r == 0 && !attestation->component)
        r = refuse(
            err, "component", "there is no such component",
            "weights, training-code, data-information, training-data … (include/stint/fact.h)");
    if (r == 0 && !attestation->predicate)
        r = refuse(err, "predicate", "there is no such predicate",
                   "licence, present, describes-provenance, data-class … (include/stint/fact.h)");
    return r;
}

int stint_attestation_parse(const char *json, size_t length,
                            struct stint_attestation *ret_attestation, struct stint_error *err)
{
    struct stint_attestation attestation = { 0 };
    json_error_t problem;
    if (length > STINT_ATTESTATION_BYTES_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "attestation: more than %zu bytes",
                          STINT_ATTESTATION_BYTES_MAX);
    json_t *root = json_loadb(json, length, JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(root)) {
        json_decref(root);
        return stint_fail(err, STINT_INVALID, "attestation: not a JSON object: %.150s",
                          root ? "it is another value" : problem.text);
    }
    int r = read_members(root, &attestation, err);
    if (r == 0)
        r = read_value(json_object_get(root, "value"), &attestation, err);
    if (r == 0)
        r = check_meaning(&attestation, err);
    if (r != 0) {
        json_decref(root);
        return r;
    }
    attestation.owner = root;
    *ret_attestation = attestation;
    return 0;
}

/* ---- writing */

static void digest_text(const struct stint_sha256 *digest, char text[STINT_SHA256_HEX + 7])
{
    char hex[STINT_SHA256_HEX];
    (void)snprintf(text, STINT_SHA256_HEX + 7, "sha256:%s", stint_sha256_hex(digest, hex));
}

static void kv_if(struct stint_buffer *buffer, const char *key, const char *text)
{
    if (*text)
        stint_json_kv_text(buffer, key, text);
}

void stint_attestation_json(const struct stint_attestation *attestation,
                            struct stint_buffer *buffer)
{
    char digest[STINT_SHA256_HEX + 7];
    stint_json_object(buffer);
    stint_json_kv_text(buffer, "schema", schema);
    digest_text(&attestation->digest, digest);
    stint_json_kv_text(buffer, "digest", digest);
    stint_json_kv_text(buffer, "component", stint_component_name(attestation->component));
    stint_json_kv_text(buffer, "predicate", stint_predicate_name(attestation->predicate));
    kv_if(buffer, "subject", attestation->subject);
    switch (stint_predicate_type(attestation->predicate)) {
    case STINT_VALUE_BOOL:
        stint_json_kv_bool(buffer, "value", attestation->truth);
        break;
    case STINT_VALUE_NUMBER:
        stint_json_kv_int(buffer, "value", attestation->number);
        break;
    case STINT_VALUE_TEXT:
        stint_json_kv_text(buffer, "value", attestation->text);
        break;
    }
    stint_json_kv_text(buffer, "source", attestation->source);
    stint_json_kv_text(buffer, "date", attestation->date);
    digest_text(&attestation->document, digest);
    kv_if(buffer, "document", attestation->has_document ? digest : "");
    kv_if(buffer, "criterion", attestation->criterion);
    stint_json_kv_text(buffer, "reviewer", attestation->reviewer);
    kv_if(buffer, "signature", attestation->signature);
    stint_json_object_end(buffer);
}

static void line(struct stint_buffer *buffer, const char *member, const char *text)
{
    if (*text)
        stint_buffer_printf(buffer, "%s %s\n", member, text);
}

void stint_attestation_text(const struct stint_attestation *attestation,
                            struct stint_buffer *buffer)
{
    char text[STINT_SHA256_HEX + 7];
    stint_buffer_printf(buffer, "%s\n", schema);
    digest_text(&attestation->digest, text);
    line(buffer, "digest", text);
    line(buffer, "component", stint_component_name(attestation->component));
    line(buffer, "predicate", stint_predicate_name(attestation->predicate));
    line(buffer, "subject", attestation->subject);
    switch (stint_predicate_type(attestation->predicate)) {
    case STINT_VALUE_BOOL:
        line(buffer, "value", attestation->truth ? "true" : "false");
        break;
    case STINT_VALUE_NUMBER:
        stint_buffer_printf(buffer, "value %lld\n", (long long)attestation->number);
        break;
    case STINT_VALUE_TEXT:
        line(buffer, "value", attestation->text);
        break;
    }
    line(buffer, "source", attestation->source);
    line(buffer, "date", attestation->date);
    digest_text(&attestation->document, text);
    line(buffer, "document", attestation->has_document ? text : "");
    line(buffer, "criterion", attestation->criterion);
    line(buffer, "reviewer", attestation->reviewer);
}

void stint_attestation_note(const struct stint_attestation *attestation,
                            struct stint_buffer *buffer)
{
    stint_attestation_text(attestation, buffer);
    stint_buffer_printf(buffer, "\n%s\n", attestation->signature);
}
