/* Folds the write-ahead log back into the database file on a thread of its own, so that no commit
 * waits for it: SQLite's own way does it within the commit that filled the log, and all answers of
 * that commit came some 10 ms late (sqlite.org/wal.html, "Performance Considerations"). */
#ifndef STORE_FOLD_H
#define STORE_FOLD_H

#include <sqlite3.h>

#include "stint/error.h"

struct fold;

/* Opens a connection of its own to @path, which is there and in WAL mode, and starts the thread.
 * @writer: whose commits fill the log; not used after fold_stop(). */
int fold_start(const char *path, sqlite3 *writer, struct fold **ret_fold, struct stint_error *err);
/* Before @writer is closed: what is left is folded by that. Waits for a folding that goes on. NULL
 * is fine. */
void fold_stop(struct fold *fold);

#endif
