/* Owns: the tree of bases of several models. A base that is itself among the verdicts is a branch,
 * one that is only named is a root of its own. What was made from several stands under each of
 * them, and what was made from it under the first; so a circle is cut where it closes. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "stint/auto.h"
#include "stint/verdict.h"

#define FAMILY_DEPTH_MAX 16

struct family {
    const struct stint_verdict *const *verdicts;
    size_t count;
    bool *is_shown;
    struct stint_buffer *buffer;
};

/* The next base that @verdict names, from fact @at on; NULL at the end. */
static const char *next_base(const struct stint_verdict *verdict, size_t *at)
{
    while (*at < stint_facts_count(verdict->facts)) {
        const struct stint_fact *fact = stint_facts_at(verdict->facts, (*at)++);
        if (fact->component == STINT_BASE_MODEL && fact->predicate == STINT_NAME)
            return fact->text;
    }
    return NULL;
}

static const char *last_part(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash && slash[1] ? slash + 1 : name;
}

/* The model that is called @name: whole, or, where one side lacks the organisation and nobody else
 * could be meant, by the rest. */
static const struct stint_verdict *by_name(const struct family *family, const char *name)
{
    const struct stint_verdict *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < family->count; i++) {
        const char *own = family->verdicts[i]->name;
        bool is_partial = !strchr(own, '/') != !strchr(name, '/');
        if (strcasecmp(own, name) == 0)
            return family->verdicts[i];
        if (!is_partial || strcasecmp(last_part(own), last_part(name)) != 0)
            continue;
        found = family->verdicts[i];
        count++;
    }
    return count == 1 ? found : NULL;
}

/* Does @verdict name as a base what is called @name, or the model that is meant by it? */
static bool names_base(const struct family *family, const struct stint_verdict *verdict,
                       const char *name)
{
    const struct stint_verdict *meant = by_name(family, name);
    size_t at = 0;
    for (const char *base; (base = next_base(verdict, &at));)
        if (strcasecmp(base, name) == 0 || (meant && by_name(family, base) == meant))
            return true;
    return false;
}

static void show_line(struct family *family, const char *name, unsigned depth,
                      const struct stint_verdict *verdict, bool is_again)
{
    stint_buffer_printf(family->buffer, "%*s%s", (int)(2 * depth), "", depth > 0 ? "`- " : "");
    for (const char *c = name; *c; c++)
        stint_buffer_add_char(family->buffer, (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c);
    stint_buffer_printf(family->buffer, ": %s%s\n",
                        verdict ? stint_result_name(stint_verdict_result(verdict)) : "not here",
                        is_again ? " (above)" : "");
}

static void show_children(struct family *family, const char *name, unsigned depth)
{
    if (depth > FAMILY_DEPTH_MAX)
        return;
    for (size_t i = 0; i < family->count; i++) {
        const struct stint_verdict *child = family->verdicts[i];
        if (!names_base(family, child, name))
            continue;
        bool is_again = family->is_shown[i];
        family->is_shown[i] = true;
        show_line(family, child->name, depth, child, is_again);
        if (!is_again)
            show_children(family, child->name, depth + 1);
    }
}

/* Did a verdict before number @end name @base too, or that one before its fact @at? */
static bool is_named_before(const struct family *family, size_t end, size_t at, const char *base)
{
    for (size_t i = 0; i <= end; i++) {
        size_t next = 0;
        for (const char *name; (name = next_base(family->verdicts[i], &next));)
            if ((i < end || next < at) && strcasecmp(name, base) == 0)
                return true;
    }
    return false;
}

/* A model that names no base, or one that nobody here is. */
static void show_roots(struct family *family)
{
    for (size_t i = 0; i < family->count; i++) {
        size_t at = 0;
        const char *base = next_base(family->verdicts[i], &at);
        if (base || family->is_shown[i])
            continue;
        family->is_shown[i] = true;
        show_line(family, family->verdicts[i]->name, 0, family->verdicts[i], false);
        show_children(family, family->verdicts[i]->name, 1);
    }
    for (size_t i = 0; i < family->count; i++) {
        size_t at = 0;
        for (const char *base; (base = next_base(family->verdicts[i], &at));) {
            if (by_name(family, base) || is_named_before(family, i, at, base))
                continue;
            show_line(family, base, 0, NULL, false);
            show_children(family, base, 1);
        }
    }
}

void stint_verdict_families(const struct stint_verdict *const *verdicts, size_t count,
                            const struct stint_report_options *options, struct stint_buffer *buffer)
{
    stint_auto(stint_free) bool *is_shown = calloc(count + 1, sizeof(*is_shown));
    struct family family = {
        .verdicts = verdicts, .count = count, .is_shown = is_shown, .buffer = buffer
    };
    (void)options;
    if (!is_shown) {
        buffer->failed = true;
        return;
    }
    show_roots(&family);
    /* What is left stands in a circle: each names another of them. */
    for (size_t i = 0; i < count; i++)
        if (!is_shown[i]) {
            is_shown[i] = true;
            show_line(&family, verdicts[i]->name, 0, verdicts[i], false);
            show_children(&family, verdicts[i]->name, 1);
        }
}
