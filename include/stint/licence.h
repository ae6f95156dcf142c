/* Licences: what is known of each id, which licence a text is, and what an SPDX expression says.
 *
 * A licence is judged by its flags and by restriction facets, never by how its name sounds. A text
 * is clean only when no word is left over on either side; whatever is left over is reported with
 * its place. The data lie in one folder (`<datadir>/stint/licences`): YAML that an operator can
 * read and change (flags, facets, names, clause phrases) and one generated binary file with the
 * texts as token sequences. No function here reads a file except stint_licences_open(); nothing
 * here keeps state outside the objects it hands out, so one open table may be read by several
 * threads at once. */
#ifndef STINT_LICENCE_H
#define STINT_LICENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/auto.h"
#include "stint/error.h"
#include "stint/tristate.h"

/* Longest text looked at; a longer one is STINT_TOO_LARGE. The longest SPDX text has 100 KB. */
#define STINT_LICENCE_TEXT_MAX ((size_t)1 << 20)
/* Most of each in one result; more sets `is_cut`, and a cut result is never clean. */
#define STINT_LICENCE_MATCH_MAX  32
#define STINT_LICENCE_EDIT_MAX   512
#define STINT_LICENCE_CLAUSE_MAX 256
#define STINT_LICENCE_TWIN_MAX   8

/*
 * Facets: what a licence asks or forbids. enum, name in YAML and JSON, whether it takes a freedom
 * away (a restriction; the others are duties that open licences may have), meaning.
 */
#define STINT_LICENCE_FACETS(X)                                                                    \
    X(NON_COMMERCIAL, "non_commercial", true, "commercial use is forbidden")                       \
    X(RESEARCH_ONLY, "research_only", true, "only research or evaluation is allowed")              \
    X(NO_DERIVATIVES, "no_derivatives", true, "changed versions may not be made or shared")        \
    X(NO_REDISTRIBUTION, "no_redistribution", true, "copies may not be passed on")                 \
    X(FIELD_OF_USE, "field_of_use", true, "named uses or fields are forbidden")                    \
    X(USE_POLICY_BY_LINK, "use_policy_by_link", true,                                              \
      "a policy kept elsewhere binds and may change")                                              \
    X(USER_LIMIT, "user_limit", true, "a number of users ends the grant")                          \
    X(REVENUE_LIMIT, "revenue_limit", true, "a revenue or funding ends the grant")                 \
    X(GEOGRAPHY, "geography", true, "countries or regions are left out")                           \
    X(OUTPUT_LIMITS, "output_limits", true, "outputs may not be used freely")                      \
    X(NO_COMPETITION, "no_competition", true, "competing products or services are forbidden")      \
    X(PERSONS, "persons", true, "persons or groups are left out")                                  \
    X(REGISTRATION, "registration", true, "one must ask, register or accept first")                \
    X(REVOCABLE, "revocable", true, "the licensor may end or restrict the grant at will")          \
    X(CHANGE_OF_TERMS, "change_of_terms", true, "the licensor may change the terms later")         \
    X(NO_STUDY, "no_study", true, "taking it apart is forbidden")                                  \
    X(FEE, "fee", true, "a fee, or a ban on charging for copies")                                  \
    X(TIME_LIMIT, "time_limit", true, "the grant ends, or becomes open only later")                \
    X(OTHER_RESTRICTION, "other_restriction", true, "another condition that takes a freedom away") \
    X(SHARE_ALIKE, "share_alike", false, "changed versions stay under the same terms")             \
    X(NETWORK, "network", false, "use over a network counts as passing on")                        \
    X(NAMING, "naming", false, "derived works must, or must not, carry a name or mark")            \
    X(ATTRIBUTION, "attribution", false, "credit or notices must be kept")                         \
    X(DISPLAY, "display", false, "a notice must be shown to users")                                \
    X(PATENT_TERMINATION, "patent_termination", false, "a suit ends the grant")

enum stint_licence_facet {
#define X(name, word, restricts, meaning) STINT_FACET_##name,
    STINT_LICENCE_FACETS(X)
#undef X
        STINT_FACET_COUNT
};

/* "non_commercial"; NULL for a number that is no facet. */
const char *stint_licence_facet_name(enum stint_licence_facet facet);
const char *stint_licence_facet_meaning(enum stint_licence_facet facet);
bool stint_licence_facet_restricts(enum stint_licence_facet facet);
/* By its name; -1 when there is none. */
int stint_licence_facet_find(const char *name);

/* What the licence was written for; a hint for readers, never a reason by itself. */
#define STINT_LICENCE_KINDS(X)                                                                     \
    X(UNKNOWN, "unknown")                                                                          \
    X(SOFTWARE, "software")                                                                        \
    X(DATA, "data")                                                                                \
    X(CONTENT, "content")                                                                          \
    X(DOCUMENT, "document")                                                                        \
    X(FONT, "font")                                                                                \
    X(HARDWARE, "hardware")                                                                        \
    X(MODEL, "model")
enum stint_licence_kind {
#define X(name, word) STINT_LICENCE_##name,
    STINT_LICENCE_KINDS(X)
#undef X
        STINT_LICENCE_KIND_COUNT
};
const char *stint_licence_kind_name(enum stint_licence_kind kind);

/**
 * struct stint_licence - what the table says of one id; owned by the table, read-only
 * @id: canonical spelling: an SPDX id, or LicenseRef-… for what SPDX does not list
 * @name: full name; never NULL
 * @kind: what it was written for
 * @is_spdx: the id is in the SPDX list (which never means "open")
 * @is_deprecated: SPDX no longer wants the id; @successor is the live one, "" when none is certain
 * @osi, @fsf, @open_definition: the three lists; STINT_UNKNOWN where the list is silent.
 *   osi: the OSI flag of the SPDX list, complete: never unknown for an SPDX id.
 *   fsf: yes is listed as free, no is listed as nonfree, silence is unknown.
 *   open_definition: conformant, not conformant, or not looked at.
 * @facets: bit i: facet i is known to hold
 * @facets_known: bit i: somebody looked at facet i. Not looked at is unknown, never "no".
 * @has_text: stint_licence_recognise() can name it
 * @is_exception: an SPDX exception, for the right side of WITH
 * @note: one sentence, "" when none
 */
struct stint_licence {
    const char *id;
    const char *name;
    const char *successor;
    const char *note;
    uint32_t facets;
    uint32_t facets_known;
    enum stint_licence_kind kind;
    enum stint_tristate osi;
    enum stint_tristate fsf;
    enum stint_tristate open_definition;
    bool is_spdx;
    bool is_deprecated;
    bool is_exception;
    bool has_text;
};

/* One facet of one licence, three-valued. */
static inline __attribute__((unused)) enum stint_tristate stint_licence_has(
    const struct stint_licence *licence, enum stint_licence_facet facet)
{
    uint32_t bit = (uint32_t)1 << facet;
    if (licence->facets & bit)
        return STINT_YES;
    return licence->facets_known & bit ? STINT_NO : STINT_UNKNOWN;
}

/* yes when any restriction holds, no when all were looked at and none holds, else unknown. */
enum stint_tristate stint_licence_is_restricted(const struct stint_licence *licence);

struct stint_licences;

/**
 * stint_licences_open() - map the text table and read the YAML beside it
 * @dir: folder with licences.bin, spdx.yaml, terms.yaml, names.yaml, clauses.yaml; NULL for the
 *   environment variable STINT_LICENCES, else the installed folder, else the build tree's
 * @ret_table: the caller's; end with stint_licences_close()
 * Return: 0; STINT_NOT_FOUND (a file is missing); STINT_UNTRUSTED (damaged, of another version, or
 * an entry the reader does not know, with file and line); -ENOMEM or an errno of open and mmap.
 * The folder is the operator's, but every offset and count in it is checked all the same. A few
 * milliseconds.
 */
int stint_licences_open(const char *dir, struct stint_licences **ret_table,
                        struct stint_error *err);
struct stint_licences *stint_licences_close(struct stint_licences *table);
STINT_AUTO_FREE(struct stint_licences, stint_licences_close);

/* "sha256:…" over all files of the folder, and the sources' versions in one line: both go into
 * every verdict. Borrowed from the table. */
const char *stint_licences_digest(const struct stint_licences *table);
const char *stint_licences_version(const struct stint_licences *table);
size_t stint_licences_count(const struct stint_licences *table);
/* The @index-th in the order of ids, to list them all. */
const struct stint_licence *stint_licences_at(const struct stint_licences *table, size_t index);

/* How a name led to a licence. Only ID and DEPRECATED name one licence exactly; what came by the
 * others is at most a `declared` fact, whoever wrote it. */
enum stint_licence_via {
    STINT_LICENCE_BY_ID = 1,  /* the id itself, letter case ignored as SPDX says */
    STINT_LICENCE_DEPRECATED, /* a deprecated id; @licence is the live one when it is certain */
    STINT_LICENCE_BY_HUB,     /* a model hub's licence key */
    STINT_LICENCE_BY_ALIAS,   /* another customary name ("Apache 2", "the MIT License") */
    STINT_LICENCE_FAMILY,     /* a family or a non-name ("gpl", "cc", "other"): names no licence */
};
const char *stint_licence_via_name(enum stint_licence_via via);

/**
 * struct stint_licence_name - the answer to a name
 * @licence: NULL for STINT_LICENCE_FAMILY
 * @via: see above
 * @note: what the reader should know ("deprecated: say GPL-3.0-only or …"); "" when nothing
 * @twin: for a deprecated id without -only/-or-later (GPL-3.0): the second live reading, else NULL
 */
struct stint_licence_name {
    const struct stint_licence *licence;
    const struct stint_licence *twin;
    enum stint_licence_via via;
    const char *note;
};

/**
 * stint_licence_find() - what one id, hub key or customary name means
 * @name: any text up to 200 bytes; surrounding blanks are ignored
 * Return: 0, or STINT_NOT_FOUND (unknown names are common, so no error text). O(log n).
 */
int stint_licence_find(const struct stint_licences *table, const char *name,
                       struct stint_licence_name *ret_name);

/* A piece of the text that was given: bytes and lines, lines from 1. */
struct stint_licence_place {
    uint32_t offset;
    uint32_t length;
    uint32_t line;
    uint32_t line_end;
};

enum stint_licence_match_kind {
    STINT_MATCH_CLEAN = 1, /* every word accounted for, one licence */
    STINT_MATCH_AMBIGUOUS, /* every word accounted for, but the text belongs to several ids */
    STINT_MATCH_MODIFIED,  /* this licence with words put in or taken out */
    STINT_MATCH_UNKNOWN,   /* words that belong to no licence known here */
};
const char *stint_licence_match_kind_name(enum stint_licence_match_kind kind);

/**
 * struct stint_licence_edit - words put into or taken out of a licence text
 * @is_inserted: true: @place is in the given text; false: words of the licence are missing at
 *   @place (length 0)
 * @word_count: how many words
 * @words: the first of them, cut at the end; our normal form for missing words, the text as it
 *   stands for inserted ones
 */
struct stint_licence_edit {
    struct stint_licence_place place;
    uint32_t word_count;
    bool is_inserted;
    char words[120];
};

/**
 * struct stint_licence_clause - a restriction found in words that no clean licence accounts for
 * @facet: what it says
 * @place: where
 * @match: index of the match it lies in
 * @phrase: id of the phrase in clauses.yaml; borrowed from the table
 */
struct stint_licence_clause {
    enum stint_licence_facet facet;
    struct stint_licence_place place;
    uint32_t match;
    const char *phrase;
};

/**
 * struct stint_licence_match - one stretch of the text
 * @kind: see above; an UNKNOWN stretch has no licence
 * @licence: of CLEAN and MODIFIED; of AMBIGUOUS the first of @twins
 * @twins, @twin_count: of AMBIGUOUS: all licences with this text
 * @is_notice: the text is the licence's customary notice ("Licensed under …"), not the licence
 * @is_disguised: look-alike letters, invisible characters or broken encoding stood in words
 * @place: from its first to its last word
 * @word_count: words of the licence that were found, of @template_word_count
 * @edit_first, @edit_count: its rows of edits
 * @facets: bits of the facets of its clauses
 */
struct stint_licence_match {
    enum stint_licence_match_kind kind;
    bool is_notice;
    bool is_disguised;
    const struct stint_licence *licence;
    const struct stint_licence *twins[STINT_LICENCE_TWIN_MAX];
    uint32_t twin_count;
    struct stint_licence_place place;
    uint32_t word_count;
    uint32_t template_word_count;
    uint32_t edit_first;
    uint32_t edit_count;
    uint32_t facets;
};

/**
 * struct stint_licence_recognition - what a text is; end with its _deinit
 * @matches: in the order of the text; none when the text has no words but copyright notices
 * @is_clean: at least one match and each CLEAN or AMBIGUOUS, nothing cut
 * @is_cut: a bound was reached, so something is not reported
 */
struct stint_licence_recognition {
    struct stint_licence_match *matches;
    struct stint_licence_edit *edits;
    struct stint_licence_clause *clauses;
    uint32_t match_count;
    uint32_t edit_count;
    uint32_t clause_count;
    bool is_clean;
    bool is_cut;
};

/**
 * stint_licence_recognise() - which licences a text is, word by word
 * @text: @length bytes, any content, need not end in NUL; UTF-8 is expected
 * @ret: overwritten on success only
 * Return: 0; STINT_TOO_LARGE; -ENOMEM. Under a millisecond for a usual licence file; bounded by a
 * constant times the length for a hostile one. Pure.
 * Source: SPDX specification, annex "License matching guidelines"; E. W. Myers, "An O(ND)
 * difference algorithm", Algorithmica 1, 1986, between anchors that occur once on both sides.
 */
int stint_licence_recognise(const struct stint_licences *table, const char *text, size_t length,
                            struct stint_licence_recognition *ret);
void stint_licence_recognition_deinit(struct stint_licence_recognition *recognition);
static inline __attribute__((unused)) void stint_licence_recognition_deinit_auto(
    struct stint_licence_recognition *recognition)
{
    stint_licence_recognition_deinit(recognition);
}

/* What a sentence of prose says about terms. */
enum stint_licence_saying_kind {
    STINT_SAYS_FACET = 1, /* a restriction, in words or by the name of a licence that has it */
    STINT_SAYS_TERMS,     /* that terms bind which are not known */
    STINT_SAYS_CODE_ONLY, /* that the licence is for the code and not for the weights */
    STINT_SAYS_COMMAND,   /* that something must or must not be; no restriction by itself */
};

/**
 * struct stint_licence_saying - one of them
 * @facet: of STINT_SAYS_FACET
 * @place: the words that say so
 * @phrase: the phrase of clauses.yaml or the licence's id; "" for none; borrowed from the table
 */
struct stint_licence_saying {
    enum stint_licence_saying_kind kind;
    enum stint_licence_facet facet;
    struct stint_licence_place place;
    const char *phrase;
};
typedef void (*stint_licence_saying_fn)(void *context, const struct stint_licence_saying *saying);

/**
 * stint_licence_sayings() - what sentences of a page or of a comment say about terms
 * @text: @length bytes; comment marks and hidden parts are the caller's to remove
 * @is_about_data: the page is of a data set: sentences about data are about what is published
 * @found: called for each, mostly in the order of the text
 * A sentence that says nothing of the kind proves nothing, and one that does is only a claim.
 * Return: 0; STINT_TOO_LARGE; -ENOMEM. O(length), a millisecond for a usual page. Pure.
 */
int stint_licence_sayings(const struct stint_licences *table, const char *text, size_t length,
                          bool is_about_data, stint_licence_saying_fn found, void *context);

/* SPDX licence expressions (SPDX specification, annex "License expressions"). */
#define STINT_EXPRESSION_LENGTH_MAX 4096
#define STINT_EXPRESSION_TERM_MAX   128
#define STINT_EXPRESSION_DEPTH_MAX  32

/**
 * struct stint_licence_term - one licence of an expression
 * @id: as written ("GPL-2.0", "LicenseRef-x", "DocumentRef-a:LicenseRef-b", "NONE", "NOASSERTION")
 * @exception: the id after WITH, else NULL
 * @is_or_later: written with a trailing +
 */
struct stint_licence_term {
    const char *id;
    const char *exception;
    bool is_or_later;
};

struct stint_licence_expression;

/**
 * stint_licence_expression_parse() - read an expression
 * @text: NUL-ended
 * @ret_expression: the caller's; end with stint_licence_expression_free()
 * Ids need not be known: the table is not asked here. AND binds tighter than OR; the operators are
 * taken in upper or in lower case, never mixed.
 * Return: 0; STINT_INVALID with the column; STINT_TOO_LARGE for a bound above; -ENOMEM.
 */
int stint_licence_expression_parse(const char *text,
                                   struct stint_licence_expression **ret_expression,
                                   struct stint_error *err);
struct stint_licence_expression *stint_licence_expression_free(
    struct stint_licence_expression *expression);
STINT_AUTO_FREE(struct stint_licence_expression, stint_licence_expression_free);

size_t stint_licence_expression_term_count(const struct stint_licence_expression *expression);
/* Borrowed; in the order of the text. */
const struct stint_licence_term *stint_licence_expression_term(
    const struct stint_licence_expression *expression, size_t index);

/**
 * stint_licence_expression_fold() - ask @ask of every term and fold the answers
 * @ask: "may I do this under these terms": yes must be the good answer, because the reader of an OR
 *   may choose (best branch, maximum) and who is under an AND is bound by all (worst, minimum)
 */
typedef enum stint_tristate (*stint_licence_ask_fn)(void *context,
                                                    const struct stint_licence_term *term);
enum stint_tristate stint_licence_expression_fold(const struct stint_licence_expression *expression,
                                                  stint_licence_ask_fn ask, void *context);

/**
 * stint_licence_term_resolve() - the table's entry for a term
 * X+ and X WITH … : "GPL-2.0+" resolves to GPL-2.0-or-later; an exception adds permissions and
 * takes none away, so the licence stands for the term; an exception that is not in the table makes
 * the whole term unknown.
 * Return: 0, or STINT_NOT_FOUND.
 */
int stint_licence_term_resolve(const struct stint_licences *table,
                               const struct stint_licence_term *term,
                               struct stint_licence_name *ret_name);

#endif
