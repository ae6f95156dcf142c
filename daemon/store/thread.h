/* A thread that no signal is delivered to: they belong to the loop's. */
#ifndef STORE_THREAD_H
#define STORE_THREAD_H

#include <uv.h>

/* 0, or a negative errno and no thread. */
int thread_start(uv_thread_t *ret_thread, void (*run)(void *argument), void *argument);

#endif
