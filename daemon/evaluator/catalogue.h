/* Dated evidence about well-known data sets and models (config/catalogue/), so that a name in a
 * card can be resolved. Nothing in it is a verdict: it is facts, with their sources. */
#ifndef STINT_EVALUATOR_CATALOGUE_H
#define STINT_EVALUATOR_CATALOGUE_H

#include "evaluator/reader.h"

struct catalogue;

/* Reads every *.yaml of @dirs, folders joined by ':'; one that is not there is empty. @registered:
 * the text of one more, about artefacts that are registered; NULL for none. 0, -ENOMEM, -errno,
 * STINT_TOO_LARGE, STINT_INVALID with file, line and cure. */
int catalogue_open(const char *dirs, const char *registered, struct catalogue **ret_catalogue,
                   struct stint_error *err);
struct catalogue *catalogue_close(struct catalogue *catalogue);
/* The same file by file, for who has the text: an empty catalogue (0, -ENOMEM), and one more file
 * of it (@name for messages and as the path of its facts). Once refused it is only to be closed. */
int catalogue_new(struct catalogue **ret_catalogue);
int catalogue_add(struct catalogue *catalogue, const char *name, const char *text, size_t length,
                  struct stint_error *err);

/* Facts about the base model, source data set or generator that @name (a name fact) names: terms,
 * training data of a base; a generator's terms stay its own. false when the catalogue does not know
 * it. */
bool catalogue_inherit(struct reader *reader, const struct stint_fact *name);
/* Is @name a model that the catalogue knows? NULL knows none. */
bool catalogue_has_model(const struct catalogue *catalogue, const char *name);
/* Facts about every training data set that is named. */
void catalogue_describe(struct reader *reader);

#endif
