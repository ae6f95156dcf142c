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
int option_set(const struct option *option, struct stint_config *config, const char *value,
               const char *where, struct stint_error *err);

/* The text of a file, called @file in messages, laid over @config; 0, STINT_INVALID or -ENOMEM. */
int config_parse(const char *file, const char *text, struct stint_config *config,
                 struct stint_error *err);

#endif
