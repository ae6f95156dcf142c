/* Owns: what sentences of prose say about terms. The phrases that betray a facet in a licence text
 * (clauses.yaml) would find too much in a page about a model, so a sentence counts only when it is
 * about terms and limits something; what it quotes of others, and what it says is free, does not.
 * All words are data: the `prose` part of clauses.yaml. */
#include <string.h>

#include "sayings.h"
#include "stint/auto.h"

/* Longest name of a licence looked for, in words. */
#define NAME_WORD_MAX 8
/* A "not", an "under" or an "unlike" so many words before a name belongs to it. */
#define NAME_REACH 4
/* Longer ones are no headings; bold type is below those with marks. */
#define HEADING_WORD_MAX 8
/* Words between a limit and what it bears on. */
#define PAIR_REACH 7
#define BOLD_LEVEL 7
/* Sentences are cut here; the rest is read as another one. */
#define SENTENCE_WORD_MAX 200

static const char *const role_names[SAYING_ROLE_COUNT] = {
    [SAYING_SUBJECT] = "subject",   [SAYING_LIMIT] = "limit",     [SAYING_OTHERS] = "others",
    [SAYING_FREE] = "free",         [SAYING_YET] = "yet",         [SAYING_OWN] = "own",
    [SAYING_DATA] = "data",         [SAYING_BINDING] = "binding", [SAYING_TERMS] = "terms",
    [SAYING_UNDER] = "under",       [SAYING_CODE] = "code",       [SAYING_CODE_ONLY] = "code_only",
    [SAYING_WEIGHTS] = "weights",   [SAYING_HERE] = "here",       [SAYING_COMMAND] = "command",
    [SAYING_HEADING] = "heading",   [SAYING_BARS] = "bars",       [SAYING_STRICT] = "strict",
    [SAYING_DUTY] = "duty",         [SAYING_NEVER] = "never",     [SAYING_PARTY] = "party",
    [SAYING_DEED] = "deed",         [SAYING_TOLL] = "toll",       [SAYING_ADVICE] = "advice",
    [SAYING_HARMLESS] = "harmless",
};

int saying_role_find(const char *name)
{
    for (int i = 0; i < SAYING_ROLE_COUNT; i++)
        if (strcmp(role_names[i], name) == 0)
            return i;
    return -1;
}

struct sayings {
    const struct stint_licences *table;
    const struct words *words;
    stint_licence_saying_fn found;
    void *context;
    size_t first; /* the sentence: words first to end */
    size_t end;
    uint32_t line; /* of the last place asked for, and where it was counted */
    size_t counted;
    unsigned terms_level; /* of the heading of the section about terms that is open, 0 for none */
    bool is_about_data;
    bool has_weights_terms;                 /* some sentence says what the weights are under */
    struct stint_licence_saying code_terms; /* the first that says it of the code alone */
    bool has_code_terms;
};

static struct stint_licence_place saying_place(struct sayings *s, size_t first, size_t end)
{
    const struct word *from = &s->words->list[first];
    const struct word *to = &s->words->list[end - 1];
    if (from->offset < s->counted) {
        s->counted = 0;
        s->line = 1;
    }
    for (; s->counted < from->offset; s->counted++)
        s->line += s->words->source[s->counted] == '\n';
    return (struct stint_licence_place){ .offset = from->offset,
                                         .length = to->offset + to->length - from->offset,
                                         .line = s->line,
                                         .line_end = s->line };
}

struct sought {
    size_t first;
    size_t end;
    bool is_found;
};

static bool sought_hit(void *context, const struct clause *clause, size_t first, size_t end)
{
    (void)clause;
    *(struct sought *)context = (struct sought){ .first = first, .end = end, .is_found = true };
    return false;
}

/* The first phrase of a role that begins in words @from to @to. */
static struct sought seek(const struct sayings *s, enum saying_role role, size_t from, size_t to)
{
    struct sought sought = { 0 };
    clauses_scan(&s->table->prose[role], s->words, from, to, s->end, sought_hit, &sought);
    return sought;
}

static bool has(const struct sayings *s, enum saying_role role)
{
    return seek(s, role, s->first, s->end).is_found;
}

/* "Unlike Llama, whose licence forbids …, this model …": from the word that begins the comparison
 * to the comma behind which another subject stands. */
static bool is_of_others(const struct sayings *s, size_t at)
{
    static const char *const relative[] = { "whose", "which", "that", "where", "and", "or" };
    struct sought others = seek(s, SAYING_OTHERS, s->first, at);
    size_t end = others.end;
    if (!others.is_found)
        return false;
    for (; end < s->end; end++) {
        bool is_open = false;
        if (!(s->words->list[end - 1].flags & WORD_COMMA))
            continue;
        for (size_t i = 0; i < STINT_ARRAY_SIZE(relative); i++)
            is_open = is_open || strcmp(words_text(s->words, end), relative[i]) == 0;
        if (!is_open)
            break;
    }
    return at < end;
}

static void say(struct sayings *s, struct stint_licence_saying saying)
{
    s->found(s->context, &saying);
}

static bool facet_hit(void *context, const struct clause *clause, size_t first, size_t end)
{
    struct sayings *s = context;
    enum stint_licence_facet facet = (enum stint_licence_facet)clause->facet;
    if (stint_licence_facet_restricts(facet) && !is_of_others(s, first))
        say(s, (struct stint_licence_saying){ .kind = STINT_SAYS_FACET,
                                              .facet = facet,
                                              .place = saying_place(s, first, end),
                                              .phrase = clause->name });
    return true;
}

/* Names of licences. */

static const struct stint_licence *name_at(const struct sayings *s, size_t first, size_t count)
{
    char text[LICENCE_KEY_MAX];
    const struct word *from = &s->words->list[first];
    const struct word *to = &s->words->list[first + count - 1];
    size_t length = to->offset + to->length - from->offset;
    size_t kept = 0;
    struct stint_licence_name name;
    if (length >= sizeof(text) || (from->flags & WORD_LINK))
        return NULL;
    for (size_t i = 0; i < length; i++)
        if (!strchr("[]*_`\"", s->words->source[from->offset + i]))
            text[kept++] = s->words->source[from->offset + i];
    text[kept] = '\0';
    return stint_licence_find(s->table, text, &name) == 0 ? name.licence : NULL;
}

/* Do the words at a name show that terms are meant, and that they are meant to hold? */
static bool name_is_terms(const struct sayings *s, size_t first, size_t end)
{
    size_t from = first > s->first + NAME_REACH ? first - NAME_REACH : s->first;
    for (size_t i = from; i < first; i++) {
        static const char *const negations[] = { "not", "unlike", "than", "instead", "formerly" };
        for (size_t j = 0; j < STINT_ARRAY_SIZE(negations); j++)
            if (strcmp(words_text(s->words, i), negations[j]) == 0)
                return false;
    }
    size_t behind = end < s->end ? end + 1 : end;
    return seek(s, SAYING_TERMS, first, behind).is_found ||
           seek(s, SAYING_UNDER, from, first).is_found;
}

static void say_facets(struct sayings *s, const struct stint_licence *licence, size_t first,
                       size_t end)
{
    for (int i = 0; i < STINT_FACET_COUNT; i++) {
        enum stint_licence_facet facet = (enum stint_licence_facet)i;
        if (stint_licence_facet_restricts(facet) && stint_licence_has(licence, facet) == STINT_YES)
            say(s, (struct stint_licence_saying){ .kind = STINT_SAYS_FACET,
                                                  .facet = facet,
                                                  .place = saying_place(s, first, end),
                                                  .phrase = licence->id });
    }
}

/* Restricted licences that the sentence names; returns whether it names a free one. */
static bool sentence_names(struct sayings *s)
{
    bool has_free = false;
    for (size_t i = s->first; i < s->end; i++) {
        const struct stint_licence *licence = NULL;
        size_t count = s->end - i < NAME_WORD_MAX ? s->end - i : NAME_WORD_MAX;
        for (; count > 0 && !licence; count -= !licence)
            licence = name_at(s, i, count);
        if (!licence)
            continue;
        bool is_free = licence->osi == STINT_YES || licence->open_definition == STINT_YES;
        bool is_terms = !is_free && name_is_terms(s, i, i + count) && !is_of_others(s, i);
        has_free = has_free || is_free;
        if (is_terms && stint_licence_is_restricted(licence) == STINT_YES)
            say_facets(s, licence, i, i + count);
        i += count - 1;
    }
    return has_free;
}

/* What licence files and keys say of the whole, a sentence may take back for the weights. */
static void sentence_scope(struct sayings *s)
{
    struct sought only = seek(s, SAYING_CODE_ONLY, s->first, s->end);
    struct sought code = seek(s, SAYING_CODE, s->first, s->end);
    bool is_of_weights = has(s, SAYING_WEIGHTS);
    if (only.is_found && !is_of_others(s, only.first)) {
        say(s, (struct stint_licence_saying){ .kind = STINT_SAYS_CODE_ONLY,
                                              .place = saying_place(s, only.first, only.end),
                                              .phrase = "" });
        return;
    }
    s->has_weights_terms = s->has_weights_terms || (is_of_weights && has(s, SAYING_UNDER));
    if (code.is_found && !is_of_weights && !s->has_code_terms && !is_of_others(s, code.first)) {
        s->has_code_terms = true;
        s->code_terms =
            (struct stint_licence_saying){ .kind = STINT_SAYS_CODE_ONLY,
                                           .place = saying_place(s, code.first, code.end),
                                           .phrase = "" };
    }
}

/* "No restrictions on commercial use": free, unless words beside it take something back. */
static bool sentence_frees(const struct sayings *s)
{
    struct sought free = seek(s, SAYING_FREE, s->first, s->end);
    return free.is_found && !seek(s, SAYING_YET, s->first, free.first).is_found &&
           !seek(s, SAYING_YET, free.end, s->end).is_found;
}

static void say_terms(struct sayings *s, struct sought words)
{
    if (words.is_found && !is_of_others(s, words.first))
        say(s, (struct stint_licence_saying){ .kind = STINT_SAYS_TERMS,
                                              .place = saying_place(s, words.first, words.end),
                                              .phrase = "" });
}

/* A phrase of @limit so close to one of @object that it bears on it. */
static struct sought seek_pair(const struct sayings *s, enum saying_role limit,
                               enum saying_role object)
{
    struct sought first = seek(s, limit, s->first, s->end);
    while (first.is_found) {
        size_t from = first.first > s->first + PAIR_REACH ? first.first - PAIR_REACH : s->first;
        if (limit == SAYING_NEVER) /* denies what follows it */
            from = first.end;
        size_t to = first.end + PAIR_REACH < s->end ? first.end + PAIR_REACH : s->end;
        if (seek(s, object, from, to).is_found)
            return first;
        first = seek(s, limit, first.first + 1, s->end);
    }
    return first;
}

/* Whatever the restriction is: somebody may not, or must ask, pay or belong first. Advice asks
 * nothing in return. */
static struct sought sentence_bars(const struct sayings *s)
{
    static const enum saying_role pairs[][2] = { { SAYING_STRICT, SAYING_PARTY },
                                                 { SAYING_STRICT, SAYING_DEED },
                                                 { SAYING_NEVER, SAYING_DEED } };
    static const enum saying_role limits[] = { SAYING_STRICT, SAYING_DUTY, SAYING_NEVER };
    bool is_labelled = s->end - s->first > 1 && s->words->list[s->first + 1].flags & WORD_SENTENCE;
    bool is_of_terms = s->terms_level > 0 ||
                       (is_labelled && seek(s, SAYING_HEADING, s->first, s->first + 1).is_found);
    bool is_of_work = is_of_terms || has(s, SAYING_OWN) || has(s, SAYING_SUBJECT);
    if (has(s, SAYING_HARMLESS))
        return (struct sought){ 0 };
    struct sought found = seek_pair(s, SAYING_DUTY, SAYING_TOLL);
    if (found.is_found || has(s, SAYING_ADVICE))
        return found;
    found = seek(s, SAYING_BARS, s->first, s->end);
    for (size_t i = 0; is_of_work && !found.is_found && i < STINT_ARRAY_SIZE(pairs); i++)
        found = seek_pair(s, pairs[i][0], pairs[i][1]);
    /* What a section about terms limits, it limits by terms. */
    for (size_t i = 0; is_of_terms && !found.is_found && i < STINT_ARRAY_SIZE(limits); i++)
        found = seek(s, limits[i], s->first, s->end);
    return found;
}

static void sentence_read(struct sayings *s)
{
    bool is_of_data = !s->is_about_data && has(s, SAYING_DATA) && !has(s, SAYING_OWN);
    bool has_free_name = false;
    if (is_of_data)
        return;
    sentence_scope(s);
    if (!sentence_frees(s))
        say_terms(s, sentence_bars(s));
    if (!has(s, SAYING_SUBJECT))
        return;
    if (has(s, SAYING_TERMS))
        has_free_name = sentence_names(s);
    struct sought command = seek(s, SAYING_COMMAND, s->first, s->end);
    if (command.is_found)
        say(s, (struct stint_licence_saying){ .kind = STINT_SAYS_COMMAND,
                                              .place = saying_place(s, command.first, command.end),
                                              .phrase = "" });
    if (!has(s, SAYING_LIMIT) || sentence_frees(s))
        return;
    clauses_scan(&s->table->clauses, s->words, s->first, s->end, s->end, facet_hit, s);
    struct sought binding = seek(s, SAYING_BINDING, s->first, s->end);
    if (binding.is_found && !has_free_name && !has(s, SAYING_HERE))
        say_terms(s, binding);
}

/* Does a sentence begin at this word: behind a stop and a blank, an empty line, a mark of a list or
 * of a table? */
static bool is_start(const struct words *words, size_t index)
{
    const struct word *word = &words->list[index];
    if (word->flags & WORD_BLANK)
        return true;
    if ((word->flags & WORD_STOP) && !(word->flags & WORD_GLUED))
        return true;
    if (!(word->flags & WORD_LINE_START) || word->offset == 0)
        return false;
    size_t at = word->offset;
    while (at > 0 && words->source[at - 1] != '\n')
        at--;
    at += strspn(words->source + at, " \t");
    return strchr("#-*|+", words->source[at]) != NULL;
}

/* The level of the heading whose first word this is, 0 for none: marks before it, a line of marks
 * below it, or bold type alone in its line. */
static unsigned heading_level(const struct words *words, size_t index)
{
    const char *source = words->source;
    const char *end = source + words->source_length;
    const char *at = source + words->list[index].offset;
    if (!(words->list[index].flags & WORD_LINE_START))
        return 0;
    while (at > source && at[-1] != '\n')
        at--;
    size_t marks = strspn(at, "#");
    if (marks > 0)
        return (unsigned)marks;
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    const char *stop = newline ? newline : end;
    if (stop - at > 4 && memcmp(at, "**", 2) == 0 && memcmp(stop - 2, "**", 2) == 0)
        return BOLD_LEVEL;
    const char *below = newline ? newline + 1 : end;
    size_t ruled = below < end && strchr("=-~^", *below) ? strspn(below, "=-~^") : 0;
    bool is_ruled = ruled >= 3 && (below[ruled] == '\n' || below[ruled] == '\r');
    return !is_ruled ? 0 : *below == '=' ? 1 : *below == '-' ? 2 : 3;
}

static void heading_read(struct sayings *s, unsigned level)
{
    if (has(s, SAYING_HEADING) && s->end - s->first <= HEADING_WORD_MAX)
        s->terms_level = s->terms_level > 0 && s->terms_level < level ? s->terms_level : level;
    else if (level <= s->terms_level)
        s->terms_level = 0;
}

int stint_licence_sayings(const struct stint_licences *table, const char *text, size_t length,
                          bool is_about_data, stint_licence_saying_fn found, void *context)
{
    stint_auto(words_deinit) struct words words = { 0 };
    int r = length > STINT_LICENCE_TEXT_MAX ? STINT_TOO_LARGE : words_split(text, length, &words);
    if (r != 0)
        return r;
    struct sayings s = { .table = table,
                         .words = &words,
                         .found = found,
                         .context = context,
                         .is_about_data = is_about_data,
                         .line = 1 };
    while (s.first < words.count) {
        unsigned level = heading_level(&words, s.first);
        s.end = s.first + 1;
        while (s.end < words.count && s.end - s.first < SENTENCE_WORD_MAX &&
               !is_start(&words, s.end) &&
               !(level > 0 && words.list[s.end].flags & WORD_LINE_START))
            s.end++;
        if (level > 0)
            heading_read(&s, level);
        sentence_read(&s);
        s.first = s.end;
    }
    if (s.has_code_terms && !s.has_weights_terms)
        say(&s, s.code_terms);
    return 0;
}
