/* Owns: check: the evaluator on artefacts on disk, without a daemon (INTERFACE §7). What to judge
 * is gathered first, then judged, then shown as a person or a program asked: a screen each, a
 * matrix of rule sets, a comparison, a tree of bases, a page, JSON. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "review.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/evaluator.h"

#define CHECK_PATHS_MAX   256
#define CHECK_ENTRIES_MAX 4096
#define CHECK_PATH_BYTES  4096

/* @path and @name are owned; @name NULL for the last part of the path. */
struct check_item {
    char *path;
    char *name;
};

struct check {
    struct cli *cli;
    struct stint_evaluator *evaluator;
    struct stint_buffer attestations; /* JSON array; empty without any */
    enum stint_artifact_kind kind;
    struct check_item items[CHECK_PATHS_MAX];
    size_t item_count;
    struct stint_verdict *verdicts[CHECK_PATHS_MAX];
    size_t verdict_count;
};

static const struct stint_verdict *const *check_verdicts(const struct check *check)
{
    return (const struct stint_verdict *const *)check->verdicts;
}

/* ---- what to judge ---- */

static int item_add(struct check *check, const char *path, const char *name)
{
    if (check->item_count == CHECK_PATHS_MAX)
        return cli_usage("several calls", "check: more than %d paths", CHECK_PATHS_MAX);
    struct check_item *item = &check->items[check->item_count++];
    item->path = strdup(path);
    item->name = name ? strdup(name) : NULL;
    return item->path && (!name || item->name) ? EXIT_OK : EXIT_FAILED;
}

/* A folder of a hub's cache, `models--org--name`, is `org/name`; a data set's or a space's is no
 * model. Return: false for one to pass over. */
static bool family_name(const char *org, const char *entry, char *name, size_t size)
{
    static const char cached[] = "models--";
    if (strncmp(entry, "datasets--", 10) == 0 || strncmp(entry, "spaces--", 8) == 0)
        return false;
    bool is_cached = strncmp(entry, cached, sizeof(cached) - 1) == 0;
    const char *tail = is_cached ? entry + sizeof(cached) - 1 : entry;
    const char *dashes = is_cached ? strstr(tail, "--") : NULL;
    if (dashes)
        (void)snprintf(name, size, "%.*s/%s", (int)(dashes - tail), tail, dashes + 2);
    else
        (void)snprintf(name, size, "%s%s%s", org ? org : "", org ? "/" : "", tail);
    return true;
}

/* A folder that holds nothing but folders is an organisation's, unless it is a cache's. */
static bool is_organisation(const char *path)
{
    DIR *dir = opendir(path);
    struct stat status;
    bool has_folder = false;
    bool has_other = false;
    unsigned seen = 0;
    if (!dir)
        return false;
    for (const struct dirent *entry; !has_other && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        bool is_folder = fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                         S_ISDIR(status.st_mode);
        has_folder = has_folder || is_folder;
        has_other =
            !is_folder || strcmp(entry->d_name, "snapshots") == 0 || ++seen > CHECK_ENTRIES_MAX;
    }
    (void)closedir(dir);
    return has_folder && !has_other;
}

static int tree_add(struct check *check, const char *folder, const char *org);

/* Links are not followed, hidden folders are nobody's model. */
static int tree_entry_add(struct check *check, const char *folder, const char *org,
                          const char *entry)
{
    char path[CHECK_PATH_BYTES];
    char name[2 * NAME_MAX + 2];
    struct stat status;
    int length = snprintf(path, sizeof(path), "%s/%s", folder, entry);
    if (entry[0] == '.' || length < 0 || (size_t)length >= sizeof(path) ||
        lstat(path, &status) != 0 || !S_ISDIR(status.st_mode) ||
        !family_name(org, entry, name, sizeof(name)))
        return EXIT_OK;
    if (!org && is_organisation(path))
        return tree_add(check, path, entry);
    return item_add(check, path, name);
}

static int tree_add(struct check *check, const char *folder, const char *org)
{
    struct stint_error err = { 0 };
    struct dirent **entries = NULL;
    int status = EXIT_OK;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0) {
        err.code = -errno;
        return cli_fail_file(&err, folder) == EXIT_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_FAILED;
    }
    for (int i = 0; i < count; i++) {
        if (status == EXIT_OK)
            status = tree_entry_add(check, folder, org, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return status;
}

static int gather(struct check *check)
{
    const struct args *args = &check->cli->args;
    bool is_tree = cli_has(check->cli, "tree");
    int status = EXIT_OK;
    for (size_t i = 0; i < args->word_count && status == EXIT_OK; i++)
        status = is_tree ? tree_add(check, args->words[i], NULL)
                         : item_add(check, args->words[i], cli_value(check->cli, "name"));
    if (status != EXIT_OK || check->item_count > 0)
        return status;
    (void)cli_usage("the folder that holds one folder per model",
                    "check --tree: no folder of a model in %.200s", args->words[0]);
    return EXIT_NOT_FOUND;
}

/* ---- judging ---- */

static void progress_clear(void)
{
    if (isatty(STDERR_FILENO) == 1)
        (void)fputs("\r\033[K", stderr);
}

/* Only on a terminal; the threads that hash call it now and then. */
static void on_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    (void)context;
    if (isatty(STDERR_FILENO) == 1 && total_bytes > 0)
        (void)fprintf(stderr, "\rreading %3u %%",
                      (unsigned)((double)done_bytes / (double)total_bytes * 100));
}

static int check_one(struct check *check, const struct check_item *item,
                     struct stint_verdict **ret_verdict)
{
    struct stint_error err = { 0 };
    struct stint_evaluation evaluation = { .path = item->path,
                                           .kind = check->kind,
                                           .rules = cli_value(check->cli, "rules"),
                                           .name = item->name,
                                           .attestations = stint_buffer_text(&check->attestations),
                                           .is_listing_only = cli_has(check->cli, "no-hash"),
                                           .progress = on_progress };
    err.code = stint_evaluate(check->evaluator, &evaluation, ret_verdict, NULL, &err);
    progress_clear();
    if (err.code == 0)
        return stint_verdict_result(*ret_verdict) == STINT_RESULT_PASS ? EXIT_OK : EXIT_REFUSED;
    int status = cli_fail_file(&err, item->path);
    /* A check that could not be done is 1 (INTERFACE §7), whatever the daemon's refusals mean. */
    return err.code == STINT_NOT_FOUND || status == EXIT_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_FAILED;
}

static int judge_all(struct check *check)
{
    int first = EXIT_OK;
    for (size_t i = 0; i < check->item_count; i++) {
        struct stint_verdict **slot = &check->verdicts[check->verdict_count];
        int status = check_one(check, &check->items[i], slot);
        if (*slot)
            check->verdict_count++;
        /* What could not be checked weighs more than what failed. */
        if (first == EXIT_OK || (first == EXIT_REFUSED && status != EXIT_OK))
            first = status;
    }
    return first;
}

/* ---- showing ---- */

/* Half an answer is none. */
static int print(const struct stint_buffer *out)
{
    struct stint_error err = { .code = -ENOMEM };
    if (!out->failed && fputs(stint_buffer_text(out), stdout) != EOF)
        return EXIT_OK;
    if (!out->failed)
        err.code = -errno;
    (void)cli_fail(&err);
    return EXIT_FAILED;
}

/* The names of two versions of one model are alike; their places are not. */
static void compare_show(const struct check *check, const struct stint_report_options *options,
                         struct stint_buffer *out)
{
    for (size_t i = 0; i < 2; i++) {
        stint_buffer_add_text(out, i == 0 ? "- " : "+ ");
        text_add(out, check->items[i].path, SIZE_MAX);
        stint_buffer_add_char(out, '\n');
    }
    stint_verdict_compare(check->verdicts[0], check->verdicts[1], options, out);
}

/* The page says the rest. */
static void line_show(const struct stint_verdict *verdict, struct stint_buffer *out)
{
    text_add(out, verdict->name, SIZE_MAX);
    stint_buffer_printf(out, ": %s\n", stint_result_name(stint_verdict_result(verdict)));
}

static int people_show(const struct check *check)
{
    struct cli *cli = check->cli;
    stint_auto(stint_buffer_deinit) struct stint_buffer out = { 0 };
    struct stint_report_options options = { .columns = screen_columns(),
                                            .has_colour = screen_has_colour(),
                                            .is_full = cli_has(cli, "full") };
    const char *rules = cli_value(cli, "rules");
    if (cli_has(cli, "compare")) {
        if (check->verdict_count == 2)
            compare_show(check, &options, &out);
    } else if (cli_has(cli, "tree")) {
        stint_verdict_families(check_verdicts(check), check->verdict_count, &options, &out);
    } else if (rules && strcmp(rules, "all") == 0 && !options.is_full) {
        stint_verdict_matrix(check_verdicts(check), check->verdict_count, &options, &out);
    } else if (cli_has(cli, "html")) {
        for (size_t i = 0; i < check->verdict_count; i++)
            line_show(check->verdicts[i], &out);
    } else {
        for (size_t i = 0; i < check->verdict_count; i++)
            stint_verdict_report(check->verdicts[i], &options, &out);
    }
    return print(&out);
}

/* One object for one path; a list, always, for what may be several. */
static int json_show(const struct check *check)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer out = { 0 };
    if (check->item_count == 1 && !cli_has(check->cli, "tree")) {
        stint_verdict_json(check->verdicts[0], &out);
        stint_buffer_add_char(&out, '\n');
        return print(&out);
    }
    stint_json_object(&out);
    stint_json_kv_text(&out, "schema", "stint.verdicts/1");
    stint_json_key(&out, "verdicts");
    stint_json_array(&out);
    for (size_t i = 0; i < check->verdict_count; i++)
        stint_verdict_json(check->verdicts[i], &out);
    stint_json_array_end(&out);
    stint_json_object_end(&out);
    stint_buffer_add_char(&out, '\n');
    return print(&out);
}

/* ---- the page ---- */

/* Asked before the reading, which may be long. A device, a folder or a link is never replaced. */
static int page_ask(struct cli *cli, const char *path)
{
    char question[300];
    struct stat status;
    if (strcmp(path, "-") == 0)
        return cli_usage("the name of a new file", "--html writes a file, not the standard output");
    if (lstat(path, &status) != 0)
        return EXIT_OK; /* not there; what else may be wrong, opening it says */
    if (!S_ISREG(status.st_mode))
        return cli_usage("the name of a new file", "--html %.200s: not a plain file", path);
    (void)snprintf(question, sizeof(question), "overwrite %.200s", path);
    return cli_confirm(cli, question);
}

static int page_fill(int fd, const struct stint_buffer *page)
{
    size_t done = 0;
    while (done < page->length) {
        ssize_t wrote = write(fd, page->data + done, page->length - done);
        if (wrote < 0 && errno != EINTR)
            return -errno;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return 0;
}

/* Opens what to write: @path itself when it is new, else, beside it, what will replace it. */
static int page_open(const char *path, char *part, size_t size, bool *ret_replaces)
{
    struct stat status;
    bool replaces = lstat(path, &status) == 0 && S_ISREG(status.st_mode);
    int length = snprintf(part, size, "%s%s", path, replaces ? ".XXXXXX" : "");
    if (length < 0 || (size_t)length >= size)
        return -ENAMETOOLONG;
    int fd = replaces ? mkostemp(part, O_CLOEXEC)
                      : open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    if (replaces)
        (void)fchmod(fd, status.st_mode & 0777);
    *ret_replaces = replaces;
    return fd;
}

/* A page that was there is replaced by a whole one or not at all. */
static int page_write(const char *path, const struct stint_buffer *page)
{
    char part[CHECK_PATH_BYTES];
    bool replaces = false;
    int fd = page_open(path, part, sizeof(part), &replaces);
    if (fd < 0)
        return fd;
    int r = page_fill(fd, page);
    if (close(fd) != 0 && r == 0)
        r = -errno;
    if (r == 0 && replaces && rename(part, path) != 0)
        r = -errno;
    if (r != 0)
        (void)unlink(part);
    return r;
}

static int page_show(const struct check *check, const char *path)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer page = { 0 };
    struct stint_error err = { 0 };
    stint_verdict_html(check_verdicts(check), check->verdict_count, &page);
    err.code = page.failed ? -ENOMEM : page_write(path, &page);
    if (err.code == 0)
        return EXIT_OK;
    (void)snprintf(err.text, sizeof(err.text), "--html %.200s: %s", path, strerror(-err.code));
    (void)cli_fail(&err);
    return EXIT_FAILED;
}

/* ---- the verb ---- */

static int check_words(struct cli *cli)
{
    bool is_compare = cli_has(cli, "compare");
    bool is_tree = cli_has(cli, "tree");
    if (is_compare && is_tree)
        return cli_usage("one of them", "check: --compare and --tree show different things");
    if (is_compare && cli->args.word_count != 2)
        return cli_usage("check --compare A B", "check --compare: two paths, not %zu",
                         cli->args.word_count);
    if (cli_has(cli, "name") && (is_tree || cli->args.word_count > 1))
        return cli_usage("one path at a time", "check --name: one name for several artefacts");
    return cli_has(cli, "html") ? page_ask(cli, cli_value(cli, "html")) : EXIT_OK;
}

static int check_run(struct check *check)
{
    struct cli *cli = check->cli;
    int status = gather(check);
    if (status != EXIT_OK)
        return status;
    status = judge_all(check);
    if (check->verdict_count == 0)
        return status;
    int shown = cli_has(cli, "json") ? json_show(check) : people_show(check);
    if (shown == EXIT_OK && cli_has(cli, "html"))
        shown = page_show(check, cli_value(cli, "html"));
    return shown == EXIT_OK ? status : shown;
}

static void check_deinit(struct check *check)
{
    for (size_t i = 0; i < CHECK_PATHS_MAX; i++) {
        stint_verdict_free(check->verdicts[i]);
        free(check->items[i].path);
        free(check->items[i].name);
    }
    stint_evaluator_close(check->evaluator);
    stint_buffer_deinit(&check->attestations);
}

/* Statements are read, and their signatures checked, before a byte of an artefact is. */
static int check_attestations(struct check *check)
{
    struct stint_error err = { 0 };
    const char *file = cli_value(check->cli, "attestations");
    if (!file)
        return cli_has(check->cli, "reviewers")
                   ? cli_usage("--attestations FILE", "check --reviewers: no statements to check")
                   : EXIT_OK;
    if (cli_has(check->cli, "no-hash"))
        return cli_usage("leave out one of them",
                         "check: without a digest no statement is about anything");
    err.code = review_load(file, cli_value(check->cli, "reviewers"), &check->attestations, &err);
    if (err.code == 0)
        return EXIT_OK;
    return cli_fail_file(&err, file) == EXIT_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_FAILED;
}

int verb_check(struct cli *cli)
{
    struct check check = { .cli = cli };
    struct stint_error err = { 0 };
    struct stint_evaluator_options options = { .rules_dir = cli_value(cli, "rules-dir"),
                                               .licences_dir = cli_value(cli, "licences-dir"),
                                               .catalogue_more = cli_value(cli, "catalogue-dir") };
    int status = check_words(cli);
    if (status != EXIT_OK)
        return status;
    if (stint_artifact_kind_parse(cli_value(cli, "kind"), &check.kind) != 0)
        return cli_usage("--kind model, dataset or code", "check: no such kind: %.40s",
                         cli_value(cli, "kind"));
    if (cli_has(cli, "tree") && !cli_has(cli, "kind"))
        check.kind = STINT_KIND_MODEL; /* nothing else has bases */
    err.code = stint_evaluator_open(&options, &check.evaluator, &err);
    if (err.code != 0) {
        (void)cli_fail(&err);
        return EXIT_FAILED;
    }
    status = check_attestations(&check);
    if (status == EXIT_OK)
        status = check_run(&check);
    check_deinit(&check);
    return status;
}
