/* rules_test.c - the firewall commands of `posternctl rules show`
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/rules.h"

/* The commands for these networks, in a text to be freed; NULL when refused. */
static char *
commands(const char *const *networks, size_t len, char *interface, enum config_method method,
    enum config_backend backend)
{
	struct network from[4];
	struct config config = { .intercept = { .method = method, .backend = backend,
		.listen.port = 10025, .from = from, .from_len = len, .interface = interface } };
	char *text = NULL, error[160];
	size_t size, i;
	bool host_bits, ok;
	FILE *out = open_memstream(&text, &size);

	for (i = 0; i < len; i++)
		assert_true(network_parse(&from[i], networks[i], strlen(networks[i]), &host_bits));
	ok = rules_write(&config, out, error, sizeof(error));
	fclose(out);
	if (ok)
		return text;
	assert_string_not_equal(error, "");
	free(text);
	return NULL;
}

static void
both_families(void **state)
{
	static const char *const from[] = { "192.0.2.0/24", "2001:db8:1::/48", "198.51.100.7" };
	char *text = commands(from, 3, "lan0", METHOD_REDIRECT, BACKEND_IPTABLES);

	(void)state;
	/* Each chain in one step, with the networks of its family and no others. */
	assert_non_null(strstr(text, "\niptables-restore -w --noflush <<'END'\n*nat\n"
	    ":POSTERN - [0:0]\n"
	    "-A POSTERN -s 192.0.2.0/24 -p tcp -j REDIRECT --to-ports 10025\n"
	    "-A POSTERN -s 198.51.100.7/32 -p tcp -j REDIRECT --to-ports 10025\n"
	    "COMMIT\nEND\n"));
	assert_non_null(strstr(text, "\nip6tables-restore -w --noflush <<'END'\n*nat\n"
	    ":POSTERN - [0:0]\n"
	    "-A POSTERN -s 2001:db8:1::/48 -p tcp -j REDIRECT --to-ports 10025\n"
	    "COMMIT\nEND\n"));
	assert_non_null(strstr(text, "\niptables -w -t nat -C PREROUTING -i lan0 -p tcp --dport 25 "
	    "-j POSTERN 2>/dev/null || iptables -w -t nat -I PREROUTING -i lan0 -p tcp --dport 25 "
	    "-j POSTERN\n"));
	/* What would be forwarded past the proxy is closed before the redirection is made. */
	assert_true(strstr(text, "*filter\n:POSTERN - [0:0]\n"
	    "-A POSTERN -s 192.0.2.0/24 -p tcp -j REJECT --reject-with tcp-reset\n") <
	    strstr(text, "*nat\n"));
	free(text);
}

/* A setup that covers one family only would leak: the other one's port 25 is closed. */
static void
other_family_is_closed(void **state)
{
	static const struct {
		const char *from, *open, *closed;
	} rows[] = {
		{ "192.0.2.0/24", "\niptables-restore -w --noflush <<'END'\n*nat\n",
		    "\n-A POSTERN -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\nEND\n"
		    "ip6tables -w -t filter -C FORWARD -i lan0 -p tcp --dport 25 -j POSTERN" },
		{ "2001:db8::/32", "\nip6tables-restore -w --noflush <<'END'\n*nat\n",
		    "\n-A POSTERN -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\nEND\n"
		    "iptables -w -t filter -C FORWARD -i lan0 -p tcp --dport 25 -j POSTERN" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		char *text = commands(&rows[i].from, 1, "lan0", METHOD_REDIRECT, BACKEND_IPTABLES);

		assert_non_null(strstr(text, rows[i].open));
		assert_non_null(strstr(text, rows[i].closed));
		free(text);
	}
}

static void
without_interface(void **state)
{
	static const char *const from[] = { "192.0.2.0/24" };
	char *text = commands(from, 1, NULL, METHOD_REDIRECT, BACKEND_IPTABLES);

	(void)state;
	assert_null(strstr(text, "-i "));
	assert_non_null(strstr(text, "-I PREROUTING -p tcp --dport 25 -j POSTERN\n"));
	free(text);
}

static void
not_ours(void **state)
{
	static const char *const from[] = { "192.0.2.0/24" };
	char *text = commands(from, 1, NULL, METHOD_NONE, BACKEND_IPTABLES);

	(void)state;
	assert_null(strstr(text, "iptables"));
	free(text);
	assert_null(commands(from, 1, NULL, METHOD_TPROXY, BACKEND_IPTABLES));
	assert_null(commands(from, 1, NULL, METHOD_REDIRECT, BACKEND_NFT));
}

/* The commands are for a shell: nothing of the configuration may be one of its own. */
static void
interface_names(void **state)
{
	static const char *const from[] = { "192.0.2.0/24" };
	static const struct {
		const char *name;
		bool ok;
	} rows[] = {
		{ "lan0", true }, { "br-lan.7", true }, { "ppp+", true }, { "eth0@if2", true },
		{ "", false }, { "-j", false }, { "a b", false }, { "a;reboot", false },
		{ "$(reboot)", false }, { "`a`", false }, { "a\nb", false },
		{ "sixteen-letters!", false }, { "sixteenletters00", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char name[32], *text;

		strcpy(name, rows[i].name);
		text = commands(from, 1, name, METHOD_REDIRECT, BACKEND_IPTABLES);
		assert_int_equal(text != NULL, rows[i].ok);
		free(text);
	}
}

/* Every line is a comment, a command or what it reads, and sh takes all of it (-n: reads, runs nothing). */
static void
shell_takes_it(void **state)
{
	static const char *const from[] = { "192.0.2.0/24", "2001:db8::/32" };
	static const char *const starts[] = { "iptables -w -t ", "ip6tables -w -t ",
		"iptables-restore -w --noflush <<'END'", "ip6tables-restore -w --noflush <<'END'",
		"*nat", "*filter", ":POSTERN - [0:0]", "-A POSTERN ", "COMMIT", "END" };
	char *text = commands(from, 2, "lan0", METHOD_REDIRECT, BACKEND_IPTABLES), *line, *rest;
	FILE *shell = popen("sh -n", "w");

	(void)state;
	assert_non_null(shell);
	fputs(text, shell);
	assert_int_equal(pclose(shell), 0);
	rest = text;
	while ((line = strsep(&rest, "\n")) != NULL) {
		bool ours = line[0] == '\0' || line[0] == '#';

		for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
			ours |= strncmp(line, starts[i], strlen(starts[i])) == 0;
		assert_true(ours);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_families),
		cmocka_unit_test(other_family_is_closed),
		cmocka_unit_test(without_interface),
		cmocka_unit_test(not_ours),
		cmocka_unit_test(interface_names),
		cmocka_unit_test(shell_takes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
