/* Mark-up that a reader of the finished page does not see as words: tags and character references.
 * Beside words.c, its only user. */
#ifndef STINT_LICENCE_MARKUP_H
#define STINT_LICENCE_MARKUP_H

#include <stdbool.h>
#include <stddef.h>

/* Longest tag or link target looked at. */
#define MARKUP_LENGTH_MAX 400

/**
 * markup_tag() - length of the HTML tag at @text (which begins with '<'), 0 when it is none
 * Only tags and attributes of a short list count; anything else is text. The values of attributes
 * are not skipped: the caller reads them as words of a link, since a rider could hide in them.
 */
size_t markup_tag(const char *text, size_t left);

/* Is @text[@at] inside an attribute's value of the tag of @length bytes at @text? */
bool markup_is_value(const char *text, size_t length, size_t at);

/**
 * markup_reference() - length of the character reference at @text ('&'), 0 when it is none
 * @ret_mark: the punctuation or blank it stands for. References to letters are no references here:
 * their digits stay in the text as words, and are found.
 */
size_t markup_reference(const char *text, size_t left, char *ret_mark);

#endif
