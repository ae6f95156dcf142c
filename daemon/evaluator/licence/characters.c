/* Owns: the classes of Unicode characters as far as licence texts need them. The rule is one-sided
 * on purpose: what is not listed as blank or punctuation is a letter, so that it becomes a word,
 * and a word left over is a finding. A character can be wrongly reported here, never wrongly
 * ignored. Source: Unicode 15, chapters on general punctuation and on invisible characters;
 * Windows-1252 as in the WHATWG Encoding standard. */
#include "characters.h"

#include <stdbool.h>

#include "stint/auto.h"

struct character_range {
    uint32_t first;
    uint32_t last;
};

/* clang-format off */
static const struct character_range blanks[] = {
    { 0x09, 0x0d }, { 0x20, 0x20 }, { 0x85, 0x85 }, { 0xa0, 0xa0 }, { 0x1680, 0x1680 },
    { 0x2000, 0x200a }, { 0x2028, 0x2029 }, { 0x202f, 0x202f }, { 0x205f, 0x205f },
    { 0x3000, 0x3000 },
};
/* Combining marks are among them: a stroke set over a blank strikes words out, and an accent set over
 * a letter makes it look like another. */
static const struct character_range hidden[] = {
    { 0x00, 0x08 }, { 0x0e, 0x1f }, { 0x7f, 0x84 }, { 0x86, 0x9f }, { 0xad, 0xad },
    { 0x0300, 0x036f }, { 0x061c, 0x061c }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 },
    { 0x180b, 0x180f }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200f },
    { 0x202a, 0x202e }, { 0x2060, 0x206f }, { 0x20d0, 0x20ff }, { 0x2800, 0x2800 },
    { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff },
    { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffd }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};
/* Without the signs that say "not": the not sign, the mathematical operators, crosses and no-entry
 * signs. They are letters here, and a letter is never ignored. */
static const struct character_range punctuation[] = {
    { 0x21, 0x2f }, { 0x3a, 0x40 }, { 0x5b, 0x60 }, { 0x7b, 0x7e }, { 0xa1, 0xa9 }, { 0xab, 0xab },
    { 0xae, 0xaf }, { 0xb4, 0xb4 }, { 0xb6, 0xb8 }, { 0xbb, 0xbb }, { 0xbf, 0xbf },
    { 0x2010, 0x2027 }, { 0x2030, 0x205e }, { 0x20a0, 0x20cf }, { 0x2120, 0x2120 },
    { 0x2122, 0x2122 }, { 0x2190, 0x21ff }, { 0x2212, 0x2212 }, { 0x2215, 0x2219 },
    { 0x22c5, 0x22c5 }, { 0x2500, 0x25ff }, { 0x2600, 0x2611 }, { 0x2701, 0x2714 },
    { 0x2719, 0x274b }, { 0x274f, 0x2775 }, { 0x2794, 0x27bf }, { 0x3001, 0x3003 },
    { 0x3008, 0x3011 }, { 0x3013, 0x3020 }, { 0x3030, 0x3030 }, { 0x30fb, 0x30fb },
    { 0xff01, 0xff0f }, { 0xff1a, 0xff20 }, { 0xff3b, 0xff40 }, { 0xff5b, 0xff65 },
};
static const struct character_range ideographs[] = {
    { 0x2e80, 0x2fdf }, { 0x3005, 0x3007 }, { 0x3040, 0x30ff }, { 0x3400, 0x4dbf },
    { 0x4e00, 0x9fff }, { 0xf900, 0xfaff }, { 0x20000, 0x323af },
};
/* Bytes 0x80 to 0x9f of Windows-1252; 0 where it has none. */
static const uint16_t windows_1252[32] = {
    0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039,
    0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc,
    0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178,
};
/* clang-format on */

static bool character_in(const struct character_range *ranges, size_t count, uint32_t code)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && code >= ranges[low].first;
}

size_t character_read(const unsigned char *text, size_t left, uint32_t *ret_code)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char first = text[0];
    *ret_code = first;
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    if (length != 0 && length <= left && first <= 0xf4) {
        uint32_t code = first & (0xffu >> (length + 1));
        size_t i = 1;
        for (; i < length && (text[i] & 0xc0) == 0x80; i++)
            code = code << 6 | (text[i] & 0x3fu);
        if (i == length && code >= smallest[length] && code <= 0x10ffff &&
            (code < 0xd800 || code > 0xdfff)) {
            *ret_code = code;
            return length;
        }
    }
    if (first < 0xa0 && windows_1252[first - 0x80] != 0)
        *ret_code = windows_1252[first - 0x80];
    return 1;
}

enum character_class character_class_of(uint32_t code)
{
    if (code > 0x20 && code < 0x7f) /* the tables say the same, more slowly */
        return character_is_alphanumeric((char)code) ? CHARACTER_LETTER : CHARACTER_PUNCTUATION;
    if (character_in(blanks, STINT_ARRAY_SIZE(blanks), code))
        return CHARACTER_BLANK;
    if (character_in(hidden, STINT_ARRAY_SIZE(hidden), code))
        return CHARACTER_HIDDEN;
    if (character_in(punctuation, STINT_ARRAY_SIZE(punctuation), code))
        return CHARACTER_PUNCTUATION;
    return character_in(ideographs, STINT_ARRAY_SIZE(ideographs), code) ? CHARACTER_IDEOGRAPH
                                                                        : CHARACTER_LETTER;
}

enum character_script character_script_of(uint32_t code)
{
    if (code < 0x80)
        return (code | 0x20) >= 'a' && (code | 0x20) <= 'z' ? SCRIPT_LATIN : SCRIPT_NONE;
    if (code == 0xaa || code == 0xba || (code >= 0xc0 && code <= 0x24f) ||
        (code >= 0x1e00 && code <= 0x1eff))
        return SCRIPT_LATIN;
    return SCRIPT_OTHER;
}

uint32_t character_lower(uint32_t code)
{
    if (code < 0x80)
        return code >= 'A' && code <= 'Z' ? code + 32 : code;
    if ((code >= 0xc0 && code <= 0xde && code != 0xd7) || (code >= 0x391 && code <= 0x3a9) ||
        (code >= 0x410 && code <= 0x42f))
        return code + 32;
    if (code >= 0x400 && code <= 0x40f)
        return code + 80;
    if (code == 0x178)
        return 0xff;
    bool is_odd_capital = (code >= 0x139 && code <= 0x148) || (code >= 0x179 && code <= 0x17e);
    bool is_even_capital =
        (code >= 0x100 && code <= 0x137 && code != 0x130) || (code >= 0x14a && code <= 0x177);
    if ((is_odd_capital && code % 2 == 1) || (is_even_capital && code % 2 == 0))
        return code + 1;
    return code;
}

size_t character_write(uint32_t code, char *bytes)
{
    if (code < 0x80) {
        bytes[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    bytes[0] = (char)(lead[length] | code);
    return length;
}

const char *character_ligature(uint32_t code)
{
    static const char *const letters[] = { "ff", "fi", "fl", "ffi", "ffl" };
    return code >= 0xfb00 && code <= 0xfb04 ? letters[code - 0xfb00] : NULL;
}
