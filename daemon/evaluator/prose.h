/* What can be told from text for people without understanding it: what a reader of the page sees,
 * whether anything is said at all, whether it is put off or refused. Words are compared in lower
 * case, without punctuation; apostrophes inside a word are dropped ("don't" is "dont"). */
#ifndef STINT_EVALUATOR_PROSE_H
#define STINT_EVALUATOR_PROSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROSE_WORD_MAX 40
#define PROSE_LINE_MAX 2048
/* Fewer words than these say nothing. */
#define PROSE_SAYS_MIN 4

/* Which of the text: what pages show as their own words, or also what they show as code. */
enum prose_part { PROSE_SHOWN = 1, PROSE_WITH_CODE };

/* A copy (free()) of the same length with HTML comments, and fenced code unless it is wanted,
 * turned into blanks; lines keep their numbers. A comment that never ends hides the rest, but only
 * of PROSE_SHOWN: what may restrict is read rather once too often. NULL without memory. */
char *prose_visible(const char *text, size_t length, enum prose_part part);

/* Line by line; a longer line than PROSE_LINE_MAX is cut and ends in dots, a NUL ends the text. */
struct prose_lines {
    const char *at;
    uint32_t number; /* of the line last given, from 1 */
};
bool prose_line(struct prose_lines *lines, char line[PROSE_LINE_MAX]);

/* The next word; false at the end. */
bool prose_word(const char **at, char word[PROSE_WORD_MAX]);
/* All words with one blank between, what stands in round brackets left out. */
void prose_plain(const char *text, char *plain, size_t size);

/* "-", "n/a", "TBD", "TODO: …", "not available", "coming soon" … */
bool prose_is_placeholder(const char *text);
/* Does a sentence say that something about the data is not said? Not names and persons: who is in
 * the data may be nobody's business. */
bool prose_refuses(const char *text);
/* How many words are left without the sentences that refuse; 0 when one of them refuses outright.
 */
size_t prose_says(const char *text);
/* Does it give a reason for which data may be withheld (openness.md §1.3: explainable reasons)? */
bool prose_gives_reason(const char *text);
/* Does it hold an address: a URL, a DOI, an e-mail address, a domain or a path? */
bool prose_is_address(const char *text);

#endif
