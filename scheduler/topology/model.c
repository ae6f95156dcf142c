/* Owns: the short name of a GPU model, which people type after --gpus. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "topology.h"

#define WORD_MAX  24
#define WORDS_MAX 12

/* Words of vendors, marketing and packaging that do not tell one GPU from another. */
static bool is_noise(const char *word)
{
    static const char *const noise[] = { "nvidia", "corporation", "tesla",    "amd",     "ati",
                                         "inc",    "intel",       "instinct", "geforce", "quadro",
                                         "radeon", "graphics",    "gpu",      "data",    "center",
                                         "pcie",   "oam",         "nvl",      "mcm",     "the",
                                         "tm",     "r",           "device",   "pro" };
    for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++)
        if (strcmp(word, noise[i]) == 0)
            return true;
    size_t digits = strspn(word, "0123456789");
    return (digits > 0 && strcmp(word + digits, "gb") == 0) ||
           (strncmp(word, "sxm", 3) == 0 && strlen(word) <= 4) ||
           (strncmp(word, "hbm", 3) == 0 && strlen(word) <= 5);
}

static size_t split_words(const char *text, size_t length, char words[WORDS_MAX][WORD_MAX])
{
    size_t count = 0;
    size_t at = 0;
    for (size_t i = 0; i <= length && count < WORDS_MAX; i++) {
        if (i < length && isalnum((unsigned char)text[i])) {
            if (at < WORD_MAX - 1)
                words[count][at++] = (char)tolower((unsigned char)text[i]);
        } else if (at > 0) {
            words[count][at] = '\0';
            at = 0;
            count += !is_noise(words[count]);
        }
    }
    return count;
}

static bool has(const char *word, int (*is)(int))
{
    for (; *word; word++)
        if (is((unsigned char)*word))
            return true;
    return false;
}

void gpu_model_short(const char *model, char *type)
{
    char words[WORDS_MAX][WORD_MAX];
    const char *open = strchr(model, '[');
    const char *close = open ? strchr(open, ']') : NULL;
    /* PCI names give the chip, and the product in brackets. */
    if (open && close)
        model = open + 1;
    size_t length = open && close ? (size_t)(close - model) : strlen(model);
    size_t count = split_words(model, length, words);
    for (size_t i = 0; i < count; i++) {
        if (has(words[i], isalpha) && has(words[i], isdigit)) {
            (void)snprintf(type, STINT_MACHINE_NAME_MAX, "%.23s", words[i]);
            return;
        }
    }
    for (size_t i = 0; i + 1 < count; i++) {
        if (has(words[i], isalpha) && !has(words[i + 1], isalpha)) {
            (void)snprintf(type, STINT_MACHINE_NAME_MAX, "%.23s%.23s", words[i], words[i + 1]);
            return;
        }
    }
    size_t at = 0;
    type[0] = '\0';
    for (size_t i = 0; i < count && at < STINT_MACHINE_NAME_MAX - WORD_MAX - 1; i++)
        at += (size_t)snprintf(type + at, STINT_MACHINE_NAME_MAX - at, "%s%.23s", i ? "-" : "",
                               words[i]);
    if (at == 0)
        (void)snprintf(type, STINT_MACHINE_NAME_MAX, "gpu");
}
