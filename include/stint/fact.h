/* Facts: what the evaluator's readers say of an artefact, and nothing else (DESIGN §4). One table
 * of components and one of predicates: a reader can emit nothing outside them, and a rule that
 * names something else is refused when it is loaded. A fact never judges. */
#ifndef STINT_FACT_H
#define STINT_FACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/buffer.h"
#include "stint/digest.h"

/* Parts an artefact can have. Name (as rules write it), words for people. */
#define STINT_COMPONENTS(X)                                                                        \
    X(STINT_ARTIFACT, "artifact", "the artefact as a whole")                                       \
    X(STINT_WEIGHTS, "weights", "final model parameters")                                          \
    X(STINT_CHECKPOINTS, "checkpoints", "intermediate model parameters")                           \
    X(STINT_OPTIMIZER_STATE, "optimizer-state", "optimizer state")                                 \
    X(STINT_ARCHITECTURE, "architecture", "model architecture")                                    \
    X(STINT_TRAINING_CODE, "training-code", "training code")                                       \
    X(STINT_TRAINING_SETTINGS, "training-settings", "training arguments and settings")             \
    X(STINT_INFERENCE_CODE, "inference-code", "inference code")                                    \
    X(STINT_DATA_CODE, "data-code", "code that processes and filters the data")                    \
    X(STINT_EVALUATION_CODE, "evaluation-code", "validation and testing code")                     \
    X(STINT_SUPPORTING_CODE, "supporting-code", "supporting libraries and tools")                  \
    X(STINT_CODE, "code", "source code")                                                           \
    X(STINT_DATA_INFORMATION, "data-information", "information about the training data")           \
    X(STINT_TRAINING_DATA, "training-data", "training data")                                       \
    X(STINT_EVALUATION_DATA, "evaluation-data", "evaluation data")                                 \
    X(STINT_EVALUATION_RESULTS, "evaluation-results", "evaluation results")                        \
    X(STINT_MODEL_CARD, "model-card", "model card")                                                \
    X(STINT_DATA_CARD, "data-card", "data card")                                                   \
    X(STINT_TECHNICAL_REPORT, "technical-report", "technical report")                              \
    X(STINT_RESEARCH_PAPER, "research-paper", "research paper")                                    \
    X(STINT_SAMPLE_OUTPUTS, "sample-outputs", "sample model outputs")                              \
    X(STINT_MODEL_METADATA, "model-metadata", "model metadata")                                    \
    X(STINT_TOKENIZER, "tokenizer", "tokenizer and other supporting parts")                        \
    X(STINT_BASE_MODEL, "base-model", "model this one was made from")                              \
    X(STINT_DATA, "data", "contents of the data set")                                              \
    X(STINT_ANNOTATIONS, "annotations", "annotations and labels of the data set")                  \
    X(STINT_PACKAGING, "packaging", "scripts and packaging of the data set")                       \
    X(STINT_SOURCE_DATA, "source-data", "data set this one was made from")                         \
    X(STINT_GENERATOR, "generator", "model whose outputs the data holds")

enum stint_component {
    STINT_COMPONENT_NONE = 0,
#define X(name, wire, words) name,
    STINT_COMPONENTS(X)
#undef X
        STINT_COMPONENT_COUNT
};

enum stint_value_type { STINT_VALUE_BOOL = 1, STINT_VALUE_TEXT, STINT_VALUE_NUMBER };

/* What can be said of a component. Name, type of the value, meaning. */
#define STINT_PREDICATES(X)                                                                        \
    X(STINT_PRESENT, "present", STINT_VALUE_BOOL, "it is among the files")                         \
    X(STINT_ABSENT, "absent", STINT_VALUE_TEXT, "a file that its revision is known not to have")   \
    X(STINT_USED, "used", STINT_VALUE_BOOL, "making the artefact needed such a part")              \
    X(STINT_READABLE, "readable", STINT_VALUE_BOOL, "its form is well made and can be inspected")  \
    X(STINT_OPEN_FORMAT, "open-format", STINT_VALUE_BOOL, "its format is open and documented")     \
    X(STINT_LICENCE, "licence", STINT_VALUE_TEXT, "its terms, as an SPDX expression")              \
    X(STINT_LICENCE_WRITTEN, "licence-written", STINT_VALUE_TEXT,                                  \
      "its licence, letter by letter as a MOF record writes it")                                   \
    X(STINT_RESTRICTION, "restriction", STINT_VALUE_TEXT,                                          \
      "a facet of its terms that restricts, 'none', or 'unknown'")                                 \
    X(STINT_GATED, "gated", STINT_VALUE_TEXT, "who wants it must register, ask or agree first")    \
    X(STINT_NAME, "name", STINT_VALUE_TEXT, "what it is called")                                   \
    X(STINT_LOCATION, "location", STINT_VALUE_TEXT, "where it can be obtained")                    \
    X(STINT_RESOLVED, "resolved", STINT_VALUE_BOOL, "what was named is known here")                \
    X(STINT_RELATION, "relation", STINT_VALUE_TEXT, "finetune, adapter, merge, quantized")         \
    X(STINT_DATA_CLASS, "data-class", STINT_VALUE_TEXT,                                            \
      "open, public, obtainable or unshareable (OSI's four classes)")                              \
    X(STINT_LISTED, "listed", STINT_VALUE_BOOL, "it is named and listed")                          \
    X(STINT_DESCRIBES_ALL, "describes-all", STINT_VALUE_BOOL, "covers all data used")              \
    X(STINT_DESCRIBES_PROVENANCE, "describes-provenance", STINT_VALUE_BOOL, "where it comes from") \
    X(STINT_DESCRIBES_SCOPE, "describes-scope", STINT_VALUE_BOOL, "scope and characteristics")     \
    X(STINT_DESCRIBES_SELECTION, "describes-selection", STINT_VALUE_BOOL,                          \
      "how it was obtained and selected")                                                          \
    X(STINT_DESCRIBES_LABELLING, "describes-labelling", STINT_VALUE_BOOL, "labelling procedures")  \
    X(STINT_DESCRIBES_PROCESSING, "describes-processing", STINT_VALUE_BOOL,                        \
      "processing and filtering")                                                                  \
    X(STINT_DESCRIBES_REASON, "describes-reason", STINT_VALUE_BOOL, "why it cannot be shared")     \
    X(STINT_COMPLETE, "complete", STINT_VALUE_BOOL, "the snapshot holds every file there is")      \
    X(STINT_QUANTIZED, "quantized", STINT_VALUE_TEXT, "how the tensors are quantized")             \
    X(STINT_SAYS_QUANTIZED, "says-quantized", STINT_VALUE_BOOL, "quantization is declared")        \
    X(STINT_CLAIM, "claim", STINT_VALUE_TEXT, "a claim of openness in prose")                      \
    X(STINT_UNSAFE, "unsafe", STINT_VALUE_TEXT, "loading it runs code: pickle, remote code")       \
    X(STINT_FORMAT, "format", STINT_VALUE_TEXT, "file format")                                     \
    X(STINT_VALUE, "value", STINT_VALUE_TEXT, "another value of its metadata")                     \
    X(STINT_SIZE, "size", STINT_VALUE_NUMBER, "how large it is, in its own unit")                  \
    X(STINT_OWNER, "owner", STINT_VALUE_TEXT, "who owns or publishes it")

enum stint_predicate {
    STINT_PREDICATE_NONE = 0,
#define X(name, wire, type, meaning) name,
    STINT_PREDICATES(X)
#undef X
        STINT_PREDICATE_COUNT
};

/* How good evidence is, low to high. `claimed` alone never passes a criterion. */
#define STINT_GRADES(X)                                                                            \
    X(STINT_CLAIMED, "claimed", "prose says so")                                                   \
    X(STINT_DECLARED, "declared", "a metadata key, or the form of a file, says so")                \
    X(STINT_NAMED, "named", "a licence file or header names it")                                   \
    X(STINT_MATCHED, "matched", "a licence text aligned with nothing left over")                   \
    X(STINT_ATTESTED, "attested", "a named reviewer or a signature says so")

enum stint_grade {
    STINT_GRADE_NONE = 0,
#define X(name, wire, words) name,
    STINT_GRADES(X)
#undef X
        STINT_GRADE_COUNT
};

/* What kind of thing a fact was read from. */
#define STINT_SOURCES(X)                                                                           \
    X(STINT_SOURCE_TREE, "tree", "the list of files")                                              \
    X(STINT_SOURCE_CARD, "card", "front matter of a card")                                         \
    X(STINT_SOURCE_PROSE, "prose", "text for people")                                              \
    X(STINT_SOURCE_LICENCE, "licence-text", "a licence file")                                      \
    X(STINT_SOURCE_HEADER, "spdx-header", "an SPDX line in a file")                                \
    X(STINT_SOURCE_CONFIG, "config", "a model's configuration")                                    \
    X(STINT_SOURCE_TENSORS, "tensors", "header of a weights file")                                 \
    X(STINT_SOURCE_CODE, "code", "source code")                                                    \
    X(STINT_SOURCE_METADATA, "metadata", "a metadata document")                                    \
    X(STINT_SOURCE_CATALOGUE, "catalogue", "dated evidence of the catalogue")                      \
    X(STINT_SOURCE_ATTESTATION, "attestation", "a reviewer's statement")                           \
    X(STINT_SOURCE_DERIVED, "derived", "follows from other facts")

enum stint_source {
    STINT_SOURCE_NONE = 0,
#define X(name, wire, words) name,
    STINT_SOURCES(X)
#undef X
        STINT_SOURCE_COUNT
};

/* Where in the file: nothing, a line from 1, a byte offset, or a JSON pointer (RFC 6901). */
enum stint_place_kind {
    STINT_PLACE_NONE = 0,
    STINT_PLACE_LINE,
    STINT_PLACE_OFFSET,
    STINT_PLACE_POINTER
};
struct stint_place {
    enum stint_place_kind kind;
    uint64_t number;     /* line or offset */
    const char *pointer; /* for STINT_PLACE_POINTER */
};

/**
 * struct stint_fact - one statement, with its place
 * @id: position in its set, from 1; evidence cites it
 * @subject: "" for the artefact itself, else the name of a data set or base model it speaks of
 * @truth, @text, @number: one of them, by the predicate's type; @text is never NULL
 * @path: relative to the artefact's root, "" when no single file says it
 * @has_sha256: @sha256 is the digest of the file at @path
 * @from: id of the fact this one was derived from, 0 for none
 * @settled_by: id of a reviewer's statement that settles what this one leaves unclear, 0 for none:
 * whoever inherits takes the statement in its place
 * Text belongs to the set.
 */
struct stint_fact {
    uint32_t id;
    uint32_t from;
    uint32_t settled_by;
    enum stint_component component;
    enum stint_predicate predicate;
    enum stint_source source;
    enum stint_grade grade;
    const char *subject;
    bool truth;
    int64_t number;
    const char *text;
    const char *path;
    bool has_sha256;
    struct stint_sha256 sha256;
    struct stint_place at;
};

/* Bounds of a set: one more fact, or a longer text, makes the set incomplete and says so. */
#define STINT_FACTS_MAX           20000
#define STINT_FACT_TEXT_BYTES_MAX 2048 /* longer values are cut at a character */
#define STINT_FACTS_BYTES_MAX     ((size_t)16 << 20)

struct stint_facts;
int stint_facts_new(struct stint_facts **ret_facts); /* 0 or -ENOMEM */
struct stint_facts *stint_facts_free(struct stint_facts *facts);
static inline __attribute__((unused)) void stint_facts_free_auto(struct stint_facts **facts)
{
    stint_facts_free(*facts);
}

/**
 * stint_facts_add() - copy @fact into the set; its id is set by the set
 * NULL texts read as "". An equal fact (component, predicate, subject, value, path, place, grade)
 * is kept once. Return: the id, or 0 when the set is full (stint_facts_is_full() says so later; a
 * full set can give `unknown` and `fail`, never `pass`). O(1) on average.
 */
uint32_t stint_facts_add(struct stint_facts *facts, const struct stint_fact *fact);
size_t stint_facts_count(const struct stint_facts *facts);
/* @index 0..count-1, in the order of adding; borrowed until the next add. */
const struct stint_fact *stint_facts_at(const struct stint_facts *facts, size_t index);
const struct stint_fact *stint_facts_by_id(const struct stint_facts *facts, uint32_t id);
void stint_facts_settle(struct stint_facts *facts, uint32_t id, uint32_t by);
bool stint_facts_is_full(const struct stint_facts *facts);
/* Something that should have become a fact could not: from now on as if the set were full. */
void stint_facts_spoil(struct stint_facts *facts);
/* A copy of @text that lives as long as the set; NULL when the set is full. */
const char *stint_facts_keep(struct stint_facts *facts, const char *text);

const char *stint_component_name(enum stint_component component);
const char *stint_component_words(enum stint_component component);
const char *stint_predicate_name(enum stint_predicate predicate);
const char *stint_predicate_meaning(enum stint_predicate predicate);
enum stint_value_type stint_predicate_type(enum stint_predicate predicate);
const char *stint_grade_name(enum stint_grade grade);
const char *stint_source_name(enum stint_source source);
/* The enum of a name; the _NONE value when there is no such name. */
enum stint_component stint_component_parse(const char *name);
enum stint_predicate stint_predicate_parse(const char *name);
enum stint_grade stint_grade_parse(const char *name);

/* One fact as a JSON object, and as a short English phrase ("weights: licence is MIT"). */
void stint_fact_json(const struct stint_fact *fact, struct stint_buffer *buffer);
char *stint_fact_phrase(const struct stint_fact *fact, char *text, size_t size);

#endif
