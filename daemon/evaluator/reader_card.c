/* Owns: hub cards (README.md): the YAML front matter key by key, and what the prose below it
 * claims. Front matter is a metadata declaration (grade declared); prose is never more than a
 * claim, and a claim never passes anything. Source of the keys: metadata.md §1. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/reader.h"
#include "stint/auto.h"

#define FRONT_MATTER_MAX ((size_t)1 << 20)

static const char *skip_blank(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    return at;
}

/* Past a byte order mark and HTML comments, which some cards put before the front matter. */
static const char *front_matter_begin(const char *text, const char *end)
{
    if (end - text >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    for (;;) {
        const char *at = skip_blank(text, end);
        if (end - at < 4 || memcmp(at, "<!--", 4) != 0)
            return at;
        const char *close = memmem(at, (size_t)(end - at), "-->", 3);
        if (!close)
            return at;
        text = close + 3;
    }
}

static bool is_fence(const char *line, const char *end)
{
    if (end - line < 3 || memcmp(line, "---", 3) != 0)
        return false;
    line += 3;
    while (line < end && (*line == ' ' || *line == '\t' || *line == '\r'))
        line++;
    return line == end || *line == '\n';
}

bool card_front_matter(const char *text, size_t length, size_t *ret_start, size_t *ret_length,
                       uint32_t *ret_line, bool *ret_is_open)
{
    const char *end = text + length;
    const char *at = front_matter_begin(text, end);
    *ret_is_open = false;
    if (!is_fence(at, end))
        return false;
    uint32_t line = 1;
    for (const char *c = text; c < at; c++)
        line += *c == '\n';
    const char *first = memchr(at, '\n', (size_t)(end - at));
    *ret_is_open = true;
    if (!first)
        return false;
    for (const char *next = first + 1; next < end;) {
        if (is_fence(next, end)) {
            *ret_start = (size_t)(first + 1 - text);
            *ret_length = (size_t)(next - first - 1);
            *ret_line = line + 1;
            *ret_is_open = false;
            return true;
        }
        const char *newline = memchr(next, '\n', (size_t)(end - next));
        if (!newline)
            break;
        next = newline + 1;
    }
    return false;
}

struct card {
    struct reader *reader;
    const struct reader_file *file;
    const struct strict_yaml_node *root;
    bool is_dataset;
    char subject[256];
    uint32_t data; /* fact that names the data set, for one inside a model */
};

static struct stint_place node_place(const struct strict_yaml_node *node)
{
    return reader_line(node->line);
}

/* Calls @fn for a scalar or for each scalar of a list. */
typedef void (*scalar_fn)(struct card *card, const struct strict_yaml_node *value);
static void each_scalar(struct card *card, const char *key, scalar_fn fn)
{
    const struct strict_yaml_node *node = strict_yaml_get(card->root, key);
    if (!node || strict_yaml_is_null(node))
        return;
    if (node->kind == STRICT_YAML_SCALAR)
        fn(card, node);
    for (const struct strict_yaml_node *item = node->child; item; item = item->next)
        if (item->kind == STRICT_YAML_SCALAR && !strict_yaml_is_null(item))
            fn(card, item);
        else if (item->kind == STRICT_YAML_LIST) /* old data-set cards: a map by configuration */
            for (const struct strict_yaml_node *deep = item->child; deep; deep = deep->next)
                if (deep->kind == STRICT_YAML_SCALAR && !strict_yaml_is_null(deep))
                    fn(card, deep);
}

static bool is_other(const char *text)
{
    return strcasecmp(text, "other") == 0 || strcasecmp(text, "unknown") == 0;
}

static enum stint_component card_target(const struct card *card)
{
    return card->subject[0] ? STINT_TRAINING_DATA : STINT_ARTIFACT;
}

/* Is there a licence text beside the card? */
static bool has_text_beside(const struct card *card)
{
    size_t length = strlen(card->file->folder);
    for (size_t i = 0; i < card->reader->manifest->file_count; i++) {
        const char *path = card->reader->manifest->files[i].path;
        const char *base = length > 0 ? path + length + 1 : path;
        bool is_beside =
            length == 0 || (strncmp(path, card->file->folder, length) == 0 && path[length] == '/');
        if (is_beside && !strchr(base, '/') && path_is_licence(base))
            return true;
    }
    return false;
}

static void card_licence(struct card *card, const struct strict_yaml_node *value)
{
    const char *name = strict_yaml_text(card->root, "license_name");
    const char *link = strict_yaml_text(card->root, "license_link");
    /* `other` names nothing: license_name or license_link do, or the text that lies beside, which
     * is read. Without any of them the terms are unknown. */
    if (is_other(value->text) && (name || link || has_text_beside(card)))
        return;
    reader_declared_licence(card->reader, card->file, card_target(card), card->subject,
                            card->file->folder, NULL, value->text, STINT_SOURCE_CARD,
                            node_place(value));
}

/* Does the license key name the same licence? */
static bool is_same_licence(const struct card *card, const char *text)
{
    char key[600];
    char other[600];
    const char *licence = strict_yaml_text(card->root, "license");
    if (!licence || is_other(licence))
        return false;
    (void)licence_value(card->reader->licences, licence, key, sizeof(key));
    (void)licence_value(card->reader->licences, text, other, sizeof(other));
    return strcmp(key, other) == 0;
}

/* ".../blob/main/LICENSE": the text of the licence that the card names. */
static bool is_plain_text_link(const char *link)
{
    const char *slash = strrchr(link, '/');
    static const char *const names[] = {
        "LICENSE",     "LICENSE.md", "LICENSE.txt", "LICENCE",
        "LICENCE.txt", "COPYING",    "LICENCE.md",  "COPYING.txt"
    };
    for (size_t i = 0; slash && i < STINT_ARRAY_SIZE(names); i++)
        if (strcasecmp(slash + 1, names[i]) == 0)
            return true;
    return false;
}

/* Terms by link. A known address names its licence; a file beside is read where it lies, if its
 * name says that it holds terms; all else is unknown, also beside a key that names a licence:
 * whoever sends the reader elsewhere has something to say there. */
static void card_licence_link(struct card *card, const struct strict_yaml_node *value)
{
    char path[2 * STINT_ARTIFACT_PATH_BYTES_MAX];
    const struct strict_yaml_node *licence = strict_yaml_get(card->root, "license");
    const char *slash = strrchr(value->text, '/');
    bool is_address = strstr(value->text, "://") != NULL;
    bool is_named = licence && !strict_yaml_is_null(licence) &&
                    !(licence->kind == STRICT_YAML_SCALAR && is_other(licence->text));
    (void)snprintf(path, sizeof(path), "%s%s%.900s", card->file->folder,
                   card->file->folder[0] ? "/" : "", value->text);
    bool is_read = !is_address && path_is_licence(slash ? slash + 1 : value->text) &&
                   reader_find(card->reader, path) != SIZE_MAX;
    bool is_its_text = is_named && is_address && is_plain_text_link(value->text);
    if (is_read || is_its_text || is_same_licence(card, value->text))
        return;
    reader_declared_licence(card->reader, card->file, card_target(card), card->subject,
                            card->file->folder, NULL, value->text, STINT_SOURCE_CARD,
                            node_place(value));
}

static void card_licence_name(struct card *card, const struct strict_yaml_node *value)
{
    if (is_same_licence(card, value->text))
        return;
    reader_declared_licence(card->reader, card->file, card_target(card), card->subject,
                            card->file->folder, NULL, value->text, STINT_SOURCE_CARD,
                            node_place(value));
}

static void card_base(struct card *card, const struct strict_yaml_node *value)
{
    const char *relation = strict_yaml_text(card->root, "base_model_relation");
    (void)reader_text(card->reader, card->file, STINT_BASE_MODEL, STINT_NAME, value->text,
                      value->text, STINT_SOURCE_CARD, STINT_DECLARED, node_place(value));
    if (relation)
        (void)reader_text(card->reader, card->file, STINT_BASE_MODEL, STINT_RELATION, value->text,
                          relation, STINT_SOURCE_CARD, STINT_DECLARED,
                          node_place(strict_yaml_get(card->root, "base_model_relation")));
}

static void card_dataset(struct card *card, const struct strict_yaml_node *value)
{
    (void)reader_text(card->reader, card->file, STINT_TRAINING_DATA, STINT_NAME, value->text,
                      value->text, STINT_SOURCE_CARD, STINT_DECLARED, node_place(value));
}

static void card_source_dataset(struct card *card, const struct strict_yaml_node *value)
{
    /* The hub's vocabulary: `original` and `extended` say how, `extended|name` names one. */
    const char *name = strchr(value->text, '|');
    if (!name && (strcmp(value->text, "original") == 0 || strcmp(value->text, "extended") == 0)) {
        (void)reader_text(card->reader, card->file, STINT_SOURCE_DATA, STINT_RELATION, "",
                          value->text, STINT_SOURCE_CARD, STINT_DECLARED, node_place(value));
        return;
    }
    name = name ? name + 1 : value->text;
    (void)reader_text(card->reader, card->file, STINT_SOURCE_DATA, STINT_NAME, name, name,
                      STINT_SOURCE_CARD, STINT_DECLARED, node_place(value));
}

/* "base_model:org/name" and "base_model:finetune:org/name": the hub's echo of base_model, or the
 * only word about it. */
static void card_tag_base(struct card *card, const struct strict_yaml_node *value)
{
    static const char *const relations[] = { "finetune", "adapter", "merge", "quantized" };
    const char *name = value->text + strlen("base_model:");
    const char *relation = NULL;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(relations); i++) {
        size_t length = strlen(relations[i]);
        if (strncasecmp(name, relations[i], length) == 0 && name[length] == ':') {
            relation = relations[i];
            name += length + 1;
            break;
        }
    }
    if (!*name || card->is_dataset)
        return;
    (void)reader_text(card->reader, card->file, STINT_BASE_MODEL, STINT_NAME, name, name,
                      STINT_SOURCE_CARD, STINT_DECLARED, node_place(value));
    if (relation)
        (void)reader_text(card->reader, card->file, STINT_BASE_MODEL, STINT_RELATION, name,
                          relation, STINT_SOURCE_CARD, STINT_DECLARED, node_place(value));
}

static void card_tag(struct card *card, const struct strict_yaml_node *value)
{
    if (strncasecmp(value->text, "arxiv:", 6) == 0) {
        card->reader->has_paper_elsewhere = true;
        (void)reader_text(card->reader, card->file, STINT_RESEARCH_PAPER, STINT_LOCATION, "",
                          value->text, STINT_SOURCE_CARD, STINT_DECLARED, node_place(value));
    }
    if (strncasecmp(value->text, "base_model:", 11) == 0)
        card_tag_base(card, value);
    if (strncasecmp(value->text, "license:", 8) == 0)
        reader_declared_licence(card->reader, card->file, card_target(card), card->subject,
                                card->file->folder, NULL, value->text + 8, STINT_SOURCE_CARD,
                                node_place(value));
}

static void card_generator(struct card *card, const struct strict_yaml_node *value)
{
    reader_generator(card->reader, card->file, value->text, card->data, STINT_SOURCE_CARD,
                     node_place(value));
}

static void card_synthetic(struct card *card, const struct strict_yaml_node *value)
{
    static const char *const marks[] = { "synthetic", "synthetic-data", "synthetic data",
                                         "distilabel", "machine-generated" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(marks); i++)
        if (strcasecmp(value->text, marks[i]) == 0)
            reader_synthetic(card->reader, card->file, card->data, STINT_SOURCE_CARD,
                             node_place(value));
}

/* Who wrote the data. The hub has no key for it, only tags and words for how it was made; machines
 * that only label are another matter. */
static void card_generators(struct card *card)
{
    const struct strict_yaml_node *is_synthetic = strict_yaml_get(card->root, "synthetic");
    each_scalar(card, "generated_by", card_generator);
    each_scalar(card, "generated_from", card_generator);
    each_scalar(card, "generator", card_generator);
    each_scalar(card, "tags", card_synthetic);
    each_scalar(card, "language_creators", card_synthetic);
    if (is_synthetic && strict_yaml_bool(is_synthetic) == 1)
        reader_synthetic(card->reader, card->file, card->data, STINT_SOURCE_CARD,
                         node_place(is_synthetic));
}

static void card_gate(struct card *card)
{
    static const char *const keys[] = { "extra_gated_prompt", "extra_gated_fields",
                                        "extra_gated_heading", "extra_gated_description",
                                        "extra_gated_button_content" };
    const struct strict_yaml_node *gated = strict_yaml_get(card->root, "gated");
    const struct strict_yaml_node *no_eu = strict_yaml_get(card->root, "extra_gated_eu_disallowed");
    bool is_gated = gated && !strict_yaml_is_null(gated) && strict_yaml_bool(gated) != 0;
    if (is_gated)
        (void)reader_text(card->reader, card->file, STINT_ARTIFACT, STINT_GATED, "", gated->text,
                          STINT_SOURCE_CARD, STINT_DECLARED, node_place(gated));
    for (size_t i = 0; i < STINT_ARRAY_SIZE(keys); i++) {
        const struct strict_yaml_node *node = strict_yaml_get(card->root, keys[i]);
        if (node && !strict_yaml_is_null(node))
            (void)reader_text(card->reader, card->file, STINT_ARTIFACT, STINT_GATED, "", keys[i],
                              STINT_SOURCE_CARD, STINT_DECLARED, reader_line(node->key_line));
    }
    if (strict_yaml_bool(no_eu) == 1)
        (void)reader_text(card->reader, card->file, STINT_ARTIFACT, STINT_RESTRICTION, "",
                          "geography", STINT_SOURCE_CARD, STINT_DECLARED,
                          reader_line(no_eu->key_line));
}

static void card_presence(struct card *card)
{
    enum stint_component component = card->is_dataset ? STINT_DATA_CARD : STINT_MODEL_CARD;
    const struct strict_yaml_node *index = strict_yaml_get(card->root, "model-index");
    const struct strict_yaml_node *quantized_by = strict_yaml_get(card->root, "quantized_by");
    (void)reader_bool(card->reader, card->file, component, STINT_PRESENT, "", true,
                      STINT_SOURCE_CARD, STINT_DECLARED, reader_line(1));
    if (index && index->kind == STRICT_YAML_LIST && index->child)
        (void)reader_bool(card->reader, card->file, STINT_EVALUATION_RESULTS, STINT_PRESENT, "",
                          true, STINT_SOURCE_CARD, STINT_DECLARED, reader_line(index->key_line));
    if (quantized_by && !strict_yaml_is_null(quantized_by))
        (void)reader_bool(card->reader, card->file, STINT_WEIGHTS, STINT_SAYS_QUANTIZED, "", true,
                          STINT_SOURCE_CARD, STINT_DECLARED, reader_line(quantized_by->key_line));
}

/* A data set's own card in a folder of a model: it describes training data. */
static void card_of_nested_data(struct card *card)
{
    const char *name = strict_yaml_text(card->root, "pretty_name");
    const struct strict_yaml_node *annotations =
        strict_yaml_get(card->root, "annotations_creators");
    struct reader *reader = card->reader;
    (void)snprintf(card->subject, sizeof(card->subject), "%s", name ? name : card->file->folder);
    card->data = reader_text(reader, card->file, STINT_TRAINING_DATA, STINT_NAME, card->subject,
                             card->subject, STINT_SOURCE_CARD, STINT_DECLARED, reader_line(1));
    (void)reader_bool(reader, card->file, STINT_DATA_INFORMATION, STINT_PRESENT, card->subject,
                      true, STINT_SOURCE_CARD, STINT_DECLARED, reader_line(1));
    if (annotations && !strict_yaml_is_null(annotations))
        (void)reader_bool(reader, card->file, STINT_DATA_INFORMATION, STINT_DESCRIBES_LABELLING,
                          card->subject, true, STINT_SOURCE_CARD, STINT_DECLARED,
                          reader_line(annotations->key_line));
}

static bool looks_like_dataset(const struct strict_yaml_node *root)
{
    static const char *const keys[] = {
        "dataset_info",         "configs",     "size_categories",
        "task_categories",      "task_ids",    "source_datasets",
        "annotations_creators", "pretty_name", "language_creators"
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(keys); i++)
        if (strict_yaml_get(root, keys[i]))
            return true;
    return false;
}

static void card_keys(struct card *card)
{
    if (card->is_dataset && card->reader->kind == STINT_KIND_MODEL)
        card_of_nested_data(card);
    each_scalar(card, "license", card_licence);
    each_scalar(card, "licenses", card_licence);
    each_scalar(card, "license_name", card_licence_name);
    each_scalar(card, "license_link", card_licence_link);
    if (card->is_dataset)
        card_generators(card);
    if (card->subject[0])
        return;
    card_presence(card);
    card_gate(card);
    each_scalar(card, "tags", card_tag);
    each_scalar(card, "source_datasets", card_source_dataset);
    if (card->is_dataset)
        return;
    each_scalar(card, "base_model", card_base);
    each_scalar(card, "datasets", card_dataset);
}

static int card_unreadable(struct reader *reader, const struct reader_file *file,
                           const struct stint_error *why)
{
    reader_unreadable(reader, file, STINT_MODEL_CARD, STINT_SOURCE_CARD,
                      strict_yaml_error_line(why), why->text);
    return 0;
}

int read_card(struct reader *reader, const struct reader_file *file)
{
    struct stint_error why = { 0 };
    size_t start;
    size_t length;
    uint32_t line;
    bool is_open;
    /* What a person reads as a card in UTF-16 has no front matter for us, and its terms no words.
     */
    if (memchr(file->text, '\0', file->length)) {
        (void)stint_fail(&why, STINT_INVALID, "line 1: bytes of value 0; a card is text in UTF-8");
        return card_unreadable(reader, file, &why);
    }
    if (!card_front_matter(file->text, file->length, &start, &length, &line, &is_open)) {
        if (!is_open)
            return 0;
        (void)stint_fail(&why, STINT_INVALID, "line 1: no closing '---'");
        return card_unreadable(reader, file, &why);
    }
    if (length > FRONT_MATTER_MAX) {
        (void)stint_fail(&why, STINT_TOO_LARGE, "line 1: front matter of %zu bytes", length);
        return card_unreadable(reader, file, &why);
    }
    stint_auto(strict_yaml_free) struct strict_yaml_document *document = NULL;
    int r = strict_yaml_parse(file->text + start, length, line, &document, &why);
    if (r == -ENOMEM)
        return r;
    if (r != 0)
        return card_unreadable(reader, file, &why);
    struct card card = { .reader = reader, .file = file, .root = strict_yaml_root(document) };
    if (!card.root)
        return 0;
    if (card.root->kind != STRICT_YAML_MAP) {
        (void)stint_fail(&why, STINT_INVALID, "line %u: not a map", card.root->line);
        return card_unreadable(reader, file, &why);
    }
    card.is_dataset =
        reader->kind == STINT_KIND_DATASET || (file->folder[0] && looks_like_dataset(card.root));
    if (file->folder[0] && !card.is_dataset && !reader_has_work_beside(reader, file->path))
        return 0; /* of a folder without a model */
    card_keys(&card);
    return 0;
}
