/* doctor_daemon.c - the daemon: does it answer, is it well, what do its processes hold
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "ctl/doctor.h"
#include "ctl/terminal.h"

#define CAP_BIT_NET_ADMIN 12	/* linux/capability.h */
#define CAP_BIT_NET_RAW 13

void
doctor_daemon(struct doctor *d)
{
	const json_t *problems, *text;
	enum exit_code code = EXIT_TEMPORARY;
	char error[400] = "";
	size_t i;

	d->status = d->host->ask(d->config->control, "status", &code, error, sizeof(error));
	if (d->status == NULL) {
		error[strcspn(error, "\n")] = '\0';	/* its next step is not ours */
		d->daemon_down = code == EXIT_NOT_RUNNING;
		doctor_say(d, code == EXIT_NOT_PERMITTED ? DOCTOR_UNKNOWN : DOCTOR_FAULT, "daemon",
		    "%s", error);
		if (code == EXIT_NOT_PERMITTED)
			doctor_remedy(d, "run as root, or as a member of the group of `user`");
		else
			doctor_remedy(d, d->daemon_down ? "systemctl start posternd" :
			    "journalctl -u posternd; systemctl restart posternd");
		return;
	}
	if (json_is_true(json_object_get(d->status, "healthy")))
		doctor_say(d, DOCTOR_OK, "daemon", "posternd %s answers and is well",
		    terminal_member(d->status, "version"));
	problems = json_object_get(d->status, "problems");
	json_array_foreach(problems, i, text) {
		doctor_say(d, DOCTOR_FAULT, "daemon", "%s", json_is_string(text) ?
		    json_string_value(text) : "a problem without words");
		doctor_remedy(d, "posternctl status tells more; so does journalctl -u posternd");
	}
	if (strcmp(terminal_member(d->status, "mode"), "monitor") == 0) {
		doctor_say(d, DOCTOR_NOTE, "mode", "monitor: nothing is refused, only logged");
		doctor_remedy(d, "posternctl decisions, then `mode: enforce`");
	}
}

/* path: inspect needs to know which domains use an address. */
void
doctor_path(struct doctor *d)
{
	const struct config *c = d->config;

	if (!c->inspect)
		return;
	if (c->intercept.watch && c->intercept.method != METHOD_NONE) {
		doctor_say(d, DOCTOR_OK, "path", "inspect: which domains use an address is learnt "
		    "from the clients' DNS answers and from recipients");
		return;
	}
	doctor_say(d, DOCTOR_NOTE, "path", "inspect without the DNS watch: which domains use an "
	    "address is learnt from recipients alone, so the first session to an address ends "
	    "at postern");
	if (c->intercept.method == METHOD_NONE)
		doctor_remedy(d, "the watch needs rules of postern's own (intercept.method)");
	else
		doctor_remedy(d, "intercept.watch: yes");
}

/* Which effective capabilities process `pid` has. */
static bool
capabilities(const struct doctor *d, json_int_t pid, unsigned long long *out)
{
	char path[64], text[DOCTOR_FILE_MAX], *at;

	snprintf(path, sizeof(path), "/proc/%lld/status", (long long)pid);
	if (pid <= 0 || !doctor_read(d, path, text, sizeof(text)))
		return false;
	at = strstr(text, "\nCapEff:");
	if (at == NULL)
		return false;
	*out = strtoull(at + strlen("\nCapEff:"), NULL, 16);
	return true;
}

static void
check_process(struct doctor *d, const json_t *process, const char *name, unsigned long long need)
{
	unsigned long long held;

	if (!json_is_object(process))
		return;		/* this configuration has no such process */
	if (!capabilities(d, json_integer_value(json_object_get(process, "pid")), &held)) {
		doctor_say(d, DOCTOR_UNKNOWN, "processes", "the %s process cannot be looked at",
		    name);
		doctor_remedy(d, "posternctl status shows whether it runs; run as root");
		return;
	}
	if ((need & ~held) != 0) {
		doctor_say(d, DOCTOR_FAULT, "processes", "the %s process has not CAP_NET_%s, which "
		    "this configuration needs", name,
		    (need & ~held & 1ull << CAP_BIT_NET_ADMIN) != 0 ? "ADMIN" : "RAW");
		doctor_remedy(d, "AmbientCapabilities= of posternd.service, then "
		    "systemctl restart posternd");
	} else if ((held & ~need) != 0) {
		doctor_say(d, DOCTOR_WARNING, "processes", "the %s process has capabilities that "
		    "it does not need: %llx", name, held & ~need);
		doctor_remedy(d, "systemctl restart posternd; if it stays so, report it");
	} else {
		doctor_say(d, DOCTOR_OK, "processes", "the %s process has the capabilities it "
		    "needs and no more", name);
	}
}

void
doctor_processes(struct doctor *d)
{
	const struct config *c = d->config;
	unsigned long long worker = c->intercept.source_client || c->intercept.local ?
	    1ull << CAP_BIT_NET_RAW : 0;

	if (d->status == NULL)
		return;		/* said by the check of the daemon */
	check_process(d, json_object_get(d->status, "policy"), "policy", 0);
	check_process(d, json_array_get(json_object_get(d->status, "workers"), 0), "proxy", worker);
	check_process(d, json_object_get(d->status, "nfq"), "nfq", 1ull << CAP_BIT_NET_ADMIN);
}

/* Installed in one of the folders, and wanted by a target? */
static void
check_unit(struct doctor *d, enum doctor_state state, const char *unit, const char *target,
    const char *what)
{
	static const char *const folders[] = { "/etc/systemd/system", "/run/systemd/system",
		"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system" };
	bool installed = false;
	char path[160];
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]) && !installed; i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], unit);
		installed = doctor_present(d, path);
	}
	snprintf(path, sizeof(path), "/etc/systemd/system/%s.wants/%s", target, unit);
	if (installed && doctor_present(d, path)) {
		doctor_say(d, DOCTOR_OK, "systemd", "%s is enabled", unit);
		return;
	}
	doctor_say(d, state, "systemd", "%s is not %s: %s", unit,
	    installed ? "enabled" : "installed", what);
	if (installed)
		doctor_remedy(d, "systemctl enable %s", unit);
	else
		doctor_remedy(d, "make install puts it in place");
}

void
doctor_unit(struct doctor *d)
{
	if (!doctor_present(d, "/run/systemd/system")) {
		doctor_say(d, DOCTOR_NOTE, "systemd", "does not run here: somebody else has to "
		    "start posternd and restart it");
		return;
	}
	check_unit(d, DOCTOR_NOTE, "posternd.service", "multi-user.target",
	    "posternd does not start with the machine");
	if (d->config->intercept.method != METHOD_NONE)
		check_unit(d, DOCTOR_WARNING, "postern-guard.service", "sysinit.target",
		    "after a boot mail flows past postern until somebody installs the rules");
}
