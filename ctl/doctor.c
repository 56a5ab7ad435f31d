/* doctor.c - posternctl doctor: every check in turn, and what they found
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/task.h"
#include "ctl/terminal.h"

#define STATE_WIDTH 8	/* of the longest word and a space */

static const char *const words[] = {
	[DOCTOR_OK] = "ok", [DOCTOR_NOTE] = "note", [DOCTOR_WARNING] = "warning",
	[DOCTOR_FAULT] = "fault", [DOCTOR_UNKNOWN] = "unknown",
};

void
doctor_say(struct doctor *d, enum doctor_state state, const char *name, const char *format, ...)
{
	struct doctor_finding *f;
	va_list args;

	if (d->len == DOCTOR_FINDINGS_MAX)
		return;
	f = &d->findings[d->len++];
	*f = (struct doctor_finding){ .name = name, .state = state };
	va_start(args, format);
	vsnprintf(f->found, sizeof(f->found), format, args);
	va_end(args);
}

void
doctor_remedy(struct doctor *d, const char *format, ...)
{
	struct doctor_finding *f = &d->findings[d->len - 1];
	va_list args;

	va_start(args, format);
	vsnprintf(f->remedy, sizeof(f->remedy), format, args);
	va_end(args);
}

bool
doctor_read(const struct doctor *d, const char *path, char *buf, size_t size)
{
	char whole[PATH_MAX];
	size_t len = 0;
	ssize_t n = 1;
	int fd, error;

	snprintf(whole, sizeof(whole), "%s%s", d->host->root, path);
	fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	while (n > 0 && len < size - 1) {
		n = read(fd, buf + len, size - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	error = errno;
	close(fd);
	errno = error;
	buf[len] = '\0';
	return n >= 0;
}

bool
doctor_number(const struct doctor *d, const char *path, long *out)
{
	char text[64], *end;

	if (!doctor_read(d, path, text, sizeof(text)))
		return false;
	*out = strtol(text, &end, 0);
	return end != text;
}

bool
doctor_present(const struct doctor *d, const char *path)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", d->host->root, path);
	/* A link counts, wherever it leads: units are enabled by one. */
	return faccessat(AT_FDCWD, whole, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool
doctor_local_only(const struct config *config)
{
	size_t i;

	for (i = 0; i < config->intercept.from_len; i++)
		if (!address_is_loopback(&config->intercept.from[i].ip))
			return false;
	return config->intercept.local;
}

/* What several checks need. */
static void
prepare(struct doctor *d)
{
	if (d->config->intercept.method == METHOD_NONE)
		return;
	d->planned = plan_make(d->config, d->host->plan, &d->plan, d->plan_error,
	    sizeof(d->plan_error));
	if (d->planned)
		d->ruled = ruleset_make(&d->plan, &d->rules, d->plan_error,
		    sizeof(d->plan_error));
	if (d->host->privileged)
		d->loaded = d->host->loaded(d->loaded_error, sizeof(d->loaded_error));
}

void
doctor_examine(struct doctor *d, const struct config *config, const struct doctor_host *host)
{
	static void (*const checks[])(struct doctor *d) = {
		doctor_daemon, doctor_path, doctor_processes, doctor_unit, doctor_families,
		doctor_programs, doctor_kernel, doctor_rules, doctor_order, doctor_death,
		doctor_others, doctor_networkd, doctor_input, doctor_listener, doctor_interface,
		doctor_clients, doctor_bridge, doctor_forwarding, doctor_rp_filter,
		doctor_route_localnet, doctor_conntrack, doctor_resolver, doctor_policy_host,
		doctor_clock, doctor_ca, doctor_descriptors, doctor_memory, doctor_disk,
	};
	size_t i;

	memset(d, 0, sizeof(*d));
	d->config = config;
	d->host = host;
	prepare(d);
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](d);
}

void
doctor_free(struct doctor *d)
{
	ruleset_free(&d->rules);
	json_decref(d->status);
	chains_free(d->chains);
	free(d->loaded);
}

static unsigned
count(const struct doctor *d, enum doctor_state state)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < d->len; i++)
		n += d->findings[i].state == state;
	return n;
}

int
doctor_exit(const struct doctor *d)
{
	if (count(d, DOCTOR_FAULT) > 0)
		return EXIT_NO;
	return count(d, DOCTOR_UNKNOWN) > 0 ? EXIT_TEMPORARY : EXIT_YES;
}

static void
print_json(const struct doctor *d)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < d->len; i++) {
		const struct doctor_finding *f = &d->findings[i];

		/* Programs' words may be in no encoding that JSON knows. */
		json_t *found = json_string(f->found), *remedy = json_string(f->remedy);

		json_array_append_new(list, json_pack("{s:s,s:s,s:o,s:o}", "name", f->name,
		    "state", words[f->state], "found",
		    found != NULL ? found : json_string("(not UTF-8)"), "remedy",
		    remedy != NULL ? remedy : json_string("(not UTF-8)")));
	}
	task_json(list);
	json_decref(list);
}

static void
print_count(unsigned n, const char *one, const char *many)
{
	if (n > 0)
		printf(", %u %s", n, n == 1 ? one : many);
}

static void
print_text(const struct doctor *d)
{
	size_t i;

	for (i = 0; i < d->len; i++) {
		const struct doctor_finding *f = &d->findings[i];

		printf("%-*s%s: ", STATE_WIDTH, words[f->state], f->name);
		terminal_text(stdout, f->found);
		putchar('\n');
		if (f->remedy[0] != '\0') {
			printf("%*s-> ", STATE_WIDTH, "");
			terminal_text(stdout, f->remedy);
			putchar('\n');
		}
	}
	printf("%u ok", count(d, DOCTOR_OK));
	print_count(count(d, DOCTOR_NOTE), "note", "notes");
	print_count(count(d, DOCTOR_WARNING), "warning", "warnings");
	print_count(count(d, DOCTOR_FAULT), "fault", "faults");
	print_count(count(d, DOCTOR_UNKNOWN), "could not be found out",
	    "could not be found out");
	putchar('\n');
}

int
task_doctor(const struct options *o, const struct config *config)
{
	struct doctor *d = calloc(1, sizeof(*d));
	struct doctor_host host = doctor_machine;
	int code;

	if (d == NULL)
		return task_fail(o, EXIT_TEMPORARY, "out of memory");
	host.privileged = geteuid() == 0;
	doctor_examine(d, config, &host);
	if (o->json)
		print_json(d);
	else
		print_text(d);
	code = doctor_exit(d);
	doctor_free(d);
	free(d);
	return code;
}
