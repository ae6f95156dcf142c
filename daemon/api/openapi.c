/* Owns: the description of this interface, OpenAPI 3.1, written from the table of routes. */
#include "views.h"

#include <ctype.h>
#include <string.h>

static const char *access_text(enum api_access access)
{
    return access == ACCESS_PUBLIC ? "public" : access == ACCESS_USER ? "user" : "operator";
}

static void parameter(struct stint_buffer *out, const char *name, size_t length, bool in_path)
{
    stint_json_object(out);
    stint_json_key(out, "name");
    stint_json_text_n(out, name, length);
    stint_json_kv_text(out, "in", in_path ? "path" : "query");
    stint_json_kv_bool(out, "required", in_path);
    stint_json_key(out, "schema");
    stint_json_raw(out, "{\"type\":\"string\"}", 17);
    stint_json_object_end(out);
}

static void parameters(struct stint_buffer *out, const struct route *route)
{
    stint_json_key(out, "parameters");
    stint_json_array(out);
    for (const char *at = strchr(route->pattern, '{'); at; at = strchr(at + 1, '{'))
        parameter(out, at + 1, strcspn(at + 1, ".}"), true);
    for (const char *at = route->query; at && *at;) {
        size_t length = strcspn(at, " ");
        parameter(out, at, length, false);
        at += length + strspn(at + length, " ");
    }
    stint_json_array_end(out);
}

static void responses(struct stint_buffer *out)
{
    static const char problem[] =
        "{\"description\":\"a problem (RFC 9457)\",\"content\":{\"application/problem+json\":"
        "{\"schema\":{\"$ref\":\"#/components/schemas/problem\"}}}}";
    stint_json_key(out, "responses");
    stint_json_object(out);
    stint_json_key(out, "2XX");
    stint_json_raw(out, "{\"description\":\"done\"}", 22);
    stint_json_key(out, "default");
    stint_json_raw(out, problem, sizeof(problem) - 1);
    stint_json_object_end(out);
}

static void operation(struct stint_buffer *out, const struct route *route)
{
    static const char body[] =
        "{\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\"}}}}";
    static const char jobs_body[] =
        "{\"required\":true,\"content\":{\"application/json\":{\"schema\":{\"oneOf\":[{\"$ref\":"
        "\"#/components/schemas/job_request\"},{\"type\":\"array\",\"items\":{\"$ref\":"
        "\"#/components/schemas/job_request\"}}]}},\"application/x-ndjson\":{\"schema\":"
        "{\"type\":\"string\"}}}}";
    char method[8] = "";
    for (size_t i = 0; route->method[i] && i < sizeof(method) - 1; i++)
        method[i] = (char)tolower((unsigned char)route->method[i]);
    stint_json_key(out, method);
    stint_json_object(out);
    stint_json_kv_text(out, "summary", route->summary);
    stint_json_kv_text(out, "x-stint-access", access_text(route->access));
    parameters(out, route);
    if (route->body_max > 0) {
        stint_json_key(out, "requestBody");
        if (route->flags & ROUTE_BULK)
            stint_json_raw(out, jobs_body, sizeof(jobs_body) - 1);
        else
            stint_json_raw(out, body, sizeof(body) - 1);
    }
    responses(out);
    stint_json_object_end(out);
}

/* {ref...} is {ref} to others. */
static void path_key(struct stint_buffer *out, const char *pattern)
{
    char path[128];
    size_t length = 0;
    while (*pattern && length < sizeof(path) - 1) {
        if (strncmp(pattern, "...}", 4) == 0)
            pattern += 3;
        path[length++] = *pattern++;
    }
    path[length] = '\0';
    stint_json_key(out, path);
}

static bool is_first_of_path(size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(api_routes[i].pattern, api_routes[index].pattern) == 0)
            return false;
    return true;
}

static void components(struct stint_buffer *out)
{
    static const char text[] =
        "{\"schemas\":{\"problem\":{\"type\":\"object\",\"required\":[\"type\",\"title\","
        "\"status\",\"code\"],\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":"
        "\"string\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},\"code\":"
        "{\"type\":\"string\"},\"params\":{\"type\":\"object\"},\"fix\":{\"type\":[\"string\","
        "\"null\"]},\"also\":{\"type\":\"array\"},\"decision\":{\"type\":\"integer\"}}},"
        "\"job_request\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
        "\"name\":{\"type\":\"string\"},\"project\":{\"type\":\"string\"},\"award\":{\"type\":"
        "\"string\"},\"resource\":{\"type\":\"string\"},\"command\":{\"type\":\"array\",\"items\":"
        "{\"type\":\"string\"}},\"script\":{\"type\":\"object\"},\"workdir\":{\"type\":\"string\"},"
        "\"resources\":{\"type\":\"object\"},\"uses\":{\"type\":\"object\"},\"array\":{\"type\":"
        "\"string\",\"description\":\"SPEC[%MAX]: 1-10:2,20%4\"},\"after\":{\"type\":\"array\","
        "\"items\":{\"type\":\"object\",\"required\":[\"job_id\"],\"properties\":{\"job_id\":"
        "{\"type\":\"integer\"},\"task\":{\"type\":\"integer\"},\"when\":{\"enum\":[\"ok\","
        "\"any\",\"fail\"]}}}},\"begin\":{\"type\":\"string\",\"format\":"
        "\"date-time\"},\"hold\":{\"type\":\"boolean\"},\"requeue\":{\"type\":\"boolean\"},"
        "\"preemptible\":{\"enum\":[\"no\",\"requeue\",\"checkpoint\"]},\"priority\":{\"type\":"
        "\"integer\",\"minimum\":-100,\"maximum\":100},\"output\":{\"type\":\"string\"},\"error\":"
        "{\"type\":\"string\"},\"env\":{\"type\":\"object\"},\"signal\":{\"type\":\"string\"},"
        "\"network\":{\"type\":\"boolean\"},\"purpose\":{\"type\":\"string\"}}}}}";
    stint_json_key(out, "components");
    stint_json_raw(out, text, sizeof(text) - 1);
}

void handle_openapi(struct exchange *ex)
{
    struct stint_buffer *out = &ex->out;
    stint_json_object(out);
    stint_json_kv_text(out, "openapi", "3.1.0");
    stint_json_key(out, "info");
    stint_json_object(out);
    stint_json_kv_text(out, "title", "Stint");
    stint_json_kv_text(out, "version", STINT_VERSION);
    stint_json_object_end(out);
    stint_json_key(out, "paths");
    stint_json_object(out);
    for (size_t i = 0; i < api_route_count; i++) {
        if (!is_first_of_path(i))
            continue;
        path_key(out, api_routes[i].pattern);
        stint_json_object(out);
        for (size_t k = i; k < api_route_count; k++)
            if (strcmp(api_routes[k].pattern, api_routes[i].pattern) == 0)
                operation(out, &api_routes[k]);
        stint_json_object_end(out);
    }
    stint_json_object_end(out);
    components(out);
    stint_json_object_end(out);
    ex->cache = "public, max-age=300";
    exchange_send(ex, 200);
}
