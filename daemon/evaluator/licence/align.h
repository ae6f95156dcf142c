/* The shortest way from a licence's words to a text's words, by insertions and deletions alone. */
#ifndef STINT_LICENCE_ALIGN_H
#define STINT_LICENCE_ALIGN_H

#include <stddef.h>
#include <stdint.h>

#define ALIGN_NONE UINT32_MAX
/* Most insertions and deletions ever looked for; the work grows with its square. */
#define ALIGN_DISTANCE_MAX 1200u
#define ALIGN_START_MAX    600u

/* Scratch memory, kept between calls; zero-initialise, end with align_work_deinit(). */
struct align_work {
    int32_t *trace;
    size_t capacity;
};
void align_work_deinit(struct align_work *work);

/**
 * align_words() - align all of @b with some stretch of @a
 * @a, @a_count: the text; the stretch may begin at any of its first @start_max + 1 words and end
 *   anywhere, which costs nothing
 * @b, @b_count: the licence
 * @distance_max: give up beyond it
 * @pair: array of @b_count: for each word of @b the index of its equal in @a, or ALIGN_NONE
 * Equal words are those with equal numbers, save WORD_FOREIGN, which equals nothing.
 * Return: 0; 1 when the distance is larger; -ENOMEM. O((start_max + distance) * distance +
 * b_count). Source: E. W. Myers, "An O(ND) difference algorithm and its variations", Algorithmica
 * 1, 1986; here every starting diagonal is open at distance 0.
 */
int align_words(struct align_work *work, const uint16_t *a, uint32_t a_count, const uint16_t *b,
                uint32_t b_count, uint32_t start_max, uint32_t distance_max, uint32_t *pair);

#endif
