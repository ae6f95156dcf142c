/* Between derive.c and the catalogue. */
#ifndef STINT_EVALUATOR_DERIVE_H
#define STINT_EVALUATOR_DERIVE_H

#include "evaluator/catalogue.h"
#include "evaluator/reader.h"

/* The first fact of a component, a predicate and a subject (NULL for any); NULL for none. */
const struct stint_fact *derive_find(const struct stint_facts *facts,
                                     enum stint_component component, enum stint_predicate predicate,
                                     const char *subject);

/* Do two spellings name the same model or data set? Case and the organisation may differ. */
bool derive_names_match(const char *a, const char *b);
/* What data inherits from the models that wrote it (generators.c). After the classes of data. */
void derive_generators(struct reader *reader);

/* Is the list of files the whole of what was published (absence.c)? Sets the verdict's word. */
void derive_completeness(struct reader *reader);
/* Which parts a complete list shows to be missing. After everything that names parts. */
void derive_absence(struct reader *reader);
/* Code in Python that imports nothing from outside lacks no library. */
void derive_no_libraries(struct reader *reader);

/* Marks what a reviewer's word about the artefact's own terms settles (attest.c). At the end. */
void derive_settled(struct reader *reader);

/* Restriction facts on @component that follow from the licence expression @text of fact @id. */
void derive_restrictions(struct reader *reader, uint32_t id, enum stint_component component,
                         const char *subject, const char *text);

#endif
