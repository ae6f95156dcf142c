/* Owns: what every thread of the store begins with. */
#include "thread.h"

#include <signal.h>

int thread_start(uv_thread_t *ret_thread, void (*run)(void *argument), void *argument)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = uv_thread_create(ret_thread, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}
