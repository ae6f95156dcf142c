/* Owns: one option from its text. The table says which member, kind and range; nothing is taken
 * that is not in it. */
#include "stint/config.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "config_table.h"
#include "stint/auto.h"
#include "stint/measure.h"

static const struct option options[] = {
#define X(section, key, kind, member, min, max, own, system, unit, help)                           \
    { { section, key, unit, own, system, help },                                                   \
      OPTION_##kind,                                                                               \
      offsetof(struct stint_config, member),                                                       \
      sizeof(((struct stint_config *)0)->member),                                                  \
      min,                                                                                         \
      max },
    STINT_CONFIG_OPTIONS(X)
#undef X
};

_Static_assert(STINT_ARRAY_SIZE(options) <= STINT_CONFIG_KEYS_MAX, "a line for every key");

const struct stint_config_option *stint_config_option(size_t index)
{
    return index < STINT_ARRAY_SIZE(options) ? &options[index].row : NULL;
}

bool stint_config_is_required(const struct stint_config_option *option)
{
    return strcmp(option->key, "half_life_s") == 0;
}

const struct option *option_find(const char *section, const char *key)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(options); i++)
        if (strcmp(options[i].row.section, section) == 0 && strcmp(options[i].row.key, key) == 0)
            return &options[i];
    return NULL;
}

size_t option_index(const struct option *option)
{
    return (size_t)(option - options);
}

bool section_is_known(const char *section)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(options); i++)
        if (strcmp(options[i].row.section, section) == 0)
            return true;
    return false;
}

/* How many letters have to change to make @b of @a, up to a few; enough to guess a typing error. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t length = strlen(b);
    if (length >= STINT_ARRAY_SIZE(row) || strlen(a) >= STINT_ARRAY_SIZE(row))
        return UINT32_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; a[i - 1]; i++) {
        unsigned corner = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= length; j++) {
            unsigned change = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            unsigned gap = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < gap ? change : gap;
        }
    }
    return row[length];
}

/* The known key that was probably meant, in its own or another section; NULL when none is near. */
static const struct option *option_near(const char *section, const char *key)
{
    const struct option *best = NULL;
    unsigned best_distance = 4;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(options); i++) {
        unsigned d =
            distance(key, options[i].row.key) + (strcmp(section, options[i].row.section) != 0);
        if (d < best_distance) {
            best_distance = d;
            best = &options[i];
        }
    }
    return best;
}

int option_unknown(const char *section, const char *key, const char *where, struct stint_error *err)
{
    const struct option *near = option_near(section, key);
    if (!section[0])
        (void)stint_fail(err, STINT_INVALID, "%s: '%.60s' stands before the first [section]", where,
                         key);
    else
        (void)stint_fail(err, STINT_INVALID, "%s: unknown key '%.60s' in section [%.60s]", where,
                         key, section);
    if (near && !section[0])
        return stint_fix(err, STINT_INVALID, "write [%s] on a line above it", near->row.section);
    if (near)
        return stint_fix(err, STINT_INVALID, "%s, in section [%s]", near->row.key,
                         near->row.section);
    return stint_fix(err, STINT_INVALID, "remove it, or see stint.conf(5) for the known keys");
}

static int option_fail(const struct option *option, const char *value, const char *where,
                       const char *must, struct stint_error *err)
{
    (void)stint_fail(err, STINT_INVALID, "%s: %s = '%.80s' is not %s", where, option->row.key,
                     value, must);
    const char *example = option->row.system[0] ? option->row.system : option->row.own;
    if (example[0])
        return stint_fix(err, STINT_INVALID, "%s = %s", option->row.key, example);
    return stint_fix(err, STINT_INVALID, "leave %s empty for the default", option->row.key);
}

static int set_number(const struct option *option, int64_t *place, const char *value,
                      const char *where, struct stint_error *err)
{
    bool is_octal = option->kind == OPTION_OCTAL;
    char must[96];
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, is_octal ? 8 : 10);
    bool is_digits = value[0] && value[strspn(value, "0123456789")] == '\0';
    if (!is_digits || errno != 0 || *end || number < option->min || number > option->max) {
        (void)snprintf(must, sizeof(must),
                       is_octal ? "an octal number up to %" PRIo64 "%.0" PRId64
                                : "a whole number from %" PRId64 " to %" PRId64,
                       is_octal ? option->max : option->min, is_octal ? 0 : option->max);
        return option_fail(option, value, where, must, err);
    }
    *place = number;
    return 0;
}

static int set_micro(const struct option *option, int64_t *place, const char *value,
                     const char *where, struct stint_error *err)
{
    int64_t micro;
    if (stint_micro_parse(value, &micro, NULL) != 0 || micro < option->min || micro > option->max)
        return option_fail(option, value, where, "a number from 0 with at most six decimals", err);
    *place = micro;
    return 0;
}

/* RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. */
static bool is_utf8(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t more = *at < 0x80 ? 0 : *at < 0xc2 ? 4 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;
        bool is_odd = (*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] > 0x9f) ||
                      (*at == 0xf0 && at[1] < 0x90) || (*at == 0xf4 && at[1] > 0x8f) || *at > 0xf4;
        if (more > 3 || is_odd)
            return false;
        for (at++; more > 0; more--, at++)
            if ((*at & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static int set_text(const struct option *option, char *place, const char *value, const char *where,
                    struct stint_error *err)
{
    char must[96];
    size_t length = strlen(value);
    if (length < (size_t)option->min || length > (size_t)option->max || length >= option->size) {
        (void)snprintf(must, sizeof(must), "a text of %" PRId64 " to %" PRId64 " bytes",
                       option->min, option->max);
        return option_fail(option, value, where, must, err);
    }
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            return option_fail(option, value, where, "free of control characters", err);
    if (!is_utf8(value))
        return option_fail(option, "…", where, "UTF-8", err);
    if (option->kind == OPTION_PATH && length > 0 && value[0] != '/')
        return option_fail(option, value, where, "an absolute path", err);
    memcpy(place, value, length + 1);
    return 0;
}

/* @value's index among the words of the row's unit, -1 when it is none of them. */
static int word_index(const struct option *option, const char *value)
{
    const char *word = option->row.unit;
    for (int i = 0; *word; i++) {
        size_t length = strcspn(word, " ");
        if (strlen(value) == length && strncmp(word, value, length) == 0)
            return i;
        word += length + (word[length] == ' ');
    }
    return -1;
}

static int set_word(const struct option *option, void *place, const char *value, const char *where,
                    struct stint_error *err)
{
    char must[96];
    int index = word_index(option, value);
    if (index < 0) {
        (void)snprintf(must, sizeof(must), "one of: %s", option->row.unit);
        return option_fail(option, value, where, must, err);
    }
    if (option->kind == OPTION_WORD)
        memcpy(place, value, strlen(value) + 1);
    else if (option->kind == OPTION_BOOL)
        *(bool *)place = index == 0;
    else
        *(enum stint_join *)place = (enum stint_join)index;
    return 0;
}

void *option_place(const struct option *option, struct stint_config *config)
{
    return (char *)config + option->offset;
}

int option_set(const struct option *option, void *place, const char *value, const char *where,
               struct stint_error *err)
{
    switch (option->kind) {
    case OPTION_TEXT:
    case OPTION_PATH:
        return set_text(option, place, value, where, err);
    case OPTION_INT:
    case OPTION_OCTAL:
        return set_number(option, place, value, where, err);
    case OPTION_MICRO:
        return set_micro(option, place, value, where, err);
    case OPTION_WORD:
    case OPTION_BOOL:
    case OPTION_JOIN:
        return set_word(option, place, value, where, err);
    }
    return -EINVAL;
}

int stint_config_set(struct stint_config *config, const char *section, const char *key,
                     const char *value, const char *where, struct stint_error *err)
{
    const struct option *option = option_find(section, key);
    if (!option)
        return option_unknown(section, key, where, err);
    int r = option_set(option, option_place(option, config), value, where, err);
    if (r == 0)
        config->lines[option_index(option)] = -1;
    return r;
}

/* ---- what a reload takes up, and what waits for a restart ---- */

static bool option_is_live(const struct option *option)
{
    static const char *const keys[] = { "log_level",
                                        "site",
                                        "hosts",
                                        "connections_max",
                                        "grace_s",
                                        "idle_timeout_s",
                                        "requests_per_s",
                                        "default_walltime_s",
                                        "process_limit",
                                        "require_uses",
                                        "unknown",
                                        "admission_wait_s",
                                        "evaluation_timeout_s",
                                        "rules_model",
                                        "rules_dataset",
                                        "rules_code",
                                        "rules_dir",
                                        "licences_dir",
                                        "catalogue_dir",
                                        "reviewers",
                                        "reviewer_keys" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(keys); i++)
        if (strcmp(keys[i], option->row.key) == 0)
            return true;
    return false;
}

bool option_is_equal(const struct option *option, const void *left, const void *right)
{
    if (option->kind == OPTION_TEXT || option->kind == OPTION_PATH || option->kind == OPTION_WORD)
        return strcmp(left, right) == 0;
    return memcmp(left, right, option->size) == 0;
}

/* Adds @what to a list of @size bytes, of which @length are used. */
static size_t list_add(char *list, size_t size, size_t length, const char *what)
{
    if (length >= size)
        return length;
    return length +
           (size_t)snprintf(list + length, size - length, "%s%s", length > 0 ? ", " : "", what);
}

size_t stint_config_changed(const struct stint_config *a, const struct stint_config *b, char *list,
                            size_t size)
{
    size_t count = 0;
    size_t length = 0;
    if (size > 0)
        list[0] = '\0';
    for (size_t i = 0; i < STINT_ARRAY_SIZE(options); i++) {
        if (option_is_live(&options[i]) ||
            option_is_equal(&options[i], (const char *)a + options[i].offset,
                            (const char *)b + options[i].offset))
            continue;
        length = list_add(list, size, length, options[i].row.key);
        count++;
    }
    for (size_t i = 0; i < STINT_CONFIG_RESOURCES_MAX; i++) {
        char what[80];
        if ((i >= a->part_count && i >= b->part_count) || resource_is_same(a, b, i, option_is_live))
            continue;
        (void)snprintf(what, sizeof(what), "[resource %s]",
                       i < b->part_count ? b->parts[i].name : a->parts[i].name);
        length = list_add(list, size, length, what);
        count++;
    }
    return count;
}

void stint_config_keep(const struct stint_config *running, struct stint_config *config)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(options); i++)
        if (!option_is_live(&options[i]))
            memcpy((char *)config + options[i].offset, (const char *)running + options[i].offset,
                   options[i].size);
    for (size_t i = 0; i < STINT_CONFIG_RESOURCES_MAX; i++) {
        int64_t walltime_s = config->parts[i].terms.default_walltime_s; /* the one that is live */
        bool is_there = i < config->part_count && i < running->part_count &&
                        strcmp(config->parts[i].name, running->parts[i].name) == 0;
        config->parts[i] = running->parts[i];
        if (is_there)
            config->parts[i].terms.default_walltime_s = walltime_s;
    }
    config->part_count = running->part_count;
    config->is_system = running->is_system;
}

/* ---- the private daemon's places (XDG Base Directory Specification 0.8) ---- */

static void private_state(char *text, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (state && state[0] == '/') {
        (void)snprintf(text, size, "%s/stint", state);
        return;
    }
    if (!home || home[0] != '/') {
        const struct passwd *user = getpwuid(getuid());
        home = user ? user->pw_dir : "/var/tmp";
    }
    (void)snprintf(text, size, "%s/.local/state/stint", home);
}

/* Where `stint` looks, too. */
static void private_socket(char *text, size_t size)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (runtime && runtime[0] == '/')
        (void)snprintf(text, size, "%s/stint/stintd.sock", runtime);
    else /* no session manager here: a folder that only we may enter */
        (void)snprintf(text, size, "/tmp/stint-%u/stintd.sock", (unsigned)getuid());
}

void stint_config_defaults(bool is_system, struct stint_config *ret_config)
{
    struct stint_error err;
    memset(ret_config, 0, sizeof(*ret_config));
    for (size_t i = 0; i < STINT_ARRAY_SIZE(options); i++) {
        const struct option *option = &options[i];
        const char *value = is_system ? option->row.system : option->row.own;
        int r = option_set(option, option_place(option, ret_config), value, "default", &err);
        (void)r; /* test_config: every default is inside its own row's range */
    }
    ret_config->is_system = is_system;
    if (!is_system) {
        private_state(ret_config->state, sizeof(ret_config->state));
        private_socket(ret_config->socket, sizeof(ret_config->socket));
    }
}
