/* What was found, in words; report_finish() turns it into the places and lines of the result. */
#ifndef STINT_LICENCE_REPORT_H
#define STINT_LICENCE_REPORT_H

#include "recogniser.h"

#define REPORT_NONE UINT32_MAX

struct report_match {
    struct range words;
    uint32_t matched;
    uint32_t edits; /* how many belong to it */
    uint32_t needed;
    uint16_t template;
    bool is_unknown;
    bool is_disguised;
};

struct report_edit {
    struct leftover leftover;
    uint32_t match;
};

struct report {
    struct report_match matches[STINT_LICENCE_MATCH_MAX];
    uint32_t match_count;
    struct report_edit *edits;
    uint32_t edit_count;
    uint32_t edit_capacity;
    bool is_cut;
};
void report_deinit(struct report *report);

/* Each: 0 or -ENOMEM; a full report is marked cut instead. */
int report_attempt(struct report *report, const struct recogniser *r,
                   const struct attempt *attempt);
int report_unknown(struct report *report, struct range words, uint32_t word_count);
int report_leftover(struct report *report, uint32_t match, const struct leftover *leftover);
/* Brings the matches into the order of the text; edits follow theirs. */
void report_sort(struct report *report);

/**
 * report_finish() - tags, twins, clauses, places: the result
 * Return: 0 or -ENOMEM; @ret is the caller's on 0.
 */
int report_finish(struct report *report, const struct recogniser *r,
                  struct stint_licence_recognition *ret);

#endif
