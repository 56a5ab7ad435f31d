/* rules.c - the firewall commands that bring the clients' mail to postern
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For IPv4 and IPv6 alike, two chains named POSTERN. In `filter`, called from FORWARD: port 25
 * is never forwarded past us; redirected connections do not come through FORWARD, so what does
 * is a connection older than the rules, or one that lost its redirection. In `nat`, called
 * from PREROUTING: the redirection. The filter is made first, so that no moment is open, and each
 * chain is replaced in one step, so that commands run again disturb nobody. A family without
 * clients is closed as a whole: a setup that covers one family only would leak. */
#include "ctl/rules.h"

#include <ctype.h>
#include <string.h>

#define INTERFACE_NAME_MAX 15	/* IFNAMSIZ less the NUL */

struct family {
	const char *command, *restore;	/* "-w": wait for whoever else changes rules */
	const char *name;
	bool v4;
};

static const struct family families[] = {
	{ "iptables -w", "iptables-restore -w", "IPv4", true },
	{ "ip6tables -w", "ip6tables-restore -w", "IPv6", false },
};

/* The name goes into shell commands: nothing but what interfaces are called. */
static bool
interface_name_ok(const char *name)
{
	size_t i, len = strlen(name);

	if (len == 0 || len > INTERFACE_NAME_MAX || name[0] == '-')
		return false;
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && strchr("._@:+-", name[i]) == NULL)
			return false;
	return true;
}

static size_t
count(const struct config *config, bool v4)
{
	size_t i, n = 0;

	for (i = 0; i < config->intercept.from_len; i++)
		n += address_is_v4(&config->intercept.from[i].ip) == v4;
	return n;
}

/* Our chain of this table, filled anew in one step: made where it is missing, nothing else of the
 * table is touched. */
static void
begin_chain(FILE *out, const struct family *f, const char *table)
{
	fprintf(out, "%s --noflush <<'END'\n*%s\n:POSTERN - [0:0]\n", f->restore, table);
}

static void
end_chain(FILE *out)
{
	fputs("COMMIT\nEND\n", out);
}

/* The call of our chain, first in the base chain, there exactly once. */
static void
write_call(FILE *out, const struct family *f, const char *table, const char *base,
    const char *interface)
{
	char match[64] = "";

	if (interface != NULL)
		snprintf(match, sizeof(match), "-i %s ", interface);
	fprintf(out, "%s -t %s -C %s %s-p tcp --dport 25 -j POSTERN 2>/dev/null || "
	    "%s -t %s -I %s %s-p tcp --dport 25 -j POSTERN\n", f->command, table, base, match,
	    f->command, table, base, match);
}

static void
write_chain(FILE *out, const struct config *config, const struct family *f, const char *table,
    const char *target)
{
	char network[ADDRESS_TEXT_SIZE];
	size_t i;

	begin_chain(out, f, table);
	for (i = 0; i < config->intercept.from_len; i++)
		if (address_is_v4(&config->intercept.from[i].ip) == f->v4)
			fprintf(out, "-A POSTERN -s %s -p tcp -j %s\n",
			    network_print(&config->intercept.from[i], network), target);
	end_chain(out);
}

static void
write_family(FILE *out, const struct config *config, const struct family *f)
{
	static const char reject[] = "REJECT --reject-with tcp-reset";
	const char *interface = config->intercept.interface;
	char redirect[64];

	if (count(config, f->v4) == 0) {
		fprintf(out, "# %s: no network of it in intercept.from, so its port 25 is "
		    "closed%s\n", f->name, interface != NULL ? "" :
		    " in every\n# direction; give intercept.interface to close it for the "
		    "clients' side alone");
		begin_chain(out, f, "filter");
		fprintf(out, "-A POSTERN -p tcp -j %s\n", reject);
		end_chain(out);
		write_call(out, f, "filter", "FORWARD", interface);
		return;
	}
	fprintf(out, "# %s: forward nothing past postern, then bring it the clients' connections\n",
	    f->name);
	write_chain(out, config, f, "filter", reject);
	write_call(out, f, "filter", "FORWARD", interface);
	snprintf(redirect, sizeof(redirect), "REDIRECT --to-ports %u",
	    (unsigned)config->intercept.listen.port);
	write_chain(out, config, f, "nat", redirect);
	write_call(out, f, "nat", "PREROUTING", interface);
}

bool
rules_write(const struct config *config, FILE *out, char *error, size_t error_size)
{
	const char *interface = config->intercept.interface;
	size_t i;

	if (config->intercept.method == METHOD_NONE) {
		fputs("# intercept.method is none: the rules are somebody else's\n", out);
		return true;
	}
	if (config->intercept.method != METHOD_REDIRECT ||
	    config->intercept.backend != BACKEND_IPTABLES) {
		snprintf(error, error_size, "rules for %s: not available in this version",
		    config->intercept.method == METHOD_TPROXY ? "intercept.method tproxy" :
		    "intercept.backend nft");
		return false;
	}
	if (interface != NULL && !interface_name_ok(interface)) {
		snprintf(error, error_size, "intercept.interface is not the name of an interface");
		return false;
	}
	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		write_family(out, config, &families[i]);
	return true;
}
