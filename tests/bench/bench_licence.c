/* Licence recognition beside its peers, in one run: how fast, how many near-copies are called clean
 * (must be none), how many honest variants are recognised. Peers: an own re-statement of the bigram
 * Dice score that several recognisers use, and the programs `licensecheck` and `licensee` where
 * they are installed. Inputs are made from the table's own texts. Links licence_dep. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../daemon/evaluator/licence/table.h"
#include "stint/buffer.h"

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

enum input_kind { INPUT_PLAIN, INPUT_RIDER, INPUT_FLIP, INPUT_HARMLESS, INPUT_KIND_COUNT };
static const char *const kind_names[] = { "as it is", "rider (must be 0)", "flip (must be 0)",
                                          "harmless" };

struct input {
    const char *id;
    enum input_kind kind;
    char *text;
    size_t length;
};
#define INPUT_MAX 1024
static struct input inputs[INPUT_MAX];
static size_t input_count;

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct texts_template template_of(const char *id)
{
    for (uint32_t i = 0; i < table->texts.counts[TEXTS_TEMPLATES]; i++) {
        struct texts_template t = texts_template_at(&table->texts, i);
        if (!t.is_notice && strcmp(texts_name(&table->texts, t.name_first), id) == 0)
            return t;
    }
    abort();
}

/* The words of @t from a notice on, with @insert before word @at, or in its place. */
static void write_text(const struct texts_template *t, uint32_t at, const char *insert,
                       bool is_replaced, const char *before, struct stint_buffer *out)
{
    stint_buffer_printf(out, "%sCopyright (c) 2026 Jane Doe\n\n%s", before, before);
    for (uint32_t i = 0; i <= t->word_count; i++) {
        if (i == at)
            stint_buffer_printf(out, "%s ", insert);
        if (i == t->word_count || (i == at && is_replaced))
            continue;
        const char *word =
            texts_word_text(&table->texts, texts_word_at(&table->texts, t->word_first + i));
        stint_buffer_printf(out, "%s%s%s", word, i % 12 == 11 ? "\n" : " ",
                            i % 12 == 11 ? before : "");
    }
    stint_buffer_add_char(out, '\n');
}

static void add_input(const char *id, enum input_kind kind, uint32_t at, const char *insert,
                      bool is_replaced, const char *before)
{
    struct texts_template t = template_of(id);
    struct stint_buffer text = { 0 };
    write_text(&t, at == UINT32_MAX ? at : at % (t.word_count + 1), insert, is_replaced, before,
               &text);
    size_t length = text.length;
    if (input_count == INPUT_MAX)
        abort();
    inputs[input_count++] = (struct input){ id, kind, stint_buffer_take(&text), length };
}

static void make_inputs(void)
{
    static const char *const comments[] = { "// ", "# ", "\t> ", "; " };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(ids); i++) {
        add_input(ids[i], INPUT_PLAIN, UINT32_MAX, "", false, "");
        for (uint32_t j = 0; j < STINT_ARRAY_SIZE(riders); j++)
            add_input(ids[i], INPUT_RIDER, 31 + 97 * j, riders[j], false, "");
        for (uint32_t j = 0; j < 4; j++)
            add_input(ids[i], INPUT_FLIP, 40 + 19 * j, "not", true, "");
        for (size_t j = 0; j < STINT_ARRAY_SIZE(comments); j++)
            add_input(ids[i], INPUT_HARMLESS, UINT32_MAX, "", false, comments[j]);
    }
}

static bool stint_says(const struct input *input)
{
    struct stint_licence_recognition found;
    if (stint_licence_recognise(table, input->text, input->length, &found) != 0)
        abort();
    bool is_clean = found.is_clean;
    stint_licence_recognition_deinit(&found);
    return is_clean;
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

static bool dice_says(const struct input *input)
{
    static uint16_t ids_of[65536];
    static uint64_t of_text[65536];
    static uint64_t of_licence[65536];
    struct words words;
    if (words_split(input->text, input->length, &words) != 0)
        abort();
    size_t count = words.count < 65536 ? words.count : 65536;
    for (size_t i = 0; i < count; i++)
        ids_of[i] = texts_word(&table->texts, words_text(&words, i));
    size_t text_count = bigrams(ids_of, count, of_text);
    words_deinit(&words);
    double best = 0;
    for (uint32_t i = 0; i < table->texts.counts[TEXTS_TEMPLATES]; i++) {
        struct texts_template t = texts_template_at(&table->texts, i);
        for (uint32_t j = 0; j < t.word_count; j++)
            ids_of[j] = texts_word_at(&table->texts, t.word_first + j);
        size_t licence_count = bigrams(ids_of, t.word_count, of_licence);
        size_t shared = 0;
        for (size_t a = 0, b = 0; a < text_count && b < licence_count;) {
            shared += of_text[a] == of_licence[b];
            bool is_less = of_text[a] < of_licence[b];
            bool is_equal = of_text[a] == of_licence[b];
            a += is_less || is_equal;
            b += !is_less;
        }
        double score = 2.0 * (double)shared / (double)(text_count + licence_count);
        best = score > best ? score : best;
    }
    return best >= 0.8;
}

/* The output of a program's first bytes; false when it could not be run. */
static bool run_program(const char *command, char *out, size_t size)
{
    FILE *pipe = popen(command, "r");
    if (!pipe)
        return false;
    size_t length = fread(out, 1, size - 1, pipe);
    out[length] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) && WEXITSTATUS(status) != 127;
}

static char folder[] = "/tmp/bench-licence-XXXXXX";

static void write_input(const struct input *input)
{
    char path[80];
    (void)snprintf(path, sizeof(path), "%s/LICENSE", folder);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(input->text, 1, input->length, file) != input->length || fclose(file) != 0)
        abort();
}

static bool licensecheck_says(const struct input *input)
{
    char command[160];
    char out[512];
    write_input(input);
    (void)snprintf(command, sizeof(command),
                   "licensecheck --shortname-scheme=spdx %s/LICENSE 2>/dev/null", folder);
    return run_program(command, out, sizeof(out)) && strstr(out, input->id) != NULL;
}

static bool licensee_says(const struct input *input)
{
    char command[160];
    char out[4096];
    write_input(input);
    (void)snprintf(command, sizeof(command), "licensee detect %s 2>/dev/null", folder);
    return run_program(command, out, sizeof(out)) && strstr(out, "Confidence:") != NULL &&
           strstr(out, "NOASSERTION") == NULL;
}

static bool has_program(const char *name)
{
    char command[80];
    char out[256];
    (void)snprintf(command, sizeof(command), "command -v %s", name);
    return run_program(command, out, sizeof(out)) && out[0] != '\0';
}

struct judge {
    const char *name;
    bool (*says)(const struct input *input);
    size_t step; /* every so many inputs: some peers take half a second each */
};

static int compare_double(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void run_judge(const struct judge *judge)
{
    static double times[INPUT_MAX];
    size_t called[INPUT_KIND_COUNT] = { 0 };
    size_t seen[INPUT_KIND_COUNT] = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < input_count; i += judge->step) {
        double start = now_ms();
        called[inputs[i].kind] += judge->says(&inputs[i]);
        times[count++] = now_ms() - start;
        seen[inputs[i].kind]++;
    }
    qsort(times, count, sizeof(times[0]), compare_double);
    printf("%-14s %8.3f %8.3f", judge->name, times[count / 2], times[count - 1]);
    for (size_t i = 0; i < INPUT_KIND_COUNT; i++)
        printf("   %4zu of %4zu", called[i], seen[i]);
    printf("\n");
}

/* All texts of the table once, warm. */
static void bench_all_texts(void)
{
    static double times[4096];
    size_t count = table->texts.counts[TEXTS_TEMPLATES];
    double sum = 0;
    size_t under = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct texts_template t = texts_template_at(&table->texts, i);
        struct stint_buffer text = { 0 };
        write_text(&t, UINT32_MAX, "", false, "", &text);
        struct input input = { .text = stint_buffer_take(&text) };
        input.length = strlen(input.text);
        times[i] = 1e9;
        for (int turn = 0; turn < 3; turn++) {
            double start = now_ms();
            (void)stint_says(&input);
            double took = now_ms() - start;
            times[i] = took < times[i] ? took : times[i];
        }
        sum += times[i];
        under += times[i] < 1.0;
        free(input.text);
    }
    qsort(times, count, sizeof(times[0]), compare_double);
    printf("all %zu texts, warm: mean %.3f ms, median %.3f, 99%% %.3f, longest %.3f; under 1 ms: "
           "%zu\n",
           count, sum / (double)count, times[count / 2], times[count * 99 / 100], times[count - 1],
           under);
}

/* A new process that opens the table and recognises one file: the start of `stint check LICENSE`.
 */
static void bench_cold(const char *self)
{
    double best = 1e9;
    double sum = 0;
    const int turns = 20;
    write_input(&inputs[0]);
    for (int i = 0; i < turns; i++) {
        double start = now_ms();
        pid_t child = fork();
        if (child == 0) {
            execl(self, self, "--one", folder, (char *)NULL);
            _exit(127);
        }
        int status;
        if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
            abort();
        double took = now_ms() - start;
        best = took < best ? took : best;
        sum += took;
    }
    printf("cold, process start to end with one file: mean %.1f ms, best %.1f\n", sum / turns,
           best);
}

static int recognise_one(const char *dir)
{
    char path[4096];
    static char text[1 << 16];
    (void)snprintf(path, sizeof(path), "%s/LICENSE", dir);
    FILE *file = fopen(path, "rb");
    if (!file)
        return 1;
    struct input input = { .text = text, .length = fread(text, 1, sizeof(text), file) };
    (void)fclose(file);
    return stint_says(&input) ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct stint_error err = { 0 };
    double start = now_ms();
    if (stint_licences_open(NULL, &table, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    double opened = now_ms() - start;
    if (argc == 3 && strcmp(argv[1], "--one") == 0)
        return recognise_one(argv[2]);
    if (!mkdtemp(folder))
        return 1;
    make_inputs();
    printf("table: %.2f MB of texts, %zu licences, opened in %.1f ms\n",
           (double)table->texts.map_length / 1e6, stint_licences_count(table), opened);
    bench_cold("/proc/self/exe");
    bench_all_texts();
    printf("\n%-14s %8s %8s", "", "ms/text", "longest");
    for (size_t i = 0; i < INPUT_KIND_COUNT; i++)
        printf("   %12s", kind_names[i]);
    printf("\n");
    const struct judge judges[] = { { "stint", stint_says, 1 },
                                    { "bigram Dice", dice_says, 1 },
                                    { "licensecheck", licensecheck_says, 1 },
                                    { "licensee", licensee_says, 3 } };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(judges); i++) {
        if (i >= 2 && !has_program(judges[i].name))
            printf("%-14s not installed\n", judges[i].name);
        else
            run_judge(&judges[i]);
    }
    char path[80];
    (void)snprintf(path, sizeof(path), "%s/LICENSE", folder);
    (void)unlink(path);
    (void)rmdir(folder);
    for (size_t i = 0; i < input_count; i++)
        free(inputs[i].text);
    table = stint_licences_close(table);
    return 0;
}
