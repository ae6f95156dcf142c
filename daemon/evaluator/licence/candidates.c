/* Owns: which templates are worth aligning. Each template has up to forty of its rarest three-word
 * sequences in an index; a text that contains most of them is a likely copy. The choice here costs
 * only time and recognition: it cannot make a changed text clean. */
#include "recogniser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int hit_add(struct recogniser *r, struct hit hit)
{
    if (r->hit_count == HIT_MAX) {
        r->is_cut = true;
        return 0;
    }
    if (r->hit_count == r->hit_capacity) {
        uint32_t capacity = r->hit_capacity ? r->hit_capacity * 2 : 4096;
        struct hit *hits = realloc(r->hits, capacity * sizeof(*hits));
        if (!hits)
            return -ENOMEM;
        r->hits = hits;
        r->hit_capacity = capacity;
    }
    r->hits[r->hit_count++] = hit;
    return 0;
}

int candidates_find_hits(struct recogniser *r)
{
    const struct word *list = r->words.list;
    for (uint32_t i = 0; i + 2 < r->kept_count; i++) {
        uint16_t a = list[r->kept[i]].id;
        uint16_t b = list[r->kept[i + 1]].id;
        uint16_t c = list[r->kept[i + 2]].id;
        if (a == WORD_FOREIGN || b == WORD_FOREIGN || c == WORD_FOREIGN)
            continue;
        uint32_t first;
        uint32_t end;
        texts_lookup(r->texts, texts_key(a, b, c), &first, &end);
        for (; first < end; first++) {
            struct texts_posting posting = texts_posting_at(r->texts, first);
            int error = hit_add(r, (struct hit){ i, posting.template, posting.position });
            if (error != 0)
                return error;
        }
    }
    return 0;
}

static void candidate_insert(struct candidate *list, uint32_t *count, struct candidate candidate)
{
    uint32_t at = *count;
    while (at > 0 && list[at - 1].score < candidate.score)
        at--;
    if (at == CANDIDATE_MAX)
        return;
    uint32_t moved = *count - at;
    if (*count == CANDIDATE_MAX)
        moved--;
    else
        ++*count;
    memmove(&list[at + 1], &list[at], moved * sizeof(*list));
    list[at] = candidate;
}

/*
 * The score is hits times the part of its sequences found: a long licence that is there as a whole
 * comes before a short one inside it, and both before a long one of which little is there.
 */
uint32_t candidates_rank(struct recogniser *r, struct range range,
                         struct candidate list[CANDIDATE_MAX])
{
    uint32_t first = 0;
    while (first < r->hit_count && r->kept[r->hits[first].kept] < range.first)
        first++;
    uint32_t end = first;
    for (; end < r->hit_count && r->kept[r->hits[end].kept] < range.end; end++)
        r->votes[r->hits[end].template]++;
    uint32_t count = 0;
    for (uint32_t i = first; i < end; i++) {
        uint16_t template = r->hits[i].template;
        uint32_t hits = r->votes[template];
        r->votes[template] = 0;
        if (hits == 0)
            continue; /* seen already */
        uint32_t keys = texts_template_at(r->texts, template).key_count;
        hits = hits > keys ? keys : hits;
        if (keys == 0 || hits * 10 < keys * 3)
            continue;
        candidate_insert(list, &count,
                         (struct candidate){ template, hits, hits * 1000 / keys * hits });
    }
    return count;
}
