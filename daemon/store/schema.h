/* The database's form: what it is called, how it comes to be, and whether a file is one of ours. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include <sqlite3.h>

#include "stint/error.h"

#define SCHEMA_APPLICATION_ID 0x53746e74                /* "Stnt", at byte 68 of the file */
#define SCHEMA_CHECK_BYTES    ((sqlite3_int64)32 << 20) /* larger ones get the short check */

/* Statements, then NULL. schema_migrations[i] makes version i + 1 of version i; never edited once
 * released. */
typedef const char *const *schema_migration;
extern const schema_migration schema_migrations[];
extern const int schema_version;

/* A negative errno for a result of SQLite; *err says what failed, in whose words. */
int schema_fail(sqlite3 *db, int code, const char *what, struct stint_error *err);
int schema_errno(int code);

/**
 * schema_check() - is the existing file @path a sound database of ours? Opens it read-only
 * Return: 0; STINT_UNTRUSTED with the way to restore; a negative errno.
 */
int schema_check(const char *path, struct stint_error *err);
/* Connection to write with: journal, synchronisation, caches. */
int schema_open_writer(const char *path, sqlite3 **ret_db, struct stint_error *err);
int schema_open_reader(const char *path, sqlite3 **ret_db, struct stint_error *err);
/* From the version found to @version, each step a transaction. */
int schema_migrate(sqlite3 *db, const schema_migration *migrations, int version,
                   struct stint_error *err);

#endif
