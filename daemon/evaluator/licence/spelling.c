/* Owns: the varietal spellings that mean the same word. Only pairs that differ in spelling alone
 * belong here: a pair that differs in meaning would let a changed text pass as clean. Source: the
 * list of equivalent words beside the SPDX licence matching guidelines, with their inflections. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

struct spelling {
    const char *variant;
    const char *normal;
};

/* Sorted by @variant. */
/* clang-format off */
static const struct spelling spellings[] = {
    { "acknowledgement", "acknowledgment" },   { "acknowledgements", "acknowledgments" },
    { "analog", "analogue" },                  { "analyse", "analyze" },
    { "analysed", "analyzed" },                { "artefact", "artifact" },
    { "artefacts", "artifacts" },              { "authorisation", "authorization" },
    { "authorisations", "authorizations" },    { "authorise", "authorize" },
    { "authorised", "authorized" },            { "authorises", "authorizes" },
    { "authorising", "authorizing" },          { "behaviour", "behavior" },
    { "calibre", "caliber" },                  { "cancelled", "canceled" },
    { "capitalisation", "capitalization" },    { "capitalise", "capitalize" },
    { "catalogue", "catalog" },                { "categorise", "categorize" },
    { "centre", "center" },                    { "characterisation", "characterization" },
    { "characterise", "characterize" },        { "characterised", "characterized" },
    { "customisation", "customization" },      { "customise", "customize" },
    { "customised", "customized" },            { "defence", "defense" },
    { "emphasised", "emphasized" },            { "enrol", "enroll" },
    { "favour", "favor" },                     { "favours", "favors" },
    { "fulfil", "fulfill" },                   { "fulfilment", "fulfillment" },
    { "generalise", "generalize" },            { "honour", "honor" },
    { "https", "http" },                       { "initialise", "initialize" },
    { "judgement", "judgment" },               { "judgements", "judgments" },
    { "labelled", "labeled" },                 { "labelling", "labeling" },
    { "labour", "labor" },                     { "licence", "license" },
    { "licenced", "licensed" },                { "licencee", "licensee" },
    { "licences", "licenses" },                { "licencing", "licensing" },
    { "maximise", "maximize" },                { "minimise", "minimize" },
    { "modelled", "modeled" },                 { "modelling", "modeling" },
    { "neighbouring", "neighboring" },         { "normalise", "normalize" },
    { "optimisation", "optimization" },        { "optimise", "optimize" },
    { "optimised", "optimized" },              { "organisation", "organization" },
    { "organisations", "organizations" },      { "organise", "organize" },
    { "organised", "organized" },              { "practise", "practice" },
    { "practised", "practiced" },              { "programme", "program" },
    { "realise", "realize" },                  { "recognise", "recognize" },
    { "recognised", "recognized" },            { "serialise", "serialize" },
    { "signalling", "signaling" },             { "specialised", "specialized" },
    { "sublicence", "sublicense" },            { "sublicenced", "sublicensed" },
    { "sublicences", "sublicenses" },          { "sublicencing", "sublicensing" },
    { "summarise", "summarize" },              { "unauthorised", "unauthorized" },
    { "unrecognised", "unrecognized" },        { "utilisation", "utilization" },
    { "utilise", "utilize" },                  { "utilised", "utilized" },
    { "utilising", "utilizing" },              { "visualisation", "visualization" },
    { "whilst", "while" },                     { "wilful", "willful" },
    { "wilfully", "willfully" },
};
/* clang-format on */

static int spelling_compare(const void *word, const void *row)
{
    return strcmp(word, ((const struct spelling *)row)->variant);
}

const char *spelling_normal(const char *word)
{
    /* Nearly every word is asked, so ask the cheap question first: which letter begins a variant?
     */
    static const char first_letters[] = "abcdefghijlmnoprsuvw";
    if (!strchr(first_letters, word[0]) || strlen(word) < 5)
        return word;
    const struct spelling *found = bsearch(word, spellings, STINT_ARRAY_SIZE(spellings),
                                           sizeof(spellings[0]), spelling_compare);
    return found ? found->normal : word;
}
