/* Reviewers' statements on this side: making them, signing them, and reading a file of them. */
#ifndef STINT_CLI_REVIEW_H
#define STINT_CLI_REVIEW_H

#include <stddef.h>

#include "stint/attestation.h"
#include "stint/buffer.h"
#include "stint/error.h"

/**
 * review_load() - the statements of @file (one JSON object or an array of them), checked
 * @keys: file of reviewers' keys: each statement must be signed by one of them. NULL: only unsigned
 * ones are taken, on the word of who runs this
 * @json: receives them as a JSON array, for struct stint_evaluation
 * Return: 0; STINT_INVALID, STINT_UNTRUSTED, STINT_NOT_PERMITTED with the number of the statement
 * and the cure; -errno of a file.
 */
int review_load(const char *file, const char *keys, struct stint_buffer *json,
                struct stint_error *err);

/* "sha256:…" of what lies at @path, folder or file, as the daemon computes it. 0, or as
 * stint_artifact_tree_open() and stint_artifact_hash(). */
int review_digest(const char *path, char digest[80], struct stint_error *err);
/* The same of one file's bytes alone. */
int review_file_digest(const char *path, char digest[80], struct stint_error *err);

/* Signs @attestation, whose reviewer is then the key's name, with the key in @file; the statement
 * as JSON is appended to @json. */
int review_sign(const struct stint_attestation *attestation, const char *file,
                struct stint_buffer *json, struct stint_error *err);

#endif
