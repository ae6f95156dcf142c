/* What a character is to a licence text: a letter, something that only separates, or something that
 * hides. Beside words.c, its only user. */
#ifndef STINT_LICENCE_CHARACTERS_H
#define STINT_LICENCE_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum character_class {
    CHARACTER_LETTER = 1, /* any letter, digit or mark; also whatever this table does not know */
    CHARACTER_IDEOGRAPH,  /* a word of its own: scripts that set no blanks */
    CHARACTER_BLANK,
    CHARACTER_PUNCTUATION,
    CHARACTER_HIDDEN, /* invisible or control: never part of an honest licence text */
};

/* Scripts as far as look-alikes go. */
enum character_script { SCRIPT_NONE = 0, SCRIPT_LATIN, SCRIPT_OTHER };

/* A letter or digit of ASCII. */
static inline __attribute__((unused)) bool character_is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/**
 * character_read() - the next code point of @text
 * Bytes that are not UTF-8 are read as Windows-1252, one at a time: old licence files are.
 * Return: its length in bytes, 1..4.
 */
size_t character_read(const unsigned char *text, size_t left, uint32_t *ret_code);
enum character_class character_class_of(uint32_t code);
enum character_script character_script_of(uint32_t code);
uint32_t character_lower(uint32_t code);
/* UTF-8 of @code in @bytes (4 are enough); returns how many. */
size_t character_write(uint32_t code, char *bytes);
/* ﬁ, ﬂ and their like as plain letters, NULL for others: what a page-layout program leaves. */
const char *character_ligature(uint32_t code);

#endif
