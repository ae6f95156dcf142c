/* Owns: commands that the face promises and this version does not have. They say so; a script must
 * not take silence for success. */
#include "cli.h"

int verb_later(struct cli *cli)
{
    return cli_usage("stint --help for what there is", "this version does not have '%s'",
                     cli->verb->name);
}
