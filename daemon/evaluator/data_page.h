/* Pages about training data. */
#ifndef STINT_EVALUATOR_DATA_PAGE_H
#define STINT_EVALUATOR_DATA_PAGE_H

#include "evaluator/reader.h"

/* Facts of the sections and tables of the page @file. @ret_is_written: it shows a reader anything
 * but a promise. 0 or -ENOMEM. */
int read_data_page(struct reader *reader, const struct reader_file *file, bool *ret_is_written);

#endif
