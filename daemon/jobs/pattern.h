/* Output file names as people write them: %j %A job, %a task, %x name, %u user, %% a percent sign
 * (INTERFACE §2). */
#ifndef STINT_JOBS_PATTERN_H
#define STINT_JOBS_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/**
 * pattern_expand() - @pattern with its places filled, made absolute below @workdir
 * @workdir: absolute, or NULL: then a relative pattern is refused
 * @name, @user: slashes in them become '_', so that a name cannot choose a folder
 * @ret_path: @size bytes. Return: 0; -ENAMETOOLONG; -EINVAL for an unknown %letter or a relative
 * path without @workdir.
 */
int pattern_expand(const char *pattern, const char *workdir, uint64_t job, uint32_t task,
                   const char *name, const char *user, char *ret_path, size_t size);

#endif
