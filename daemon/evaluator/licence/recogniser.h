/* One run of the recogniser: what candidates.c, attempt.c and recognise.c share. */
#ifndef STINT_LICENCE_RECOGNISER_H
#define STINT_LICENCE_RECOGNISER_H

#include "align.h"
#include "table.h"
#include "words.h"

/* Most three-word sequences of a text that are looked at; a text with more is cut. */
#define HIT_MAX 262144u
/* Templates aligned for one stretch of text. */
#define CANDIDATE_MAX 8

/* A chosen sequence of a template found in the text. */
struct hit {
    uint32_t kept; /* index in recogniser.kept */
    uint16_t template;
    uint16_t position; /* word of the template */
};

struct candidate {
    uint16_t template;
    uint32_t hits;
    uint32_t score;
};

/* Half-open range of words. */
struct range {
    uint32_t first;
    uint32_t end;
};

/* Words left over in one place of an attempt. */
struct leftover {
    struct range words; /* inserted: words of the text; missing: the place before words.first */
    uint32_t template_first;
    uint32_t template_end;
    uint32_t count;
    bool is_inserted;
};
#define LEFTOVER_MAX STINT_LICENCE_EDIT_MAX

/* One template aligned with one stretch of the text. */
struct attempt {
    uint16_t template;
    struct range words;
    struct range core; /* the same without title, notices and list marks at the ends */
    uint32_t matched;  /* words of the licence found */
    uint32_t needed;   /* words of the licence that had to be found */
    uint32_t bad;      /* words left over, both sides */
    uint32_t filled;   /* words of the text that fill place-holders */
    struct leftover *leftovers;
    uint32_t leftover_count;
    bool is_cut;
};

/* Most words of a text whose recogniser is kept for the next one: the longest licences have a
 * quarter of it, and the room for so many words is about 4 MB. */
#define KEPT_WORD_MAX 32768u

/*
 * Its arrays outlive one text: memory that is given back and asked for anew has to be mapped and
 * cleared by the kernel each time, which took half of a recognition.
 */
struct recogniser {
    const struct stint_licences *table;
    const struct texts *texts;
    struct words words;
    uint32_t *kept; /* words that are neither bullets nor of notices or links */
    uint32_t kept_count;
    uint32_t kept_capacity; /* of next_place too */
    /* Where each word of the vocabulary stands: the first place in kept, and for each place the
     * next one of the same word; ALIGN_NONE ends. */
    uint32_t *places;
    uint32_t *next_place;
    struct hit *hits; /* in the order of the text */
    uint32_t hit_count;
    uint32_t hit_capacity;
    struct align_work work;
    /* LEFTOVER_MAX each: of the best attempt, of another, of its second way of comparing. */
    struct leftover *leftovers[3];
    /* Scratch of the attempts: the template's and the text's sequences. */
    uint16_t *a;
    uint16_t *b;
    uint32_t *a_words;
    uint32_t *b_words;
    uint32_t *pair;
    uint32_t *found;        /* for each word of the template its word in the text, or ALIGN_NONE */
    uint32_t *span_of_word; /* for each word of the template its span, or ALIGN_NONE */
    uint8_t *kind_of_word; /* for each word of the template: KIND_PLAIN, or why it may be missing */
    uint32_t *votes;       /* for each template, zero between calls */
    int32_t *balance;      /* for each word of the vocabulary, zero between calls */
    int32_t *supply;       /* how often the stretch looked at has it; zero between stretches */
    uint16_t *taken;       /* scratch: the words of a template that supply was asked for */
    uint32_t a_capacity;
    uint32_t b_capacity;
    bool is_cut;
};

/* candidates.c: look all sequences up once, then rank templates for words @range. */
int candidates_find_hits(struct recogniser *r);
uint32_t candidates_rank(struct recogniser *r, struct range range,
                         struct candidate list[CANDIDATE_MAX]);

/**
 * attempt_run() - align one candidate inside words @range
 * @distance_max: most words left over on both sides together
 * @ret_attempt: its leftovers array is the caller's, LEFTOVER_MAX entries; the rest is overwritten
 * Return: 0; 1 when it is too different; -ENOMEM.
 */
int attempt_run(struct recogniser *r, uint16_t template, struct range range, uint32_t distance_max,
                struct attempt *ret_attempt);

/* Around the attempts on words @range: their words are added to the supply (1), then taken away
 * again (-1). attempt_run() asks it what the stretch has. */
void attempt_supply(struct recogniser *r, struct range range, int32_t count);

/* recognise.c: NULL is fine. */
void recogniser_free(struct recogniser *r);

/* May this word be left over wherever it stands? */
bool word_is_free(const struct words *words, size_t index);

#endif
