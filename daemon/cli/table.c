/* Owns: text as it stands on a screen, and tables of it. Whatever comes from outside is made
 * harmless here: no control character of a job's name ever reaches a terminal. */
#include "screen.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define REPLACEMENT "\xEF\xBF\xBD"

/* One character of @text: its bytes to *ret_length; the code point, or -1 for a broken one (RFC
 * 3629: no overlong forms, no surrogates). */
static long utf8_next(const char *text, size_t *ret_length)
{
    static const long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length = bytes[0] < 0x80 ? 1 : bytes[0] >= 0xF0 ? 4 : bytes[0] >= 0xE0 ? 3 : 2;
    *ret_length = 1;
    if (length == 1)
        return bytes[0];
    if (bytes[0] < 0xC2 || bytes[0] > 0xF4)
        return -1;
    long point = bytes[0] & (0xFF >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return -1;
        point = point << 6 | (bytes[i] & 0x3F);
    }
    if (point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
        return -1;
    *ret_length = length;
    return point;
}

/* Characters that change how others are shown: bidirectional overrides and isolates. */
static bool is_direction(long point)
{
    return (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069) ||
           point == 0x200E || point == 0x200F;
}

static bool is_harmless(long point)
{
    return point >= 0x20 && !(point >= 0x7F && point < 0xA0) && !is_direction(point);
}

/* Width by the C library; where the locale knows no such character, one column. */
static size_t point_width(long point)
{
    if (!is_harmless(point))
        return 1;
    if (point < 0x7F)
        return 1;
    int width = wcwidth((wchar_t)point);
    return width < 0 ? 1 : (size_t)width;
}

size_t text_width(const char *text)
{
    size_t width = 0;
    while (*text) {
        size_t length;
        width += point_width(utf8_next(text, &length));
        text += length;
    }
    return width;
}

void text_add(struct stint_buffer *buffer, const char *text, size_t width)
{
    bool is_cut = width != SIZE_MAX && text_width(text) > width;
    size_t left = is_cut && width > 0 ? width - 1 : width;
    while (*text) {
        size_t length;
        long point = utf8_next(text, &length);
        size_t columns = point_width(point);
        if (width != SIZE_MAX && columns > left)
            break;
        if (is_harmless(point))
            stint_buffer_add(buffer, text, length);
        else
            stint_buffer_add_text(buffer, REPLACEMENT);
        if (width != SIZE_MAX)
            left -= columns;
        text += length;
    }
    if (is_cut && width > 0)
        stint_buffer_add_text(buffer, "…");
}

void text_print(const char *text)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer buffer = { 0 };
    text_add(&buffer, text, SIZE_MAX);
    (void)fputs(stint_buffer_text(&buffer), stdout);
}

void table_init(struct table *table, const struct table_column *columns, size_t column_count)
{
    assert(column_count > 0 && column_count <= TABLE_COLUMNS_MAX);
    memset(table, 0, sizeof(*table));
    table->columns = columns;
    table->column_count = column_count;
}

void table_hide(struct table *table, size_t column)
{
    assert(column + 1 < table->column_count);
    table->hidden |= 1U << column;
}

static bool is_hidden(const struct table *table, size_t column)
{
    return table->hidden >> column & 1;
}

void table_deinit(struct table *table)
{
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i].text);
    free(table->cells);
    memset(table, 0, sizeof(*table));
}

void table_add_styled(struct table *table, const char *text, enum screen_style style)
{
    if (table->cell_count == table->cell_capacity) {
        size_t capacity = table->cell_capacity ? table->cell_capacity * 2 : 64;
        struct table_cell *cells = NULL;
        if (capacity <= (size_t)TABLE_ROWS_MAX * TABLE_COLUMNS_MAX)
            cells = reallocarray(table->cells, capacity, sizeof(*cells));
        if (!cells) {
            table->failed = true;
            return;
        }
        table->cells = cells;
        table->cell_capacity = capacity;
    }
    char *copy = strdup(text && *text ? text : "-");
    if (!copy) {
        table->failed = true;
        return;
    }
    table->cells[table->cell_count++] = (struct table_cell){ copy, style };
}

void table_add(struct table *table, const char *text)
{
    table_add_styled(table, text, STYLE_NONE);
}

void table_printf(struct table *table, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    table_add(table, text);
    free(text);
}

/* The least a column that may shrink keeps. */
#define SHRINK_LEAST 8

static void table_widths(const struct table *table, unsigned width,
                         size_t widths[TABLE_COLUMNS_MAX])
{
    size_t total = 0;
    assert(table->column_count > 0);
    for (size_t c = 0; c < table->column_count; c++)
        widths[c] = text_width(table->columns[c].title);
    for (size_t i = 0; i < table->cell_count; i++) {
        size_t cell = text_width(table->cells[i].text);
        if (cell > widths[i % table->column_count])
            widths[i % table->column_count] = cell;
    }
    for (size_t c = 0; c < table->column_count; c++)
        total += is_hidden(table, c) ? 0 : widths[c] + (c > 0 ? 2 : 0);
    while (width && total > width) { /* the widest that may, one column at a time */
        size_t widest = SIZE_MAX;
        for (size_t c = 0; c < table->column_count; c++)
            if (table->columns[c].may_shrink && !is_hidden(table, c) && widths[c] > SHRINK_LEAST &&
                (widest == SIZE_MAX || widths[c] > widths[widest]))
                widest = c;
        if (widest == SIZE_MAX)
            break;
        widths[widest]--;
        total--;
    }
}

static void add_blanks(struct stint_buffer *buffer, size_t count)
{
    while (count-- > 0)
        stint_buffer_add_char(buffer, ' ');
}

static void cell_write(const struct table *table, size_t column, const char *text,
                       enum screen_style style, size_t width, struct stint_buffer *buffer)
{
    if (is_hidden(table, column))
        return;
    size_t taken = text_width(text);
    size_t blanks = taken < width ? width - taken : 0;
    bool is_last = column + 1 == table->column_count;
    if (table->columns[column].is_right)
        add_blanks(buffer, blanks);
    stint_buffer_add_text(buffer, style_on(style));
    text_add(buffer, text, width);
    if (style != STYLE_NONE)
        stint_buffer_add_text(buffer, style_off());
    if (!table->columns[column].is_right && !is_last)
        add_blanks(buffer, blanks);
    stint_buffer_add_text(buffer, is_last ? "\n" : "  ");
}

void table_write(const struct table *table, unsigned width, struct stint_buffer *buffer)
{
    size_t widths[TABLE_COLUMNS_MAX];
    assert(table->column_count > 0);
    table_widths(table, width, widths);
    for (size_t c = 0; c < table->column_count; c++)
        cell_write(table, c, table->columns[c].title, STYLE_BOLD, widths[c], buffer);
    for (size_t i = 0; i < table->cell_count; i++) {
        size_t c = i % table->column_count;
        cell_write(table, c, table->cells[i].text, table->cells[i].style, widths[c], buffer);
    }
}

void table_print(const struct table *table, const char *empty)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer buffer = { 0 };
    if (table->failed) {
        (void)fputs("stint: table: out of memory\n", stderr);
        return;
    }
    if (table->cell_count == 0) {
        (void)printf("%s\n", empty);
        return;
    }
    table_write(table, screen_columns(), &buffer);
    (void)fputs(stint_buffer_text(&buffer), stdout);
}
