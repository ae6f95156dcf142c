/* Owns: a verdict for a person at a terminal: one screen, what fails first, the cheapest cure on
 * top; the matrix of several; and what differs between two. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "stint/auto.h"
#include "stint/verdict.h"

/* One screen: what is alike is said once, and the rest is counted. */
#define PROBLEMS_SHOWN 8
#define FINDINGS_SHOWN 6

struct screen {
    struct stint_buffer *buffer;
    unsigned columns;
    bool has_colour;
};

static struct screen screen_of(const struct stint_report_options *options,
                               struct stint_buffer *buffer)
{
    struct screen screen = { .buffer = buffer, .columns = 80 };
    if (options) {
        screen.columns = options->columns >= 40 ? options->columns : options->columns ? 40 : 80;
        screen.has_colour = options->has_colour;
    }
    return screen;
}

static const char *paint(const struct screen *screen, enum stint_result result)
{
    if (!screen->has_colour)
        return "";
    return result == STINT_RESULT_PASS   ? "\033[32m"
           : result == STINT_RESULT_FAIL ? "\033[31m"
                                         : "\033[33m";
}

static const char *unpaint(const struct screen *screen)
{
    return screen->has_colour ? "\033[0m" : "";
}

/* What comes from files may hold anything; a terminal gets no control characters from it. */
static void add_clean(struct screen *screen, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_c1 = c == 0xc2 && i + 1 < length && ((unsigned char)text[i + 1] & 0xe0) == 0x80;
        stint_buffer_add_char(screen->buffer, c < 0x20 || c == 0x7f || is_c1 ? '?' : text[i]);
    }
}

/* @text wrapped at words, each line after @indent blanks; the first one stands at @column. */
static void add_wrapped(struct screen *screen, const char *text, unsigned indent, unsigned column)
{
    while (*text) {
        while (*text == ' ')
            text++;
        size_t length = strcspn(text, " ");
        if (length == 0)
            break;
        if (column > indent && column + 1 + length > screen->columns) {
            stint_buffer_printf(screen->buffer, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            stint_buffer_add_char(screen->buffer, ' ');
            column++;
        }
        add_clean(screen, text, length);
        column += (unsigned)length;
        text += length;
    }
    stint_buffer_add_char(screen->buffer, '\n');
}

struct problem {
    const struct stint_rules_result *rules;
    const struct stint_criterion_result *criterion;
};

/* Failures before what is unknown; then the cheapest first. */
static int problem_compare(const void *a, const void *b)
{
    const struct problem *left = a;
    const struct problem *right = b;
    bool is_left_fail = left->criterion->result == STINT_RESULT_FAIL;
    bool is_right_fail = right->criterion->result == STINT_RESULT_FAIL;
    if (is_left_fail != is_right_fail)
        return is_left_fail ? -1 : 1;
    if (left->criterion->cost != right->criterion->cost)
        return left->criterion->cost < right->criterion->cost ? -1 : 1;
    return strcmp(left->criterion->id, right->criterion->id);
}

/* " (LICENSE:3, named)" into @text; "" for what no single file says. */
static void place_text(const struct stint_fact *fact, char *text, size_t size)
{
    size_t length;
    text[0] = '\0';
    if (!fact || !fact->path[0])
        return;
    length = (size_t)snprintf(text, size, " (%.200s", fact->path);
    if (fact->at.kind == STINT_PLACE_LINE)
        length += (size_t)snprintf(text + length, size - length, ":%llu",
                                   (unsigned long long)fact->at.number);
    if (fact->at.kind == STINT_PLACE_POINTER)
        length += (size_t)snprintf(text + length, size - length, "#%.100s", fact->at.pointer);
    (void)snprintf(text + length, size - length, ", %s)", stint_grade_name(fact->grade));
}

static void add_with_place(struct screen *screen, const char *words, const struct stint_fact *fact,
                           unsigned indent)
{
    char place[400];
    char line[1400];
    place_text(fact, place, sizeof(place));
    (void)snprintf(line, sizeof(line), "%.900s%s", words, place);
    add_wrapped(screen, line, indent, indent);
}

/* Criteria that fail for one and the same reason are mended together. */
static bool problem_is_alike(const struct problem *a, const struct problem *b)
{
    return a->criterion->result == b->criterion->result &&
           strcmp(a->criterion->why, b->criterion->why) == 0;
}

/* The ids of @problems[0] and all further ones that are like it, which are then taken off the list;
 * the dearest of them speaks for all, because its cure cures the others. */
static const struct stint_criterion_result *take_alike(struct problem *problems, size_t count,
                                                       char *ids, size_t size)
{
    struct problem first = problems[0];
    const struct stint_criterion_result *dearest = first.criterion;
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        const struct stint_criterion_result *criterion = problems[i].criterion;
        if (!criterion || !problem_is_alike(&first, &problems[i]))
            continue;
        if (length + 80 < size)
            length += (size_t)snprintf(ids + length, size - length, "%s%.60s",
                                       length > 0 ? ", " : "", criterion->id);
        if (criterion->cost > dearest->cost)
            dearest = criterion;
        problems[i].criterion = NULL;
    }
    return dearest;
}

static void add_problem(struct screen *screen, const struct stint_verdict *verdict,
                        struct problem *problems, size_t count, bool is_full)
{
    char ids[800];
    char line[1600];
    const struct stint_criterion_result *criterion =
        take_alike(problems, is_full ? 1 : count, ids, sizeof(ids));
    stint_buffer_printf(screen->buffer, "  %s%-7s%s ", paint(screen, criterion->result),
                        stint_result_name(criterion->result), unpaint(screen));
    (void)snprintf(line, sizeof(line), "%s: %.700s", ids, criterion->text);
    add_wrapped(screen, line, 10, 10);
    stint_buffer_add_text(screen->buffer, "      why: ");
    add_with_place(screen, criterion->why,
                   criterion->evidence_count > 0
                       ? stint_facts_by_id(verdict->facts, criterion->evidence[0])
                       : NULL,
                   11);
    stint_buffer_add_text(screen->buffer, "      try: ");
    add_wrapped(screen, criterion->would_pass, 11, 11);
}

static void add_head(struct screen *screen, const struct stint_verdict *verdict)
{
    char hex[STINT_SHA256_HEX];
    enum stint_result result = stint_verdict_result(verdict);
    stint_buffer_add_text(screen->buffer, stint_artifact_kind_name(verdict->kind));
    stint_buffer_add_char(screen->buffer, ' ');
    add_clean(screen, verdict->name, strlen(verdict->name));
    stint_buffer_printf(screen->buffer, ": %s%s%s\n", paint(screen, result),
                        stint_result_name(result), unpaint(screen));
    if (verdict->has_digest)
        stint_buffer_printf(screen->buffer, "digest sha256:%s\n",
                            stint_sha256_hex(&verdict->digest, hex));
    if (verdict->data_class[0])
        stint_buffer_printf(screen->buffer, "data class: %s\n", verdict->data_class);
    if (verdict->complete != STINT_COMPLETE_YES)
        stint_buffer_add_text(screen->buffer,
                              "the snapshot may be partial: what is missing counts as unknown\n");
}

static void add_result(struct screen *screen, const struct stint_rules_result *result)
{
    size_t passed = 0;
    size_t required = 0;
    for (size_t i = 0; i < result->criterion_count; i++) {
        required += result->criteria[i].is_required;
        passed +=
            result->criteria[i].is_required && result->criteria[i].result == STINT_RESULT_PASS;
    }
    stint_buffer_printf(screen->buffer, "%s%-7s%s %s: %zu of %zu criteria pass, %s",
                        paint(screen, result->result), stint_result_name(result->result),
                        unpaint(screen), result->title, passed, required,
                        result->assurance == STINT_ASSURANCE_VERIFIED ? "verified" : "declared");
    if (result->has_progress)
        stint_buffer_printf(screen->buffer, ", class %s (I %.1f%%, II %.1f%%, III %.1f%%)",
                            result->class_name, result->progress[0], result->progress[1],
                            result->progress[2]);
    stint_buffer_add_char(screen->buffer, '\n');
}

static void add_problems(struct screen *screen, const struct stint_verdict *verdict, bool is_full)
{
    size_t count = 0;
    size_t room = 0;
    for (size_t i = 0; i < verdict->result_count; i++)
        room += verdict->results[i].criterion_count;
    struct problem *problems = calloc(room + 1, sizeof(*problems));
    if (!problems) {
        screen->buffer->failed = true;
        return;
    }
    for (size_t i = 0; i < verdict->result_count; i++)
        for (size_t j = 0; j < verdict->results[i].criterion_count; j++) {
            const struct stint_criterion_result *criterion = &verdict->results[i].criteria[j];
            if (criterion->result != STINT_RESULT_PASS && (criterion->is_required || is_full))
                problems[count++] =
                    (struct problem){ .rules = &verdict->results[i], .criterion = criterion };
        }
    if (count > 0) {
        qsort(problems, count, sizeof(*problems), problem_compare);
        stint_buffer_add_text(screen->buffer,
                              "\nwhat is in the way, cheapest to mend first in each group:\n");
    }
    char left[800] = "";
    size_t length = 0;
    for (size_t i = 0, shown = 0; i < count; i++) {
        if (!problems[i].criterion)
            continue;
        if (is_full || shown++ < PROBLEMS_SHOWN)
            add_problem(screen, verdict, problems + i, count - i, is_full);
        else if (length + 80 < sizeof(left))
            length += (size_t)snprintf(left + length, sizeof(left) - length, "%s%.60s",
                                       length > 0 ? ", " : "", problems[i].criterion->id);
    }
    if (length > 0) {
        stint_buffer_add_text(screen->buffer, "  besides (--json has all):");
        add_wrapped(screen, left, 4, 27);
    }
    free(problems);
}

static void add_findings(struct screen *screen, const struct stint_verdict *verdict, bool is_full)
{
    if (verdict->finding_count > 0)
        stint_buffer_add_text(screen->buffer, "\nfindings:\n");
    for (size_t i = 0; i < verdict->finding_count && (is_full || i < FINDINGS_SHOWN); i++) {
        const struct stint_finding *finding = &verdict->findings[i];
        stint_buffer_printf(screen->buffer, "  %-5s ", finding->id);
        add_with_place(screen, finding->what,
                       finding->evidence_count > 0
                           ? stint_facts_by_id(verdict->facts, finding->evidence[0])
                           : NULL,
                       8);
    }
    if (!is_full && verdict->finding_count > FINDINGS_SHOWN)
        stint_buffer_printf(screen->buffer, "  and %zu more\n",
                            verdict->finding_count - FINDINGS_SHOWN);
}

static void add_licences(struct screen *screen, const struct stint_verdict *verdict)
{
    if (verdict->licence_count > 0)
        stint_buffer_add_text(screen->buffer, "\nlicence texts:\n");
    for (size_t i = 0; i < verdict->licence_count && i < FINDINGS_SHOWN; i++) {
        const struct stint_licence_seen *seen = &verdict->licences[i];
        stint_buffer_add_text(screen->buffer, "  ");
        add_clean(screen, seen->file, strlen(seen->file));
        if (strcmp(seen->id, "unknown") == 0)
            stint_buffer_add_text(screen->buffer, ": no licence that is known here");
        else
            stint_buffer_printf(screen->buffer, ": %s, %s", seen->id, seen->match);
        stint_buffer_add_char(screen->buffer, '\n');
        if (seen->facets[0]) {
            char facets[600];
            (void)snprintf(facets, sizeof(facets), "%.590s", seen->facets);
            for (char *comma = facets; (comma = strchr(comma, ','));)
                *comma = ' ';
            stint_buffer_add_text(screen->buffer, "      ");
            add_wrapped(screen, facets, 6, 6);
        }
    }
}

void stint_verdict_report(const struct stint_verdict *verdict,
                          const struct stint_report_options *options, struct stint_buffer *buffer)
{
    struct screen screen = screen_of(options, buffer);
    bool is_full = options && options->is_full;
    add_head(&screen, verdict);
    for (size_t i = 0; i < verdict->result_count; i++)
        add_result(&screen, &verdict->results[i]);
    add_problems(&screen, verdict, is_full);
    add_findings(&screen, verdict, is_full);
    add_licences(&screen, verdict);
}

static const struct stint_rules_result *result_by_rules(const struct stint_verdict *verdict,
                                                        const char *rules)
{
    for (size_t i = 0; i < verdict->result_count; i++)
        if (strcmp(verdict->results[i].rules, rules) == 0)
            return &verdict->results[i];
    return NULL;
}

/* ---- the matrix */

#define MATRIX_TITLE_WIDTH 22
#define MATRIX_CELL_WIDTH  14 /* at least */
#define MATRIX_CELL_WIDTH_MAX                                                                      \
    48 /* longer names lose their beginning, which is the organisation                             \
        */

/* Characters, as far as a terminal's columns are concerned. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

/* @text in @width columns, filled up with blanks; what is too long ends as it does after "…". */
static void add_cell(struct screen *screen, const char *text, size_t width)
{
    size_t length = width_of(text);
    if (length > width) {
        stint_buffer_add_text(screen->buffer, "\xe2\x80\xa6");
        for (size_t left = length - width + 1; left > 0 || ((unsigned char)*text & 0xc0) == 0x80;
             text++)
            left -= ((unsigned char)*text & 0xc0) != 0x80;
        length = width;
    }
    add_clean(screen, text, strlen(text));
    for (; length < width; length++)
        stint_buffer_add_char(screen->buffer, ' ');
}

static void matrix_row(struct screen *screen, const struct stint_verdict *const *verdicts,
                       size_t count, const struct stint_rules_result *row, size_t width)
{
    stint_buffer_printf(screen->buffer, "%-*s", MATRIX_TITLE_WIDTH, row->rules);
    for (size_t i = 0; i < count; i++) {
        const struct stint_rules_result *result = result_by_rules(verdicts[i], row->rules);
        char cell[32] = "-";
        if (result)
            (void)snprintf(cell, sizeof(cell), "%s%s%s", stint_result_name(result->result),
                           result->has_progress ? " " : "",
                           result->has_progress ? result->class_name : "");
        stint_buffer_printf(screen->buffer, " %s%-*s%s",
                            result ? paint(screen, result->result) : "", (int)width, cell,
                            result ? unpaint(screen) : "");
    }
    stint_buffer_add_char(screen->buffer, '\n');
}

static void matrix_part(struct screen *screen, const struct stint_verdict *const *verdicts,
                        size_t count, size_t width)
{
    stint_buffer_printf(screen->buffer, "%-*s", MATRIX_TITLE_WIDTH, "");
    for (size_t i = 0; i < count; i++) {
        stint_buffer_add_char(screen->buffer, ' ');
        add_cell(screen, verdicts[i]->name, width);
    }
    stint_buffer_add_char(screen->buffer, '\n');
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < verdicts[i]->result_count; j++) {
            const struct stint_rules_result *row = &verdicts[i]->results[j];
            bool is_shown = false;
            for (size_t k = 0; k < i && !is_shown; k++)
                is_shown = result_by_rules(verdicts[k], row->rules) != NULL;
            if (!is_shown)
                matrix_row(screen, verdicts, count, row, width);
        }
}

/* As wide as the longest name; as many columns at a time as the screen holds, one at least. */
void stint_verdict_matrix(const struct stint_verdict *const *verdicts, size_t count,
                          const struct stint_report_options *options, struct stint_buffer *buffer)
{
    struct screen screen = screen_of(options, buffer);
    size_t width = MATRIX_CELL_WIDTH;
    size_t room = options ? options->columns : 0;
    for (size_t i = 0; i < count; i++)
        width = width_of(verdicts[i]->name) > width ? width_of(verdicts[i]->name) : width;
    width = width < MATRIX_CELL_WIDTH_MAX ? width : MATRIX_CELL_WIDTH_MAX;
    if (room >= MATRIX_TITLE_WIDTH + 1 + MATRIX_CELL_WIDTH && room < MATRIX_TITLE_WIDTH + 1 + width)
        width = room - MATRIX_TITLE_WIDTH - 1;
    size_t step = room == 0 ? count
                  : room < MATRIX_TITLE_WIDTH + 1 + width
                      ? 1
                      : (room - MATRIX_TITLE_WIDTH) / (width + 1);
    for (size_t i = 0; i < count; i += step) {
        if (i > 0)
            stint_buffer_add_char(buffer, '\n');
        matrix_part(&screen, verdicts + i, count - i < step ? count - i : step, width);
    }
}

static void compare_criteria(struct screen *screen, const struct stint_rules_result *left,
                             const struct stint_rules_result *right)
{
    for (size_t i = 0; i < left->criterion_count && i < right->criterion_count; i++) {
        const struct stint_criterion_result *a = &left->criteria[i];
        const struct stint_criterion_result *b = &right->criteria[i];
        if (a->result == b->result || strcmp(a->id, b->id) != 0)
            continue;
        stint_buffer_printf(screen->buffer, "  %-10s %s%-7s%s -> %s%-7s%s ", a->id,
                            paint(screen, a->result), stint_result_name(a->result), unpaint(screen),
                            paint(screen, b->result), stint_result_name(b->result),
                            unpaint(screen));
        add_wrapped(screen, a->text, 34, 34);
    }
}

static bool has_licence(const struct stint_verdict *verdict, const struct stint_licence_seen *seen)
{
    for (size_t i = 0; i < verdict->licence_count; i++)
        if (strcmp(verdict->licences[i].id, seen->id) == 0 &&
            strcmp(verdict->licences[i].match, seen->match) == 0)
            return true;
    return false;
}

static void compare_licences(struct screen *screen, const char *sign,
                             const struct stint_verdict *mine, const struct stint_verdict *other)
{
    for (size_t i = 0; i < mine->licence_count; i++)
        if (!has_licence(other, &mine->licences[i])) {
            stint_buffer_printf(screen->buffer, "  %s licence %s, %s: ", sign, mine->licences[i].id,
                                mine->licences[i].match);
            add_wrapped(screen, mine->licences[i].file, 4, 4);
        }
}

static bool names_base(const struct stint_verdict *verdict, enum stint_component component,
                       const char *name)
{
    for (size_t i = 0; i < stint_facts_count(verdict->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(verdict->facts, i);
        if (fact->component == component && fact->predicate == STINT_NAME &&
            strcasecmp(fact->text, name) == 0)
            return true;
    }
    return false;
}

/* Bases and data that only @mine names, each once. */
static void compare_names(struct screen *screen, const char *sign, const char *what,
                          enum stint_component component, const struct stint_verdict *mine,
                          const struct stint_verdict *other)
{
    for (size_t i = 0; i < stint_facts_count(mine->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(mine->facts, i);
        bool is_shown = false;
        if (fact->component != component || fact->predicate != STINT_NAME || fact->from != 0 ||
            names_base(other, component, fact->text))
            continue;
        for (size_t k = 0; k < i && !is_shown; k++) {
            const struct stint_fact *before = stint_facts_at(mine->facts, k);
            is_shown = before->component == component && before->predicate == STINT_NAME &&
                       strcasecmp(before->text, fact->text) == 0;
        }
        if (is_shown)
            continue;
        stint_buffer_printf(screen->buffer, "  %s %s ", sign, what);
        add_with_place(screen, fact->text, fact, 4);
    }
}

static void compare_all_names(struct screen *screen, const char *sign,
                              const struct stint_verdict *mine, const struct stint_verdict *other)
{
    compare_names(screen, sign, "base", STINT_BASE_MODEL, mine, other);
    compare_names(screen, sign, "source", STINT_SOURCE_DATA, mine, other);
    compare_names(screen, sign, "training data", STINT_TRAINING_DATA, mine, other);
}

void stint_verdict_compare(const struct stint_verdict *left, const struct stint_verdict *right,
                           const struct stint_report_options *options, struct stint_buffer *buffer)
{
    struct screen screen = screen_of(options, buffer);
    const struct stint_verdict *both[] = { left, right };
    stint_verdict_matrix(both, 2, options, buffer);
    for (size_t i = 0; i < left->result_count; i++) {
        const struct stint_rules_result *other = result_by_rules(right, left->results[i].rules);
        if (!other)
            continue;
        stint_buffer_printf(buffer, "\n%s\n", left->results[i].title);
        compare_criteria(&screen, &left->results[i], other);
    }
    stint_buffer_add_char(buffer, '\n');
    compare_licences(&screen, "-", left, right);
    compare_licences(&screen, "+", right, left);
    compare_all_names(&screen, "-", left, right);
    compare_all_names(&screen, "+", right, left);
}
