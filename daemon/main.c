/* main.c - posternd: options, the way from root to user, and the roles of the children
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config.h"
#include "daemon/console.h"
#include "daemon/descriptors.h"
#include "daemon/directories.h"
#include "daemon/certificate.h"
#include "daemon/needs.h"
#include "daemon/parent.h"
#include "daemon/privilege.h"
#include "nfq/nfqd.h"
#include "proxy/worker.h"

#define EXIT_USAGE 2
#define EXIT_CONFIG 4
#define ERROR_SIZE 512
#define MASK 0027	/* nothing of ours is for everybody; the control socket sets its own mode */

static const char usage[] =
    "usage: posternd [-c FILE] [-t]\n"
    "  -c FILE  configuration, instead of " CONFIG_PATH "\n"
    "  -t       check the configuration, say every error, and end\n"
    "  -h       this help\n"
    "  -V       the version\n";

struct options {
	const char *file;
	bool test;
};

static int
run_worker(const struct supervise_worker *s)
{
	const struct worker_start start = { .config = s->config, .counters = s->counters,
	    .column = s->column, .slot = s->slot, .listener = s->listener, .parent = s->parent,
	    .policy = s->policy };

	return worker_main(&start);
}

static int
run_nfq(const struct supervise_worker *s)
{
	const struct nfqd_start start = { .config = s->config, .counters = s->counters,
	    .column = s->column, .parent = s->parent, .policy = s->policy };

	return nfqd_main(&start);
}

static const struct supervise_roles roles = { .policy = policyd_main, .worker = run_worker,
    .nfq = run_nfq };

/* -1: go on; else the exit status. */
static int
take_options(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:thV")) != -1) {
		switch (c) {
		case 'c':
			o->file = optarg;
			break;
		case 't':
			o->test = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("posternd " POSTERN_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "posternd: unexpected argument \"%s\"\n%s", argv[optind], usage);
	return EXIT_USAGE;
}

/* False where the configuration asks for more than we were given. */
static bool
may(const struct config *config, char *error, size_t size)
{
	size_t len;

	if (needs_met(config, privilege_permitted(), error, size))
		return true;
	len = strlen(error);
	snprintf(error + len, size - len, ": start it as root, or with AmbientCapabilities= in its "
	    "unit");
	return false;
}

/* The last that is done as root, where we are. */
static bool
become_user(const struct config *config, char *error, size_t size)
{
	unsigned long got = 0;
	uid_t uid;
	gid_t gid;

	if (!privilege_user(config->user, &uid, &gid, error, size))
		return false;
	if (geteuid() != 0 && geteuid() != uid) {
		snprintf(error, size, "start posternd as root, or as user %s", config->user);
		return false;
	}
	if (!may(config, error, size) || !directories_make(config, uid, gid, error, size))
		return false;
	if (!descriptors_raise(config->limits.sessions, &got))
		console_warning("limits.sessions: %u sessions need more than the %lu open files "
		    "allowed here", config->limits.sessions, got);
	return privilege_become(uid, gid, needs_of_all(config), error, size) &&
	    directories_check(config, error, size) && certificate_prepare(config, error, size);
}

static int
serve(const struct options *o, struct config *config, const struct title *title)
{
	const struct parent_start start = { .file = o->file, .config = config, .title = title,
	    .roles = &roles, .limits = &supervise_limits };
	char error[ERROR_SIZE];

	umask(MASK);
	if (!descriptors_standard()) {
		config_free(config);
		return EXIT_FAILURE;
	}
	if (!become_user(config, error, sizeof(error))) {
		console_error("%s", error);
		config_free(config);
		return EXIT_FAILURE;
	}
	if (access(o->file, R_OK) != 0)
		console_warning("a reload will be refused: user %s cannot read %s: %s",
		    config->user, o->file, strerror(errno));
	return parent_main(&start);
}

int
main(int argc, char **argv)
{
	struct options o = { .file = CONFIG_PATH };
	int status = take_options(&o, argc, argv);
	struct config *config;
	struct title title;
	char file[PATH_MAX];

	if (status >= 0)
		return status;
	config = config_load(o.file, stderr, NULL, NULL);
	if (config == NULL)
		return EXIT_CONFIG;
	if (o.test) {
		printf("%s: the configuration is valid\n", o.file);
		config_free(config);
		return EXIT_SUCCESS;
	}
	/* The memory of the arguments becomes the title's: the file's name must be elsewhere. */
	snprintf(file, sizeof(file), "%s", o.file);
	o.file = file;
	if (!title_take(&title, argc, argv)) {
		config_free(config);
		return EXIT_FAILURE;
	}
	title_set(&title, "posternd");
	return serve(&o, config, &title);
}
