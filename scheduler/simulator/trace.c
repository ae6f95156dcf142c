/* Owns: reading the Standard Workload Format. zlib reads plain files too, so there is one way in.
 * What comes from a file is hostile: sizes, counts and numbers are bounded. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "stint/simulator.h"

#define TRACE_BYTES_MAX ((size_t)1 << 30)
#define NUMBER_MAX      (INT64_C(1) << 53)
#define FIELDS          18
#define LIMIT_MAX_S     (INT64_C(1) << 40)

enum field {
    F_JOB = 0,
    F_SUBMIT = 1,
    F_RUN = 3,
    F_PROCS = 4,
    F_PROCS_ASKED = 7,
    F_LIMIT = 8,
    F_USER = 11
};

/* The others may hold anything: nothing is read of them. */
#define USED                                                                                       \
    (1U << F_JOB | 1U << F_SUBMIT | 1U << F_RUN | 1U << F_PROCS | 1U << F_PROCS_ASKED |            \
     1U << F_LIMIT | 1U << F_USER)

struct reader {
    const char *name;
    size_t line;
    size_t capacity;
    int64_t max_procs;
    int64_t max_nodes;
};

/* One number; its fraction is cut off. Moves *@at behind it. */
static bool read_number(const char **at, const char *end, int64_t *ret_number)
{
    const char *c = *at;
    bool is_negative = c < end && *c == '-';
    int64_t number = 0;
    size_t digits = 0;
    if (c < end && (*c == '-' || *c == '+'))
        c++;
    for (; c < end && isdigit((unsigned char)*c); c++, digits++) {
        number = number * 10 + (*c - '0');
        if (number > NUMBER_MAX)
            return false;
    }
    if (c < end && *c == '.')
        for (c++; c < end && isdigit((unsigned char)*c); c++)
            digits++;
    if (digits == 0 || (c < end && !isspace((unsigned char)*c)))
        return false;
    *at = c;
    *ret_number = is_negative ? -number : number;
    return true;
}

static void skip_word(const char **at, const char *end)
{
    while (*at < end && !isspace((unsigned char)**at))
        ++*at;
}

static int trace_append(struct stint_trace *trace, struct reader *reader,
                        const struct stint_trace_job *job)
{
    if (trace->job_count == reader->capacity) {
        size_t capacity = reader->capacity ? reader->capacity * 2 : 1024;
        struct stint_trace_job *jobs = realloc(trace->jobs, capacity * sizeof(*jobs));
        if (!jobs)
            return -ENOMEM;
        trace->jobs = jobs;
        reader->capacity = capacity;
    }
    trace->jobs[trace->job_count++] = *job;
    return 0;
}

/* A line of numbers; the reading rules are in the header. */
static int read_job(struct stint_trace *trace, struct reader *reader, const char *at,
                    const char *end, struct stint_error *err)
{
    int64_t fields[FIELDS];
    for (int i = 0; i < FIELDS; i++)
        fields[i] = -1;
    for (int i = 0; i < FIELDS; i++) {
        while (at < end && isspace((unsigned char)*at))
            at++;
        if (at == end)
            break;
        if (!(USED >> i & 1))
            skip_word(&at, end);
        else if (!read_number(&at, end, &fields[i]))
            return stint_fail(err, STINT_UNTRUSTED,
                              "%.200s:%zu: field %d is no number of at most 2^53", reader->name,
                              reader->line, i + 1);
    }
    trace->line_count++;
    int64_t procs = fields[F_PROCS_ASKED] > 0 ? fields[F_PROCS_ASKED] : fields[F_PROCS];
    int64_t limit = fields[F_LIMIT] > 0 ? fields[F_LIMIT] : fields[F_RUN];
    int64_t run = fields[F_RUN];
    if (run <= 0 || procs <= 0 || fields[F_SUBMIT] < 0) {
        trace->dropped_count++;
        return 0;
    }
    limit = limit < LIMIT_MAX_S ? limit : LIMIT_MAX_S;
    if (fields[F_SUBMIT] > LIMIT_MAX_S)
        return stint_fail(err, STINT_UNTRUSTED, "%.200s:%zu: submitted after 30,000 years",
                          reader->name, reader->line);
    if (trace->job_count == STINT_TRACE_JOB_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "%.200s has more than %u jobs", reader->name,
                          STINT_TRACE_JOB_MAX);
    struct stint_trace_job job = {
        .id = fields[F_JOB],
        .submit_s = fields[F_SUBMIT],
        .run_s = run < limit ? run : limit,
        .limit_s = limit,
        .procs = procs < INT32_MAX ? (uint32_t)procs : INT32_MAX,
        .user = fields[F_USER] >= 0 && fields[F_USER] < UINT32_MAX ? (uint32_t)fields[F_USER]
                                                                   : UINT32_MAX,
    };
    return trace_append(trace, reader, &job);
}

/* "; MaxProcs: 100" */
static void read_header(struct reader *reader, const char *at, const char *end)
{
    static const struct {
        const char *key;
        size_t offset;
    } keys[] = { { "MaxProcs:", offsetof(struct reader, max_procs) },
                 { "MaxNodes:", offsetof(struct reader, max_nodes) } };
    while (at < end && (*at == ';' || isspace((unsigned char)*at)))
        at++;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        size_t length = strlen(keys[i].key);
        if ((size_t)(end - at) <= length || memcmp(at, keys[i].key, length) != 0)
            continue;
        const char *number = at + length;
        int64_t value = 0;
        while (number < end && isspace((unsigned char)*number))
            number++;
        if (read_number(&number, end, &value) && value > 0)
            memcpy((char *)reader + keys[i].offset, &value, sizeof(value));
    }
}

int stint_trace_parse(const char *text, size_t length, const char *name,
                      struct stint_trace *ret_trace, struct stint_error *err)
{
    struct stint_trace trace = { 0 };
    struct reader reader = { .name = name };
    const char *end = text + length;
    int r = 0;
    for (const char *at = text; at < end && r == 0;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        const char *first = at;
        reader.line++;
        while (first < stop && isspace((unsigned char)*first))
            first++;
        if (first < stop && *first == ';')
            read_header(&reader, first, stop);
        else if (first < stop)
            r = read_job(&trace, &reader, first, stop, err);
        at = stop + 1;
    }
    if (r == 0 && trace.job_count == 0)
        r = stint_fail(err, STINT_UNTRUSTED, "%.200s has no usable job", name);
    if (r != 0) {
        stint_trace_deinit(&trace);
        return r;
    }
    int64_t procs = reader.max_procs > 0 ? reader.max_procs : reader.max_nodes;
    trace.procs = procs < STINT_MACHINE_CORE_MAX ? (uint32_t)procs : STINT_MACHINE_CORE_MAX;
    *ret_trace = trace;
    return 0;
}

static int read_all(gzFile file, const char *path, char **ret_text, size_t *ret_length,
                    struct stint_error *err)
{
    size_t capacity = 1 << 20;
    size_t length = 0;
    stint_auto(stint_free) char *text = malloc(capacity);
    int more = 0;
    if (!text)
        return -ENOMEM;
    while ((more = gzread(file, text + length,
                          (unsigned)(capacity - length > 1 << 30 ? 1 << 30 : capacity - length))) >
           0) {
        length += (size_t)more;
        if (length > TRACE_BYTES_MAX)
            return stint_fail(err, STINT_TOO_LARGE, "%.200s has more than 1 GiB", path);
        if (length == capacity) {
            char *larger = realloc(text, capacity * 2);
            if (!larger)
                return -ENOMEM;
            text = larger;
            capacity *= 2;
        }
    }
    int code = 0;
    const char *why = gzerror(file, &code);
    if (more < 0 || code == Z_BUF_ERROR)
        return stint_fail(err, STINT_UNTRUSTED, "%.200s cannot be unpacked: %.80s", path, why);
    *ret_text = stint_take(text);
    *ret_length = length;
    return 0;
}

int stint_trace_load(const char *path, struct stint_trace *ret_trace, struct stint_error *err)
{
    stint_auto(stint_free) char *text = NULL;
    size_t length = 0;
    errno = 0;
    gzFile file = gzopen(path, "rbe");
    if (!file) {
        int code = errno ? errno : ENOMEM;
        return stint_fail(err, -code, "%.200s: %s", path, strerror(code));
    }
    int r = read_all(file, path, &text, &length, err);
    (void)gzclose_r(file);
    if (r == 0)
        r = stint_trace_parse(text, length, path, ret_trace, err);
    return r;
}

void stint_trace_deinit(struct stint_trace *trace)
{
    free(trace->jobs);
    free(trace->gpus);
    *trace = (struct stint_trace){ 0 };
}
