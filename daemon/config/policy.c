/* Owns: what of the configuration is policy: what decides who may run what, when and at what price.
 * Its text is public and goes into the log, so its members stand in one order and no path, name of
 * a person or key is among them (invariant 10). */
#include <string.h>

#include "stint/config.h"
#include "stint/measure.h"

static void write_list(struct stint_buffer *json, const char *key, const char *names)
{
    stint_json_key(json, key);
    stint_json_array(json);
    while (*names) {
        size_t skip = strspn(names, ", ");
        size_t length = strcspn(names + skip, ", ");
        if (length > 0)
            stint_json_text_n(json, names + skip, length);
        names += skip + length;
    }
    stint_json_array_end(json);
}

static void write_admission(const struct stint_config *config, const char *rules_digest,
                            struct stint_buffer *json)
{
    stint_json_key(json, "rules");
    stint_json_object(json);
    write_list(json, "model", config->rules_model);
    write_list(json, "dataset", config->rules_dataset);
    write_list(json, "code", config->rules_code);
    stint_json_object_end(json);
    stint_json_kv_text(json, "rules_digest", rules_digest);
    stint_json_kv_bool(json, "require_uses", config->require_uses);
    stint_json_kv_text(json, "unknown", config->unknown);
    stint_json_kv_text(json, "join", config->join == STINT_JOIN_OPEN ? "open" : "closed");
}

static void write_turns(const struct stint_config_terms *terms, struct stint_buffer *json)
{
    stint_json_kv_text(json, "order", terms->policy);
    stint_json_kv_int(json, "half_life_s", terms->half_life_s);
    stint_json_kv_int(json, "fair_tiers", terms->fair_tiers);
    stint_json_kv_int(json, "reserved_heads", terms->reserved_heads);
    stint_json_kv_int(json, "cores_per_free_gpu", terms->cores_per_free_gpu);
    stint_json_kv_bool(json, "preemption", terms->preemption);
    stint_json_kv_int(json, "preemption_min_run_s", terms->preemption_min_run_s);
    stint_json_kv_int(json, "preemption_resume_s", terms->preemption_resume_s);
    stint_json_kv_int(json, "default_walltime_s", terms->default_walltime_s);
    stint_json_kv_int(json, "max_walltime_s", terms->max_walltime_s);
}

static void write_prices(const struct stint_config_terms *terms, struct stint_buffer *json)
{
    char rate[32], preemptible[32];
    stint_json_kv_text(json, "rate", stint_micro_format(terms->rate_micro, rate, sizeof(rate)));
    stint_json_kv_text(
        json, "preemptible_rate",
        stint_micro_format(terms->preemptible_rate_micro, preemptible, sizeof(preemptible)));
}

/* Sections that have terms of their own; without any, the terms of all are the resource's. */
static void write_sections(const struct stint_config *config, struct stint_buffer *json)
{
    stint_json_key(json, "sections");
    stint_json_array(json);
    for (size_t i = 0; config->part_count > 0 && i < stint_config_resource_count(config); i++) {
        struct stint_config_resource resource;
        stint_config_resource(config, i, &resource);
        stint_json_object(json);
        stint_json_kv_text(json, "name", resource.name);
        write_turns(&resource.terms, json);
        write_prices(&resource.terms, json);
        stint_json_object_end(json);
    }
    stint_json_array_end(json);
}

void stint_config_policy(const struct stint_config *config, const char *rules_digest,
                         struct stint_buffer *json)
{
    stint_json_object(json);
    write_admission(config, rules_digest, json);
    write_turns(&config->terms, json);
    stint_json_kv_int(json, "grace_s", config->grace_s);
    write_prices(&config->terms, json);
    stint_json_kv_text(json, "time_zone", config->time_zone);
    write_sections(config, json);
    stint_json_object_end(json);
}
