/* The rows of config_table.h as data; private to config/. */
#ifndef STINT_CONFIG_PRIVATE_H
#define STINT_CONFIG_PRIVATE_H

#include <stddef.h>

#include "stint/config.h"

enum option_kind {
    OPTION_TEXT = 1,
    OPTION_PATH,  /* "" or absolute */
    OPTION_INT,   /* int64_t */
    OPTION_OCTAL, /* int64_t */
    OPTION_MICRO, /* int64_t millionths of a decimal number */
    OPTION_WORD,  /* one of the words of unit, kept as text */
    OPTION_BOOL,  /* yes or no */
    OPTION_JOIN,  /* enum stint_join */
};

struct option {
    struct stint_config_option row;
    enum option_kind kind;
    size_t offset;
    size_t size;
    int64_t min;
    int64_t max;
};

const struct option *option_find(const char *section, const char *key); /* NULL: unknown */
/* The index of a key that exists, for config->lines. */
size_t option_index(const struct option *option);
bool section_is_known(const char *section);
int option_unknown(const char *section, const char *key, const char *where,
                   struct stint_error *err);
/* @place: of the option's value. */
int option_set(const struct option *option, void *place, const char *value, const char *where,
               struct stint_error *err);
void *option_place(const struct option *option, struct stint_config *config);

/* resource.c: sections [resource NAME] */
#define RESOURCE_SECTION "resource NAME" /* as the table writes it */
/* The name in "resource NAME"; NULL for another section. */
const char *section_resource(const char *section);
/* NULL when none is so called. */
struct stint_config_resource *resource_find(struct stint_config *config, const char *name);
/* A section begins. 0 or STINT_INVALID. */
int resource_add(struct stint_config *config, const char *name, int line, const char *where,
                 struct stint_error *err);
/* The option that @key is in such a section, NULL for none, and where its value is. */
const struct option *resource_option(const char *key);
void *resource_place(const struct option *option, struct stint_config_resource *resource);
/* The keys in which two differ and that only a restart takes up, as stint_config_changed(). */
bool resource_is_same(const struct stint_config *a, const struct stint_config *b, size_t index,
                      bool (*is_live)(const struct option *option));
bool option_is_equal(const struct option *option, const void *left, const void *right);
int check_resources(const struct stint_config *config, struct stint_error *err);
/* check.c: the shape of values. */
bool topology_is_good(const char *source, bool *ret_is_file);
bool gpus_are_good(const char *gpus);
bool name_is_good(const char *name);

/* The text of a file, called @file in messages, laid over @config; 0, STINT_INVALID or -ENOMEM. */
int config_parse(const char *file, const char *text, struct stint_config *config,
                 struct stint_error *err);

#endif
