/* Owns: what a licence value in metadata names. A value is an SPDX expression, a hub key, a
 * customary name or the address of a known text; anything else stays unknown under a name of its
 * own, so that it can neither be accepted nor be mistaken for another. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/reader.h"
#include "stint/auto.h"
#include "stint/buffer.h"

/* Addresses of texts, without scheme and "www.": a prefix, and the id (a prefix of one when the
 * rest of the address gives the remainder). */
static const struct {
    const char *prefix;
    const char *id;
} addresses[] = {
    { "creativecommons.org/publicdomain/zero/1.0", "CC0-1.0" },
    { "creativecommons.org/publicdomain/mark/1.0", "CC-PDDC" },
    { "apache.org/licenses/license-2.0", "Apache-2.0" },
    { "opendatacommons.org/licenses/pddl", "PDDL-1.0" },
    { "opendatacommons.org/licenses/by", "ODC-By-1.0" },
    { "opendatacommons.org/licenses/odbl", "ODbL-1.0" },
    { "cdla.dev/permissive-2-0", "CDLA-Permissive-2.0" },
    { "cdla.dev/permissive-1-0", "CDLA-Permissive-1.0" },
    { "cdla.dev/sharing-1-0", "CDLA-Sharing-1.0" },
    { "gnu.org/licenses/gpl-3.0", "GPL-3.0-only" },
    { "gnu.org/licenses/gpl-3.0-standalone", "GPL-3.0-only" },
    { "gnu.org/licenses/agpl-3.0", "AGPL-3.0-only" },
    { "ai.google.dev/gemma/terms", "LicenseRef-Gemma" },
    { "ai.meta.com/llama/license", "LicenseRef-Llama-2" },
    { "llama.meta.com/llama2/license", "LicenseRef-Llama-2" },
    { "llama.meta.com/llama3/license", "LicenseRef-Llama-3" },
    { "llama.meta.com/llama3_1/license", "LicenseRef-Llama-3.1" },
    { "llama.com/llama3/license", "LicenseRef-Llama-3" },
    { "llama.com/llama3_1/license", "LicenseRef-Llama-3.1" },
    { "llama.com/llama3_2/license", "LicenseRef-Llama-3.2" },
    { "llama.com/llama3_3/license", "LicenseRef-Llama-3.3" },
    { "llama.com/llama4/license", "LicenseRef-Llama-4" },
    { "openmdw.ai/license/1-0", "OpenMDW-1.0" },
};

/* "spdx.org/licenses/MIT.html" and "opensource.org/licenses/MIT" end in an id. */
static bool address_tail(const char *address, const char *prefix, char *id, size_t size)
{
    size_t length = strlen(prefix);
    if (strncasecmp(address, prefix, length) != 0)
        return false;
    (void)snprintf(id, size, "%s", address + length);
    char *end = id + strcspn(id, "/?#");
    *end = '\0';
    size_t left = strlen(id);
    if (left > 5 && strcasecmp(id + left - 5, ".html") == 0)
        id[left - 5] = '\0';
    return id[0] != '\0';
}

/* "creativecommons.org/licenses/by-sa/4.0/" is CC-BY-SA-4.0. */
static bool address_creative_commons(const char *address, char *id, size_t size)
{
    static const char prefix[] = "creativecommons.org/licenses/";
    char kind[24];
    char version[8];
    int end = 0;
    if (strncasecmp(address, prefix, sizeof(prefix) - 1) != 0)
        return false;
    address += sizeof(prefix) - 1;
    if (sscanf(address, "%23[a-zA-Z-]/%7[0-9.]%n", kind, version, &end) != 2 ||
        !strchr("/?#", address[end]))
        return false;
    for (char *c = kind; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    (void)snprintf(id, size, "CC-%s-%s", kind, version);
    return true;
}

static bool address_id(const char *text, char *id, size_t size)
{
    const char *scheme = strstr(text, "://");
    if (!scheme)
        return false;
    const char *address = scheme + 3;
    if (strncasecmp(address, "www.", 4) == 0)
        address += 4;
    if (address[strcspn(address, " \t\r\n")] != '\0')
        return false; /* an address and a word more, which may take something away */
    for (size_t i = 0; i < STINT_ARRAY_SIZE(addresses); i++) {
        size_t length = strlen(addresses[i].prefix);
        if (strncasecmp(address, addresses[i].prefix, length) == 0 &&
            strchr("/?#.", address[length])) {
            (void)snprintf(id, size, "%s", addresses[i].id);
            return true;
        }
    }
    return address_creative_commons(address, id, size) ||
           address_tail(address, "spdx.org/licenses/", id, size) ||
           address_tail(address, "opensource.org/licenses/", id, size) ||
           address_tail(address, "opensource.org/license/", id, size);
}

/* A word that an SPDX expression can hold, made of what could not be read. */
static void unknown_word(const char *text, char *word, size_t size)
{
    size_t length = (size_t)snprintf(word, size, "LicenseRef-unknown-");
    bool is_dash = true;
    for (; *text && length + 1 < size && length < 80; text++) {
        bool is_plain = isalnum((unsigned char)*text) != 0 && (unsigned char)*text < 0x80;
        if (is_plain)
            word[length++] = *text;
        else if (!is_dash)
            word[length++] = '-';
        is_dash = !is_plain;
    }
    while (length > 0 && word[length - 1] == '-')
        length--;
    word[length] = '\0';
}

/* One name: its id in @word; false when it names no licence known here. */
static bool one_name(const struct stint_licences *licences, const char *text, char *word,
                     size_t size)
{
    struct stint_licence_name name;
    char id[200];
    int r = stint_licence_find(licences, text, &name);
    if (r != 0 && address_id(text, id, sizeof(id)))
        r = stint_licence_find(licences, id, &name);
    if (r != 0 || !name.licence) {
        unknown_word(text, word, size);
        return false;
    }
    if (name.twin)
        (void)snprintf(word, size, "(%s OR %s)", name.licence->id, name.twin->id);
    else
        (void)snprintf(word, size, "%s", name.licence->id);
    return true;
}

static bool every_term_is_known(const struct stint_licences *licences, const char *text)
{
    struct stint_licence_expression *expression;
    struct stint_licence_name name;
    if (stint_licence_expression_parse(text, &expression, NULL) != 0)
        return false;
    size_t count = stint_licence_expression_term_count(expression);
    bool is_known = count > 1;
    for (size_t i = 0; i < count && is_known; i++)
        is_known = stint_licence_term_resolve(
                       licences, stint_licence_expression_term(expression, i), &name) == 0 &&
                   name.licence;
    if (count == 1) {
        const struct stint_licence_term *term = stint_licence_expression_term(expression, 0);
        is_known = (term->exception || term->is_or_later) &&
                   stint_licence_term_resolve(licences, term, &name) == 0 && name.licence;
    }
    stint_licence_expression_free(expression);
    return is_known;
}

bool licence_value(const struct stint_licences *licences, const char *text, char *expression,
                   size_t size)
{
    char trimmed[512];
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    if (length >= sizeof(trimmed)) { /* its beginning alone may name something else */
        unknown_word(text, expression, size);
        return false;
    }
    memcpy(trimmed, text, length);
    trimmed[length] = '\0';
    if (every_term_is_known(licences, trimmed)) {
        (void)snprintf(expression, size, "%s", trimmed);
        return true;
    }
    return one_name(licences, trimmed, expression, size);
}

void reader_declared_licence(struct reader *reader, const struct reader_file *file,
                             enum stint_component target, const char *subject, const char *folder,
                             const char *only_file, const char *value, enum stint_source source,
                             struct stint_place at)
{
    char expression[600];
    (void)licence_value(reader->licences, value, expression, sizeof(expression));
    (void)reader_licence(reader, file, target, subject, folder, only_file, expression, source,
                         source == STINT_SOURCE_HEADER ? STINT_NAMED : STINT_DECLARED, at);
}
