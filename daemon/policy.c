/* Owns: the policy in force as its public text, and its entries in the log: each change of it is
 * one, in the transaction with which the new text becomes the one that was logged. */
#include "policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "rooms.h"
#include "stint/admission.h"
#include "stint/auto.h"
#include "stint/buffer.h"
#include "stint/record.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define META_KEY "policy"

static void digest_text(const char *json, struct stint_sha256 *ret_digest,
                        char text[STINT_POLICY_DIGEST])
{
    char hex[STINT_SHA256_HEX];
    stint_sha256(json, strlen(json), ret_digest);
    (void)snprintf(text, STINT_POLICY_DIGEST, "sha256:%s", stint_sha256_hex(ret_digest, hex));
}

static int policy_write(struct rooms *rooms, char **ret_json, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer json = { 0 };
    struct stint_admission_options options;
    struct stint_sha256 digest;
    char rules[STINT_POLICY_DIGEST], hex[STINT_SHA256_HEX];
    rooms_admission_options(rooms, &options);
    int r = stint_admission_rules_digest(&options, &digest, err);
    if (r != 0)
        return r;
    (void)snprintf(rules, sizeof(rules), "sha256:%s", stint_sha256_hex(&digest, hex));
    stint_config_policy(&rooms->options->config, rules, &json);
    *ret_json = stint_buffer_take(&json);
    return *ret_json ? 0 : stint_fail(err, -ENOMEM, "no memory for the policy");
}

static bool meta_on_row(void *context, const struct stint_meta_row *row)
{
    *(char **)context = row->value ? strdup(row->value) : NULL;
    return false;
}

/* ---- the entry */

static void write_raw(struct stint_buffer *json, const char *key, const json_t *value)
{
    stint_auto(stint_free) char *text =
        value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    stint_json_key(json, key);
    if (text)
        stint_json_raw(json, text, strlen(text));
    else
        stint_json_null(json);
}

/* Members that are not what they were; none of a first policy. */
static void write_changes(struct stint_buffer *json, const char *before, const char *after)
{
    json_t *old = before ? json_loads(before, 0, NULL) : NULL;
    json_t *new = json_loads(after, 0, NULL);
    const char *key;
    json_t *value;
    stint_json_key(json, "changes");
    stint_json_array(json);
    json_object_foreach(old ? new : NULL, key, value)
    {
        const json_t *was = json_object_get(old, key);
        if (was && json_equal(was, value))
            continue;
        stint_json_object(json);
        stint_json_kv_text(json, "key", key);
        write_raw(json, "before", was);
        write_raw(json, "after", value);
        stint_json_object_end(json);
    }
    stint_json_array_end(json);
    json_decref(old);
    json_decref(new);
}

static int policy_append(struct rooms *rooms, const char *before, const char *reason,
                         struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    const struct policy *policy = &rooms->policy;
    struct stint_sha256 old;
    char text[STINT_POLICY_DIGEST];
    if (before)
        digest_text(before, &old, text);
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "before", before ? text : NULL);
    stint_json_kv_text(&subject, "after", policy->shown.digest);
    write_changes(&subject, before, policy->json);
    stint_json_key(&subject, "policy");
    stint_json_raw(&subject, policy->json, strlen(policy->json));
    stint_json_object_end(&subject);
    if (subject.failed)
        return stint_fail(err, -ENOMEM, "no memory for the policy");
    struct stint_log_draft draft = {
        .type = STINT_POLICY_ENTRY,
        .role = before ? "operator" : "daemon",
        .subject = stint_buffer_text(&subject),
        .reason = reason,
        .prev = -1,
    };
    return stint_record_append(rooms->record, &draft, NULL, err);
}

static int policy_log(struct rooms *rooms, const char *before, const char *reason,
                      struct stint_error *err)
{
    struct stint_store *store = rooms->store;
    int r = stint_store_ready(store, err);
    if (r != 0)
        return r;
    struct stint_store_mark mark = stint_store_mark(store);
    struct stint_record_mark record_mark = stint_record_mark(rooms->record);
    struct stint_meta_row row = { .key = META_KEY, .value = rooms->policy.json };
    r = policy_append(rooms, before, reason, err);
    if (r == 0)
        r = stint_store_put_meta(store, &row, err);
    if (r != 0) {
        stint_store_rewind(store, mark);
        stint_record_rewind(rooms->record, record_mark);
    }
    return r;
}

/* ---- what is in force */

static void policy_show(struct rooms *rooms, char *json)
{
    struct policy *policy = &rooms->policy;
    struct stint_sha256 digest;
    free(policy->json);
    policy->json = json;
    digest_text(json, &digest, policy->shown.digest);
    policy->shown.json = json;
    stint_record_set_policy(rooms->record, &digest);
}

int policy_load(struct rooms *rooms, struct stint_error *err)
{
    struct policy *policy = &rooms->policy;
    char *json = NULL;
    free(stint_take(policy->logged));
    int r =
        stint_reader_meta(stint_store_reader(rooms->store), META_KEY, meta_on_row, &policy->logged);
    if (r != 0 && r != -ENOENT)
        return stint_fail(err, r, "the policy that was logged last cannot be read: %s",
                          strerror(-r));
    r = policy_write(rooms, &json, err);
    if (r != 0)
        return r;
    policy_show(rooms, json);
    return policy_settle(rooms, policy->logged ? "changed before this start" : "first start", err);
}

int policy_settle(struct rooms *rooms, const char *reason, struct stint_error *err)
{
    struct policy *policy = &rooms->policy;
    if (policy->logged && strcmp(policy->logged, policy->json) == 0)
        return 0;
    if (stint_store_is_read_only(rooms->store))
        return 0; /* again when it can be written */
    char *copy = strdup(policy->json);
    if (!copy)
        return stint_fail(err, -ENOMEM, "no memory for the policy");
    int r = policy_log(rooms, policy->logged, reason, err);
    if (r != 0) {
        free(copy);
        return r;
    }
    free(policy->logged);
    policy->logged = copy;
    return 0;
}

int policy_change(struct rooms *rooms, const char *reason, struct stint_error *err)
{
    struct policy *policy = &rooms->policy;
    char *json = NULL;
    int r = policy_write(rooms, &json, err);
    if (r != 0)
        return r;
    stint_auto(stint_free) char *before = policy->json ? strdup(policy->json) : NULL;
    bool is_new = !before || strcmp(before, json) != 0;
    policy_show(rooms, json);
    if (!is_new)
        return 0;
    r = stint_store_ready(rooms->store, err);
    if (r == 0)
        r = policy_settle(rooms, reason ? reason : "reloaded", err);
    if (r != 0 && before)
        policy_show(rooms, stint_take(before));
    return r;
}

void policy_deinit(struct policy *policy)
{
    free(stint_take(policy->json));
    free(stint_take(policy->logged));
    policy->shown.json = NULL;
}
