/* Owns: the list of licences and the names they go by, while they grow. Both have a bound, and the
 * list is sorted only when somebody asks it for an id. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "load.h"

/* New ones are put into their places among those that are sorted: the file is nearly in order, and
 * later ones come one at a time between two questions. */
void load_sort(struct load *load)
{
    struct stint_licence *list = load->table->list;
    for (; load->sorted_count < load->table->count; load->sorted_count++) {
        size_t count = load->sorted_count;
        if (count == 0 || strcasecmp(list[count - 1].id, list[count].id) <= 0)
            continue;
        struct stint_licence licence = list[count];
        size_t place = licences_place(list, count, licence.id);
        memmove(&list[place + 1], &list[place], (count - place) * sizeof(list[0]));
        list[place] = licence;
    }
}

int load_find(struct load *load, const struct document *document, const char *id,
              uint16_t *ret_index, struct stint_error *err)
{
    load_sort(load);
    *ret_index = licences_index(load->table, id);
    return *ret_index != LICENCE_NONE
               ? 0
               : document_fail(document, err, "no licence '%s' is known", id);
}

int load_add(struct load *load, const char *id, struct stint_licence **ret, struct stint_error *err)
{
    struct stint_licences *table = load->table;
    if (table->count == LOAD_LICENCE_MAX)
        return stint_fail(err, STINT_UNTRUSTED, "more than %d licences", LOAD_LICENCE_MAX);
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? table->capacity * 2 : 1024;
        struct stint_licence *list = realloc(table->list, capacity * sizeof(*list));
        if (!list)
            return stint_fail(err, -ENOMEM, "out of memory");
        table->list = list;
        table->capacity = capacity;
    }
    const char *copy = arena_text(&table->arena, id, strlen(id));
    if (!copy)
        return stint_fail(err, -ENOMEM, "out of memory");
    struct stint_licence *licence = &table->list[table->count++];
    *licence = (struct stint_licence){ .id = copy, .name = copy, .successor = "", .note = "" };
    *ret = licence;
    return 0;
}

int load_name(struct stint_licences *table, const char *key, struct licence_name name,
              struct stint_error *err)
{
    if (table->name_count == LOAD_NAME_MAX)
        return stint_fail(err, STINT_UNTRUSTED, "more than %d names", LOAD_NAME_MAX);
    if (table->name_count == table->name_capacity) {
        size_t capacity = table->name_capacity ? table->name_capacity * 2 : 2048;
        struct licence_name *names = realloc(table->names, capacity * sizeof(*names));
        if (!names)
            return stint_fail(err, -ENOMEM, "out of memory");
        table->names = names;
        table->name_capacity = capacity;
    }
    char lower[LICENCE_KEY_MAX];
    if (!licences_key(key, lower))
        return stint_fail(err, STINT_UNTRUSTED, "'%s' is no name", key);
    name.key = arena_text(&table->arena, lower, strlen(lower));
    if (!name.key)
        return stint_fail(err, -ENOMEM, "out of memory");
    table->names[table->name_count++] = name;
    return 0;
}
