/* What a person looks at: width, colour, pager, tables, times. */
#ifndef STINT_CLI_SCREEN_H
#define STINT_CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/buffer.h"

/* Decides colour once: --color=WHEN (NULL for auto), NO_COLOR, TERM=dumb, a terminal. */
void screen_init(const char *color);
bool screen_has_colour(void);
bool screen_is_terminal(void);
/* Columns of standard output; COLUMNS, the terminal's, or 0 where there is no terminal. */
unsigned screen_columns(void);

enum screen_style {
    STYLE_NONE = 0,
    STYLE_BOLD,
    STYLE_DIM,
    STYLE_GOOD,
    STYLE_WARN,
    STYLE_BAD,
    STYLE_INFO
};
/* "" without colour. */
const char *style_on(enum screen_style style);
const char *style_off(void);
/* How a job's state or outcome looks. */
enum screen_style style_of_state(const char *word);

/* Starts a pager for standard output on a terminal; screen_pager_end() waits for it. */
void screen_pager_start(bool is_wanted);
void screen_pager_end(void);

/* Columns that @text takes on a screen: UTF-8, wide and combining characters counted. */
size_t text_width(const char *text);
/* Appends @text made harmless (control characters and broken UTF-8 become U+FFFD), cut to @width
 * columns with an ellipsis; SIZE_MAX for no cut. */
void text_add(struct stint_buffer *buffer, const char *text, size_t width);
/* The same onto stdout. */
void text_print(const char *text);

#define TABLE_COLUMNS_MAX 16
#define TABLE_ROWS_MAX    1000000

struct table_column {
    const char *title;
    bool is_right;
    bool may_shrink; /* is cut first when the screen is narrow */
};

/* A table grows cell by cell; texts are copied. Zero-initialise, then table_init(). */
struct table_cell {
    char *text;
    enum screen_style style;
};
struct table {
    const struct table_column *columns;
    size_t column_count;
    struct table_cell *cells;
    size_t cell_count;
    size_t cell_capacity;
    unsigned hidden; /* bit a column */
    bool failed;
};
void table_init(struct table *table, const struct table_column *columns, size_t column_count);
void table_deinit(struct table *table);
static inline __attribute__((unused)) void table_deinit_auto(struct table *table)
{
    table_deinit(table);
}
/* Cells of @column, which is not the last, are added like all others and not shown. */
void table_hide(struct table *table, size_t column);
/* NULL shows as "-". */
void table_add(struct table *table, const char *text);
void table_add_styled(struct table *table, const char *text, enum screen_style style);
void table_printf(struct table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Writes it into @buffer for a screen of @width columns; 0 for no bound. Two blanks between
 * columns, none at the end of a line. */
void table_write(const struct table *table, unsigned width, struct stint_buffer *buffer);
/* The same onto stdout with the screen's width; @empty is said when there are no rows. */
void table_print(const struct table *table, const char *empty);

#endif
