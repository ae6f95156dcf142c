/* Every option, once ([resource NAME] takes besides those of [scheduler] that are not the
 * machine's, and both prices): the file, --check-config, `stintd --help`, stint.conf(5) and the
 * shipped stint.conf all follow these rows.
 *
 * X(section, key, kind, member, min, max, private default, system default, unit, help)
 * min and max are values for numbers and byte counts for texts; a path may be "" when min is 0. */
#ifndef STINT_CONFIG_TABLE_H
#define STINT_CONFIG_TABLE_H

/* clang-format off */
#define STINT_CONFIG_OPTIONS(X) \
    X("daemon", "state", PATH, state, 0, 190, "", "/var/lib/stint", "path", \
      "Where everything is kept: the store, artefacts, run folders, keys.") \
    X("daemon", "socket", PATH, socket, 0, 107, "", "/run/stint/stintd.sock", "path", \
      "The Unix socket that clients use; callers are known by their peer credentials.") \
    X("daemon", "socket_mode", OCTAL, socket_mode, 0, 0777, "0600", "0666", "octal", \
      "Permissions of the socket: who may connect at all. What they may do is decided per user.") \
    X("daemon", "socket_group", TEXT, socket_group, 0, 64, "", "", "group", \
      "Group that owns the socket; empty leaves the daemon's own.") \
    X("daemon", "listen", TEXT, listen, 0, 128, "127.0.0.1:8642", "127.0.0.1:8642", "address:port", \
      "TCP address of the public page and the public API; empty for none. Keep it on loopback and put a proxy with TLS before it.") \
    X("daemon", "hosts", TEXT, hosts, 0, 190, "", "", "names", \
      "Host names under which a proxy serves the page, separated by commas; requests for other names are refused (loopback names always work).") \
    X("daemon", "user", TEXT, user, 0, 64, "", "stint", "user", \
      "The daemon's own user when it is started as root; empty stays root.") \
    X("daemon", "log_level", WORD, log_level, 0, 0, "info", "info", "error warning info debug", \
      "Lines above this level are not written.") \
    X("daemon", "site", TEXT, site, 1, 200, "Stint", "Stint", "text", \
      "The name on the public page.") \
    X("daemon", "origin", TEXT, origin, 0, 190, "", "", "text", \
      "Origin of the public log: a URL without scheme, without blanks and '+'. Empty derives it from the host name. It cannot change once the log has begun.") \
    X("daemon", "time_zone", TEXT, time_zone, 0, 64, "", "", "zone", \
      "The site's time zone (Europe/Berlin), for quota periods; empty is the system's.") \
    X("daemon", "resource", TEXT, resource, 1, 63, "local", "local", "name", \
      "Name of this machine as a resource that awards are given on.") \
    X("daemon", "join", JOIN, join, 0, 0, "open", "closed", "open closed", \
      "open: any caller of the socket is a member of the project 'default'. closed: an operator adds users first.") \
    X("daemon", "connections_max", INT, connections_max, 8, 65536, "2048", "2048", "connections", \
      "Most HTTP connections on each listener; further ones are not accepted.") \
    X("daemon", "idle_timeout_s", INT, idle_timeout_s, 1, 3600, "60", "60", "seconds", \
      "A connection that sends nothing for this long is closed.") \
    X("daemon", "requests_per_s", INT, requests_per_s, 0, 1000000, "1000", "1000", "requests", \
      "Requests a second over TCP: of one user by tokens, and of everybody without one together; more are answered 429. 0 for no bound. The Unix socket has none.") \
    X("admission", "require_uses", BOOL, require_uses, 0, 1, "no", "no", "yes no", \
      "yes: a job must declare at least one model, data set or code tree.") \
    X("admission", "unknown", WORD, unknown, 0, 0, "strict", "strict", "strict review advisory", \
      "What an unknown verdict means. strict: refused, as a failed one. review: waits for an operator, as NotReviewedYet. advisory: admitted, with a warning.") \
    X("admission", "admission_wait_s", INT, admission_wait_s, 0, 300, "10", "10", "seconds", \
      "How long a submit waits for a new verdict before it is answered with NotEvaluatedYet.") \
    X("admission", "evaluation_timeout_s", INT, evaluation_timeout_s, 1, 86400, "3600", "3600", "seconds", \
      "An evaluation that takes longer is stopped and counts as failed.") \
    X("admission", "rules_model", TEXT, rules_model, 1, 190, "osaid-1.0", "osaid-1.0", "rule sets", \
      "Rule sets that models must pass, separated by commas.") \
    X("admission", "rules_dataset", TEXT, rules_dataset, 1, 190, "open-definition-2.1", "open-definition-2.1", "rule sets", \
      "Rule sets that data sets must pass.") \
    X("admission", "rules_code", TEXT, rules_code, 1, 190, "osi-code", "osi-code", "rule sets", \
      "Rule sets that code must pass.") \
    X("admission", "rules_dir", PATH, rules_dir, 0, 190, "", "", "path", \
      "Folder of the rule sets; empty for the installed ones.") \
    X("admission", "licences_dir", PATH, licences_dir, 0, 190, "", "", "path", \
      "Folder of the licence table; empty for the installed one.") \
    X("admission", "catalogue_dir", PATH, catalogue_dir, 0, 190, "", "", "path", \
      "Folder of the site's own dated evidence about models and data sets (several joined by ':'), read beside the installed catalogue.") \
    X("admission", "reviewers", TEXT, reviewers, 0, 190, "", "", "users", \
      "Login names of those who may attest facts of artefacts beside operators, separated by commas.") \
    X("admission", "reviewer_keys", PATH, reviewer_keys, 0, 190, "", "", "path", \
      "File of reviewers' public keys (NAME+HASH+KEY), one a line: what one of them signed anybody may hand in.") \
    X("scheduler", "topology", TEXT, topology, 0, 190, "", "", "file or synthetic string", \
      "Empty for this machine; an hwloc XML file or a synthetic string ('numa:2 core:8 pu:2') for another.") \
    X("scheduler", "gpus", TEXT, gpus, 0, 190, "", "", "TYPE:N", \
      "Simulated GPUs, for tests and demonstrations; left out of public totals.") \
    X("scheduler", "default_walltime_s", INT, terms.default_walltime_s, 1, 316224000, "3600", "3600", "seconds", \
      "Walltime of a job that names none.") \
    X("scheduler", "max_walltime_s", INT, terms.max_walltime_s, 0, 316224000, "0", "0", "seconds", \
      "Longest walltime of a job; 0 for no limit.") \
    X("scheduler", "policy", WORD, terms.policy, 0, 0, "stint", "stint", "stint fcfs sjf easy easy-sjbf conservative", \
      "Whose turn it is. stint: by fair share, then by wait against walltime; backfill by smallest area. The others are those of the literature, which know neither shares nor preemption.") \
    X("scheduler", "half_life_s", INT, terms.half_life_s, 60, 316224000, "604800", "604800", "seconds", \
      "Past use counts half after this long (604800 is a week). A file that leaves policy at stint must set it: how long use is remembered is a decision about people.") \
    X("scheduler", "fair_tiers", INT, terms.fair_tiers, 0, 16, "4", "4", "tiers", \
      "Coarse classes of fair share, inside of which the expansion factor decides; 0 leaves shares out of the order of turns.") \
    X("scheduler", "reserved_heads", INT, terms.reserved_heads, 1, 64, "1", "1", "jobs", \
      "Waiting jobs that hold a reserved start at once; more are shown a start time, and fewer can pass them. In mode stint a reservation is a promise from when it is nearer than a tenth of the job's wait.") \
    X("scheduler", "cores_per_free_gpu", INT, terms.cores_per_free_gpu, 0, 1024, "0", "0", "cores", \
      "Cores that jobs without GPUs leave for each free GPU of a node; one that asks for more than that leaves while all GPUs are free is refused.") \
    X("scheduler", "preemption", BOOL, terms.preemption, 0, 1, "yes", "yes", "yes no", \
      "yes: running jobs that were submitted with --preemptible may be stopped for waiting ones that had less service.") \
    X("scheduler", "preemption_min_run_s", INT, terms.preemption_min_run_s, 1, 86400, "600", "600", "seconds", \
      "A job runs at least so long between two stops.") \
    X("scheduler", "preemption_resume_s", INT, terms.preemption_resume_s, 0, 86400, "60", "60", "seconds", \
      "What a stop and a new start cost a job; nobody is stopped for a smaller gain.") \
    X("scheduler", "checkpoint_max_s", INT, terms.checkpoint_max_s, 0, 86400, "300", "300", "seconds", \
      "The longest time between the signal of --signal and SIGTERM when a job is stopped to make room.") \
    X("engine", "min_uid", INT, min_uid, 1, 4294967294, "1000", "1000", "uid", \
      "Jobs of smaller user ids are refused.") \
    X("engine", "grace_s", INT, grace_s, 0, 3600, "30", "30", "seconds", \
      "Time between SIGTERM and SIGKILL at the end of the walltime and at a cancel.") \
    X("engine", "process_limit", INT, process_limit, 0, 4194304, "4096", "4096", "processes", \
      "Most processes and threads of one job; 0 for no limit.") \
    X("engine", "launcher", PATH, launcher, 0, 190, "", "", "path", \
      "The launcher program; empty looks beside the daemon and in the installed place.") \
    X("engine", "evaluator", PATH, evaluator, 0, 190, "", "", "path", \
      "The evaluator program; empty looks as for the launcher.") \
    X("awards", "rate", MICRO, terms.rate_micro, 0, 1000000000000, "1", "1", "units", \
      "Price of one GPU-hour (core-hour on a machine without GPUs) in units of the award.") \
    X("awards", "preemptible_rate", MICRO, terms.preemptible_rate_micro, 0, 1000000, "0.5", "0.5", "share", \
      "The part of the price that jobs pay which may be stopped for others (--preemptible).") \
    X("awards", "default_award_hours", INT, default_award_hours, 0, 1000000000, "100000", "100000", "hours", \
      "Size of the award of the project 'default', made on the first start; one on each resource.") \
    X("resource NAME", "topology", TEXT, part.topology, 0, 190, "", "", "file or synthetic string", \
      "A machine of its own instead of a part of this one: nothing can be bound to it, and it is marked simulated.") \
    X("resource NAME", "numa", TEXT, part.numa, 0, 190, "", "", "numbers", \
      "NUMA nodes whose cores, memory and GPUs are this resource's: 0-1. A resource that names nothing has what no other names.") \
    X("resource NAME", "cores", TEXT, part.cores, 0, 190, "", "", "numbers", \
      "Cores that are this resource's: 0-15,32-47, as stint allocations numbers them; beside those of numa.") \
    X("resource NAME", "gpus", TEXT, part.gpus, 0, 190, "", "", "numbers, none, or TYPE:N", \
      "GPU slots that are this resource's, instead of those of its NUMA nodes; simulated GPUs where topology is set.")
/* clang-format on */

#endif
