/* What the evaluator's readers share: the file being read, where facts go, and which terms govern
 * which files. A reader takes one file, emits facts and returns 0 or -ENOMEM: what it cannot read
 * is a fact too (readable: no), never a failure of the whole. */
#ifndef STINT_EVALUATOR_READER_H
#define STINT_EVALUATOR_READER_H

#include <jansson.h>

#include "evaluator/strict_yaml.h"
#include "stint/artifact.h"
#include "stint/fact.h"
#include "stint/licence.h"
#include "stint/verdict.h"

/* Most of a text file that is read; longer ones are read up to here and marked. */
#define READER_TEXT_MAX   ((size_t)4 << 20)
#define READER_SCOPES_MAX 200000
/* Names of data sets, bases and the like in one artefact; more than these spoil the facts. Each
 * name is looked up among all facts. */
#define READER_NAMES_MAX 2000
/* Facts that say the same of many files are kept for so many; the rest share the last one. */
#define READER_SAME_MAX 64

/**
 * struct licence_scope - which files a licence fact governs
 * @folder: it governs what lies below this folder ("" for the root), unless @file is set
 * @file: exactly this file, NULL for a folder
 * @target: STINT_ARTIFACT for all components, or the kind of component it was written for
 * @subject: of named data sets, else ""
 * @fact: its fact
 */
struct licence_scope {
    const char *folder;
    const char *file;
    const char *subject;
    enum stint_component target;
    uint32_t fact;
};

/* What a file that is kept under its digest is, by the manifest that names it. */
enum reader_layer_kind { LAYER_NONE = 0, LAYER_WEIGHTS, LAYER_LICENCE };
struct reader_layer {
    size_t index;
    enum reader_layer_kind kind;
};
#define READER_LAYERS_MAX 64

/* @prose_*: what a card says in passing and that keeps absence from being evidence: parts may be
 * published elsewhere. */
struct reader {
    const struct stint_artifact_tree *tree;
    const struct stint_artifact_manifest *manifest;
    const struct stint_licences *licences;
    struct stint_verdict *verdict;
    struct stint_facts *facts;
    enum stint_artifact_kind kind;
    struct licence_scope *scopes;
    size_t scope_count;
    size_t scope_capacity;
    const struct catalogue *catalogue; /* NULL for none */
    struct reader_layer layers[READER_LAYERS_MAX];
    size_t layer_count;
    uint32_t name_count;
    uint32_t present_count[STINT_COMPONENT_COUNT];
    char header_text[200]; /* the last SPDX header, how often it came, and its fact */
    uint32_t header_count;
    uint32_t header_fact;
    struct stint_sha256 comment_digest; /* the last comment at the head of a file that may hold */
    size_t comment_scopes;              /* terms, and the scopes that it gave: [first, end) */
    size_t comment_scopes_end;
    bool has_comment;
    uint32_t python_count; /* Python files read, and the first */
    size_t python_index;
    uint32_t other_code_count; /* files of other languages, whose libraries are not looked for */
    bool has_foreign_import;   /* some Python file imports what is neither standard nor here */
    bool has_code_elsewhere;
    bool has_paper_elsewhere;
    bool has_partial_download;
};

/**
 * struct reader_file - one file, loaded
 * @base: last part of @path; @folder: what is before it, without the slash
 * @text: @length bytes and a NUL; @is_cut: the file is longer
 */
struct reader_file {
    size_t index;
    const char *path;
    const char *base;
    char folder[STINT_ARTIFACT_PATH_BYTES_MAX + 1];
    uint64_t size;
    char *text;
    size_t length;
    bool is_cut;
};

/* Loads up to @max bytes. 0; STINT_UNTRUSTED (it changed since it was hashed: also a trouble);
 * -ENOMEM; -errno. Freed by reader_unload(). */
int reader_load(struct reader *reader, size_t index, size_t max, struct reader_file *ret_file);
void reader_unload(struct reader_file *file);
/* @length bytes from @offset of a file that is too long to be loaded whole; free(). As
 * reader_load(). */
int reader_load_part(struct reader *reader, size_t index, uint64_t offset, size_t length,
                     char **ret_bytes);

/* The facts of a file. @at may be NULL. Each returns the fact's id, 0 when the set is full. */
struct stint_place reader_line(uint64_t line);
struct stint_place reader_offset(uint64_t offset);
struct stint_place reader_pointer(const char *pointer);
uint32_t reader_bool(struct reader *reader, const struct reader_file *file,
                     enum stint_component component, enum stint_predicate predicate,
                     const char *subject, bool value, enum stint_source source,
                     enum stint_grade grade, struct stint_place at);
uint32_t reader_text(struct reader *reader, const struct reader_file *file,
                     enum stint_component component, enum stint_predicate predicate,
                     const char *subject, const char *value, enum stint_source source,
                     enum stint_grade grade, struct stint_place at);
/* The name in a model's address or in a name with a revision:
 * "https://huggingface.co/org/name/tree/ main" and "org/name@main" are "org/name", Kaggle's
 * "google/gemma/pyTorch/2b" is "google/gemma-2b";
 * @text itself when it is none. Facts about bases are kept under it. */
const char *model_name(const char *text, char *name, size_t size);
uint32_t reader_number(struct reader *reader, const struct reader_file *file,
                       enum stint_component component, enum stint_predicate predicate,
                       int64_t value, enum stint_source source, struct stint_place at);

/* A licence fact about what @folder or @only_file holds (one of them). */
uint32_t reader_licence(struct reader *reader, const struct reader_file *file,
                        enum stint_component target, const char *subject, const char *folder,
                        const char *only_file, const char *expression, enum stint_source source,
                        enum stint_grade grade, struct stint_place at);
/* A file that ought to be understood and cannot be: nothing of it is believed, and since it may
 * have named terms or a base, the terms of everything beside it are unknown. */
void reader_unreadable(struct reader *reader, const struct reader_file *file,
                       enum stint_component component, enum stint_source source, uint32_t line,
                       const char *why);
/* A line in the verdict's list of licences. */
void reader_licence_seen(struct reader *reader, const char *path, uint32_t line, const char *id,
                         const char *match, uint32_t facets);

/**
 * licence_value() - what a metadata value names, as an SPDX expression of canonical ids
 * Reads expressions, ids, hub keys, customary names and well-known addresses; what names nothing
 * known becomes LicenseRef-unknown-… so that it can never be accepted. Returns whether every part
 * is known.
 */
bool licence_value(const struct stint_licences *licences, const char *text, char *expression,
                   size_t size);
/* Reports a declared value: its fact and scope. */
void reader_declared_licence(struct reader *reader, const struct reader_file *file,
                             enum stint_component target, const char *subject, const char *folder,
                             const char *only_file, const char *value, enum stint_source source,
                             struct stint_place at);

/* @model wrote (part of) the data set that the name fact @data is about; 0 for the artefact's own
 * data. Its limits on outputs bind that data, see generators.c. */
void reader_generator(struct reader *reader, const struct reader_file *file, const char *model,
                      uint32_t data, enum stint_source source, struct stint_place at);
/* The data is said to be synthetic; which model wrote it, if any, is said elsewhere or nowhere. */
void reader_synthetic(struct reader *reader, const struct reader_file *file, uint32_t data,
                      enum stint_source source, struct stint_place at);

/* Index of @path in the manifest, SIZE_MAX when it is not there. O(log n). */
size_t reader_find(const struct reader *reader, const char *path);
/* Do files that are published for use (weights; of a data set, data) lie in the folder of @path or
 * below it? O(files there). */
bool reader_has_work_beside(const struct reader *reader, const char *path);
/* A text judged by itself: a licence text, whatever its name. */
bool reader_is_lone_text(const struct reader *reader, const char *path);
bool text_has_word(const char *text, const char *word); /* whole word, case ignored */
bool path_is_code(const char *path);
bool path_is_licence(const char *base); /* by its name a text of terms, or one that may hold some */
bool path_is_policy(const char *base);  /* a use policy, a list of what is prohibited */
bool path_is_weights(const char *base);
bool path_is_data(const char *base);

/* Which terms govern @path as a part of kind @component; calls @fn for each fact, and returns how
 * many there are. reader_scopes_sort() first. */
typedef void (*scope_fn)(void *context, const struct licence_scope *scope);
void reader_scopes_sort(struct reader *reader);
size_t reader_governing(const struct reader *reader, const char *path,
                        enum stint_component component, const char *subject, scope_fn fn,
                        void *context);
/* Another scope for a fact that exists. */
bool reader_scope(struct reader *reader, enum stint_component target, const char *subject,
                  const char *folder, const char *only_file, uint32_t fact);

/* What the blob at @path is, as far as a manifest says. */
enum reader_layer_kind reader_layer(const struct reader *reader, const char *path);
/* Reads the manifests of a store of layers, before anything else. 0, -ENOMEM, -errno,
 * STINT_UNTRUSTED. */
int read_layers(struct reader *reader);

/* The readers. */
int read_card(struct reader *reader, const struct reader_file *file);
int read_prose(struct reader *reader, const struct reader_file *file);
/* One line of a page or a notice: a restricting licence that it calls by name leaves the terms
 * unknown, since it may be said of all that is here. */
void read_named_terms(struct reader *reader, const struct reader_file *file, const char *line,
                      uint32_t number);
int read_licence_text(struct reader *reader, const struct reader_file *file);
int read_spdx_header(struct reader *reader, const struct reader_file *file);
int read_code(struct reader *reader, const struct reader_file *file);
/* Python's imports: are there libraries beside the standard one? */
void read_imports(struct reader *reader, const struct reader_file *file);
int read_config(struct reader *reader, const struct reader_file *file);
int read_adapter_config(struct reader *reader, const struct reader_file *file);
int read_shard_index(struct reader *reader, const struct reader_file *file);
int read_safetensors(struct reader *reader, const struct reader_file *file);
int read_gguf(struct reader *reader, const struct reader_file *file);
int read_pickle(struct reader *reader, const struct reader_file *file);
int read_croissant(struct reader *reader, const struct reader_file *file);
int read_mof(struct reader *reader, const struct reader_file *file);
bool text_is_mof(const char *text);
int read_bom(struct reader *reader, const struct reader_file *file);
bool path_is_host_metadata(const char *base);
int read_host_metadata(struct reader *reader, const struct reader_file *file);
int read_onnx(struct reader *reader, const struct reader_file *file);
/* The comment at the head of a source file: its licence, or terms that restrict it. */
int read_header(struct reader *reader, const struct reader_file *file);
int read_setup(struct reader *reader, const struct reader_file *file);
int read_dep5(struct reader *reader, const struct reader_file *file);
int read_mergekit(struct reader *reader, const struct reader_file *file);
int read_tokenizer_config(struct reader *reader, const struct reader_file *file);
int read_sidecar(struct reader *reader, const struct reader_file *file);
int read_reuse(struct reader *reader, const struct reader_file *file);
int read_requirements(struct reader *reader, const struct reader_file *file);
int read_document(struct reader *reader, const struct reader_file *file);
int read_data_file(struct reader *reader, const struct reader_file *file);
int read_package_metadata(struct reader *reader, const struct reader_file *file);
/* Other metadata, for its keys that mean terms or a base. */
bool path_has_keys(const char *path, const char *base);
int read_keys(struct reader *reader, const struct reader_file *file);
/* "./", "./out", "/home/me/commons-lm": the place where this model itself was written. */
bool reader_names_own_folder(const struct reader *reader, const char *path);

/* Front matter of a card: [start, start+length) of @text, and the number of its first line. false
 * when there is none or it does not end. */
bool card_front_matter(const char *text, size_t length, size_t *ret_start, size_t *ret_length,
                       uint32_t *ret_line, bool *ret_is_open);

/* Facts of reviewers' statements; text may be NULL. 0, STINT_INVALID. */
int read_attestations(struct reader *reader, const char *text, struct stint_error *err);

/* What follows from the facts: absence, the governing terms, restrictions, inheritance. */
int derive_facts(struct reader *reader);
/* Open-washing patterns (openness.md §7). */
int find_patterns(struct reader *reader);
/* A finding in the verdict; ids of facts as evidence. */
void verdict_finding(struct stint_verdict *verdict, const char *id, const char *what,
                     const uint32_t *evidence, uint32_t count);
/* Runs every reader over every file. 0, STINT_UNTRUSTED (a file changed), -ENOMEM, -errno. */
int read_all(struct reader *reader, struct stint_error *err);
/* Is @name the name of the artefact itself? A model saved under its own name has no base. */
bool verdict_is_own_name(const struct reader *reader, const char *name);
/* What kind of artefact the file names and the root card say. */
enum stint_artifact_kind guess_kind(struct reader *reader);

#endif
