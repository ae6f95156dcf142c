/* Words of the request's enums, in the order of the enums; shared by reading and writing. */
#ifndef STINT_REQUEST_WORDS_H
#define STINT_REQUEST_WORDS_H

extern const char *const locality_words[];
extern const char *const preemptible_words[];
extern const char *const after_words[];
extern const char *const use_words[];

#endif
