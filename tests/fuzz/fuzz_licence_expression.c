/* Fuzzes licence expressions: what is read folds within its bounds, what is refused says where.
 * Links licence_dep. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stint/licence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Answers yes, so that every expression must fold to yes. */
static enum stint_tristate ask(void *context, const struct stint_licence_term *term)
{
    *(size_t *)context += 1;
    if (term->id[0] == '\0' || (term->exception && term->exception[0] == '\0'))
        abort();
    return STINT_YES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stint_error err = { 0 };
    stint_auto(stint_licence_expression_free) struct stint_licence_expression *expression = NULL;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    int r = stint_licence_expression_parse(text, &expression, &err);
    free(text); /* the expression keeps its own copies */
    if (r != 0) {
        if (expression || err.text[0] == '\0')
            abort();
        return 0;
    }
    size_t asked = 0;
    if (stint_licence_expression_fold(expression, ask, &asked) != STINT_YES ||
        asked != stint_licence_expression_term_count(expression))
        abort();
    return 0;
}
