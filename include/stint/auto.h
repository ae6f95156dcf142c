/* Ownership in three words (STYLE, "Ownership"): stint_auto(fn) frees at the end of the scope,
 * stint_take(p) hands on, and stint_container_of() goes from a member back to its object. fn is
 * `void fn(T *)`; use stint_auto_ptr to define the glue. */
#ifndef STINT_AUTO_H
#define STINT_AUTO_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/**
 * STINT_AUTO_FREE() - let stint_auto(fn) work for `fn(type *)`
 * Defines `fn##_auto(type **)`. A NULL pointer is allowed: destructors take NULL.
 */
#define STINT_AUTO_FREE(type, fn)                                                                  \
    static inline __attribute__((unused)) void fn##_auto(type **pointer)                           \
    {                                                                                              \
        fn(*pointer);                                                                              \
    }                                                                                              \
    struct stint_swallow_semicolon

#define stint_auto(fn) __attribute__((cleanup(fn##_auto)))

#define stint_take(pointer)                                                                        \
    __extension__({                                                                                \
        __typeof__(pointer) stint_taken = (pointer);                                               \
        (pointer) = NULL;                                                                          \
        stint_taken;                                                                               \
    })

#define stint_container_of(pointer, type, member)                                                  \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define STINT_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Frees a heap string or block: `stint_auto(stint_free) char *text = …`. */
static inline __attribute__((unused)) void stint_free_auto(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}

/* Closes a descriptor that is open (>= 0): `stint_auto(stint_fd) int fd = open(…)`. */
static inline __attribute__((unused)) void stint_fd_auto(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Hands a descriptor on and leaves -1. */
#define stint_take_fd(fd)                                                                          \
    __extension__({                                                                                \
        int stint_taken_fd = (fd);                                                                 \
        (fd) = -1;                                                                                 \
        stint_taken_fd;                                                                            \
    })

#endif
