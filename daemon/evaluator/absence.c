/* Owns: completeness and absence: whether the list of files is the whole of what was published, and
 * which parts are then known to be missing. In a part of a snapshot nothing is missing. */
#include <string.h>

#include "evaluator/derive.h"
#include "stint/auto.h"

void derive_completeness(struct reader *reader)
{
    const struct stint_artifact_manifest *manifest = reader->manifest;
    bool is_pointer = false;
    bool is_download = manifest->is_partial;
    for (size_t i = 0; i < manifest->file_count; i++) {
        is_pointer = is_pointer || manifest->files[i].is_pointer;
        is_download = is_download ||
                      strncmp(manifest->files[i].path, ".cache/huggingface/", 19) == 0 ||
                      strstr(manifest->files[i].path, ".incomplete") != NULL;
    }
    reader->verdict->complete = is_pointer || reader->has_partial_download ? STINT_COMPLETE_NO
                                : is_download || manifest->is_file         ? STINT_COMPLETE_UNKNOWN
                                                                           : STINT_COMPLETE_YES;
}

/* Parts whose absence a complete list of files can show, and whether a card may have sent the
 * reader elsewhere for them. */
static const struct {
    enum stint_component component;
    enum { ELSEWHERE_NEVER, ELSEWHERE_CODE, ELSEWHERE_PAPER } elsewhere;
} absences[] = {
    { STINT_WEIGHTS, ELSEWHERE_NEVER },
    { STINT_CHECKPOINTS, ELSEWHERE_CODE },
    { STINT_ARCHITECTURE, ELSEWHERE_CODE },
    { STINT_TRAINING_CODE, ELSEWHERE_CODE },
    { STINT_TRAINING_SETTINGS, ELSEWHERE_CODE },
    { STINT_INFERENCE_CODE, ELSEWHERE_CODE },
    { STINT_DATA_CODE, ELSEWHERE_CODE },
    { STINT_EVALUATION_CODE, ELSEWHERE_CODE },
    { STINT_DATA_INFORMATION, ELSEWHERE_PAPER },
    { STINT_TRAINING_DATA, ELSEWHERE_PAPER },
    { STINT_EVALUATION_RESULTS, ELSEWHERE_PAPER },
    { STINT_MODEL_CARD, ELSEWHERE_NEVER },
    { STINT_DATA_CARD, ELSEWHERE_PAPER },
    { STINT_TECHNICAL_REPORT, ELSEWHERE_PAPER },
    { STINT_RESEARCH_PAPER, ELSEWHERE_PAPER },
    { STINT_SAMPLE_OUTPUTS, ELSEWHERE_PAPER },
    { STINT_DATA, ELSEWHERE_NEVER },
    { STINT_CODE, ELSEWHERE_CODE },
};

static bool is_spoken_of(const struct reader *reader, enum stint_component component,
                         bool is_word_enough)
{
    for (size_t i = 0; i < stint_facts_count(reader->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(reader->facts, i);
        if (!is_word_enough && fact->source == STINT_SOURCE_ATTESTATION)
            continue;
        if (fact->component == component &&
            ((fact->predicate == STINT_PRESENT && fact->truth) || fact->predicate == STINT_NAME ||
             fact->predicate == STINT_LOCATION))
            return true;
    }
    return false;
}

void derive_absence(struct reader *reader)
{
    if (reader->verdict->complete != STINT_COMPLETE_YES)
        return;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(absences); i++) {
        bool is_elsewhere =
            (absences[i].elsewhere == ELSEWHERE_CODE && reader->has_code_elsewhere) ||
            (absences[i].elsewhere == ELSEWHERE_PAPER && reader->has_paper_elsewhere);
        /* Settings may stand in the training code, in words no reader knows. */
        if (absences[i].component == STINT_TRAINING_SETTINGS &&
            is_spoken_of(reader, STINT_TRAINING_CODE, true))
            continue;
        if (is_elsewhere ||
            is_spoken_of(reader, absences[i].component, absences[i].elsewhere != ELSEWHERE_NEVER))
            continue;
        (void)reader_bool(reader, NULL, absences[i].component, STINT_PRESENT, "", false,
                          STINT_SOURCE_TREE, STINT_DECLARED, reader_line(0));
        if (absences[i].component == STINT_TRAINING_DATA)
            (void)reader_bool(reader, NULL, STINT_TRAINING_DATA, STINT_LISTED, "", false,
                              STINT_SOURCE_TREE, STINT_DECLARED, reader_line(0));
    }
}

/* All code is Python and imports nothing but the standard library and itself: no library is
 * missing. Ran over every file, so a snapshot that may lack some shows nothing. */
void derive_no_libraries(struct reader *reader)
{
    struct reader_file first = { .index = reader->python_index };
    if (reader->python_count > 0 && reader->other_code_count == 0 && !reader->has_foreign_import &&
        reader->verdict->complete == STINT_COMPLETE_YES)
        (void)reader_bool(reader, &first, STINT_SUPPORTING_CODE, STINT_USED, "", false,
                          STINT_SOURCE_CODE, STINT_DECLARED, reader_line(1));
}
