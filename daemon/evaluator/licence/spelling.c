/* Owns: the varietal spellings that mean the same word. Only pairs that differ in spelling alone
 * belong here: a pair that differs in meaning would let a changed text pass as clean. Source: the
 * list of equivalent words beside the SPDX licence matching guidelines, with their inflections. */
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

/* Nearly every word of a text is asked, and nearly none is here: so only the rows of its first
 * letter are looked at, and of those only the ones whose second letter is the word's. */
const char *spelling_normal(const char *word)
{
    /* The first row whose letter is not before this one, 'a' to 'z' and the end. */
    static const uint8_t rows_from[] = { 0,  13, 14, 27, 28, 30, 34, 35, 37, 38, 40, 40, 48, 52,
                                         54, 61, 64, 64, 67, 75, 75, 81, 82, 85, 85, 85, 85 };
    unsigned letter = (unsigned)word[0] - 'a';
    if (letter > 'z' - 'a' || !word[1] || !word[2] || !word[3] || !word[4])
        return word; /* no variant is shorter than five letters */
    for (size_t i = rows_from[letter]; i < rows_from[letter + 1]; i++)
        if (spellings[i].variant[1] == word[1] && strcmp(spellings[i].variant, word) == 0)
            return spellings[i].normal;
    return word;
}
