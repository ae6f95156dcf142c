/* Owns: nodes: the daemon's, or those of a topology file without any daemon. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "document.h"
#include "nodes.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/machine.h"
#include "stint/topology.h"

static void gpu_write(const struct stint_shape *shape, uint32_t slot, struct stint_buffer *out)
{
    const struct stint_gpu *gpu = &shape->gpus[slot];
    stint_json_object(out);
    stint_json_kv_int(out, "slot", slot);
    stint_json_kv_text(out, "type", gpu->type);
    stint_json_kv_int(out, "numa_node", gpu->numa);
    stint_json_kv_text(out, "pci", gpu->pci[0] ? gpu->pci : NULL);
    stint_json_key(out, "partition_of");
    if (gpu->partition_of < 0)
        stint_json_null(out);
    else
        stint_json_int(out, gpu->partition_of);
    if (gpu->memory_bytes > 0)
        stint_json_kv_int(out, "memory_bytes", gpu->memory_bytes);
    if (gpu->is_simulated)
        stint_json_kv_bool(out, "simulated", true);
    stint_json_object_end(out);
}

static void link_write(const struct stint_link *link, struct stint_buffer *out)
{
    stint_json_object(out);
    stint_json_kv_int(out, "a", link->a);
    stint_json_kv_int(out, "b", link->b);
    stint_json_kv_text(out, "kind", stint_link_kind_name(link->kind));
    stint_json_kv_int(out, "mb_per_s", link->mb_per_s);
    stint_json_object_end(out);
}

static void node_write(const struct stint_node *node, struct stint_buffer *out)
{
    const struct stint_shape *shape = node->shape;
    stint_json_object(out);
    stint_json_kv_text(out, "name", node->name);
    stint_json_kv_int(out, "packages", shape->packages);
    stint_json_kv_int(out, "numa_nodes", shape->numa_count);
    stint_json_kv_int(out, "cores", shape->core_count);
    stint_json_kv_int(out, "pus", shape->pu_count);
    stint_json_kv_int(out, "memory_bytes", shape->memory_bytes);
    stint_json_key(out, "gpus");
    stint_json_array(out);
    for (uint32_t i = 0; i < shape->gpu_count; i++)
        gpu_write(shape, i, out);
    stint_json_array_end(out);
    stint_json_key(out, "links");
    stint_json_array(out);
    for (uint32_t i = 0; i < shape->link_count; i++)
        link_write(&shape->links[i], out);
    stint_json_array_end(out);
    stint_json_kv_text(out, "state", "up");
    stint_json_object_end(out);
}

/* The document of INTERFACE §4, as the daemon would write it. */
static void machine_write(const struct stint_machine *machine, struct stint_buffer *out)
{
    stint_json_object(out);
    stint_json_kv_text(out, "schema", "stint.nodes/1");
    stint_json_key(out, "nodes");
    stint_json_array(out);
    for (uint32_t i = 0; i < machine->node_count; i++)
        node_write(&machine->nodes[i], out);
    stint_json_array_end(out);
    stint_json_object_end(out);
}

static int nodes_of_file(struct cli *cli, const char *source)
{
    stint_auto(stint_machine_free) struct stint_machine *machine = NULL;
    stint_auto(stint_buffer_deinit) struct stint_buffer out = { 0 };
    struct stint_error err = { 0 };
    struct stint_topology_options options = { .source = source, .gpus = cli_value(cli, "gpus") };
    err.code = stint_topology_load(&options, &machine, &err);
    if (err.code != 0)
        return cli_fail_file(&err, source);
    machine_write(machine, &out);
    if (cli_has(cli, "json")) {
        (void)printf("%s\n", stint_buffer_text(&out));
        return EXIT_OK;
    }
    json_t *document = json_loadb(stint_buffer_text(&out), out.length, 0, NULL);
    int status = nodes_show(document, cli->args.word_count > 0   ? cli->args.words[0]
                                      : machine->node_count == 1 ? machine->nodes[0].name
                                                                 : NULL);
    json_decref(document);
    return status;
}

static int show_nodes(struct cli *cli, const json_t *document)
{
    return nodes_show(document, cli->args.word_count > 0 ? cli->args.words[0] : NULL);
}

int verb_nodes(struct cli *cli)
{
    const char *source = cli_value(cli, "topology");
    if (source)
        return nodes_of_file(cli, source);
    if (cli_has(cli, "gpus"))
        return cli_usage("--topology FILE.xml --gpus TYPE:N", "--gpus declares GPUs of a topology");
    return cli_show(cli, "/api/v1/nodes", show_nodes);
}
