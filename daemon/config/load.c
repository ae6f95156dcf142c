/* Owns: the configuration file. inih splits lines into keys and values; the reader below counts the
 * lines for it (Debian builds inih without line numbers) and bounds them. */
#include "stint/config.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "stint/auto.h"

#define FILE_BYTES_MAX 262144
#define FILE_LINES_MAX 1000
#define OPTIONS_MAX    STINT_CONFIG_KEYS_MAX

/* One reading of one file; @line counts from 1, and 0 in @failed_line means all is well. */
struct load {
    const char *file;
    const char *next; /* rest of the text */
    int line;
    int failed_line;
    int code;
    struct stint_config *config;
    struct stint_error *err;
    int seen[OPTIONS_MAX]; /* line at which an option was given */
    char where[STINT_CONFIG_TEXT_MAX + 16];
};

static const char *load_where(struct load *load)
{
    (void)snprintf(load->where, sizeof(load->where), "%s:%d", load->file, load->line);
    return load->where;
}

static void load_fail(struct load *load, int code)
{
    if (load->code == 0) {
        load->code = code;
        load->failed_line = load->line;
    }
}

static void load_fail_text(struct load *load, const char *what, const char *fix)
{
    if (load->code != 0)
        return;
    (void)stint_fail(load->err, STINT_INVALID, "%s: %s", load_where(load), what);
    load_fail(load, stint_fix(load->err, STINT_INVALID, "%s", fix));
}

/* "[name]" at the start of @line: a section nobody knows is refused even when it is empty. */
static void load_check_section(struct load *load, const char *line)
{
    char name[64];
    size_t length = strcspn(line + 1, "]\n");
    if (length >= sizeof(name))
        length = sizeof(name) - 1;
    (void)snprintf(name, sizeof(name), "%.*s", (int)length, line + 1);
    const char *resource = section_resource(name);
    if (line[1 + length] == ']' && resource) {
        load_fail(load,
                  resource_add(load->config, resource, load->line, load_where(load), load->err));
    } else if (line[1 + length] == ']' && !section_is_known(name)) {
        char what[128];
        (void)snprintf(what, sizeof(what), "unknown section [%.60s]", name);
        load_fail_text(load, what,
                       "[daemon], [admission], [scheduler], [engine], [awards] or [resource NAME]");
    }
}

/* inih's fgets: one line without leading blanks (inih would read those as a continued value). */
static char *load_read_line(char *line, int size, void *stream)
{
    struct load *load = stream;
    if (load->code != 0 || !*load->next)
        return NULL;
    load->line++;
    if (load->line > FILE_LINES_MAX) {
        load_fail_text(load, "more than 1000 lines", "remove comments");
        return NULL;
    }
    size_t length = strcspn(load->next, "\n");
    const char *start = load->next;
    load->next += length + (load->next[length] == '\n');
    while (length > 0 && (*start == ' ' || *start == '\t')) {
        start++;
        length--;
    }
    if (*start == '#' || *start == ';')
        length = 0; /* a comment may be as long as it likes */
    if (length + 2 > (size_t)size) {
        load_fail_text(load, "the line is longer than 198 bytes", "shorten the value");
        return NULL;
    }
    memcpy(line, start, length);
    memcpy(line + length, "\n", 2);
    if (*line == '[')
        load_check_section(load, line);
    return line;
}

static void load_given(struct load *load, const char *key, int line)
{
    char what[128];
    (void)snprintf(what, sizeof(what), "'%s' was given on line %d already", key, line);
    load_fail_text(load, what, "remove one of the two lines");
}

/* A key of a section [resource NAME]. */
static void load_on_resource(struct load *load, const char *section, const char *key,
                             const char *value)
{
    struct stint_config_resource *resource = resource_find(load->config, section_resource(section));
    const struct option *option = resource_option(key);
    if (!resource || !option) {
        load_fail(load, option_unknown(RESOURCE_SECTION, key, load_where(load), load->err));
        return;
    }
    int *line = &resource->lines[option_index(option)];
    if (*line != 0) {
        load_given(load, key, *line);
        return;
    }
    *line = load->line;
    load_fail(load, option_set(option, resource_place(option, resource), value, load_where(load),
                               load->err));
}

static int load_on_value(void *context, const char *section, const char *key, const char *value)
{
    struct load *load = context;
    const struct option *option = option_find(section, key);
    if (load->code != 0)
        return 1;
    if (section_resource(section)) {
        load_on_resource(load, section, key, value);
        return 1;
    }
    if (!option) {
        load_fail(load, option_unknown(section, key, load_where(load), load->err));
        return 1;
    }
    size_t index = option_index(option);
    if (index >= OPTIONS_MAX || load->seen[index] != 0) {
        load_given(load, key, index < OPTIONS_MAX ? load->seen[index] : 0);
        return 1;
    }
    load->seen[index] = load->line;
    load->config->lines[index] = load->line;
    load_fail(load, option_set(option, option_place(option, load->config), value, load_where(load),
                               load->err));
    return 1;
}

static int load_text(const char *file, char **ret_text, struct stint_error *err)
{
    stint_auto(stint_fd) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        int r = stint_fail(err, -errno, "%s: cannot be read: %s", file, strerror(errno));
        return stint_fix(err, r, "--config FILE that the daemon's user may read");
    }
    if (!S_ISREG(st.st_mode))
        return stint_fail(err, -EINVAL, "%s: not a regular file", file);
    stint_auto(stint_free) char *text = calloc(1, FILE_BYTES_MAX + 2);
    size_t length = 0;
    if (!text)
        return -ENOMEM;
    while (length <= FILE_BYTES_MAX) {
        ssize_t n = read(fd, text + length, FILE_BYTES_MAX + 1 - length);
        if (n < 0)
            return stint_fail(err, -errno, "%s: cannot be read: %s", file, strerror(errno));
        if (n == 0)
            break;
        length += (size_t)n;
    }
    if (length > FILE_BYTES_MAX)
        return stint_fail(err, STINT_INVALID, "%s:1: the file is larger than 256 KiB", file);
    if (strlen(text) != length)
        return stint_fail(err, STINT_INVALID, "%s:1: the file holds a NUL byte", file);
    *ret_text = stint_take(text);
    return 0;
}

int config_parse(const char *file, const char *text, struct stint_config *config,
                 struct stint_error *err)
{
    struct load load = { .file = file, .next = text, .config = config, .err = err };
    int bad_line = ini_parse_stream(load_read_line, &load, load_on_value, &load);
    if (bad_line < 0)
        return -ENOMEM;
    if (bad_line > 0 && (load.code == 0 || bad_line < load.failed_line)) {
        load.code = 0;
        load.line = bad_line;
        load_fail_text(&load, "neither '[section]' nor 'key = value'", "key = value, or # comment");
    }
    config->lines[OPTIONS_MAX] = load.line;
    return load.code;
}

int stint_config_load(const char *file, bool is_system, struct stint_config *ret_config,
                      struct stint_error *err)
{
    stint_auto(stint_free) char *text = NULL;
    struct stint_config config;
    if (strlen(file) >= sizeof(config.file))
        return stint_fail(err, -ENAMETOOLONG, "the configuration file's path is too long");
    int r = load_text(file, &text, err);
    if (r != 0)
        return r;
    stint_config_defaults(is_system, &config);
    r = config_parse(file, text, &config, err);
    if (r != 0)
        return r;
    (void)snprintf(config.file, sizeof(config.file), "%s", file);
    *ret_config = config;
    return 0;
}
