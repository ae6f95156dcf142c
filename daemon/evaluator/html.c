/* Owns: verdicts as one self-contained page: no script, nothing loaded from elsewhere, every
 * outside text escaped. */
#include <string.h>

#include "stint/auto.h"
#include "stint/verdict.h"

static const char style[] =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1b1b1b;background:#fff}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}td,th{padding:.45rem .6rem;border-bottom:1px solid "
    "#ddd;text-align:left;vertical-align:top}.r{font-weight:600;white-space:nowrap}.pass{color:"
    "#0a6b2d}.fail{color:#a11212}.unknown{color:#8a5a00}code{font-size:.9em;word-break:break-all}"
    ".fix{margin-top:.3rem}.why{color:#444}@media(prefers-color-scheme:dark){body{background:#16"
    "1616;color:#eee}.why{color:#bbb}.pass{color:#5fd38a}.fail{color:#ff8a80}.unknown{color:#ffc9"
    "66}td,th{border-color:#444}}";

static void add_escaped(struct stint_buffer *buffer, const char *text)
{
    for (const char *c = text; *c; c++)
        switch (*c) {
        case '<':
            stint_buffer_add_text(buffer, "&lt;");
            break;
        case '>':
            stint_buffer_add_text(buffer, "&gt;");
            break;
        case '&':
            stint_buffer_add_text(buffer, "&amp;");
            break;
        case '"':
            stint_buffer_add_text(buffer, "&quot;");
            break;
        case '\'':
            stint_buffer_add_text(buffer, "&#39;");
            break;
        default:
            stint_buffer_add_char(buffer, (unsigned char)*c < 0x20 ? ' ' : *c);
        }
}

static void add_evidence(const struct stint_verdict *verdict, const uint32_t *ids, uint32_t count,
                         struct stint_buffer *buffer)
{
    char phrase[400];
    for (uint32_t i = 0; i < count; i++) {
        const struct stint_fact *fact = stint_facts_by_id(verdict->facts, ids[i]);
        if (!fact)
            continue;
        stint_buffer_add_text(buffer, "<div><code>");
        add_escaped(buffer, fact->path[0] ? fact->path : "list of files");
        if (fact->at.kind == STINT_PLACE_LINE)
            stint_buffer_printf(buffer, ":%llu", (unsigned long long)fact->at.number);
        if (fact->at.kind == STINT_PLACE_POINTER)
            add_escaped(buffer, fact->at.pointer);
        stint_buffer_add_text(buffer, "</code> ");
        add_escaped(buffer, stint_fact_phrase(fact, phrase, sizeof(phrase)));
        stint_buffer_printf(buffer, " <small>(%s)</small></div>", stint_grade_name(fact->grade));
    }
}

static void add_criterion(const struct stint_verdict *verdict,
                          const struct stint_criterion_result *criterion,
                          struct stint_buffer *buffer)
{
    const char *result = stint_result_name(criterion->result);
    stint_buffer_printf(buffer, "<tr><td class=\"r %s\">%s</td><td class=\"r\">", result, result);
    add_escaped(buffer, criterion->id);
    stint_buffer_add_text(buffer, "</td><td>");
    add_escaped(buffer, criterion->text);
    stint_buffer_add_text(buffer, "<div class=\"why\">");
    add_escaped(buffer, criterion->why);
    stint_buffer_add_text(buffer, "</div>");
    add_evidence(verdict, criterion->evidence, criterion->evidence_count, buffer);
    if (criterion->would_pass[0]) {
        stint_buffer_add_text(buffer, "<div class=\"fix\"><b>Would pass:</b> ");
        add_escaped(buffer, criterion->would_pass);
        stint_buffer_add_text(buffer, "</div>");
    }
    stint_buffer_add_text(buffer, "</td></tr>\n");
}

static void add_result(const struct stint_verdict *verdict, const struct stint_rules_result *result,
                       struct stint_buffer *buffer)
{
    const char *name = stint_result_name(result->result);
    char hex[STINT_SHA256_HEX];
    stint_buffer_add_text(buffer, "<h2>");
    add_escaped(buffer, result->title);
    stint_buffer_printf(buffer, ": <span class=\"%s\">%s</span></h2><p>rule set ", name, name);
    add_escaped(buffer, result->rules);
    stint_buffer_add_text(buffer, ", version ");
    add_escaped(buffer, result->version);
    stint_buffer_add_text(buffer, ", after ");
    add_escaped(buffer, result->source);
    stint_buffer_add_text(buffer, " of ");
    add_escaped(buffer, result->date);
    stint_buffer_printf(buffer, ", <code>sha256:%s</code>, assurance %s",
                        stint_sha256_hex(&result->digest, hex),
                        result->assurance == STINT_ASSURANCE_VERIFIED ? "verified" : "declared");
    if (result->has_progress)
        stint_buffer_printf(buffer, ", class %s (I %.2f%%, II %.2f%%, III %.2f%%)",
                            result->class_name, result->progress[0], result->progress[1],
                            result->progress[2]);
    stint_buffer_add_text(buffer, "</p><table><tbody>\n");
    for (size_t i = 0; i < result->criterion_count; i++)
        add_criterion(verdict, &result->criteria[i], buffer);
    stint_buffer_add_text(buffer, "</tbody></table>\n");
}

static void add_verdict(const struct stint_verdict *verdict, struct stint_buffer *buffer)
{
    char hex[STINT_SHA256_HEX];
    const char *name = stint_result_name(stint_verdict_result(verdict));
    stint_buffer_printf(buffer, "<h1>%s ", stint_artifact_kind_name(verdict->kind));
    add_escaped(buffer, verdict->name);
    stint_buffer_printf(buffer, ": <span class=\"%s\">%s</span></h1>", name, name);
    if (verdict->has_digest)
        stint_buffer_printf(buffer, "<p><code>sha256:%s</code></p>",
                            stint_sha256_hex(&verdict->digest, hex));
    for (size_t i = 0; i < verdict->result_count; i++)
        add_result(verdict, &verdict->results[i], buffer);
    if (verdict->finding_count > 0)
        stint_buffer_add_text(buffer, "<h2>Findings</h2><table><tbody>\n");
    for (size_t i = 0; i < verdict->finding_count; i++) {
        const struct stint_finding *finding = &verdict->findings[i];
        stint_buffer_add_text(buffer, "<tr><td class=\"r\">");
        add_escaped(buffer, finding->id);
        stint_buffer_add_text(buffer, "</td><td>");
        add_escaped(buffer, finding->what);
        add_evidence(verdict, finding->evidence, finding->evidence_count, buffer);
        stint_buffer_add_text(buffer, "</td></tr>\n");
    }
    if (verdict->finding_count > 0)
        stint_buffer_add_text(buffer, "</tbody></table>\n");
}

void stint_verdict_html(const struct stint_verdict *const *verdicts, size_t count,
                        struct stint_buffer *buffer)
{
    stint_buffer_printf(buffer,
                        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
                        "name=\"viewport\" content=\"width=device-width\"><meta "
                        "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                        "style-src 'unsafe-inline'\"><title>Openness</title><style>%s</style>"
                        "</head><body>\n",
                        style);
    for (size_t i = 0; i < count; i++)
        add_verdict(verdicts[i], buffer);
    stint_buffer_add_text(buffer, "</body></html>\n");
}
