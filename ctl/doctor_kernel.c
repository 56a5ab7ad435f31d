/* doctor_kernel.c - can this machine carry the rules: families, programs, the kernel's features
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "ctl/doctor.h"

void
doctor_families(struct doctor *d)
{
	bool v4_off, v6_off;

	if (d->config->intercept.method == METHOD_NONE) {
		doctor_say(d, DOCTOR_NOTE, "families", "the rules are somebody else's "
		    "(intercept.method: none): both IPv4 and IPv6 must be brought to postern");
		return;
	}
	if (!d->planned || !d->ruled) {
		d->plan_error[strcspn(d->plan_error, "\n")] = '\0';
		doctor_say(d, DOCTOR_FAULT, "families", "%s", d->plan_error);
		doctor_remedy(d, "change the configuration or the host as said, then posternctl "
		    "rules install");
		return;
	}
	v4_off = d->host->plan->family_off(false);
	v6_off = d->host->plan->family_off(true);
	doctor_say(d, DOCTOR_OK, "families", "IPv4 %s, IPv6 %s", v4_off ? "is off" : "is served",
	    v6_off ? "is off" : "is served");
}

static bool
need_program(struct doctor *d, const char *name, char *missing, size_t size)
{
	char path[128];
	size_t len = strlen(missing);

	if (d->host->exists(name, path) != NULL)
		return true;
	snprintf(missing + len, size - len, "%s%s", len > 0 ? ", " : "", name);
	return false;
}

/* iptables-legacy's changes are announced to nobody, and each variant hides the other's rules. */
static void
check_variant(struct doctor *d)
{
	static const char *const argv[] = { "iptables-restore", "-V", NULL };
	struct program_result r = { .status = 0 };
	char tables[256];
	bool ran = d->host->run(argv, NULL, &r);
	bool legacy = ran && strstr(r.out, "legacy") != NULL;
	bool nf_tables = ran && strstr(r.out, "nf_tables") != NULL;

	if (!ran) {
		doctor_say(d, DOCTOR_UNKNOWN, "iptables", "its version is not known: %s", r.error);
		doctor_remedy(d, "run `iptables-restore -V`");
	} else if (!nf_tables) {
		doctor_say(d, DOCTOR_WARNING, "iptables", "%s: the watch of the rules cannot see "
		    "changes by it", legacy ? "the legacy variant" : "an unknown variant");
		doctor_remedy(d, "update-alternatives --set iptables /usr/sbin/iptables-nft (and "
		    "ip6tables), or `intercept.backend: nft`");
	} else if (d->host->privileged && doctor_read(d, "/proc/net/ip_tables_names", tables,
	    sizeof(tables)) && tables[0] != '\0') {
		doctor_say(d, DOCTOR_WARNING, "iptables", "the nf_tables variant, but legacy "
		    "tables are loaded as well, whose rules nobody sees here");
		doctor_remedy(d, "iptables-legacy-save shows them; remove them or move them over");
	} else {
		doctor_say(d, DOCTOR_OK, "iptables", "the nf_tables variant");
	}
	program_free(&r);
}

void
doctor_programs(struct doctor *d)
{
	static const char *const iptables[] = { "iptables-restore", "iptables-save",
		"ip6tables-restore", "ip6tables-save", "ip", NULL };
	static const char *const nft[] = { "nft", "ip", NULL };
	bool by_iptables = d->config->intercept.backend == BACKEND_IPTABLES;
	const char *const *name = by_iptables ? iptables : nft;
	char missing[256] = "";
	bool all = true;

	if (d->config->intercept.method == METHOD_NONE)
		return;
	for (; *name != NULL; name++)
		all = need_program(d, *name, missing, sizeof(missing)) && all;
	if (!all) {
		doctor_say(d, DOCTOR_FAULT, "programs", "missing: %s", missing);
		doctor_remedy(d, by_iptables ? "apt install iptables iproute2" :
		    "apt install nftables iproute2");
		return;
	}
	doctor_say(d, DOCTOR_OK, "programs", by_iptables ? "iptables-restore, ip6tables-restore, ip"
	    : "nft, ip");
	if (by_iptables)
		check_variant(d);
}

/* A feature, the word by which our rules use it, and one rule with it alone. */
struct feature {
	const char *name, *used_by, *table, *rule;
};

static const struct feature by_iptables[] = {
	{ "REDIRECT", "-j REDIRECT", "nat", "-p tcp -j REDIRECT --to-ports 25" },
	{ "TPROXY", "-j TPROXY", "mangle", "-p tcp -j TPROXY --on-port 25 --tproxy-mark 1/1" },
	{ "NFQUEUE", "-j NFQUEUE", "mangle", "-p tcp -j NFQUEUE --queue-num 25 --queue-bypass" },
	{ "NFLOG", "-j NFLOG", "mangle", "-p tcp -j NFLOG --nflog-group 25" },
	{ "MARK", "-j MARK", "mangle", "-p tcp -j MARK --set-xmark 1/1" },
	{ "CONNMARK", "-j CONNMARK", "mangle", "-p tcp -j CONNMARK --save-mark" },
	{ "connmark match", "-m connmark", "mangle", "-p tcp -m connmark --mark 1/1" },
	{ "conntrack match", "-m conntrack", "mangle", "-p tcp -m conntrack --ctdir REPLY" },
	{ "owner match", "-m owner", "filter", "-p tcp -m owner --uid-owner 0" },
	{ "addrtype match", "-m addrtype", "filter", "-m addrtype --dst-type LOCAL" },
	{ "REJECT with tcp-reset", "-j REJECT", "filter",
	    "-p tcp -j REJECT --reject-with tcp-reset" },
};

static const struct feature by_nft[] = {
	{ "nft redirect", "redirect", "nat hook prerouting", "tcp dport 25 redirect to :25" },
	{ "nft tproxy", "tproxy", "filter hook prerouting",
	    "meta l4proto tcp tproxy ip to :25" },
	{ "nft queue", "queue", "filter hook prerouting", "tcp dport 25 queue num 25 bypass" },
	{ "nft log to a group", "log ", "filter hook prerouting", "tcp dport 25 log group 25" },
	{ "nft ct mark", "ct mark", "filter hook prerouting", "ct mark set 1" },
	{ "nft fib", "fib ", "filter hook prerouting", "fib daddr type local accept" },
	{ "nft meta skuid", "skuid", "filter hook output", "meta skuid 0 accept" },
	{ "nft reject with tcp reset", "reject", "filter hook forward",
	    "tcp dport 25 reject with tcp reset" },
};

/* Tried in an empty network namespace of its own. */
static bool
works(const struct doctor *d, const struct feature *f, bool v6)
{
	bool nft = d->plan.backend == BACKEND_NFT;
	const char *name = nft ? "nft" : v6 ? "ip6tables-restore" : "iptables-restore";
	char path[128], text[320];
	const char *const argv[] = { "unshare", "-n", path, nft ? "-f" : "--noflush",
		nft ? "-" : NULL, NULL };
	struct program_result r = { .status = 0 };
	bool ok;

	if (d->host->exists(name, path) == NULL)
		return false;
	if (nft)
		snprintf(text, sizeof(text), "table %s postern_try {\nchain try {\ntype %s "
		    "priority 0;\n%s\n}\n}\n", v6 ? "ip6" : "ip", f->table, f->rule);
	else
		snprintf(text, sizeof(text), "*%s\n:POSTERN-TRY - [0:0]\n-A POSTERN-TRY %s\n"
		    "COMMIT\n", f->table, f->rule);
	ok = d->host->run(argv, text, &r);
	program_free(&r);
	return ok;
}

/* Without a network namespace nothing works, which says nothing of the features. */
static bool
may_try(const struct doctor *d)
{
	static const char *const argv[] = { "unshare", "-n", "true", NULL };
	struct program_result r = { .status = 0 };
	bool ok = d->host->run(argv, NULL, &r);

	program_free(&r);
	return ok;
}

/* Those that our rules use and that do not work alone, as a list. */
static void
name_missing(const struct doctor *d, char *out, size_t size)
{
	bool nft = d->plan.backend == BACKEND_NFT;
	const struct feature *f = nft ? by_nft : by_iptables;
	size_t n = nft ? sizeof(by_nft) / sizeof(by_nft[0]) :
	    sizeof(by_iptables) / sizeof(by_iptables[0]);
	size_t i, len = 0;

	out[0] = '\0';
	for (i = 0; i < n; i++) {
		const char *v4_text = nft ? d->rules.nft : d->rules.chains[0];
		const char *v6_text = nft ? NULL : d->rules.chains[1];
		bool missing = (v4_text != NULL && strstr(v4_text, f[i].used_by) != NULL &&
		    !works(d, &f[i], false)) || (v6_text != NULL &&
		    strstr(v6_text, f[i].used_by) != NULL && !works(d, &f[i], true));

		if (missing && len < size)
			len += (size_t)snprintf(out + len, size - len, "%s%s",
			    len > 0 ? ", " : "", f[i].name);
	}
}

void
doctor_kernel(struct doctor *d)
{
	char error[DOCTOR_TEXT_SIZE] = "", missing[256];
	char *text;

	if (!d->ruled)
		return;		/* said by the check of the families */
	if (!d->host->privileged) {
		doctor_say(d, DOCTOR_UNKNOWN, "kernel", "whether it takes these rules has to be "
		    "tried");
		doctor_remedy(d, "run as root");
		return;
	}
	text = d->host->canonical(&d->rules, error, sizeof(error));
	if (text != NULL) {
		doctor_say(d, DOCTOR_OK, "kernel", "takes every rule of this configuration (tried "
		    "in an empty network namespace)");
		free(text);
		return;
	}
	error[strcspn(error, "\n")] = '\0';
	if (!may_try(d)) {
		doctor_say(d, DOCTOR_UNKNOWN, "kernel", "no network namespace can be made to try "
		    "the rules in: %s", error);
		doctor_remedy(d, "run with CAP_SYS_ADMIN, outside of a container");
		return;
	}
	name_missing(d, missing, sizeof(missing));
	if (missing[0] != '\0') {
		doctor_say(d, DOCTOR_FAULT, "kernel", "lacks %s: %.300s", missing, error);
		doctor_remedy(d, "load or build the kernel's modules for it, or choose another "
		    "intercept.backend, method, scope or when-down that does without");
	} else {
		doctor_say(d, DOCTOR_FAULT, "kernel", "does not take these rules: %s", error);
		doctor_remedy(d, "posternctl rules show prints them; try them one by one");
	}
}
