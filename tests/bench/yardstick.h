/* Small things that every bench of the whole daemon needs: a clock, medians, programs to start. */
#ifndef STINT_BENCH_YARDSTICK_H
#define STINT_BENCH_YARDSTICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FOLDERS_MAX 256
#define ROUNDS_MAX  15

double now_s(void); /* CLOCK_MONOTONIC */
/* Sorts @values in place. @part: 0.5 for the median, 0.99 for p99. 0 for an empty array. */
double quantile(double *values, size_t count, double part);
double median(double *values, size_t count);
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Starts a program; standard error goes to @stderr_path when it is given. */
pid_t program_start(const char *const *words, const char *stderr_path);
/* One after another, @count times; returns seconds. */
double program_loop_s(const char *program, size_t count);
/* Milliseconds of one append of 16 KiB with fdatasync() in @folder, the middle of some. */
double disk_sync_ms(const char *folder);
bool program_is_there(const char *name);   /* in PATH */
void folder_make(char *path, size_t size); /* a new temporary one, open to other users' programs */
void folder_remove(const char *path);      /* when the program ends */
int rounds(int fallback);                  /* STINT_BENCH_ROUNDS, 1..ROUNDS_MAX */
/* One line "measured, limit, ratio" of the closing table; false when the target is missed. */
bool judge(const char *what, double measured, const char *unit, double limit, bool is_ceiling);

#endif
