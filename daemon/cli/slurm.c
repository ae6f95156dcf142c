/* Owns: what #SBATCH lines mean here. One row a Slurm option: what it is called, whether it takes a
 * value, and what becomes of it. Meanings: sbatch(1) of Slurm 22.05; Stint has no tasks, so a job's
 * cores are tasks times cores of a task. */
#include "directives.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"
#include "stint/measure.h"

struct slurm_row;
/* One option met: @value is NULL for a switch. */
struct slurm_given {
    const struct directive *at;
    const struct slurm_row *row;
    const char *value;
    struct slurm_sums *sums;
};
typedef int (*slurm_fn)(const struct slurm_given *given);

struct slurm_row {
    const char *name;
    char letter;
    bool takes_value;
    enum setting id;  /* SET_NONE: see @read; without one it has no meaning here */
    slurm_fn read;    /* NULL: the value as it stands */
    const char *says; /* echoed for what is renamed, NULL for nothing to echo */
};

static void where_write(const struct slurm_given *given, char where[SETTING_WHERE_MAX])
{
    (void)snprintf(where, SETTING_WHERE_MAX, "%.30s:%u: #SBATCH --%.24s", given->at->name,
                   given->at->line, given->row->name);
}

static int given_set(const struct slurm_given *given, enum setting id, const char *value)
{
    char where[SETTING_WHERE_MAX];
    where_write(given, where);
    return settings_set(given->at->settings, id, value, SOURCE_SLURM, where, given->at->err);
}

static void given_echo(const struct slurm_given *given, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void given_echo(const struct slurm_given *given, const char *format, ...)
{
    char reading[200];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reading, sizeof(reading), format, args);
    va_end(args);
    note_send(given->at->notes, NOTE_READING, "%s:%u: #SBATCH --%s%s%s understood as %s",
              given->at->name, given->at->line, given->row->name, given->value ? "=" : "",
              given->value ? given->value : "", reading);
}

/* Something that cannot be read: a warning, or a refusal when strict. */
static int given_odd(const struct slurm_given *given, const char *why)
{
    if (given->at->is_strict)
        return stint_fail(given->at->err, STINT_INVALID, "%s:%u: #SBATCH --%s: %s", given->at->name,
                          given->at->line, given->row->name, why);
    note_send(given->at->notes, NOTE_WARNING, "%s:%u: #SBATCH --%s%s%.60s: %s; ignored",
              given->at->name, given->at->line, given->row->name, given->value ? "=" : "",
              given->value ? given->value : "", why);
    return 0;
}

static bool read_count(const char *text, long long *ret_count)
{
    char *end;
    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    long long count = strtoll(text, &end, 10);
    if (errno != 0 || *end || count < 1 || count > SLURM_COUNT_MAX)
        return false;
    *ret_count = count;
    return true;
}

static int sum_into(const struct slurm_given *given, long long *sum)
{
    if (!read_count(given->value, sum))
        return given_odd(given, "not a count of 1 or more");
    given->sums->last = *given->at;
    return 0;
}

static int read_tasks(const struct slurm_given *given)
{
    return sum_into(given, &given->sums->tasks);
}

static int read_cpus(const struct slurm_given *given)
{
    return sum_into(given, &given->sums->cpus_per_task);
}

/* `2` or `1-4`: the least number. */
static int read_nodes(const struct slurm_given *given)
{
    char least[32];
    (void)snprintf(least, sizeof(least), "%.*s", (int)strcspn(given->value, "-"), given->value);
    if (!read_count(least, &given->sums->nodes))
        return given_odd(given, "not a count of nodes");
    given->sums->last = *given->at;
    if (strchr(given->value, '-'))
        given_echo(given, "%s nodes", least);
    return given_set(given, SET_NODES, least);
}

/* `[type:]n`; just `type` is one of it. */
static int read_gpu_count(const struct slurm_given *given, const char *text, long long *ret_count)
{
    const char *last = strrchr(text, ':');
    const char *count = last ? last + 1 : text;
    size_t type_length = last ? (size_t)(last - text) : 0;
    if (!read_count(count, ret_count)) {
        if (last || !*text || isdigit((unsigned char)*text))
            return given_odd(given, "not [TYPE:]COUNT");
        type_length = strlen(text);
        *ret_count = 1;
    }
    if (type_length >= sizeof(given->sums->gpu_type))
        return given_odd(given, "too long a type");
    if (type_length > 0)
        (void)snprintf(given->sums->gpu_type, sizeof(given->sums->gpu_type), "%.*s",
                       (int)type_length, text);
    given->sums->last = *given->at;
    return 0;
}

static int read_gpus(const struct slurm_given *given)
{
    long long count = 0;
    char text[96];
    given->sums->gpu_type[0] = '\0';
    int r = read_gpu_count(given, given->value, &count);
    if (r != 0 || count == 0)
        return r;
    (void)snprintf(text, sizeof(text), "%s%s%lld", given->sums->gpu_type,
                   given->sums->gpu_type[0] ? ":" : "", count);
    given->sums->gpus_per_node = given->sums->gpus_per_task = 0;
    return given_set(given, SET_GPUS, text);
}

static int read_gpus_per_node(const struct slurm_given *given)
{
    return read_gpu_count(given, given->value, &given->sums->gpus_per_node);
}

static int read_gpus_per_task(const struct slurm_given *given)
{
    return read_gpu_count(given, given->value, &given->sums->gpus_per_task);
}

/* How many of a list's items are GPUs. */
static size_t gpu_items(const char *list)
{
    size_t count = 0;
    for (const char *item = list; item; item = strchr(item, ',')) {
        item += *item == ',';
        size_t length = strcspn(item, ":,");
        count += (length == 3 && memcmp(item, "gpu", 3) == 0) ||
                 (length == 8 && memcmp(item, "gres/gpu", 8) == 0);
    }
    return count;
}

/* `gpu:2`, `gpu:a100:2`, `gpu`; a list may hold others. */
static int read_gres(const struct slurm_given *given)
{
    char list[200];
    char *rest = list;
    if (strlen(given->value) >= sizeof(list))
        return given_odd(given, "too long");
    if (gpu_items(given->value) > 1) /* none may be dropped unseen */
        return given_odd(given, "a job has GPUs of one type: name one, or submit two jobs");
    (void)snprintf(list, sizeof(list), "%s", given->value);
    for (char *item; (item = strsep(&rest, ",")) != NULL;) {
        const char *kind = strncmp(item, "gres/", 5) == 0 ? item + 5 : item;
        int r;
        if (strcmp(kind, "gpu") == 0)
            r = read_gpu_count(given, "1", &given->sums->gpus_per_node);
        else if (strncmp(kind, "gpu:", 4) == 0)
            r = read_gpu_count(given, kind + 4, &given->sums->gpus_per_node);
        else
            r = given_odd(given, "only gpu has a meaning here");
        if (r != 0)
            return r;
    }
    if (given->sums->gpus_per_node > 0)
        given_echo(given, "--gpus=%s%s%lld on each node", given->sums->gpu_type,
                   given->sums->gpu_type[0] ? ":" : "", given->sums->gpus_per_node);
    return 0;
}

/* Slurm's memory: a bare number is MiB. */
static bool read_mib(const char *text, long long *ret_mib)
{
    int64_t bytes;
    char with_unit[40];
    bool is_bare = *text && text[strspn(text, "0123456789")] == '\0';
    if (strlen(text) > 30)
        return false;
    (void)snprintf(with_unit, sizeof(with_unit), "%s%s", text, is_bare ? "M" : "");
    if (stint_size_parse(with_unit, &bytes, NULL) != 0 || bytes > (INT64_C(1) << 50))
        return false;
    *ret_mib = (bytes + (1 << 20) - 1) >> 20;
    return true;
}

static bool is_bare_number(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static int read_mem(const struct slurm_given *given)
{
    long long mib;
    char text[40];
    if (!read_mib(given->value, &mib))
        return given_odd(given, "not a size");
    if (mib == 0)
        return given_odd(given, "'all memory of the node' has no meaning here");
    (void)snprintf(text, sizeof(text), "%lldM", mib);
    if (is_bare_number(given->value))
        given_echo(given, "%lld MiB", mib);
    return given_set(given, SET_MEMORY, text);
}

static int read_mem_per(const struct slurm_given *given, long long *ret_mib)
{
    if (!read_mib(given->value, ret_mib) || *ret_mib == 0)
        return given_odd(given, "not a size");
    given->sums->last = *given->at;
    return 0;
}

static int read_mem_per_cpu(const struct slurm_given *given)
{
    return read_mem_per(given, &given->sums->memory_per_cpu_mib);
}

static int read_mem_per_gpu(const struct slurm_given *given)
{
    return read_mem_per(given, &given->sums->memory_per_gpu_mib);
}

/* The first of a list: Stint has one resource a job. */
static int read_partition(const struct slurm_given *given)
{
    char first[128];
    (void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(given->value, ","), given->value);
    given_echo(given, "--resource=%s", first);
    return given_set(given, SET_RESOURCE, first);
}

static int read_account(const struct slurm_given *given)
{
    given_echo(given, "--project=%s", given->value);
    return given_set(given, SET_PROJECT, given->value);
}

static int read_comment(const struct slurm_given *given)
{
    given_echo(given, "--purpose");
    return given_set(given, SET_PURPOSE, given->value);
}

/* `afterok:1:2,afterany:3` as `ok:1,ok:2,any:3`. */
static int read_dependency(const struct slurm_given *given)
{
    static const char *const words[][2] = { { "afterok", "ok" },
                                            { "afterany", "any" },
                                            { "afternotok", "fail" } };
    char list[1000];
    char after[2000] = "";
    char *rest = list;
    if (strlen(given->value) >= sizeof(list))
        return given_odd(given, "too long");
    if (strchr(given->value, '?'))
        return given_odd(given, "alternatives ('?') have no meaning here");
    (void)snprintf(list, sizeof(list), "%s", given->value);
    for (char *part; (part = strsep(&rest, ",")) != NULL;) {
        char *ids = strchr(part, ':');
        const char *when = NULL;
        if (ids)
            *ids++ = '\0';
        for (size_t i = 0; i < STINT_ARRAY_SIZE(words); i++)
            if (strcmp(part, words[i][0]) == 0)
                when = words[i][1];
        if (!when || !ids)
            return given_odd(given, "only afterok, afterany and afternotok have a meaning here");
        for (char *id; (id = strsep(&ids, ":")) != NULL;) {
            size_t used = strlen(after);
            if (used + strlen(id) + 8 >= sizeof(after))
                return given_odd(given, "too long");
            (void)snprintf(after + used, sizeof(after) - used, "%s%s:%s", used ? "," : "", when,
                           id);
        }
    }
    return given_set(given, SET_AFTER, after);
}

/* `[R|B:]SIG[@seconds]`; Slurm's own default is 60 s. */
static int read_signal(const struct slurm_given *given)
{
    const char *value = given->value;
    char text[80];
    while ((value[0] == 'B' || value[0] == 'R') && (value[1] == ':' || value[1] == 'B'))
        value += value[1] == ':' ? 2 : 1;
    if (strlen(value) > 40)
        return given_odd(given, "too long");
    bool has_time = strchr(value, '@') != NULL;
    (void)snprintf(text, sizeof(text), "%s%s", value, has_time ? "" : "@60");
    if (!has_time)
        given_echo(given, "%s: 60 seconds before the end", text);
    return given_set(given, SET_SIGNAL, text);
}

static int read_time(const struct slurm_given *given)
{
    if (is_bare_number(given->value))
        given_echo(given, "%s minutes", given->value);
    return given_set(given, SET_TIME, given->value);
}

static int read_no_requeue(const struct slurm_given *given)
{
    return given_set(given, SET_REQUEUE, "no");
}

static int no_mail(const struct slurm_given *given)
{
    return given_odd(given, "this version sends no mail");
}

static int no_meaning(const struct slurm_given *given)
{
    return given_odd(given, "has no meaning here");
}

/* clang-format off */
static const struct slurm_row slurm_rows[] = {
    { "job-name",        'J', true,  SET_NAME,     NULL, NULL },
    { "output",          'o', true,  SET_OUTPUT,   NULL, NULL },
    { "error",           'e', true,  SET_ERROR,    NULL, NULL },
    { "time",            't', true,  SET_NONE,     read_time, NULL },
    { "cpus-per-task",   'c', true,  SET_NONE,     read_cpus, NULL },
    { "ntasks",          'n', true,  SET_NONE,     read_tasks, NULL },
    { "nodes",           'N', true,  SET_NONE,     read_nodes, NULL },
    { "partition",       'p', true,  SET_NONE,     read_partition, NULL },
    { "account",         'A', true,  SET_NONE,     read_account, NULL },
    { "dependency",      'd', true,  SET_NONE,     read_dependency, NULL },
    { "array",           'a', true,  SET_ARRAY,    NULL, NULL },
    { "mem",              0,  true,  SET_NONE,     read_mem, NULL },
    { "mem-per-cpu",      0,  true,  SET_NONE,     read_mem_per_cpu, NULL },
    { "mem-per-gpu",      0,  true,  SET_NONE,     read_mem_per_gpu, NULL },
    { "gres",             0,  true,  SET_NONE,     read_gres, NULL },
    { "gpus",            'G', true,  SET_NONE,     read_gpus, NULL },
    { "gpus-per-node",    0,  true,  SET_NONE,     read_gpus_per_node, NULL },
    { "gpus-per-task",    0,  true,  SET_NONE,     read_gpus_per_task, NULL },
    { "begin",           'b', true,  SET_BEGIN,    NULL, NULL },
    { "hold",            'H', false, SET_HOLD,     NULL, NULL },
    { "requeue",          0,  false, SET_REQUEUE,  NULL, NULL },
    { "no-requeue",       0,  false, SET_NONE,     read_no_requeue, NULL },
    { "signal",           0,  true,  SET_NONE,     read_signal, NULL },
    { "chdir",           'D', true,  SET_CHDIR,    NULL, NULL },
    { "export",           0,  true,  SET_EXPORT,   NULL, NULL },
    { "comment",          0,  true,  SET_NONE,     read_comment, NULL },
    { "parsable",         0,  false, SET_PARSABLE, NULL, NULL },
    { "test-only",        0,  false, SET_TEST,     NULL, "--test" },
    { "wait",            'W', false, SET_WAIT,     NULL, NULL },
    { "mail-type",        0,  true,  SET_NONE,     no_mail, NULL },
    { "mail-user",        0,  true,  SET_NONE,     no_mail, NULL },
    { "qos",             'q', true,  SET_NONE,     no_meaning, NULL },
    { "constraint",      'C', true,  SET_NONE,     no_meaning, NULL },
    { "exclusive",        0,  false, SET_NONE,     no_meaning, NULL },
    { "ntasks-per-node",  0,  true,  SET_NONE,     no_meaning, NULL },
    { "nodelist",        'w', true,  SET_NONE,     no_meaning, NULL },
    { "exclude",         'x', true,  SET_NONE,     no_meaning, NULL },
    { "reservation",      0,  true,  SET_NONE,     no_meaning, NULL },
    { "licenses",        'L', true,  SET_NONE,     no_meaning, NULL },
    { "nice",             0,  false, SET_NONE,     no_meaning, NULL },
    { "open-mode",        0,  true,  SET_NONE,     no_meaning, NULL },
    { "oversubscribe",   's', false, SET_NONE,     no_meaning, NULL },
    { "time-min",         0,  true,  SET_NONE,     no_meaning, NULL },
    { "tmp",              0,  true,  SET_NONE,     no_meaning, NULL },
    { "get-user-env",     0,  false, SET_NONE,     no_meaning, NULL },
    { "verbose",         'v', false, SET_NONE,     no_meaning, NULL },
    { "quiet",           'Q', false, SET_NONE,     no_meaning, NULL },
};
/* clang-format on */

static const struct slurm_row *row_of(const char *word)
{
    size_t length = strcspn(word, "=");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(slurm_rows); i++) {
        const struct slurm_row *row = &slurm_rows[i];
        bool is_long = strncmp(word, "--", 2) == 0 && strlen(row->name) == length - 2 &&
                       strncmp(word + 2, row->name, length - 2) == 0;
        bool is_short = word[0] == '-' && word[1] != '-' && row->letter && word[1] == row->letter;
        if (is_long || is_short)
            return row;
    }
    return NULL;
}

static int unknown(const struct directive *at, const char *word)
{
    if (at->is_strict) {
        (void)stint_fail(at->err, STINT_INVALID, "%s:%u: unknown directive: #SBATCH %.80s",
                         at->name, at->line, word);
        return stint_fix(at->err, STINT_INVALID, "remove the line, or leave --strict out");
    }
    note_send(at->notes, NOTE_WARNING, "%s:%u: unknown directive: #SBATCH %.80s; ignored", at->name,
              at->line, word);
    return 0;
}

static int apply(const struct slurm_given *given)
{
    if (given->row->read)
        return given->row->read(given);
    if (given->row->says)
        given_echo(given, "%s", given->row->says);
    return given_set(given, given->row->id, given->value);
}

int slurm_directive(const struct directive *at, char **words, size_t count, struct slurm_sums *sums)
{
    for (size_t i = 0; i < count; i++) {
        const char *word = words[i];
        const struct slurm_row *row = row_of(word);
        if (word[0] != '-' || !row) {
            int r = unknown(at, word);
            if (r != 0)
                return r;
            /* Its value, if the next word is one, is not a directive of its own. */
            if (word[0] == '-' && !strchr(word, '=') && i + 1 < count && words[i + 1][0] != '-')
                i++;
            continue;
        }
        const char *value = NULL;
        bool is_long = word[1] == '-';
        if (is_long && strchr(word, '='))
            value = strchr(word, '=') + 1;
        else if (!is_long && word[2])
            value = word + 2 + (word[2] == '=');
        else if (row->takes_value && i + 1 < count)
            value = words[++i];
        struct slurm_given given = { at, row, value, sums };
        if (row->takes_value && (!value || !*value)) {
            given.value = NULL;
            int r = given_odd(&given, "needs a value");
            if (r != 0)
                return r;
            continue;
        }
        if (!row->takes_value && row->read != no_meaning)
            given.value = NULL;
        int r = apply(&given);
        if (r != 0)
            return r;
    }
    return 0;
}

/* ---- the sums ---- */

static long long or_one(long long count)
{
    return count > 0 ? count : 1;
}

static int sum_set(const struct slurm_sums *sums, struct settings *settings, enum setting id,
                   const char *text, const char *name, struct stint_error *err)
{
    char where[SETTING_WHERE_MAX];
    (void)snprintf(where, sizeof(where), "%.30s:%u: #SBATCH --%s", sums->last.name, sums->last.line,
                   name);
    return settings_set(settings, id, text, SOURCE_SLURM, where, err);
}

static long long gpu_total(const struct slurm_sums *sums, const struct settings *settings)
{
    if (sums->gpus_per_task > 0)
        return sums->gpus_per_task * or_one(sums->tasks);
    if (sums->gpus_per_node > 0)
        return sums->gpus_per_node * or_one(sums->nodes);
    const char *gpus = setting_text(settings, SET_GPUS);
    const char *count = gpus && strrchr(gpus, ':') ? strrchr(gpus, ':') + 1 : gpus;
    long long total = 0;
    return count && read_count(count, &total) ? total : 0;
}

static int finish_gpus(const struct slurm_sums *sums, struct settings *settings,
                       struct stint_error *err)
{
    char text[128];
    if (sums->gpus_per_node == 0 && sums->gpus_per_task == 0)
        return 0;
    (void)snprintf(text, sizeof(text), "%s%s%lld", sums->gpu_type, sums->gpu_type[0] ? ":" : "",
                   gpu_total(sums, settings));
    return sum_set(sums, settings, SET_GPUS, text, "gres", err);
}

static int finish_memory(const struct slurm_sums *sums, struct settings *settings,
                         const struct notes *notes, struct stint_error *err)
{
    char text[64];
    bool is_by_gpu = sums->memory_per_gpu_mib > 0;
    long long each = is_by_gpu ? sums->memory_per_gpu_mib : sums->memory_per_cpu_mib;
    long long count =
        is_by_gpu ? gpu_total(sums, settings) : or_one(sums->tasks) * or_one(sums->cpus_per_task);
    long long total;
    if (each == 0)
        return 0;
    if (__builtin_mul_overflow(each, or_one(count), &total) || total > (INT64_C(1) << 30))
        return stint_fail(err, STINT_INVALID, "%s:%u: #SBATCH asks for too much memory",
                          sums->last.name, sums->last.line);
    (void)snprintf(text, sizeof(text), "%lldM", total);
    note_send(notes, NOTE_READING, "%s:%u: #SBATCH --mem-per-%s understood as --memory=%s",
              sums->last.name, sums->last.line, is_by_gpu ? "gpu" : "cpu", text);
    return sum_set(sums, settings, SET_MEMORY, text, is_by_gpu ? "mem-per-gpu" : "mem-per-cpu",
                   err);
}

int slurm_finish(const struct slurm_sums *sums, struct settings *settings,
                 const struct notes *notes, struct stint_error *err)
{
    char text[64];
    int r = finish_gpus(sums, settings, err);
    if (r == 0)
        r = finish_memory(sums, settings, notes, err);
    if (r != 0 || (sums->tasks == 0 && sums->cpus_per_task == 0))
        return r;
    (void)snprintf(text, sizeof(text), "%lld", or_one(sums->tasks) * or_one(sums->cpus_per_task));
    if (sums->tasks > 1)
        note_send(notes, NOTE_READING,
                  "%s:%u: #SBATCH --ntasks=%lld understood as %s cores of one job; it starts once",
                  sums->last.name, sums->last.line, sums->tasks, text);
    return sum_set(sums, settings, SET_CPUS, text, sums->tasks ? "ntasks" : "cpus-per-task", err);
}
