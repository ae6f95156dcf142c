/* What is not ours, is damaged, or cannot be written must be refused plainly and left as it is;
 * what an earlier version wrote must open. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "schema.h"
#include "stint/digest.h"

static void second_daemon_in_the_folder_is_refused(void **state)
{
    struct fixture *f = *state;
    struct stint_store_options options = { .loop = &f->loop, .state = f->state };
    struct stint_store *second = NULL;
    struct stint_error err;
    assert_int_equal(stint_store_open(&options, &second, &err), STINT_CONFLICT);
    assert_non_null(strstr(err.text, "another daemon"));
    assert_null(second);
}

static void lock_goes_with_the_close(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    assert_int_equal(fixture_open(f, NULL), 0);
}

static void database_is_private_and_in_wal_mode(void **state)
{
    struct fixture *f = *state;
    struct stat info;
    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(stat(f->state, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_int_equal(fixture_ask(f, "PRAGMA journal_mode = wal"), 0); /* not an integer: "wal" */
    assert_int_equal(fixture_ask(f, "PRAGMA application_id"), SCHEMA_APPLICATION_ID);
    assert_int_equal(fixture_ask(f, "PRAGMA user_version"), schema_version);
}

static void empty_file_is_a_new_store(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    assert_int_equal(truncate(f->path, 0), 0);
    assert_int_equal(fixture_open(f, NULL), 0);
    assert_int_equal(fixture_put_job(f, 1, NULL), 0);
    assert_int_equal(fixture_commit(f), 0);
}

/* ---- damage */

static void file_digest(const char *path, struct stint_sha256 *ret_digest)
{
    static char bytes[1 << 21];
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t length = read(fd, bytes, sizeof(bytes));
    close(fd);
    assert_true(length >= 0);
    stint_sha256(bytes, (size_t)length, ret_digest);
}

static void overwrite(const char *path, off_t at, const void *bytes, size_t length)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, length, at), length);
    close(fd);
}

/* Refused, with the way to restore, and not a byte of the file is another. */
static void assert_refused_untouched(struct fixture *f, const char *why, const char *fix)
{
    struct stint_sha256 before;
    struct stint_sha256 after;
    struct stint_error err;
    file_digest(f->path, &before);
    int r = fixture_open(f, &err);
    if (r != STINT_UNTRUSTED)
        fail_msg("%d, not refused for \"%s\": %s", r, why, r ? err.text : "");
    assert_non_null(strstr(err.text, f->path));
    if (!strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
    assert_non_null(strstr(err.fix, fix));
    file_digest(f->path, &after);
    assert_memory_equal(&before, &after, sizeof(before));
}

#define PAGE 8192 /* bytes of one page of a new database */

static void damaged_databases_are_refused_untouched(void **state)
{
    struct fixture *f = *state;
    static const struct {
        off_t at;
        size_t length;
        off_t size; /* cut to this first, 0 for not */
        const char *why;
    } cases[] = {
        { 0, 16, 0, "not a database" },     /* the magic */
        { 100, 200, 0, "damaged" },         /* the schema's page */
        { PAGE, PAGE, 0, "damaged" },       /* a whole page of a table */
        { 3 * PAGE + 8, 64, 0, "damaged" }, /* the head of a page */
        { 0, 0, 3 * PAGE, "damaged" },      /* the tail is gone */
        { 0, 0, 1000, "" },                 /* nearly all is gone */
    };
    for (uint64_t id = 1; id <= 200; id++)
        assert_int_equal(fixture_put_job(f, id, NULL), 0);
    assert_int_equal(fixture_commit(f), 0);
    fixture_close(f);
    char copy[192];
    char command[512];
    (void)snprintf(copy, sizeof(copy), "%s/copy.db", f->folder);
    (void)snprintf(command, sizeof(command), "cp %s %s", f->path, copy);
    assert_int_equal(system(command), 0);
    (void)snprintf(command, sizeof(command), "cp %s %s", copy, f->path);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        char garbage[PAGE];
        memset(garbage, 0xa5, sizeof(garbage));
        assert_int_equal(system(command), 0);
        if (cases[i].size)
            assert_int_equal(truncate(f->path, cases[i].size), 0);
        overwrite(f->path, cases[i].at, garbage, cases[i].length);
        assert_refused_untouched(f, cases[i].why, "backup");
    }
    assert_int_equal(system(command), 0); /* and the restored one opens */
    assert_int_equal(fixture_open(f, NULL), 0);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM job"), 200);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(db);
}

static void database_of_another_program_is_refused(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    assert_int_equal(unlink(f->path), 0);
    run_sql(f->path, "CREATE TABLE mail (id INTEGER PRIMARY KEY); PRAGMA user_version = 1;");
    assert_refused_untouched(f, "another program", "backup");
}

static void database_of_a_newer_version_is_refused(void **state)
{
    struct fixture *f = *state;
    char sql[64];
    fixture_close(f);
    (void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", schema_version + 1);
    run_sql(f->path, sql);
    assert_refused_untouched(f, "newer Stint", "newer Stint");
}

static void link_in_place_of_the_database_is_refused(void **state)
{
    struct fixture *f = *state;
    struct stint_error err;
    fixture_close(f);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(symlink("/dev/null", f->path), 0);
    assert_int_equal(fixture_open(f, &err), STINT_UNTRUSTED);
    assert_non_null(strstr(err.text, "not a regular file"));
}

/* ---- rights; as somebody who has few */

/* What fixture_open() answers to an ordinary user. */
static int open_as_nobody(struct fixture *f, struct stint_error *err)
{
    int fds[2];
    int r = 0;
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(1);
        r = fixture_open(f, err);
        bool is_told = write(fds[1], &r, sizeof(r)) > 0 && write(fds[1], err, sizeof(*err)) > 0;
        _exit(is_told ? 0 : 1);
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], &r, sizeof(r)), sizeof(r));
    assert_int_equal(read(fds[0], err, sizeof(*err)), sizeof(*err));
    close(fds[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return r;
}

static void folder_and_file_without_rights_are_refused_plainly(void **state)
{
    struct fixture *f = *state;
    struct stint_error err;
    char lock[160];
    fixture_close(f);
    (void)snprintf(lock, sizeof(lock), "%s/stint.lock", f->state);
    assert_int_equal(chmod(f->folder, 0755), 0);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(chmod(f->state, 0555), 0);
    assert_int_equal(open_as_nobody(f, &err), -EACCES);
    assert_non_null(strstr(err.text, f->state));
    assert_non_null(strstr(err.fix, "--state"));
    assert_int_equal(chmod(f->state, 0777), 0);
    assert_int_equal(chmod(f->path, 0444), 0);
    assert_int_equal(open_as_nobody(f, &err), -EACCES);
    assert_non_null(strstr(err.text, "stint.db cannot be written"));
    (void)unlink(lock);
}

/* ---- earlier versions */

static char *read_text(const char *path)
{
    char *text = calloc(1, 1 << 18);
    int fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, text, (1 << 18) - 1) < 0)
        fail_msg("%s: %s", path, strerror(errno));
    close(fd);
    return text;
}

static bool see_job(void *context, const struct stint_job_row *row)
{
    *(uint64_t *)context = row->id;
    return strcmp(row->name, "tune") == 0 && row->version == 1;
}

/* tests/data/store/vN.sql is a store as version N left it, with at least job 1 in it. */
static void stores_of_every_earlier_version_open(void **state)
{
    struct fixture *f = *state;
    for (int version = 1; version <= schema_version; version++) {
        char path[512];
        uint64_t job = 0;
        struct stint_error err;
        (void)snprintf(path, sizeof(path), "%s/store/v%d.sql", STINT_TEST_DATA, version);
        char *sql = read_text(path);
        fixture_close(f);
        assert_int_equal(unlink(f->path), 0);
        run_sql(f->path, sql);
        free(sql);
        if (fixture_open(f, &err) != 0)
            fail_msg("version %d: %s", version, err.text);
        assert_int_equal(fixture_ask(f, "PRAGMA user_version"), schema_version);
        assert_int_equal(stint_reader_job(stint_store_reader(f->store), 1, see_job, &job), 0);
        assert_int_equal(job, 1);
        assert_true(stint_store_last_id(f->store, STINT_ID_EVENT) >= 1);
        assert_int_equal(fixture_ask(f, "SELECT ceiling FROM quota WHERE scope = 'project' AND "
                                        "scope_id = 1 AND period = 'month'"),
                         500000000);
        assert_int_equal(fixture_ask(f, "SELECT count(*) FROM node_state WHERE name = 'n' AND "
                                        "state = 'draining' AND reason = 'fan'"),
                         1);
        assert_int_equal(fixture_ask(f, "SELECT count(*) FROM token WHERE name = 'notebook' AND "
                                        "role = 'submit' AND until_ms > 0"),
                         1);
        assert_int_equal(fixture_put_job(f, 1000, NULL), 0);
        assert_int_equal(fixture_commit(f), 0);
    }
}

static void migration_that_fails_leaves_the_version_before_it(void **state)
{
    (void)state;
    static const char *const one[] = { "CREATE TABLE a (x INTEGER)", NULL };
    static const char *const two[] = { "CREATE TABLE b (x INTEGER)", "INSERT INTO b VALUES (1)",
                                       NULL };
    static const char *const bad[] = { "DROP TABLE b", "INSERT INTO nowhere VALUES (1)", NULL };
    static const char *const three[] = { "ALTER TABLE b ADD COLUMN y INTEGER", NULL };
    const schema_migration broken[] = { one, two, bad };
    const schema_migration good[] = { one, two, three };
    struct stint_error err;
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(schema_migrate(db, broken, 1, NULL), 0);
    assert_true(schema_migrate(db, broken, 3, &err) < 0);
    assert_non_null(strstr(err.text, "nowhere"));
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT count(*), user_version FROM b, "
                                        "pragma_user_version",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(statement, 0), 1);
    assert_int_equal(sqlite3_column_int(statement, 1), 2);
    sqlite3_finalize(statement);
    assert_int_equal(schema_migrate(db, good, 3, NULL), 0);
    assert_int_equal(schema_migrate(db, good, 3, NULL), 0);
    assert_int_equal(sqlite3_exec(db, "UPDATE b SET y = 1", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(second_daemon_in_the_folder_is_refused),
        TEST(lock_goes_with_the_close),
        TEST(database_is_private_and_in_wal_mode),
        TEST(empty_file_is_a_new_store),
        TEST(damaged_databases_are_refused_untouched),
        TEST(database_of_another_program_is_refused),
        TEST(database_of_a_newer_version_is_refused),
        TEST(link_in_place_of_the_database_is_refused),
        TEST(folder_and_file_without_rights_are_refused_plainly),
        TEST(stores_of_every_earlier_version_open),
        cmocka_unit_test(migration_that_fails_leaves_the_version_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
