/* The daemon's configuration: one table row an option (daemon/config_table.h), which drives the
 * file, --check-config,
 * --help and the manual. A reload builds a whole configuration, checks it, then swaps. */
#ifndef STINT_CONFIG_H
#define STINT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "stint/buffer.h"
#include "stint/error.h"

#define STINT_CONFIG_TEXT_MAX 1024
#define STINT_CONFIG_KEYS_MAX 64

enum stint_join { STINT_JOIN_OPEN = 0, STINT_JOIN_CLOSED };

/* What a resource may have of its own: [scheduler] and the prices of [awards], where its section
 * says nothing else. */
struct stint_config_terms {
    int64_t default_walltime_s;
    int64_t max_walltime_s;
    char policy[16]; /* a name of enum stint_mode */
    int64_t half_life_s;
    int64_t fair_tiers;
    int64_t reserved_heads;
    int64_t cores_per_free_gpu;
    bool preemption;
    int64_t preemption_min_run_s;
    int64_t preemption_resume_s;
    int64_t checkpoint_max_s;
    int64_t rate_micro;
    int64_t preemptible_rate_micro;
};

#define STINT_CONFIG_RESOURCES_MAX     16
#define STINT_CONFIG_RESOURCE_NAME_MAX 40

/**
 * struct stint_config_resource - a section [resource NAME]
 * @lines: as of struct stint_config; @line: of the section's head, 0 when there is no section
 */
struct stint_config_resource {
    char name[64];
    int line;
    char topology[256];
    char gpus[256];
    char cores[256];
    char numa[256];
    struct stint_config_terms terms;
    int lines[STINT_CONFIG_KEYS_MAX];
};

/* Where a value came from, for `stint doctor` and for messages. */
struct stint_config {
    char file[STINT_CONFIG_TEXT_MAX]; /* "" without one */
    bool is_system; /* a system service: has a configuration file and was started as root */
    /* [daemon] */
    char state[STINT_CONFIG_TEXT_MAX];
    char socket[STINT_CONFIG_TEXT_MAX];
    int64_t socket_mode;                      /* octal in the file: 0660 */
    char socket_group[STINT_CONFIG_TEXT_MAX]; /* "" leaves the daemon's own */
    char listen[STINT_CONFIG_TEXT_MAX];       /* "127.0.0.1:8642", "" for none */
    char hosts[STINT_CONFIG_TEXT_MAX]; /* further names of the page, "stint.example.org,…" */
    char user[STINT_CONFIG_TEXT_MAX];  /* the daemon's own user when started as root; "" stays */
    char log_level[16];
    char site[STINT_CONFIG_TEXT_MAX];   /* shown on the public page */
    char origin[STINT_CONFIG_TEXT_MAX]; /* of the public log; "" derives it from the host name */
    char time_zone[STINT_CONFIG_TEXT_MAX];
    char resource[64];
    enum stint_join join;
    int64_t connections_max;
    int64_t idle_timeout_s;
    int64_t requests_per_s; /* of one caller over TCP; 0 for no bound */
    /* [admission] */
    bool require_uses;
    char unknown[16]; /* strict, review, advisory */
    int64_t admission_wait_s;
    int64_t evaluation_timeout_s;
    char rules_model[STINT_CONFIG_TEXT_MAX];
    char rules_dataset[STINT_CONFIG_TEXT_MAX];
    char rules_code[STINT_CONFIG_TEXT_MAX];
    char rules_dir[STINT_CONFIG_TEXT_MAX];
    char licences_dir[STINT_CONFIG_TEXT_MAX];
    char catalogue_dir[STINT_CONFIG_TEXT_MAX]; /* beside the installed one; joined by ':' */
    char reviewers[STINT_CONFIG_TEXT_MAX];
    char reviewer_keys[STINT_CONFIG_TEXT_MAX];
    /* [scheduler] */
    char topology[STINT_CONFIG_TEXT_MAX]; /* "" for this machine, an XML file, or a synthetic string
                                           */
    char gpus[256];                       /* simulated: "h200:4" */
    struct stint_config_terms terms;
    /* [engine] */
    int64_t min_uid;
    int64_t grace_s;
    int64_t process_limit;
    char launcher[STINT_CONFIG_TEXT_MAX]; /* "" looks in libexecdir, then beside the program */
    char evaluator[STINT_CONFIG_TEXT_MAX];
    /* [awards] */
    int64_t default_award_hours; /* of the default award on a first start */
    /* [resource NAME], in the file's order; 0: the machine is one resource, called @resource */
    size_t part_count;
    struct stint_config_resource parts[STINT_CONFIG_RESOURCES_MAX];
    struct stint_config_resource part; /* none: its members are what the table's rows name */
    /* Where each key was given, in the table's order: its line in @file, -1 on the command line, 0
     * nowhere. What is refused later is named with it. The last one is the length of @file, where
     * what is missing would stand. */
    int lines[STINT_CONFIG_KEYS_MAX + 1];
};

/* Defaults for who runs us: system paths for root with a configuration file, XDG paths otherwise.
 */
void stint_config_defaults(bool is_system, struct stint_config *ret_config);

/**
 * stint_config_load() - defaults, then the file
 * @file: path; must exist. Return: 0; STINT_INVALID with "FILE:LINE: what; cure" (unknown key or
 * section, wrong type, out of range, a key given twice); -errno when it cannot be read. Bounded:
 * 256 KiB, 1,000 lines of at most 198 bytes (comments may be longer).
 */
int stint_config_load(const char *file, bool is_system, struct stint_config *ret_config,
                      struct stint_error *err);
/* One value as from the command line: stint_config_set(&c, "daemon", "socket", "/tmp/s",
 * "--socket", err). */
int stint_config_set(struct stint_config *config, const char *section, const char *key,
                     const char *value, const char *where, struct stint_error *err);
/**
 * stint_config_check() - what needs more than a row: an address that parses, a zone, user, group or
 * topology file that exists, names that are names, rule sets that are in a `rules_dir` that is
 * named Return: 0, or STINT_INVALID with "FILE:LINE: what; cure" (or "--key: …" from the command
 * line). The default user of the service is looked for when the daemon starts, not here.
 */
int stint_config_check(const struct stint_config *config, struct stint_error *err);
/* Are the rule sets of all kinds files in @folder? 0 or STINT_INVALID, as above. For whoever knows
 * where the installed ones are. */
int stint_config_check_rules(const struct stint_config *config, const char *folder,
                             struct stint_error *err);

/* How many resources there are, at least 1, and the @index-th with all its terms. One that has no
 * section is the whole machine, under the name and the terms of the other sections. */
size_t stint_config_resource_count(const struct stint_config *config);
void stint_config_resource(const struct stint_config *config, size_t index,
                           struct stint_config_resource *ret_resource);
/* Refuses @key of a resource with its place; returns STINT_INVALID. */
int stint_config_resource_fail(const struct stint_config *config,
                               const struct stint_config_resource *resource, const char *key,
                               struct stint_error *err, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/**
 * stint_config_changed() - the keys that differ and that only a restart takes up
 * @list: receives "state, listen", cut at @size; "" for none
 * Return: how many. Pure.
 */
size_t stint_config_changed(const struct stint_config *a, const struct stint_config *b, char *list,
                            size_t size);

/* What only a restart takes up stays in @config as it is in @running: what a daemon says of itself
 * is what it does. */
void stint_config_keep(const struct stint_config *running, struct stint_config *config);

/**
 * stint_config_policy() - what of it is policy, as the public JSON object that the log has
 * @rules_digest: over every file that judges
 * One order of members, so the same policy is the same bytes.
 */
void stint_config_policy(const struct stint_config *config, const char *rules_digest,
                         struct stint_buffer *json);

/* One row of the table, for --help, the manual and tests. @unit of a choice holds its words,
 * separated by blanks; @own and @system are the defaults of a private daemon and of the service. */
struct stint_config_option {
    const char *section;
    const char *key;
    const char *unit;
    const char *own;
    const char *system;
    const char *help;
};
/* The @index-th row; NULL after the last. */
const struct stint_config_option *stint_config_option(size_t index);
/* Must a file set it, so that it is nobody's silence? */
bool stint_config_is_required(const struct stint_config_option *option);

/* A `listen` value ("127.0.0.1:8642", "[::1]:0") as an address; 0 or STINT_INVALID. */
int stint_config_address(const char *text, struct sockaddr_storage *ret_address,
                         socklen_t *ret_length, struct stint_error *err);

#endif
