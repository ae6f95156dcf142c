/* Owns: what operators do to nodes: drain, resume, list. */
#include <string.h>

#include "admin.h"
#include "cli.h"
#include "nodes.h"

static int node_send(struct cli *cli, const char *state, const char *what)
{
    char path[600];
    char encoded[512];
    char done[200];
    const char *name = cli->args.words[0];
    json_t *body = admin_body(cli);
    if (!body)
        return EXIT_FAILED;
    admin_put(body, "state", state);
    admin_put(body, "resource", cli_value(cli, "resource"));
    (void)snprintf(path, sizeof(path), "/api/v1/nodes/%s",
                   path_encode(name, encoded, sizeof(encoded)));
    (void)snprintf(done, sizeof(done), "%.100s %s", name, what);
    return admin_send(cli, "PATCH", path, body, done);
}

int verb_node_drain(struct cli *cli)
{
    return node_send(cli, "draining", "takes no new jobs; what runs goes on");
}

int verb_node_resume(struct cli *cli)
{
    return node_send(cli, "up", "takes jobs again");
}

static int show_nodes(struct cli *cli, const json_t *document)
{
    (void)cli;
    return nodes_show(document, NULL);
}

int verb_node_list(struct cli *cli)
{
    return cli_show(cli, "/api/v1/nodes", show_nodes);
}
