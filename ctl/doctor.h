/* doctor.h - what the checks of `posternctl doctor` find, and what they ask the machine
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A check changes nothing, and says nothing where it does not apply. What it cannot find out is
 * unknown, never ok. All of the machine is behind struct doctor_host, so that each finding can be
 * tested. */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "ctl/connection.h"
#include "ctl/doctor_chain.h"
#include "daemon/config.h"
#include "nfq/installed.h"
#include "nfq/plan.h"
#include "nfq/program.h"
#include "nfq/ruleset.h"

#define DOCTOR_FINDINGS_MAX 128	/* four times the checks: some say one line for each server */
#define DOCTOR_TEXT_SIZE 640	/* a program's words and ours around them */
#define DOCTOR_FILE_MAX 65536	/* of what is read under /proc, /sys and /run */

enum doctor_state { DOCTOR_OK, DOCTOR_NOTE, DOCTOR_WARNING, DOCTOR_FAULT, DOCTOR_UNKNOWN };

struct doctor_finding {
	const char *name;		/* of the check */
	enum doctor_state state;
	char found[DOCTOR_TEXT_SIZE];
	char remedy[DOCTOR_TEXT_SIZE];	/* "" where there is nothing to do */
};

struct doctor_answer {
	bool answered;
	uint8_t rcode;
	bool ad;
	size_t len;
	unsigned char message[512];
};

struct doctor_space {
	unsigned long long free, total;	/* octets, for others than root */
};

struct doctor_host {
	const char *root;		/* stands before every path; "" is this machine */
	bool privileged;		/* rules can be read, namespaces made */
	bool (*run)(const char *const argv[], const char *in, struct program_result *r);
	const char *(*exists)(const char *name, char path[128]);
	const struct plan_host *plan;
	enum installed_result (*installed)(const char *path, struct installed *out, char *error,
	    size_t error_size);
	char *(*canonical)(const struct ruleset *r, char *error, size_t error_size);
	char *(*loaded)(char *error, size_t error_size);
	char *(*before)(char *error, size_t error_size);
	/* One question to the daemon; NULL with *code and the reason. */
	json_t *(*ask)(const char *control, const char *verb, enum exit_code *code, char *error,
	    size_t error_size);
	/* The same question to all servers at once, over UDP. */
	void (*resolve)(const struct address *servers, size_t n, const char *name, uint16_t type,
	    struct doctor_answer *answers);
	bool (*dial)(const struct address *to, char *error, size_t error_size);
	bool (*clock)(time_t *now, bool *synchronised);
	bool (*space)(const char *path, struct doctor_space *out);	/* false with errno */
};

struct doctor {
	const struct config *config;
	const struct doctor_host *host;
	bool planned, ruled;		/* plan and rules are there */
	struct plan plan;
	struct ruleset rules;
	char plan_error[DOCTOR_TEXT_SIZE];
	json_t *status;			/* the daemon's; NULL: not there */
	bool daemon_down;		/* surely, not just out of our reach */
	char *loaded;			/* of our rules; NULL: not known */
	char loaded_error[DOCTOR_TEXT_SIZE];
	bool rules_right;		/* as the check of the rules found them */
	bool chains_known;
	char chains_error[DOCTOR_TEXT_SIZE];
	struct chains *chains;
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	size_t len;
};

/* doctor_examine: all checks. doctor_exit: 0, 1 (a fault), 75 (no fault, something unknown). */
void doctor_examine(struct doctor *d, const struct config *config, const struct doctor_host *host);
void doctor_free(struct doctor *d);
int doctor_exit(const struct doctor *d);

void doctor_say(struct doctor *d, enum doctor_state state, const char *name, const char *format,
    ...) __attribute__((format(printf, 4, 5)));
/* doctor_remedy: of the finding said last. */
void doctor_remedy(struct doctor *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* doctor_read: a file's text into buf; false with errno. doctor_number: a file of one number. */
bool doctor_read(const struct doctor *d, const char *path, char *buf, size_t size);
bool doctor_number(const struct doctor *d, const char *path, long *out);
bool doctor_present(const struct doctor *d, const char *path);

/* doctor_local_only: nobody but this host itself is served. */
bool doctor_local_only(const struct config *config);

/* doctor_interface_missing: intercept.interface is given, and this machine has no such one. */
bool doctor_interface_missing(const struct doctor *d);

/* The machine itself. */
extern const struct doctor_host doctor_machine;

/* The checks, in their order; each file's. */
void doctor_daemon(struct doctor *d);		/* doctor_daemon.c */
void doctor_path(struct doctor *d);
void doctor_processes(struct doctor *d);
void doctor_unit(struct doctor *d);
void doctor_families(struct doctor *d);		/* doctor_kernel.c */
void doctor_programs(struct doctor *d);
void doctor_kernel(struct doctor *d);
void doctor_rules(struct doctor *d);		/* doctor_rules.c */
void doctor_order(struct doctor *d);
void doctor_death(struct doctor *d);
void doctor_others(struct doctor *d);		/* doctor_others.c */
void doctor_networkd(struct doctor *d);
void doctor_input(struct doctor *d);
void doctor_interface(struct doctor *d);	/* doctor_interface.c */
void doctor_clients(struct doctor *d);
void doctor_listener(struct doctor *d);
void doctor_bridge(struct doctor *d);
void doctor_forwarding(struct doctor *d);	/* doctor_sysctl.c */
void doctor_rp_filter(struct doctor *d);
void doctor_route_localnet(struct doctor *d);
void doctor_conntrack(struct doctor *d);
void doctor_resolver(struct doctor *d);		/* doctor_network.c */
void doctor_policy_host(struct doctor *d);
void doctor_clock(struct doctor *d);		/* doctor_limits.c */
void doctor_ca(struct doctor *d);
void doctor_descriptors(struct doctor *d);
void doctor_memory(struct doctor *d);
void doctor_disk(struct doctor *d);

#endif
