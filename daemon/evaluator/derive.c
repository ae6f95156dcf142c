/* Owns: what follows from the readers' facts without looking at a file again: which terms govern
 * which part, what those terms restrict, and what is inherited from base models and source data.
 * Every derived fact points at the one it came from. */
#include "evaluator/derive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "stint/auto.h"

/* A fact that follows from @from: its place and file, another statement. */
static uint32_t derive_text(struct reader *reader, const struct stint_fact *from,
                            enum stint_component component, enum stint_predicate predicate,
                            const char *subject, const char *text)
{
    struct stint_fact fact = *from;
    fact.component = component;
    fact.predicate = predicate;
    fact.subject = subject;
    fact.text = text;
    fact.from = from->id;
    return stint_facts_add(reader->facts, &fact);
}

static uint32_t derive_bool(struct reader *reader, const struct stint_fact *from,
                            enum stint_component component, enum stint_predicate predicate,
                            const char *subject, bool value)
{
    struct stint_fact fact = *from;
    fact.component = component;
    fact.predicate = predicate;
    fact.subject = subject;
    fact.text = "";
    fact.truth = value;
    fact.from = from->id;
    return stint_facts_add(reader->facts, &fact);
}

/* Terms. */

struct facet_question {
    const struct stint_licences *licences;
    enum stint_licence_facet facet;
};

static enum stint_tristate resolve_term(const struct stint_licences *licences,
                                        const struct stint_licence_term *term,
                                        const struct stint_licence **ret_licence)
{
    struct stint_licence_name name;
    if (stint_licence_term_resolve(licences, term, &name) != 0 || !name.licence)
        return STINT_UNKNOWN;
    *ret_licence = name.licence;
    return STINT_YES;
}

/* Free of every restriction? What OSI or the Open Definition approve is, by their own definitions.
 */
static enum stint_tristate ask_unrestricted(void *context, const struct stint_licence_term *term)
{
    const struct stint_licence *licence;
    if (strcmp(term->id, "NONE") == 0)
        return STINT_NO;
    if (resolve_term(context, term, &licence) != STINT_YES)
        return STINT_UNKNOWN;
    if (licence->osi == STINT_YES || licence->open_definition == STINT_YES)
        return STINT_YES;
    return stint_tristate_not(stint_licence_is_restricted(licence));
}

static enum stint_tristate ask_free_of(void *context, const struct stint_licence_term *term)
{
    const struct facet_question *question = context;
    const struct stint_licence *licence;
    if (resolve_term(question->licences, term, &licence) != STINT_YES)
        return STINT_UNKNOWN;
    return stint_tristate_not(stint_licence_has(licence, question->facet));
}

static enum stint_tristate ask_open_definition(void *context, const struct stint_licence_term *term)
{
    const struct stint_licence *licence;
    if (strcmp(term->id, "NONE") == 0)
        return STINT_NO;
    if (resolve_term(context, term, &licence) != STINT_YES)
        return STINT_UNKNOWN;
    if (licence->open_definition == STINT_UNKNOWN &&
        stint_licence_is_restricted(licence) == STINT_YES)
        return STINT_NO;
    return licence->open_definition;
}

/* Restriction facts of one licence expression, on @component. */
void derive_restrictions(struct reader *reader, uint32_t id, enum stint_component component,
                         const char *subject, const char *text)
{
    static const char modified[] = "LicenseRef-modified-";
    struct stint_licence_expression *expression;
    struct stint_fact from = *stint_facts_by_id(reader->facts, id);
    bool is_modified = strncmp(text, modified, sizeof(modified) - 1) == 0;
    const char *terms = is_modified ? text + sizeof(modified) - 1 : text;
    if (strcmp(text, "NONE") == 0) {
        (void)derive_text(reader, &from, component, STINT_RESTRICTION, subject, "unlicensed");
        return;
    }
    if (stint_licence_expression_parse(terms, &expression, NULL) != 0) {
        (void)derive_text(reader, &from, component, STINT_RESTRICTION, subject, "unknown");
        return;
    }
    void *licences = (void *)(uintptr_t)reader->licences;
    enum stint_tristate is_free =
        stint_licence_expression_fold(expression, ask_unrestricted, licences);
    bool is_named = false;
    for (int i = 0; is_free != STINT_YES && i < STINT_FACET_COUNT; i++) {
        struct facet_question question = { .licences = reader->licences,
                                           .facet = (enum stint_licence_facet)i };
        if (!stint_licence_facet_restricts(question.facet) ||
            stint_licence_expression_fold(expression, ask_free_of, &question) != STINT_NO)
            continue;
        is_named = true;
        (void)derive_text(reader, &from, component, STINT_RESTRICTION, subject,
                          stint_licence_facet_name(question.facet));
    }
    stint_licence_expression_free(expression);
    /* "A or B", each restricted in its own way: some restriction holds, whichever one chooses. */
    if (is_free == STINT_NO && !is_named)
        (void)derive_text(reader, &from, component, STINT_RESTRICTION, subject,
                          "other_restriction");
    else if (is_free == STINT_UNKNOWN || is_modified)
        (void)derive_text(reader, &from, component, STINT_RESTRICTION, subject, "unknown");
    else if (is_free == STINT_YES)
        (void)derive_text(reader, &from, component, STINT_RESTRICTION, subject, "none");
}

struct governed {
    struct reader *reader;
    enum stint_component component;
    const char *subject;
};

static bool is_restriction_of(const struct stint_fact *fact, const struct stint_fact *licence,
                              enum stint_component target)
{
    return fact->predicate == STINT_RESTRICTION && fact->from == 0 && fact->component == target &&
           strcmp(fact->path, licence->path) == 0;
}

/* Clauses that the licence's file holds besides go where its licence goes. */
static void derive_clauses(struct governed *governed, const struct stint_fact *licence,
                           enum stint_component target)
{
    struct reader *reader = governed->reader;
    size_t count = stint_facts_count(reader->facts);
    for (size_t i = 0; i < count; i++) {
        struct stint_fact fact = *stint_facts_at(reader->facts, i);
        if (is_restriction_of(&fact, licence, target))
            (void)derive_text(reader, &fact, governed->component, STINT_RESTRICTION,
                              governed->subject, fact.text);
    }
}

static void governed_by(void *context, const struct licence_scope *scope)
{
    struct governed *governed = context;
    struct reader *reader = governed->reader;
    struct stint_fact licence = *stint_facts_by_id(reader->facts, scope->fact);
    size_t before = stint_facts_count(reader->facts);
    uint32_t id = licence.id;
    if (licence.component != governed->component || strcmp(licence.subject, governed->subject) != 0)
        id = derive_text(reader, &licence, governed->component, STINT_LICENCE, governed->subject,
                         licence.text);
    bool is_new = stint_facts_count(reader->facts) > before || id == licence.id;
    if (id == 0 || !is_new)
        return; /* another file of the part said so already */
    derive_restrictions(reader, id, governed->component, governed->subject, licence.text);
    derive_clauses(governed, &licence, scope->target);
}

/* No word about a file's terms: in an artefact without any licence that is evidence, else unknown.
 */
static void ungoverned(struct governed *governed, size_t index)
{
    struct reader *reader = governed->reader;
    bool is_none = reader->scope_count == 0 && reader->verdict->complete == STINT_COMPLETE_YES;
    struct reader_file file = { .index = index };
    uint32_t id = reader_text(reader, &file, governed->component, STINT_LICENCE, governed->subject,
                              is_none ? "NONE" : "NOASSERTION", STINT_SOURCE_DERIVED,
                              STINT_DECLARED, reader_line(0));
    if (id > 0)
        derive_restrictions(reader, id, governed->component, governed->subject,
                            is_none ? "NONE" : "NOASSERTION");
}

static void govern_file(struct reader *reader, size_t index, enum stint_component component,
                        const char *subject)
{
    struct governed governed = { .reader = reader, .component = component, .subject = subject };
    const char *path = reader->manifest->files[index].path;
    if (reader_governing(reader, path, component, subject, governed_by, &governed) == 0)
        ungoverned(&governed, index);
}

/* Parts that have terms: all that are present as files. */
static void derive_terms_of_parts(struct reader *reader)
{
    size_t count = stint_facts_count(reader->facts);
    for (size_t i = 0; i < count; i++) {
        struct stint_fact fact = *stint_facts_at(reader->facts, i);
        if (fact.predicate != STINT_PRESENT || !fact.truth || !fact.path[0])
            continue;
        size_t index = reader_find(reader, fact.path);
        if (index != SIZE_MAX)
            govern_file(reader, index, fact.component, fact.subject);
    }
}

/* What REUSE 3.3 does not ask a licence for. */
static bool is_repository_internal(const char *path)
{
    return strncmp(path, ".git/", 5) == 0 || strstr(path, "/.git/") != NULL ||
           strncmp(path, "LICENSES/", 9) == 0 || strncmp(path, ".reuse/", 7) == 0 ||
           strcmp(path, "REUSE.toml") == 0 ||
           (strlen(path) > 8 && strcmp(path + strlen(path) - 8, ".license") == 0);
}

/* Every file of a code tree, every source file of another artefact. */
static void derive_terms_of_code(struct reader *reader)
{
    for (size_t i = 0; i < reader->manifest->file_count; i++) {
        const char *path = reader->manifest->files[i].path;
        const char *slash = strrchr(path, '/');
        const char *base = slash ? slash + 1 : path;
        bool is_empty = reader->manifest->files[i].size == 0;
        bool is_member = reader->kind == STINT_KIND_CODE
                             ? !path_is_licence(base) && !is_repository_internal(path) && !is_empty
                             : path_is_code(path);
        /* A licence text judged by itself is its own subject. */
        if (is_member || reader_is_lone_text(reader, path))
            govern_file(reader, i, STINT_CODE, "");
    }
}

/* Restrictions that are said of the artefact without a licence beside them. */
static void derive_loose_restrictions(struct reader *reader)
{
    enum stint_component main = reader->kind == STINT_KIND_MODEL     ? STINT_WEIGHTS
                                : reader->kind == STINT_KIND_DATASET ? STINT_DATA
                                                                     : STINT_CODE;
    size_t count = stint_facts_count(reader->facts);
    for (size_t i = 0; i < count; i++) {
        struct stint_fact fact = *stint_facts_at(reader->facts, i);
        if (fact.component == STINT_ARTIFACT && fact.predicate == STINT_RESTRICTION)
            (void)derive_text(reader, &fact, main, STINT_RESTRICTION, "", fact.text);
        if (fact.component == STINT_ARTIFACT && fact.predicate == STINT_GATED)
            (void)derive_text(reader, &fact, main, STINT_RESTRICTION, "", "registration");
    }
}

/* Names. */

static const char *last_part(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash && slash[1] ? slash + 1 : name;
}

/* Case aside; whoever leaves the organisation out means any of that name, but "org/words" is never
 * "others/words". */
bool derive_names_match(const char *a, const char *b)
{
    bool is_whole = strchr(a, '/') && strchr(b, '/');
    return strcasecmp(a, b) == 0 || (!is_whole && strcasecmp(last_part(a), last_part(b)) == 0);
}

/* Is @data the only training data that the description of @subject can be of? */
static bool is_only_match(const struct reader *reader, size_t count, const char *subject,
                          const struct stint_fact *data)
{
    if (strcasecmp(subject, data->subject) == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        const struct stint_fact *other = stint_facts_at(reader->facts, i);
        if (other->component == STINT_TRAINING_DATA && other->predicate == STINT_NAME &&
            strcasecmp(other->subject, data->subject) != 0 &&
            strcmp(other->subject, subject) != 0 && derive_names_match(subject, other->subject))
            return false;
    }
    return true;
}

/* A description names one data set and the card another spelling of it; what describes no one in
 * particular is said of all. */
static void derive_descriptions(struct reader *reader)
{
    size_t count = stint_facts_count(reader->facts);
    for (size_t i = 0; i < count; i++) {
        struct stint_fact data = *stint_facts_at(reader->facts, i);
        if (data.component != STINT_TRAINING_DATA || data.predicate != STINT_NAME)
            continue;
        for (size_t j = 0; j < count; j++) {
            struct stint_fact fact = *stint_facts_at(reader->facts, j);
            bool is_of_data = fact.component == STINT_TRAINING_DATA && fact.subject[0] &&
                              fact.predicate != STINT_NAME;
            if (fact.component != STINT_DATA_INFORMATION && !is_of_data)
                continue;
            if (strcmp(fact.subject, data.subject) == 0 ||
                (fact.subject[0] && (!derive_names_match(fact.subject, data.subject) ||
                                     !is_only_match(reader, count, fact.subject, &data))))
                continue;
            fact.subject = data.subject;
            fact.from = fact.id;
            (void)stint_facts_add(reader->facts, &fact);
        }
    }
}

/* Is there a fact like this about the subject? The first one. */
const struct stint_fact *derive_find(const struct stint_facts *facts,
                                     enum stint_component component, enum stint_predicate predicate,
                                     const char *subject)
{
    for (size_t i = 0; i < stint_facts_count(facts); i++) {
        const struct stint_fact *fact = stint_facts_at(facts, i);
        if (fact->component == component && fact->predicate == predicate &&
            (!subject || strcmp(fact->subject, subject) == 0))
            return fact;
    }
    return NULL;
}

/* Kleene "and" over every licence that is said of a data set: conformant to the Open Definition? */
static enum stint_tristate data_is_open(struct reader *reader, enum stint_component component,
                                        const char *subject, const struct stint_fact **ret_fact)
{
    enum stint_tristate sum = STINT_YES;
    *ret_fact = NULL;
    for (size_t i = 0; i < stint_facts_count(reader->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(reader->facts, i);
        struct stint_licence_expression *expression;
        enum stint_tristate answer = STINT_UNKNOWN;
        if (fact->component != component || fact->predicate != STINT_LICENCE ||
            strcmp(fact->subject, subject) != 0)
            continue;
        if (stint_licence_expression_parse(fact->text, &expression, NULL) == 0) {
            answer = stint_licence_expression_fold(expression, ask_open_definition,
                                                   (void *)(uintptr_t)reader->licences);
            stint_licence_expression_free(expression);
        }
        if (!*ret_fact || answer < sum)
            *ret_fact = fact;
        sum = stint_tristate_and(sum, answer);
    }
    return *ret_fact ? sum : STINT_UNKNOWN;
}

/* What somebody other than a reviewer says of it: his word stands beside what follows from the
 * files and never in its place. */
static bool is_said(const struct stint_facts *facts, enum stint_component component,
                    enum stint_predicate predicate, const char *subject)
{
    for (size_t i = 0; i < stint_facts_count(facts); i++) {
        const struct stint_fact *fact = stint_facts_at(facts, i);
        if (fact->component == component && fact->predicate == predicate &&
            fact->source != STINT_SOURCE_ATTESTATION && strcmp(fact->subject, subject) == 0)
            return true;
    }
    return false;
}

/* OSI's class of a data set from its terms and its place; what the catalogue or a data page said of
 * it stands. Open needs the data or an address; without any terms nothing follows. */
static void derive_class(struct reader *reader, enum stint_component component, const char *subject)
{
    const struct stint_fact *licence;
    if (is_said(reader->facts, component, STINT_DATA_CLASS, subject))
        return;
    enum stint_tristate is_open = data_is_open(reader, component, subject, &licence);
    const struct stint_fact *present =
        derive_find(reader->facts, component, STINT_PRESENT, subject);
    const struct stint_fact *location =
        derive_find(reader->facts, component, STINT_LOCATION, subject);
    if (!licence || is_open == STINT_UNKNOWN || (!present && !location))
        return;
    struct stint_fact from = *licence;
    (void)derive_text(reader, &from, component, STINT_DATA_CLASS, subject,
                      is_open == STINT_YES ? "open" : "public");
}

static void derive_data_classes(struct reader *reader)
{
    size_t count = stint_facts_count(reader->facts);
    for (size_t i = 0; i < count; i++) {
        struct stint_fact fact = *stint_facts_at(reader->facts, i);
        if (fact.component != STINT_TRAINING_DATA || fact.predicate != STINT_NAME)
            continue;
        derive_class(reader, STINT_TRAINING_DATA, fact.subject);
        bool is_known =
            derive_find(reader->facts, STINT_TRAINING_DATA, STINT_DATA_CLASS, fact.subject) != NULL;
        (void)derive_bool(reader, &fact, STINT_TRAINING_DATA, STINT_RESOLVED, fact.subject,
                          is_known);
        if (!is_known)
            (void)derive_text(reader, &fact, STINT_TRAINING_DATA, STINT_DATA_CLASS, fact.subject,
                              "unknown");
    }
    if (reader->kind == STINT_KIND_DATASET)
        derive_class(reader, STINT_DATA, "");
}

/* Inheritance. */

/* What the base was trained on is training data of what was made from it. */
static void inherit_data_unknown(struct reader *reader, const struct stint_fact *name)
{
    (void)derive_text(reader, name, STINT_TRAINING_DATA, STINT_NAME, name->subject, name->subject);
    (void)derive_text(reader, name, STINT_TRAINING_DATA, STINT_DATA_CLASS, name->subject,
                      "unknown");
}

/* What cannot be resolved leaves terms and data of what was made from it unknown. */
static void inherit_unknown(struct reader *reader, const struct stint_fact *name)
{
    (void)derive_bool(reader, name, name->component, STINT_RESOLVED, name->subject, false);
    if (name->component == STINT_SOURCE_DATA) {
        (void)derive_text(reader, name, STINT_DATA, STINT_RESTRICTION, "", "unknown");
        (void)derive_text(reader, name, STINT_DATA, STINT_LICENCE, "", "NOASSERTION");
        return;
    }
    (void)derive_text(reader, name, STINT_WEIGHTS, STINT_RESTRICTION, "", "unknown");
    (void)derive_text(reader, name, STINT_WEIGHTS, STINT_LICENCE, "", "NOASSERTION");
    inherit_data_unknown(reader, name);
}

/* Terms that a reviewer attests of a base or a source are passed on as those of the catalogue are.
 * false when nobody attested any. */
static bool inherit_attested(struct reader *reader, const struct stint_fact *name)
{
    size_t count = stint_facts_count(reader->facts);
    enum stint_component heir = name->component == STINT_BASE_MODEL ? STINT_WEIGHTS : STINT_DATA;
    bool has_terms = false;
    for (size_t i = 0; i < count; i++) {
        struct stint_fact fact = *stint_facts_at(reader->facts, i);
        bool is_terms = fact.predicate == STINT_LICENCE || fact.predicate == STINT_RESTRICTION;
        if (fact.source != STINT_SOURCE_ATTESTATION || fact.component != name->component ||
            !is_terms || !derive_names_match(fact.subject, name->text))
            continue;
        has_terms = has_terms || fact.predicate == STINT_LICENCE;
        (void)derive_text(reader, &fact, heir, fact.predicate, "", fact.text);
    }
    return has_terms;
}

/* The catalogue and reviewers, both: the strictest of what they say binds. */
static void inherit_one(struct reader *reader, const struct stint_fact *name)
{
    bool is_in_catalogue = reader->catalogue && catalogue_inherit(reader, name);
    bool is_attested = inherit_attested(reader, name);
    if (is_in_catalogue)
        return;
    if (!is_attested) {
        inherit_unknown(reader, name);
        return;
    }
    (void)derive_bool(reader, name, name->component, STINT_RESOLVED, name->subject, true);
    if (name->component == STINT_BASE_MODEL)
        inherit_data_unknown(reader, name);
}

static void derive_inheritance(struct reader *reader)
{
    size_t count = stint_facts_count(reader->facts);
    for (size_t i = 0; i < count; i++) {
        struct stint_fact fact = *stint_facts_at(reader->facts, i);
        bool is_parent = fact.component == STINT_BASE_MODEL || fact.component == STINT_SOURCE_DATA;
        if (!is_parent || fact.predicate != STINT_NAME || fact.from != 0)
            continue;
        inherit_one(reader, &fact);
    }
}

/* Training data that is named counts as such: there is a list. */
static void derive_lists(struct reader *reader)
{
    size_t count = stint_facts_count(reader->facts);
    for (size_t i = 0; i < count; i++) {
        struct stint_fact fact = *stint_facts_at(reader->facts, i);
        if (fact.component == STINT_TRAINING_DATA && fact.predicate == STINT_NAME && fact.from == 0)
            (void)derive_bool(reader, &fact, STINT_TRAINING_DATA, STINT_LISTED, fact.subject, true);
    }
}

int derive_facts(struct reader *reader)
{
    reader_scopes_sort(reader);
    derive_completeness(reader);
    (void)reader_bool(reader, NULL, STINT_ARTIFACT, STINT_COMPLETE, "",
                      reader->verdict->complete == STINT_COMPLETE_YES, STINT_SOURCE_TREE,
                      STINT_DECLARED, reader_line(0));
    derive_terms_of_parts(reader);
    derive_terms_of_code(reader);
    derive_loose_restrictions(reader);
    derive_lists(reader);
    if (reader->catalogue)
        catalogue_describe(reader);
    derive_descriptions(reader);
    derive_inheritance(reader);
    derive_data_classes(reader);
    derive_generators(reader);
    derive_no_libraries(reader);
    derive_absence(reader);
    derive_settled(reader);
    return 0;
}
