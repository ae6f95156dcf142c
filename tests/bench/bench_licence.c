/* Licence recognition beside its peers, in one run: how many texts of the SPDX list are named, how
 * many near-copies are called clean (must be none), how many honest variants are recognised, and
 * how fast. Peers: an own re-statement of the bigram Dice score that several recognisers use, and
 * the programs `licensecheck` and `licensee` where they are installed; each of those reads all
 * inputs in one process, so that its start is not counted for every text.
 * STINT_SPDX_TEXTS=spdx-full.json of npm's spdx-license-list@6.12.0 gives the texts as they are
 * published; without it they are made from the table's own words. Links licence_dep and jansson. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "../../daemon/evaluator/licence/table.h"
#include "stint/buffer.h"
#include "yardstick.h"

static struct stint_licences *table;

static const char *const ids[] = { "MIT",  "BSD-2-Clause", "BSD-3-Clause", "ISC",     "Apache-2.0",
                                   "Zlib", "BSL-1.0",      "Unlicense",    "MPL-2.0", "CC0-1.0" };
static const char *const riders[] = {
    "You may not use the software for commercial purposes.",
    "If you have more than 700 million monthly active users you must request a license.",
    "Use in the European Union is not permitted.",
    "Outputs may not be used to train any other model.",
    "The licensor may revoke this license at any time.",
    "Research use only.",
    "Use is subject to the Acceptable Use Policy.",
    "not",
};

enum input_kind { INPUT_LIST, INPUT_RIDER, INPUT_FLIP, INPUT_HARMLESS, INPUT_KIND_COUNT };
static const char *const kind_names[] = { "SPDX list", "riders", "flips", "harmless" };

struct input {
    char id[64];
    enum input_kind kind;
    char *text;
    size_t length;
};
#define INPUT_MAX 2048
static struct input inputs[INPUT_MAX];
static size_t input_count;
static bool answers[INPUT_MAX]; /* of the recogniser at work: is it clean, and what it is? */
static char folder[256];

static double now_ms(void)
{
    return now_s() * 1e3;
}

static void add_input(const char *id, enum input_kind kind, struct stint_buffer *text)
{
    size_t length = text->length;
    if (input_count == INPUT_MAX)
        die("too many texts");
    struct input *input = &inputs[input_count++];
    *input = (struct input){ .kind = kind, .text = stint_buffer_take(text), .length = length };
    (void)snprintf(input->id, sizeof(input->id), "%s", id);
}

/* The table's words of a licence, in lines. */
static void write_template(const struct texts_template *t, struct stint_buffer *out)
{
    for (uint32_t i = 0; i < t->word_count; i++)
        stint_buffer_printf(
            out, "%s%s",
            texts_word_text(&table->texts, texts_word_at(&table->texts, t->word_first + i)),
            i % 12 == 11 ? "\n" : " ");
    stint_buffer_add_char(out, '\n');
}

/* A text of the list goes in as it is, if it is live and more than a line. */
static void add_listed(const char *id, const char *text)
{
    struct stint_licence_name name;
    struct stint_buffer copy = { 0 };
    if (stint_licence_find(table, id, &name) != 0 || name.via != STINT_LICENCE_BY_ID ||
        strlen(text) < 40)
        return;
    stint_buffer_add_text(&copy, text);
    add_input(id, INPUT_LIST, &copy);
}

static void add_list(void)
{
    const char *path = getenv("STINT_SPDX_TEXTS");
    json_t *list = path ? json_load_file(path, 0, NULL) : NULL;
    const char *id;
    json_t *entry;
    if (path && !list)
        die("STINT_SPDX_TEXTS=%s cannot be read", path);
    json_object_foreach(list, id, entry)
        add_listed(id, json_string_value(json_object_get(entry, "licenseText")));
    json_decref(list);
    for (uint32_t i = 0; !list && i < table->texts.counts[TEXTS_TEMPLATES]; i++) {
        struct texts_template t = texts_template_at(&table->texts, i);
        struct stint_buffer text = { 0 };
        write_template(&t, &text);
        if (t.is_notice)
            stint_buffer_deinit(&text);
        else
            add_input(texts_name(&table->texts, t.name_first), INPUT_LIST, &text);
    }
    printf("%zu texts of the SPDX list, %s\n", input_count,
           list ? "as published" : "from the table's words");
}

/* The text of a listed licence with @insert before its word @at, or in its place. */
static void add_edited(const struct input *base, enum input_kind kind, size_t at,
                       const char *insert, bool is_replaced)
{
    struct stint_buffer text = { 0 };
    size_t word = 0;
    for (const char *c = base->text; *c;) {
        size_t blank = strspn(c, " \t\r\n");
        size_t length = strcspn(c + blank, " \t\r\n");
        stint_buffer_add(&text, c, blank);
        if (word == at)
            stint_buffer_printf(&text, "%s ", insert);
        if (word++ != at || !is_replaced)
            stint_buffer_add(&text, c + blank, length);
        c += blank + length;
    }
    if (word <= at)
        stint_buffer_printf(&text, "\n%s\n", insert);
    add_input(base->id, kind, &text);
}

/* A comment in a source file, with a holder's notice above. */
static void add_commented(const struct input *base, const char *mark)
{
    struct stint_buffer text = { 0 };
    stint_buffer_printf(&text, "%sCopyright (c) 2026 Jane Doe\n%s\n%s", mark, mark, mark);
    for (const char *c = base->text; *c; c++) {
        stint_buffer_add_char(&text, *c);
        if (*c == '\n')
            stint_buffer_add_text(&text, mark);
    }
    stint_buffer_add_char(&text, '\n');
    add_input(base->id, INPUT_HARMLESS, &text);
}

static void make_inputs(void)
{
    static const char *const comments[] = { "// ", "# ", "\t> ", "; " };
    add_list();
    size_t listed = input_count;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(ids); i++) {
        const struct input *base = NULL;
        for (size_t j = 0; j < listed && !base; j++)
            base = strcmp(inputs[j].id, ids[i]) == 0 ? &inputs[j] : NULL;
        if (!base)
            die("no text of %s", ids[i]);
        for (size_t j = 0; j < STINT_ARRAY_SIZE(riders); j++)
            add_edited(base, INPUT_RIDER, 31 + 97 * j, riders[j], false);
        for (size_t j = 0; j < 4; j++)
            add_edited(base, INPUT_FLIP, 40 + 19 * j, "not", true);
        for (size_t j = 0; j < STINT_ARRAY_SIZE(comments); j++)
            add_commented(base, comments[j]);
    }
}

static bool stint_says(const struct input *input)
{
    struct stint_licence_recognition found;
    bool is_named = false;
    if (stint_licence_recognise(table, input->text, input->length, &found) != 0)
        die("no memory");
    for (uint32_t i = 0;
         found.is_clean && found.match_count == 1 && i < found.matches[0].twin_count; i++)
        is_named |= strcmp(found.matches[0].twins[i]->id, input->id) == 0;
    stint_licence_recognition_deinit(&found);
    return is_named;
}

/* Bigram Dice: the share of adjacent word pairs that a text and a licence have in common. */
static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static size_t bigrams(const uint16_t *words, size_t count, uint64_t *list)
{
    size_t distinct = 0;
    for (size_t i = 0; i + 1 < count; i++)
        list[i] = (uint64_t)words[i] << 16 | words[i + 1];
    qsort(list, count > 0 ? count - 1 : 0, sizeof(*list), compare_u64);
    for (size_t i = 0; i + 1 < count; i++)
        if (i == 0 || list[i] != list[i - 1])
            list[distinct++] = list[i];
    return distinct;
}

/* The pairs of every text of the table, made once: @first to @first + @count of one list. */
static struct {
    uint64_t *list;
    size_t first[INPUT_MAX];
    size_t count[INPUT_MAX];
} dice;

static void dice_prepare(void)
{
    static uint16_t word_ids[65536];
    size_t length = 0;
    size_t used = 0;
    size_t templates = table->texts.counts[TEXTS_TEMPLATES];
    for (uint32_t i = 0; i < templates; i++)
        length += texts_template_at(&table->texts, i).word_count;
    dice.list = calloc(length + 1, sizeof(*dice.list));
    if (!dice.list || templates > INPUT_MAX)
        die("no room for the pairs");
    for (uint32_t i = 0; i < templates; i++) {
        struct texts_template t = texts_template_at(&table->texts, i);
        for (uint32_t j = 0; j < t.word_count; j++)
            word_ids[j] = texts_word_at(&table->texts, t.word_first + j);
        dice.first[i] = used;
        dice.count[i] = bigrams(word_ids, t.word_count, dice.list + used);
        used += t.word_count;
    }
}

static double dice_score(const uint64_t *text, size_t text_count, size_t template)
{
    const uint64_t *licence = dice.list + dice.first[template];
    size_t count = dice.count[template];
    size_t shared = 0;
    for (size_t a = 0, b = 0; a < text_count && b < count;) {
        bool is_less = text[a] < licence[b];
        bool is_equal = text[a] == licence[b];
        shared += is_equal;
        a += is_less || is_equal;
        b += !is_less;
    }
    return 2.0 * (double)shared / (double)(text_count + count);
}

static bool dice_says(const struct input *input)
{
    static uint16_t word_ids[65536];
    static uint64_t pairs[65536];
    struct words words;
    if (words_split(input->text, input->length, &words) != 0)
        die("no memory");
    size_t count = words.count < 65536 ? words.count : 65536;
    for (size_t i = 0; i < count; i++)
        word_ids[i] = texts_word(&table->texts, words_text(&words, i));
    size_t text_count = bigrams(word_ids, count, pairs);
    words_deinit(&words);
    double best = 0;
    bool is_named = false;
    for (uint32_t i = 0; i < table->texts.counts[TEXTS_TEMPLATES]; i++) {
        double score = dice_score(pairs, text_count, i);
        struct texts_template t = texts_template_at(&table->texts, i);
        if (score < best || score < 0.8)
            continue;
        is_named = is_named && score == best; /* a tie names both */
        best = score;
        for (uint32_t j = 0; j < t.name_count; j++)
            is_named |= strcmp(texts_name(&table->texts, t.name_first + j), input->id) == 0;
    }
    return is_named;
}

/* Do two ids name the same text? GPL-2.0-only and GPL-2.0-or-later do. */
static bool is_same_id(const char *a, const char *b)
{
    static const char *const ends[] = { "-only", "-or-later", "+" };
    size_t lengths[2] = { strlen(a), strlen(b) };
    const char *both[] = { a, b };
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < STINT_ARRAY_SIZE(ends); j++) {
            size_t tail = strlen(ends[j]);
            if (lengths[i] > tail && strcmp(both[i] + lengths[i] - tail, ends[j]) == 0)
                lengths[i] -= tail;
        }
    return lengths[0] == lengths[1] && strncmp(a, b, lengths[0]) == 0;
}

static const char *path_of(size_t index)
{
    static char path[300];
    (void)snprintf(path, sizeof(path), "%s/%04zu.txt", folder, index);
    return path;
}

static void write_inputs(void)
{
    for (size_t i = 0; i < input_count; i++) {
        FILE *file = fopen(path_of(i), "wbe");
        if (!file || fwrite(inputs[i].text, 1, inputs[i].length, file) != inputs[i].length ||
            fclose(file) != 0)
            die("%s", path_of(i));
    }
}

/* Runs a peer over the files that @files names; lines "path: id" or "path<tab>id". Seconds. */
static double run_peer(const char *command, const char *files)
{
    char whole[1200];
    char line[2048];
    (void)snprintf(whole, sizeof(whole), "%s %s/%s 2>/dev/null", command, folder, files);
    double start = now_s();
    FILE *pipe = popen(whole, "re");
    while (pipe && fgets(line, sizeof(line), pipe)) {
        char *at = strstr(line, ".txt");
        size_t index = at && at - line >= 4 ? strtoul(at - 4, NULL, 10) : INPUT_MAX;
        if (index >= input_count)
            continue;
        at += 4;
        at += strspn(at, ": \t");
        at[strcspn(at, "\r\n")] = '\0';
        answers[index] = is_same_id(at, inputs[index].id);
    }
    if (!pipe || pclose(pipe) != 0)
        die("%s did not run", command);
    return now_s() - start;
}

static const struct peer {
    const char *program;
    const char *command;
} peers[] = {
    { "licensecheck", "licensecheck --machine --lines=0 --check=. --shortname-scheme=spdx" },
    { "licensee",
      "ruby -rlicensee -e 'ARGV.each { |path| file = Licensee::ProjectFiles::LicenseFile.new("
      "File.read(path), { name: \"LICENSE\", dir: \"/\" }); "
      "puts path + \"\\t\" + (file.license ? file.license.spdx_id.to_s : \"none\") }'" },
};

static void print_row(const char *name, double cold_ms, double warm_ms,
                      size_t called[INPUT_KIND_COUNT], size_t seen[INPUT_KIND_COUNT])
{
    printf("%-14s %8.1f %8.3f", name, cold_ms, warm_ms);
    for (size_t i = 0; i < INPUT_KIND_COUNT; i++) {
        called[i] = 0;
        seen[i] = 0;
    }
    for (size_t i = 0; i < input_count; i++) {
        called[inputs[i].kind] += answers[i];
        seen[inputs[i].kind]++;
    }
    for (size_t i = 0; i < INPUT_KIND_COUNT; i++)
        printf("  %4zu of %3zu", called[i], seen[i]);
    printf("\n");
}

static void bench_peer(const struct peer *peer)
{
    size_t called[INPUT_KIND_COUNT];
    size_t seen[INPUT_KIND_COUNT];
    if (!program_is_there(peer->program)) {
        printf("%-14s is not installed\n", peer->program);
        return;
    }
    memset(answers, 0, sizeof(answers));
    double one = run_peer(peer->command, "0000.txt");
    double all = run_peer(peer->command, "*.txt");
    double warm = all > one ? (all - one) / (double)(input_count - 1) : 0;
    print_row(peer->program, one * 1e3, warm * 1e3, called, seen);
}

/* One that lives in this program: the middle of the times, and what it called what it is. */
static void bench_own(const char *name, double cold_ms, bool (*says)(const struct input *input),
                      size_t called[INPUT_KIND_COUNT], size_t seen[INPUT_KIND_COUNT])
{
    static double times[INPUT_MAX];
    for (size_t i = 0; i < input_count; i++) {
        double start = now_ms();
        answers[i] = says(&inputs[i]);
        times[i] = now_ms() - start;
    }
    print_row(name, cold_ms, median(times, input_count), called, seen);
}

/* What went wrong, by name. */
static void print_misses(void)
{
    for (size_t i = 0; i < input_count; i++) {
        bool is_near_copy = inputs[i].kind == INPUT_RIDER || inputs[i].kind == INPUT_FLIP;
        if (answers[i] == is_near_copy)
            printf("wrong: %s, %s\n%.200s\n", inputs[i].id, kind_names[inputs[i].kind],
                   inputs[i].text);
    }
}

/* All texts of the list once, warm: the best of five each. */
static bool bench_all_texts(void)
{
    static double times[INPUT_MAX];
    size_t count = 0;
    double sum = 0;
    for (size_t i = 0; i < input_count; i++) {
        if (inputs[i].kind != INPUT_LIST)
            continue;
        double best = 1e9;
        for (int turn = 0; turn < 5; turn++) {
            double start = now_ms();
            (void)stint_says(&inputs[i]);
            double took = now_ms() - start;
            best = took < best ? took : best;
        }
        times[count++] = best;
        sum += best;
    }
    double longest = quantile(times, count, 1.0);
    printf("all %zu texts, warm: mean %.3f ms, median %.3f, 99%% %.3f, longest %.3f\n", count,
           sum / (double)count, times[count / 2], times[count * 99 / 100], longest);
    return judge("one licence text, warm, the longest of all", longest, "ms", 1, true);
}

/* A new process that opens the table and recognises one file. */
static double bench_cold(void)
{
    double times[21];
    for (size_t i = 0; i < STINT_ARRAY_SIZE(times); i++) {
        const char *words[] = { "/proc/self/exe", "--one", path_of(0), NULL };
        int status;
        double start = now_ms();
        pid_t child = fork();
        if (child == 0) {
            execl(words[0], words[0], words[1], words[2], (char *)NULL);
            _exit(127);
        }
        if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
            die("the cold start failed");
        times[i] = now_ms() - start;
    }
    return median(times, STINT_ARRAY_SIZE(times));
}

static int recognise_one(const char *path)
{
    static char text[1 << 16];
    FILE *file = fopen(path, "rbe");
    struct stint_licence_recognition found;
    if (!file)
        return 1;
    size_t length = fread(text, 1, sizeof(text), file);
    (void)fclose(file);
    if (stint_licence_recognise(table, text, length, &found) != 0)
        return 1;
    stint_licence_recognition_deinit(&found);
    return 0;
}

int main(int argc, char **argv)
{
    struct stint_error err = { 0 };
    size_t called[INPUT_KIND_COUNT];
    size_t seen[INPUT_KIND_COUNT];
    if (stint_licences_open(NULL, &table, &err) != 0)
        die("%s", err.text);
    if (argc == 3 && strcmp(argv[1], "--one") == 0)
        return recognise_one(argv[2]);
    folder_make(folder, sizeof(folder));
    make_inputs();
    write_inputs();
    double cold = bench_cold();
    printf("named, or called clean:\n%-14s %8s %8s", "", "ms cold", "ms/text");
    for (size_t i = 0; i < INPUT_KIND_COUNT; i++)
        printf("  %11s", kind_names[i]);
    printf("\n");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(peers); i++)
        bench_peer(&peers[i]);
    dice_prepare();
    bench_own("bigram Dice", 0, dice_says, called, seen);
    bench_own("stint", cold, stint_says, called, seen);
    print_misses();
    double mb = (double)table->texts.map_length / 1e6;
    bool is_met =
        judge("texts of the SPDX list that are named, per 695",
              (double)called[INPUT_LIST] * 695 / (double)seen[INPUT_LIST], "", 690, false);
    is_met &= judge("riders called clean", (double)called[INPUT_RIDER], "", 1, true);
    is_met &= judge("flips called clean", (double)called[INPUT_FLIP], "", 1, true);
    is_met &= judge("harmless variants recognised",
                    100.0 * (double)called[INPUT_HARMLESS] / (double)seen[INPUT_HARMLESS], "%", 98,
                    false);
    is_met &= bench_all_texts();
    is_met &= judge("a new process, the table and one text", cold, "ms", 20, true);
    is_met &= judge("the table of texts", mb, "MB", 3, true);
    folder_remove(folder);
    free(dice.list);
    for (size_t i = 0; i < input_count; i++)
        free(inputs[i].text);
    table = stint_licences_close(table);
    return is_met ? 0 : 1;
}
