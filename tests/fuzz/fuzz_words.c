/* Words for time, size and amounts, wherever people or clients write them; what is read must keep
 * its bounds, and what is written of it must be read the same. Links cli_dep and awards_dep. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/awards/state.h"
#include "local/wire.h"
#include "stint/digest.h"
#include "stint/measure.h"
#include "submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS INT64_C(1795600000000)

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

/* A refusal says something and leaves the value alone. */
static bool read_to_end(int r, const struct stint_error *err, int64_t value)
{
    require(r == 0 || (r > 0 && err->text[0] && value == -7));
    return r == 0;
}

static void times(const char *text)
{
    char back[40];
    int64_t value = -7;
    int64_t again = -7;
    struct stint_error err = { 0 };
    if (read_to_end(stint_duration_parse(text, &value, &err), &err, value)) {
        require(value >= 0 && value <= STINT_DURATION_S_MAX);
        require(stint_duration_parse(stint_duration_format(value, back, sizeof(back)), &again,
                                     NULL) == 0);
        /* "MM:SS" is the only form that has no hours. */
        require(again == value);
    }
    value = -7;
    err = (struct stint_error){ 0 };
    if (read_to_end(stint_instant_parse(text, NOW_MS, &value, &err), &err, value)) {
        require(stint_instant_parse(stint_instant_format(value, back, sizeof(back)), NOW_MS, &again,
                                    NULL) == 0);
        require(again == value);
    }
}

static void amounts(const char *text)
{
    char back[40];
    int64_t value = -7;
    int64_t again = -7;
    struct stint_error err = { 0 };
    if (read_to_end(stint_size_parse(text, &value, &err), &err, value))
        require(value >= 0);
    value = -7;
    err = (struct stint_error){ 0 };
    if (read_to_end(stint_micro_parse(text, &value, &err), &err, value)) {
        require(value >= 0);
        require(stint_micro_parse(stint_micro_format(value, back, sizeof(back)), &again, NULL) ==
                0);
        require(again == value);
    }
}

static void counts(const char *text)
{
    char type[64];
    int64_t count = -7;
    int64_t milli = 0;
    bool is_removal = false;
    enum stint_quota_kind kind;
    enum stint_period period;
    struct stint_error err = { 0 };
    if (read_to_end(gpus_parse(text, type, &count, &milli, &err), &err, count))
        require(count >= 0 && milli > 0 && milli <= 1000 && memchr(type, '\0', sizeof(type)));
    count = -7;
    err = (struct stint_error){ 0 };
    if (quota_parse(text, &kind, &count, &period, &is_removal, &err) == 0)
        require(is_removal || count >= 0);
    else
        require(err.text[0] != '\0');
}

static void names(const char *text)
{
    struct stint_run_key key;
    struct stint_sha256 digest;
    char back[STINT_RUN_KEY_TEXT];
    char hex[STINT_SHA256_HEX];
    if (wire_key_read(text, &key))
        require(strcmp(wire_run_name(key, back), text) == 0);
    if (stint_sha256_parse(text, &digest, NULL) == 0)
        require(strcasecmp(stint_sha256_hex(&digest, hex), text + strlen(text) - 64) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    if (!text)
        return 0;
    times(text);
    amounts(text);
    counts(text);
    names(text);
    free(text);
    return 0;
}
