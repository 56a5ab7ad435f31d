/* task_install.c - rules install: the rules of this configuration into the kernel
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The note of what should be there is written before the rules, so that a death in between leaves
 * somebody who completes them; with --confirm, who undoes it waits before anything is changed, so
 * that it is undone even when this process is cut off in the middle. */
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/pending.h"
#include "ctl/planned.h"
#include "ctl/terminal.h"
#include "nfq/apply.h"
#include "nfq/conntrack.h"

#define PATH_SIZE 4096
#define ERROR_SIZE 1000
#define LOCK_MS 10000		/* a restoration, or another administrator's installation */
#define DAEMON_S 3		/* for posternd to answer */
#define LOOK_MS 500		/* whether somebody else confirmed meanwhile */

struct install {
	const struct options *o;
	const struct config *config;
	struct planned planned;
	char note[PATH_SIZE];
	struct former former;		/* the note as it was */
	struct pending pending;
	/* what was found out */
	unsigned cut;
	bool running;
	char warning[ERROR_SIZE];
};

static int
fail(const struct install *in, enum exit_code code, const char *what, const char *why)
{
	char error[ERROR_SIZE + 200];

	snprintf(error, sizeof(error), "%.200s%.990s", what, why);
	return task_fail(in->o, code, error);
}

/* Who watches the rules is an ordinary user and takes the same lock; nobody else is to hold it. */
static void
share(int lock, const char *user)
{
	const struct passwd *entry = getpwnam(user);

	if (entry != NULL && fchown(lock, 0, entry->pw_gid) == 0)
		fchmod(lock, 0640);
}

static bool
answers(const struct config *config)
{
	struct request r = { .verb = "status", .port = 25 };
	struct client *client;
	enum exit_code code;
	char error[400];
	json_t *line;

	client = client_ask(config->control, &r, &code, error, sizeof(error));
	if (client == NULL)
		return false;
	client_limit(client, DAEMON_S);
	line = client_line(client, error, sizeof(error));
	client_free(client);
	json_decref(line);
	return line != NULL;
}

static const char *
families(const struct plan *p)
{
	return p->v4 && p->v6 ? "IPv4 and IPv6" : p->v4 ? "IPv4" : "IPv6";
}

static void
say_json(const struct install *in)
{
	const struct plan *p = &in->planned.plan;
	json_t *list = json_array();
	json_t *answer = json_pack("{s:b,s:s,s:s,s:o,s:i,s:b}", "installed", 1,
	    "method", p->method == METHOD_TPROXY ? "tproxy" : "redirect",
	    "backend", p->backend == BACKEND_NFT ? "nft" : "iptables", "families", list,
	    "cut", (int)in->cut, "running", in->running);

	if (p->v4)
		json_array_append_new(list, json_string("IPv4"));
	if (p->v6)
		json_array_append_new(list, json_string("IPv6"));
	if (in->o->confirm_s > 0)
		json_object_set_new(answer, "confirm_s",
		    json_integer((json_int_t)in->o->confirm_s));
	if (in->warning[0] != '\0')
		json_object_set_new(answer, "warning", json_string(in->warning));
	task_json(answer);
	json_decref(answer);
}

static void
say(const struct install *in)
{
	const struct plan *p = &in->planned.plan;

	if (in->o->json) {
		say_json(in);
		return;
	}
	printf("installed: %s by %s, %s, when down: %s\n",
	    p->method == METHOD_TPROXY ? "tproxy" : "redirect",
	    p->backend == BACKEND_NFT ? "nft" : "iptables", families(p),
	    p->open ? "open" : "closed");
	printf("connections older than the rules: %u to be reset\n", in->cut);
	if (in->running)
		puts("posternd answers");
	else
		printf("posternd does not answer at %s: until it does, %s\n"
		    "next: systemctl start posternd\n", in->config->control, p->open ?
		    "mail passes unprotected (when-down: open)" :
		    "port 25 is closed for the clients (when-down: closed)");
	if (in->warning[0] != '\0') {
		fputs("warning: ", stdout);
		terminal_text(stdout, in->warning);
		putchar('\n');
	}
	if (in->o->confirm_s > 0)
		printf("undone in %lu s unless confirmed: posternctl rules confirm\n",
		    in->o->confirm_s);
}

/* The note alone, as it was: the rules are. */
static void
note_back(struct install *in)
{
	char error[ERROR_SIZE];
	bool ok = in->former.had ?
	    installed_write(in->note, &in->former.installed, error, sizeof(error)) :
	    installed_remove(in->note, error, sizeof(error));

	if (!ok)
		fprintf(stderr, "posternctl: the note could not be put back: %s\n", error);
}

static bool
write_note(const struct install *in, char *canonical, char *error, size_t error_size)
{
	const struct installed note = { .rules = in->planned.rules, .canonical = canonical };

	return installed_write(in->note, &note, error, error_size);
}

/* Connections that stay would pass unseen where nothing is refused; else the rules refuse them. */
static int
cut(struct install *in)
{
	char error[ERROR_SIZE] = "", undo[ERROR_SIZE];

	if (conntrack_cut(&in->planned.plan, &in->cut, error, sizeof(error)))
		return EXIT_YES;
	if (!in->planned.plan.open) {
		snprintf(in->warning, sizeof(in->warning), "older connections are not counted: "
		    "%.400s; their next packet is refused", error);
		return EXIT_YES;
	}
	if (!pending_undo(in->note, &in->former, undo, sizeof(undo)))
		fprintf(stderr, "posternctl: could not be undone: %s\n", undo);
	return fail(in, EXIT_NO, "connections older than the rules cannot be cut, so nothing was "
	    "installed: ", error);
}

/* With the note's canonical text; whatever fails leaves note and rules as they were. */
static int
change(struct install *in, char *canonical)
{
	char error[ERROR_SIZE] = "";

	if (!write_note(in, canonical, error, sizeof(error)))
		return fail(in, EXIT_NO, "nothing was installed: ", error);
	if (!apply_install(&in->planned.rules, error, sizeof(error))) {
		note_back(in);
		return fail(in, EXIT_NO, "nothing was installed: ", error);
	}
	return cut(in);
}

/* A pending installation was not confirmed, so what comes back is what was before that one. */
static int
install(struct install *in)
{
	char error[ERROR_SIZE] = "", *canonical;
	struct former confirmed;
	bool waiting = pending_former(in->note, &confirmed);
	int code = EXIT_YES;

	/* One that cannot be read is as good as none. */
	in->former.had = installed_read(in->note, &in->former.installed, error, sizeof(error)) ==
	    INSTALLED_YES;
	canonical = apply_canonical(&in->planned.rules, error, sizeof(error));
	if (canonical == NULL)
		code = fail(in, EXIT_NO, "the rules were tried in an empty network namespace and "
		    "refused, nothing was installed: ", error);
	else if (in->o->confirm_s > 0 && !pending_begin(in->note, in->o->confirm_s,
	    waiting ? &confirmed : &in->former, &in->pending, error, sizeof(error)))
		code = fail(in, EXIT_NO, "nothing was installed: ", error);
	else
		code = change(in, canonical);
	/* The time that was asked for is the administrator's, not the programs'. */
	if (code == EXIT_YES && in->o->confirm_s > 0)
		pending_restart(in->note, in->o->confirm_s, &in->pending);
	/* For good, or failed: nothing waits, unless something did before. */
	if (code == EXIT_YES ? in->o->confirm_s == 0 : !waiting)
		pending_end(in->note);
	installed_free(&confirmed.installed);
	installed_free(&in->former.installed);
	free(canonical);
	return code;
}

/* At a terminal: a key confirms. What comes over a cut connection is no key. */
static int
ask(struct install *in)
{
	struct pollfd key = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned long long left = 1;
	bool waits = true;
	char c;

	/* What was typed before the question is no answer to it. */
	tcflush(STDIN_FILENO, TCIFLUSH);
	printf("press Enter to confirm: ");
	fflush(stdout);
	while ((waits = pending_waits(in->note, &in->pending, &left)) && key.revents == 0)
		poll(&key, 1, LOOK_MS);
	putchar('\n');
	if (waits && read(STDIN_FILENO, &c, 1) == 1)
		return task_rules_confirm(in->o, in->config);
	if (!waits && pending_abandoned(in->note, &in->pending))
		return task_fail(in->o, EXIT_NO, "nobody waits to undo them any more, and they "
		    "were not undone\nnext: posternctl rules verify, or rules remove");
	if (!waits && left == 0)
		return task_fail(in->o, EXIT_NO, "not confirmed in time: what was there before is "
		    "back");
	return EXIT_YES;
}

int
task_rules_install(const struct options *o, const struct config *config)
{
	struct install in = { .o = o, .config = config };
	int code = planned_root(o), lock;

	if (code == EXIT_YES)
		code = planned_make(o, config, &in.planned);
	if (code != EXIT_YES)
		return code;
	installed_path(config, in.note, sizeof(in.note));
	lock = installed_lock(in.note, LOCK_MS);
	if (lock < 0) {
		code = fail(&in, EXIT_TEMPORARY, "somebody else is changing the rules, or the lock "
		    "cannot be made: ", strerror(errno));
		ruleset_free(&in.planned.rules);
		return code;
	}
	share(lock, config->user);
	code = install(&in);
	close(lock);
	ruleset_free(&in.planned.rules);
	if (code != EXIT_YES)
		return code;
	in.running = answers(config);
	planned_absent(&in.planned.plan, in.warning, sizeof(in.warning));
	say(&in);
	if (o->confirm_s > 0 && !o->json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		return ask(&in);
	return code;
}
