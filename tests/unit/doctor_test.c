/* doctor_test.c - each finding of posternctl doctor, in both directions, on a machine made up here
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/doctor.h"
#include "nfq/mark.h"

#define OUTPUTS_MAX 20
#define TEXT_OF(number) #number
#define PREFERENCE(number) TEXT_OF(number)
#define GUARDED "0:\tfrom all lookup local\n" PREFERENCE(ROUTE_PREF_GUARD) ":\tfrom all prohibit\n"

/* What programs print, by the start of their command line. */
struct output {
	const char *command;
	int status;
	const char *text;
};

static struct machine {
	char root[64];
	struct output outputs[OUTPUTS_MAX];
	size_t outputs_len;
	const char *absent;		/* a program that is not installed */
	bool v6_off, unsynchronised, dial_refused;
	time_t now;
	const char *canonical, *loaded, *before;	/* NULL: fails */
	enum installed_result installed;
	const char *note;
	const char *status, *policies;	/* the daemon's answers; NULL: code */
	enum exit_code code;
	struct doctor_answer answer;
	int space_errno;
	struct doctor_space space;
} machine;

static struct network from[2];
static struct config config;
static struct doctor_host host;
static struct doctor doctor;

static bool
fake_run(const char *const argv[], const char *in, struct program_result *r)
{
	char command[256] = "";
	size_t i, len = 0;

	for (; *argv != NULL; argv++)
		len += (size_t)snprintf(command + len, sizeof(command) - len, "%s ", *argv);
	if (in != NULL)
		snprintf(command + len, sizeof(command) - len, "%.120s", in);
	*r = (struct program_result){ .status = 1, .out = strdup("") };
	snprintf(r->error, sizeof(r->error), "no");
	for (i = 0; i < machine.outputs_len; i++) {
		const struct output *o = &machine.outputs[i];

		if (strncmp(command, o->command, strlen(o->command)) != 0 &&
		    strstr(command, o->command) == NULL)
			continue;
		free(r->out);
		r->out = strdup(o->text);
		r->status = o->status;
		return o->status == 0;
	}
	return false;
}

static void
prints(const char *command, int status, const char *text)
{
	assert_true(machine.outputs_len < OUTPUTS_MAX);
	machine.outputs[machine.outputs_len++] = (struct output){ command, status, text };
}

static const char *
fake_exists(const char *name, char path[128])
{
	snprintf(path, 128, "/usr/sbin/%s", name);
	return machine.absent != NULL && strcmp(machine.absent, name) == 0 ? NULL : path;
}

static bool
fake_family_off(bool v6)
{
	return v6 && machine.v6_off;
}

static bool
fake_user(const char *name, uid_t *uid)
{
	*uid = 999;
	return strcmp(name, "postern") == 0;
}

static const struct plan_host plan_fake = { fake_family_off, fake_user };

static char *
copy(const char *text, char *error, size_t size)
{
	snprintf(error, size, "it failed\nsecond line");
	return text != NULL ? strdup(text) : NULL;
}

static enum installed_result
fake_installed(const char *path, struct installed *out, char *error, size_t size)
{
	(void)path;
	out->canonical = copy(machine.installed == INSTALLED_YES ? machine.note : NULL, error,
	    size);
	return machine.installed;
}

static char *
fake_canonical(const struct ruleset *r, char *error, size_t size)
{
	(void)r;
	return copy(machine.canonical, error, size);
}

static char *
fake_loaded(char *error, size_t size)
{
	return copy(machine.loaded, error, size);
}

static char *
fake_before(char *error, size_t size)
{
	return copy(machine.before, error, size);
}

static json_t *
fake_ask(const char *control, const char *verb, enum exit_code *code, char *error, size_t size)
{
	const char *text = strcmp(verb, "status") == 0 ? machine.status : machine.policies;

	*code = machine.code;
	snprintf(error, size, "%s is silent\nnext: nothing", control);
	return text != NULL ? json_loads(text, 0, NULL) : NULL;
}

static void
fake_resolve(const struct address *servers, size_t n, const char *name, uint16_t type,
    struct doctor_answer *answers)
{
	(void)servers, (void)name, (void)type;
	while (n > 0)
		answers[--n] = machine.answer;
}

static bool
fake_dial(const struct address *to, char *error, size_t size)
{
	assert_int_equal(to->port, 443);
	snprintf(error, size, "refused");
	return !machine.dial_refused;
}

static bool
fake_clock(time_t *now, bool *synchronised)
{
	*now = machine.now;
	*synchronised = !machine.unsynchronised;
	return machine.now != 0;
}

static bool
fake_space(const char *path, struct doctor_space *out)
{
	(void)path;
	*out = machine.space;
	errno = machine.space_errno;
	return machine.space_errno == 0;
}

/* A file below the made-up root, with the folders on the way. */
static void
file(const char *path, const char *text)
{
	char whole[PATH_MAX], *slash;
	FILE *f;

	snprintf(whole, sizeof(whole), "%s%s", machine.root, path);
	for (slash = whole + strlen(machine.root) + 1; (slash = strchr(slash, '/')) != NULL;
	    *slash++ = '/') {
		*slash = '\0';
		mkdir(whole, 0755);
	}
	f = fopen(whole, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static void
clear_root(void)
{
	nftw(machine.root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	mkdir(machine.root, 0755);
}

static const char running[] =
    "{\"healthy\":true,\"problems\":[],\"version\":\"1\",\"mode\":\"enforce\",\"policy\":"
    "{\"pid\":10},\"workers\":[{\"pid\":11}],\"nfq\":{\"pid\":12}}";

#define LINK(flags, master, kind) "4: lan0@c0: <" flags "> mtu 1500 qdisc noop " master \
	" state UP mode DEFAULT\\    link/ether 00:00:00:00:00:01 promiscuity 1 \\    " kind " x \n"

/* The interface as `ip` shows it. */
static void
link_is(const char *text)
{
	size_t i;

	for (i = 0; strncmp(machine.outputs[i].command, "ip -o -d link", 13) != 0; i++)
		;
	machine.outputs[i].text = text;
}

/* Everything in order, for each test to break one thing. */
static void
healthy(void)
{
	static char user[] = "postern", lan[] = "lan0", state[] = "/var/lib/postern",
	    control[] = "/run/postern/control.sock", log[] = "/var/log/postern/d.jsonl",
	    ca[] = "/ca.pem";
	bool bits;

	assert_true(network_parse(&from[0], "192.0.2.0/24", 12, &bits));
	assert_true(network_parse(&from[1], "2001:db8::/64", 13, &bits));
	config = (struct config){ .user = user, .state_dir = state, .control = control,
		.intercept = { .listen.port = 10025, .from = from, .from_len = 2,
			.interface = lan }, .limits = { 10000, 500 }, .log.file = log,
		.tls.ca_file = ca, .policy.mta_sts = true,
		.resolver = { .servers_len = 1 } };
	assert_true(address_parse(&config.resolver.servers[0], "127.0.0.1", 9, 53));
	machine = (struct machine){ .now = 1800000000, .canonical = "# a\nrule one\n",
		.loaded = "# a\nrule one\n", .note = "# a\nrule one\n", .before = "",
		.status = running, .policies = "[]", .answer = { .answered = true, .ad = true },
		.space = { 1ull << 30, 4ull << 30 } };
	snprintf(machine.root, sizeof(machine.root), "/tmp/doctor_test.%d", (int)getpid());
	clear_root();
	host = (struct doctor_host){ machine.root, true, fake_run, fake_exists, &plan_fake,
		fake_installed, fake_canonical, fake_loaded, fake_before, fake_ask, fake_resolve,
		fake_dial, fake_clock, fake_space };
	prints("ip -4 rule show", 0, GUARDED);
	prints("ip -6 rule show", 0, GUARDED);
	prints("ip -4 route show", 0, "192.0.2.0/24 dev lan0\n");
	prints("ip -6 route show", 0, "2001:db8::/64 dev lan0\n");
	file("/proc/10/status", "Name:\tx\nCapEff:\t0000000000000000\n");
	file("/proc/11/status", "Name:\tx\nCapEff:\t0000000000000000\n");
	file("/proc/12/status", "Name:\tx\nCapEff:\t0000000000001000\n");
	file("/proc/11/limits", "Limit\nMax open files            65536      65536      files\n");
	file("/proc/meminfo", "MemTotal: 4000000 kB\nMemAvailable:    3000000 kB\n");
	file("/proc/net/tcp6", "  sl  local\n   0: 000:2729 000:0000 0A 0\n");
	file("/proc/net/ip_tables_names", "");
	file("/proc/sys/net/ipv4/ip_forward", "1\n");
	file("/proc/sys/net/ipv6/conf/all/forwarding", "1\n");
	file("/proc/sys/net/ipv4/conf/all/rp_filter", "0\n");
	file("/proc/sys/net/ipv4/conf/all/route_localnet", "0\n");
	file("/proc/sys/net/netfilter/nf_conntrack_count", "10\n");
	file("/proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
	file("/run/systemd/system/x", "");
	file("/usr/lib/systemd/system/posternd.service", "");
	file("/usr/lib/systemd/system/postern-guard.service", "");
	file("/etc/systemd/system/multi-user.target.wants/posternd.service", "");
	file("/etc/systemd/system/sysinit.target.wants/postern-guard.service", "");
	file("/ca.pem", "-----BEGIN CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n");
	prints("ip -o -d link show dev lan0", 0, LINK("BROADCAST,UP,LOWER_UP", "", "veth"));
	prints("ip -o link show", 0, "1: lo: <UP> mtu 65536\n4: lan0@c0: <UP> mtu 1500\n");
	prints("iptables-restore -V", 0, "iptables-restore v1.8.9 (nf_tables)\n");
	prints("iptables-save", 0, "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n");
	prints("ip6tables-save", 0, "");
	prints("nft list ruleset", 0, "");
}

static void
examine(void)
{
	size_t i;

	doctor_free(&doctor);
	doctor_examine(&doctor, &config, &host);
	assert_true(doctor.len > 0 && doctor.len < DOCTOR_FINDINGS_MAX);
	for (i = 0; i < doctor.len; i++)
		if (doctor.findings[i].state > DOCTOR_NOTE && doctor.findings[i].remedy[0] == '\0')
			fail_msg("%s has no remedy", doctor.findings[i].found);
}

static const char *
words_of(enum doctor_state state)
{
	static const char *const words[] = { "ok", "note", "warning", "fault", "unknown" };

	return words[state];
}

/* One finding of that name and state has this text, found or as remedy. */
static void
finds(const char *name, enum doctor_state state, const char *text)
{
	size_t i;

	examine();
	for (i = 0; i < doctor.len; i++) {
		const struct doctor_finding *f = &doctor.findings[i];

		if (strcmp(f->name, name) == 0 && f->state == state &&
		    (strstr(f->found, text) != NULL || strstr(f->remedy, text) != NULL))
			return;
	}
	for (i = 0; i < doctor.len; i++)
		print_error("%s %s: %s\n", words_of(doctor.findings[i].state),
		    doctor.findings[i].name, doctor.findings[i].found);
	fail_msg("not found: %s %s: %s", words_of(state), name, text);
}

/* Nothing of that name but what is in order. */
static void
fine(const char *name)
{
	size_t i, n = 0;

	examine();
	for (i = 0; i < doctor.len; i++) {
		const struct doctor_finding *f = &doctor.findings[i];

		if (name != NULL && strcmp(f->name, name) != 0)
			continue;
		n++;
		if (f->state > DOCTOR_NOTE || (name != NULL && f->state != DOCTOR_OK))
			fail_msg("%s: %s: %s", f->name, words_of(f->state), f->found);
	}
	assert_true(n > 0);
}

static void
all_well(void **state)
{
	(void)state;
	healthy();
	fine(NULL);
	assert_int_equal(doctor_exit(&doctor), 0);
	config.intercept.method = METHOD_TPROXY;
	fine(NULL);
	config.intercept.method = METHOD_NONE;
	fine(NULL);
}

static void
the_daemon(void **state)
{
	(void)state;
	healthy();
	fine("daemon");
	machine.status = NULL;
	machine.code = EXIT_NOT_RUNNING;
	finds("daemon", DOCTOR_FAULT, "is silent");
	finds("if-it-dies", DOCTOR_OK, "now that posternd is down port 25 is closed");
	finds("listener", DOCTOR_OK, "once posternd runs");
	assert_int_equal(doctor_exit(&doctor), 1);
	config.intercept.open = config.intercept.watch = true;
	finds("if-it-dies", DOCTOR_WARNING, "now that posternd is down port 25 is open");
	config.intercept.open = false;
	machine.code = EXIT_NOT_PERMITTED;
	finds("daemon", DOCTOR_UNKNOWN, "member of the group");
	assert_int_equal(doctor_exit(&doctor), 75);
	machine.code = EXIT_TEMPORARY;
	finds("daemon", DOCTOR_FAULT, "systemctl restart");
	machine.status = "{\"healthy\":false,\"problems\":[\"it burns\"],\"mode\":\"monitor\"}";
	finds("daemon", DOCTOR_FAULT, "it burns");
	finds("mode", DOCTOR_NOTE, "nothing is refused");
}

/* Without the watch, what uses an address is learnt late. */
static void
path(void **state)
{
	(void)state;
	healthy();
	examine();
	for (size_t i = 0; i < doctor.len; i++)
		assert_string_not_equal(doctor.findings[i].name, "path");
	config.inspect = config.intercept.watch = true;
	fine("path");
	config.intercept.watch = false;
	finds("path", DOCTOR_NOTE, "from recipients alone");
	finds("path", DOCTOR_NOTE, "intercept.watch: yes");
	config.intercept.watch = true;
	config.intercept.method = METHOD_NONE;
	finds("path", DOCTOR_NOTE, "rules of postern's own");
}

static void
processes(void **state)
{
	(void)state;
	healthy();
	fine("processes");
	file("/proc/12/status", "Name:\tx\nCapEff:\t0000000000000000\n");
	finds("processes", DOCTOR_FAULT, "nfq process has not CAP_NET_ADMIN");
	file("/proc/12/status", "Name:\tx\nCapEff:\t0000000000003000\n");
	finds("processes", DOCTOR_WARNING, "2000");
	file("/proc/12/status", "nothing\n");
	finds("processes", DOCTOR_UNKNOWN, "nfq");
	healthy();
	config.intercept.local = true;
	finds("processes", DOCTOR_FAULT, "proxy process has not CAP_NET_RAW");
	file("/proc/11/status", "Name:\tx\nCapEff:\t0000000000002000\n");
	fine("processes");
	config.intercept.local = false;
	finds("processes", DOCTOR_WARNING, "proxy");
}

static void
units(void **state)
{
	char path[160];

	(void)state;
	healthy();
	fine("systemd");
	snprintf(path, sizeof(path), "%s/etc/systemd/system/multi-user.target.wants/"
	    "posternd.service", machine.root);
	unlink(path);
	finds("systemd", DOCTOR_NOTE, "systemctl enable posternd");
	/* Enabled is a link that may lead nowhere from here. */
	assert_int_equal(symlink("/nowhere/posternd.service", path), 0);
	fine("systemd");
	snprintf(path, sizeof(path), "%s/usr/lib/systemd/system/posternd.service", machine.root);
	unlink(path);
	finds("systemd", DOCTOR_NOTE, "make install");
	snprintf(path, sizeof(path), "%s/etc/systemd/system/sysinit.target.wants/"
	    "postern-guard.service", machine.root);
	unlink(path);
	finds("systemd", DOCTOR_WARNING, "after a boot mail flows past postern");
	snprintf(path, sizeof(path), "%s/run/systemd/system", machine.root);
	clear_root();
	finds("systemd", DOCTOR_NOTE, "does not run here");
}

static void
families_and_programs(void **state)
{
	(void)state;
	healthy();
	fine("families");
	config.intercept.from_len = 1;
	finds("families", DOCTOR_FAULT, "IPv6");
	finds("if-it-dies", DOCTOR_UNKNOWN, "families");
	machine.v6_off = true;
	finds("families", DOCTOR_OK, "IPv6 is off");
	healthy();
	fine("programs");
	machine.absent = "ip6tables-restore";
	finds("programs", DOCTOR_FAULT, "missing: ip6tables-restore");
	config.intercept.backend = BACKEND_NFT;
	fine("programs");
	machine.absent = "nft";
	finds("programs", DOCTOR_FAULT, "missing: nft");
}

static void
variant(void **state)
{
	(void)state;
	healthy();
	fine("iptables");
	file("/proc/net/ip_tables_names", "nat\n");
	finds("iptables", DOCTOR_WARNING, "legacy tables are loaded");
	healthy();
	machine.outputs_len = 0;
	prints("iptables-restore -V", 0, "iptables-restore v1.8.9 (legacy)\n");
	finds("iptables", DOCTOR_WARNING, "the legacy variant");
	machine.outputs_len = 0;
	finds("iptables", DOCTOR_UNKNOWN, "-V");
}

static void
kernel(void **state)
{
	(void)state;
	healthy();
	fine("kernel");
	machine.canonical = NULL;
	prints("/iptables-restore --noflush *nat\n:POSTERN-TRY - [0:0]\n-A POSTERN-TRY -p tcp -j "
	    "REDIRECT", 1, "");
	prints("unshare -n", 0, "");
	finds("kernel", DOCTOR_FAULT, "lacks REDIRECT: it failed");
	machine.outputs_len--;
	finds("kernel", DOCTOR_UNKNOWN, "no network namespace");
	machine.outputs_len++;
	machine.outputs_len -= 2;
	prints("ip6tables-restore --noflush *mangle\n:POSTERN-TRY - [0:0]\n-A POSTERN-TRY -p tcp "
	    "-j NFLOG", 1, "");
	prints("unshare -n", 0, "");
	finds("kernel", DOCTOR_FAULT, "lacks NFLOG: it failed");
	machine.outputs_len -= 2;
	prints("unshare -n", 0, "");
	finds("kernel", DOCTOR_FAULT, "does not take these rules: it failed");
	config.intercept.backend = BACKEND_NFT;
	config.intercept.required = config.intercept.watch = true;
	machine.outputs_len--;
	prints("tcp dport 25 queue", 1, "");
	prints("unshare -n", 0, "");
	finds("kernel", DOCTOR_FAULT, "lacks nft queue");
	host.privileged = false;
	finds("kernel", DOCTOR_UNKNOWN, "run as root");
}

static void
rules(void **state)
{
	(void)state;
	healthy();
	fine("rules");
	machine.loaded = "# a\n";
	finds("rules", DOCTOR_FAULT, "none of ours is loaded");
	finds("if-it-dies", DOCTOR_FAULT, "mail flows past postern");
	machine.loaded = "# a\nrule two\n";
	finds("rules", DOCTOR_FAULT, "not what was installed");
	finds("rules", DOCTOR_FAULT, "rule two");
	finds("if-it-dies", DOCTOR_OK, "closed to the clients by the routes' guard");
	machine.outputs[0].text = "";
	finds("if-it-dies", DOCTOR_UNKNOWN, "not as they should be");
	machine.note = machine.loaded;
	finds("rules", DOCTOR_FAULT, "asks for others now");
	machine.installed = INSTALLED_BROKEN;
	finds("rules", DOCTOR_FAULT, "cannot be used");
	machine.installed = INSTALLED_NO;
	finds("rules", DOCTOR_FAULT, "nobody has installed");
	machine.loaded = machine.canonical;
	finds("rules", DOCTOR_WARNING, "not by `rules install`");
	machine.loaded = "# a\n";
	finds("rules", DOCTOR_FAULT, "none of ours is loaded");
	machine.loaded = NULL;
	finds("rules", DOCTOR_UNKNOWN, "cannot be read: it failed");
	host.privileged = false;
	finds("rules", DOCTOR_UNKNOWN, "run as root");
}

static void
order(void **state)
{
	(void)state;
	healthy();
	fine("order");
	machine.before = "2 rules stand before ours in nat PREROUTING\n1 rule ...\n";
	finds("order", DOCTOR_WARNING, "2 rules stand before ours in nat PREROUTING");
	finds("order", DOCTOR_WARNING, "1 rule ...");
	machine.before = NULL;
	finds("order", DOCTOR_UNKNOWN, "it failed");
}

static void
death(void **state)
{
	static char gone[] = "gone0";

	(void)state;
	healthy();
	fine("if-it-dies");
	finds("if-it-dies", DOCTOR_OK, "routes' guard holds");
	host.privileged = false;
	finds("if-it-dies", DOCTOR_OK, "closed to the clients by the routes' guard");
	machine.outputs[1].text = "0:\tfrom all\n9" PREFERENCE(ROUTE_PREF_GUARD) ":\tfrom all\n";	/* IPv6 */
	finds("if-it-dies", DOCTOR_UNKNOWN, "run as root");
	host.privileged = true;
	finds("if-it-dies", DOCTOR_WARNING, "routes' guard is not there");
	machine.v6_off = true;
	fine("if-it-dies");
	config.intercept.open = config.intercept.watch = true;
	finds("if-it-dies", DOCTOR_NOTE, "port 25 is open");
	/* Configured and not installed: what is loaded counts. */
	machine.loaded = "# a\nrule two\n";
	finds("if-it-dies", DOCTOR_OK, "closed to the clients by the routes' guard");
	machine.outputs[0].text = "";
	finds("if-it-dies", DOCTOR_UNKNOWN, "not as they should be");
	healthy();
	config.intercept.interface = gone;	/* all is in place, and catches nobody */
	finds("if-it-dies", DOCTOR_FAULT, "an interface that is not there");
}

static void
networkd(void **state)
{
	(void)state;
	healthy();
	file("/run/systemd/units/invocation:systemd-networkd.service", "");
	finds("networkd", DOCTOR_WARNING, "nobody puts ours back");
	config.intercept.watch = true;
	finds("networkd", DOCTOR_NOTE, "ManageForeignRoutingPolicyRules=no");
	prints("systemd-analyze cat-config systemd/networkd.conf", 0,
	    "# /etc/systemd/networkd.conf\n#ManageForeignRoutingPolicyRules=no\n");
	finds("networkd", DOCTOR_NOTE, "posternd puts ours back");
	machine.outputs[machine.outputs_len - 1].text = "ManageForeignRoutingPolicyRules=yes\n"
	    "# a drop-in\n[Network]\nManageForeignRoutingPolicyRules=No\n";
	fine("networkd");
	config.intercept.method = METHOD_NONE;
	fine(NULL);
}

static void
others(void **state)
{
	(void)state;
	healthy();
	fine("others");
	machine.outputs_len = 0;
	prints("iptables-save", 0, "*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
	    "-A PREROUTING -p tcp -m multiport --dports 25,587 -j REDIRECT --to-ports 2525\n"
	    "-A PREROUTING -d 192.0.2.9/32 -p tcp -m tcp --dport 25 -j DNAT --to 10.0.0.9\n"
	    "-A OUTPUT -p tcp -m tcp --dport 25 -j DNAT --to-destination 10.0.0.1\nCOMMIT\n");
	prints("ip6tables-save", 0, "");
	prints("nft list ruleset", 0, "table inet x {\n\tchain y {\n\t\ttype nat hook prerouting "
	    "priority dstnat; policy accept;\n\t\ttcp dport { 25 } redirect to :7\n\t}\n}\n");
	finds("others", DOCTOR_WARNING, "--dports 25,587");
	finds("others", DOCTOR_WARNING, "(iptables): -A OUTPUT");
	finds("others", DOCTOR_WARNING, "10.0.0.1");
	finds("others", DOCTOR_WARNING, "redirect to :7");
	finds("others", DOCTOR_NOTE, "192.0.2.9");
	machine.outputs[2].status = 1;
	finds("others", DOCTOR_UNKNOWN, "cannot be read: nft: no");
	finds("input", DOCTOR_UNKNOWN, "cannot be read: nft: no");
	machine.absent = "nft";
	finds("others", DOCTOR_WARNING, "--dports 25,587");
	host.privileged = false;
	finds("others", DOCTOR_UNKNOWN, "run as root");
}

/* The filter table's INPUT of these rules. */
static void
input_is(const char *policy, const char *rules_text)
{
	static char text[1024];

	snprintf(text, sizeof(text), "*filter\n:INPUT %s [0:0]\n%sCOMMIT\n", policy, rules_text);
	machine.outputs_len = 0;
	prints("iptables-save", 0, text);
	prints("ip6tables-save", 0, "");
	prints("nft list ruleset", 0, "");
}

static void
input(void **state)
{
	(void)state;
	healthy();
	fine("input");
	input_is("DROP", "-A INPUT -i lo -j ACCEPT\n"
	    "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
	    "-A INPUT -p tcp -m tcp --dport 25 -j ACCEPT\n");
	finds("input", DOCTOR_WARNING, "port 10025");
	config.intercept.method = METHOD_TPROXY;	/* keeps port 25 */
	fine("input");
	config.intercept.method = METHOD_REDIRECT;
	input_is("DROP", "-A INPUT -p tcp -m tcp --dport 10025 -j ACCEPT\n");
	fine("input");
	input_is("DROP", "-A INPUT -s 192.0.2.0/24 -j ACCEPT\n");
	fine("input");
	input_is("ACCEPT", "-A INPUT -p tcp -m tcp --dport 10025 -j DROP\n");
	finds("input", DOCTOR_WARNING, "--dport 10025 -j DROP");
	input_is("ACCEPT", "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j REJECT\n");
	finds("input", DOCTOR_WARNING, "-j REJECT");
	input_is("ACCEPT", "-A INPUT -s 198.51.100.0/24 -j DROP\n");
	fine("input");
	input_is("ACCEPT", "-A INPUT -i lan0 -j ACCEPT\n-A INPUT -j REJECT\n");
	fine("input");
	machine.outputs[1].text = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n";
	finds("input", DOCTOR_WARNING, "no rule accepts it (ip6tables)");
	input_is("DROP", "");
	machine.outputs[1].text = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n";
	finds("input", DOCTOR_WARNING, "ip6tables");
	finds("input", DOCTOR_WARNING, "iptables");
}

static void
interface(void **state)
{
	static char gone[] = "gone0", many[] = "lan+", none[] = "wan+";

	(void)state;
	healthy();
	fine("interface");
	link_is(LINK("BROADCAST,M-DOWN", "", "veth"));
	finds("interface", DOCTOR_FAULT, "not up");
	link_is(LINK("NO-CARRIER,BROADCAST,UP", "", "veth"));
	finds("interface", DOCTOR_FAULT, "no link");
	config.intercept.interface = gone;
	finds("interface", DOCTOR_FAULT, "no interface gone0");
	config.intercept.interface = many;
	fine("interface");
	machine.outputs[2].text = machine.outputs[3].text = "";
	prints("ip -4 -o route get 192.0.2.1 ", 0, "192.0.2.1 dev lan7 src 192.0.2.2\n");
	prints("ip -6 -o route get 2001:db8::1 ", 0, "2001:db8::1 dev lan0 src 2001:db8::2\n");
	fine("clients");
	config.intercept.interface = none;
	finds("interface", DOCTOR_FAULT, "no interface wan+");
	finds("clients", DOCTOR_WARNING, "routed to lan7");
	machine.outputs_len = 0;
	finds("interface", DOCTOR_UNKNOWN, "`ip link`");
}

static void
clients(void **state)
{
	(void)state;
	healthy();
	fine("clients");
	machine.outputs[2].text = "";	/* nothing of 192.0.2.0/24 by lan0 */
	prints("ip -4 -o route get 192.0.2.1 ", 0, "192.0.2.1 dev wan0 src 1.2.3.4 uid 0 \n");
	finds("clients", DOCTOR_WARNING, "192.0.2.0/24 of intercept.from is routed to wan0");
	machine.outputs_len--;
	prints("ip -4 -o route get 192.0.2.1 ", 0, "192.0.2.1 via 1.2.3.4 dev lan0 uid 0 \n");
	fine("clients");
	machine.outputs_len--;
	prints("ip -4 -o route get 192.0.2.1 ", 0, "local 192.0.2.1 dev lo src 192.0.2.1\n");
	prints("ip -4 -o route get 192.0.2.2 ", 0, "192.0.2.2 dev lan0 src 192.0.2.1\n");
	fine("clients");
	machine.outputs[machine.outputs_len - 1].text = "192.0.2.2 dev wan0 src 192.0.2.1\n";
	finds("clients", DOCTOR_WARNING, "routed to wan0");
	machine.outputs_len -= 2;
	finds("clients", DOCTOR_WARNING, "routed to nowhere");
	config.intercept.interface = NULL;
	finds("clients", DOCTOR_NOTE, "by `from` alone");
}

static void
listener(void **state)
{
	(void)state;
	healthy();
	fine("listener");
	file("/proc/net/tcp6", "  sl  local\n   0: 000:2729 000:0000 01 0\n");
	finds("listener", DOCTOR_FAULT, "nobody listens");
	file("/proc/net/tcp", "  sl  local\n   0: 000:2728 000:0000 0A\n   1: 0:2729 0:0 0A\n");
	fine("listener");
	assert_true(address_parse(&config.intercept.listen, "127.0.0.1", 9, 10025));
	finds("listener", DOCTOR_FAULT, "loopback");
	assert_true(address_parse(&config.intercept.listen, "192.0.2.1", 9, 10025));
	finds("listener", DOCTOR_FAULT, "one family");
	machine.v6_off = true;
	fine("listener");
}

static void
bridge(void **state)
{
	(void)state;
	healthy();
	fine("bridge");
	link_is(LINK("UP", "", "bridge forward_delay 1500"));
	finds("bridge", DOCTOR_NOTE, "only bridged from port to port does not");
	file("/proc/sys/net/bridge/bridge-nf-call-iptables", "1\n");
	finds("bridge", DOCTOR_WARNING, "IPv4 alone");
	file("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "1\n");
	finds("bridge", DOCTOR_NOTE, "bridged packets meet the rules too");
	link_is(LINK("UP", "master vrf0", "vrf_slave"));
	fine("bridge");
	link_is(LINK("UP", "master br0", "bridge_slave state disabled"));
	finds("bridge", DOCTOR_FAULT, "intercept.interface: br0");
}

static void
forwarding(void **state)
{
	(void)state;
	healthy();
	fine("forwarding");
	file("/proc/sys/net/ipv6/conf/all/forwarding", "0\n");
	finds("forwarding", DOCTOR_WARNING, "net.ipv6.conf.all.forwarding = 0");
	config.intercept.required = config.intercept.watch = true;
	finds("forwarding", DOCTOR_FAULT, "goes nowhere");
	machine.v6_off = true;
	fine("forwarding");
	file("/proc/sys/net/ipv4/ip_forward", "");
	finds("forwarding", DOCTOR_UNKNOWN, "net.ipv4.ip_forward");
	from[0] = from[1] = (struct network){ IN6ADDR_LOOPBACK_INIT, 128 };
	config.intercept.local = true;
	finds("forwarding", DOCTOR_OK, "not needed");
}

static void
reverse_path(void **state)
{
	(void)state;
	healthy();
	config.intercept.method = METHOD_TPROXY;
	fine("rp_filter");
	file("/proc/sys/net/ipv4/conf/lan0/rp_filter", "1\n");
	finds("rp_filter", DOCTOR_NOTE, "strict");
	file("/proc/sys/net/ipv4/conf/all/rp_filter", "2\n");
	fine("rp_filter");	/* the larger one counts */
	clear_root();
	finds("rp_filter", DOCTOR_UNKNOWN, "/proc/sys");
	healthy();
	fine("route_localnet");
	file("/proc/sys/net/ipv4/conf/lan0/route_localnet", "1\n");
	finds("route_localnet", DOCTOR_WARNING, "127.0.0.1");
}

static void
conntrack(void **state)
{
	(void)state;
	healthy();
	fine("conntrack");
	file("/proc/sys/net/netfilter/nf_conntrack_count", "240000\n");
	finds("conntrack", DOCTOR_WARNING, "nf_conntrack_max=524288");
	file("/proc/sys/net/netfilter/nf_conntrack_count", "1\n");
	file("/proc/sys/net/netfilter/nf_conntrack_max", "15000\n");
	finds("conntrack", DOCTOR_WARNING, "too few");
	clear_root();
	finds("conntrack", DOCTOR_NOTE, "tracks no connections");
}

static void
resolver(void **state)
{
	(void)state;
	healthy();
	fine("resolver");
	machine.answer.ad = false;
	finds("resolver", DOCTOR_WARNING, "does not validate");
	machine.answer.rcode = 2;
	finds("resolver", DOCTOR_FAULT, "error 2");
	machine.answer.answered = false;
	finds("resolver", DOCTOR_FAULT, "127.0.0.1:53 does not answer");
	healthy();
	assert_true(address_parse(&config.resolver.servers[0], "192.0.2.53", 10, 53));
	finds("resolver", DOCTOR_NOTE, "trust-ad");
	config.resolver.trust_ad = TRUST_AD_YES;
	fine("resolver");
	config.resolver.trust_ad = TRUST_AD_NO;
	finds("resolver", DOCTOR_NOTE, "trust-ad");
}

/* With DANE on, a resolver whose validation does not count is never just a note; where a rule
 * builds on it, it is a fault. */
static void
resolver_for_dane(void **state)
{
	static const struct {
		enum level domain, relay;
		bool dane;
		enum doctor_state unvalidating, afar;
	} rows[] = {
		{ LEVEL_VERIFY, LEVEL_SECURE, false, DOCTOR_WARNING, DOCTOR_NOTE },
		{ LEVEL_VERIFY, LEVEL_SECURE, true, DOCTOR_WARNING, DOCTOR_WARNING },
		{ LEVEL_DANE_ONLY, LEVEL_SECURE, true, DOCTOR_FAULT, DOCTOR_FAULT },
		{ LEVEL_DANE, LEVEL_SECURE, true, DOCTOR_FAULT, DOCTOR_FAULT },
		{ LEVEL_VERIFY, LEVEL_DANE_ONLY, true, DOCTOR_FAULT, DOCTOR_FAULT },
		{ LEVEL_FINGERPRINT, LEVEL_AUTO, true, DOCTOR_WARNING, DOCTOR_WARNING },
	};
	struct config_rule domain = { .level = LEVEL_NONE }, relay = { .level = LEVEL_NONE };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *dane = rows[i].dane ? "DANE is not in force" : "";

		healthy();
		domain.level = rows[i].domain;
		relay.level = rows[i].relay;
		config.policy.dane = rows[i].dane;
		config.domains = &domain;
		config.relays = &relay;
		config.domains_len = config.relays_len = 1;
		fine("resolver");
		machine.answer.ad = false;
		finds("resolver", rows[i].unvalidating, "does not validate");
		finds("resolver", rows[i].unvalidating, dane);
		finds("resolver", rows[i].unvalidating, "resolver.servers: [127.0.0.1]");
		machine.answer.ad = true;
		assert_true(address_parse(&config.resolver.servers[0], "192.0.2.53", 10, 53));
		finds("resolver", rows[i].afar, "from afar");
		finds("resolver", rows[i].afar, dane);
		finds("resolver", rows[i].afar, "resolver.trust-ad: yes");
		config.resolver.trust_ad = TRUST_AD_NO;
		finds("resolver", rows[i].afar, "(resolver.trust-ad: no)");
		config.resolver.trust_ad = TRUST_AD_YES;
		fine("resolver");
	}
}

static void
policy_host(void **state)
{
	/* mta-sts.a.example A 192.0.2.7 */
	static const unsigned char answer[] = "\0\0\x81\x80\0\1\0\1\0\0\0\0\7mta-sts\1a\7example\0"
	    "\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\74\0\4\300\0\2\7";

	(void)state;
	healthy();
	finds("policy-host", DOCTOR_NOTE, "not tried");
	machine.policies = "[{\"domain\":\"b.example\",\"problem\":\"expired\"},"
	    "{\"domain\":\"..\"},{\"domain\":\"a.example\"}]";
	finds("policy-host", DOCTOR_WARNING, "address of mta-sts.a.example is not found");
	memcpy(machine.answer.message, answer, sizeof(answer) - 1);
	machine.answer.len = sizeof(answer) - 1;
	fine("policy-host");
	machine.dial_refused = true;
	finds("policy-host", DOCTOR_WARNING, "refused");
	machine.status = NULL;
	finds("policy-host", DOCTOR_NOTE, "without the daemon");
}

static void
clock_and_certificates(void **state)
{
	static char missing[] = "/missing.pem";

	(void)state;
	healthy();
	fine("clock");
	machine.unsynchronised = true;
	finds("clock", DOCTOR_WARNING, "not synchronised");
	machine.now = 86400;
	finds("clock", DOCTOR_FAULT, "1970-01-02");
	machine.now = 0;
	finds("clock", DOCTOR_UNKNOWN, "timedatectl");
	healthy();
	fine("ca-bundle");
	finds("ca-bundle", DOCTOR_OK, "2 certificates");
	file("/ca.pem", "-----BEGIN TRUSTED CERTIFICATE-----\n");
	finds("ca-bundle", DOCTOR_OK, "1 certificate");
	file("/ca.pem", "-----BEGIN PRIVATE KEY-----\n");
	finds("ca-bundle", DOCTOR_FAULT, "no certificate");
	config.tls.ca_file = missing;
	finds("ca-bundle", DOCTOR_FAULT, "No such file");
}

static void
limits(void **state)
{
	(void)state;
	healthy();
	fine("descriptors");
	file("/proc/11/limits", "Limit\nMax open files            1024       65536      files\n");
	finds("descriptors", DOCTOR_WARNING, "LimitNOFILE=20256");
	file("/proc/11/limits", "Limit\nMax open files            unlimited  unlimited\n");
	fine("descriptors");
	file("/proc/11/limits", "Limit\n");
	finds("descriptors", DOCTOR_UNKNOWN, "run as root");
	fine("memory");
	file("/proc/meminfo", "MemAvailable:    200000 kB\n");
	finds("memory", DOCTOR_WARNING, "195 MiB are available");
	file("/proc/meminfo", "\n");
	finds("memory", DOCTOR_UNKNOWN, "/proc/meminfo");
	fine("disk");
	machine.space = (struct doctor_space){ 90ull << 20, 200ull << 20 };
	finds("disk", DOCTOR_WARNING, "90 MiB");
	machine.space = (struct doctor_space){ 4ull << 30, 100ull << 30 };
	finds("disk", DOCTOR_WARNING, "4096 MiB");
	machine.space_errno = EACCES;
	finds("disk", DOCTOR_UNKNOWN, "run as root");
	machine.space_errno = ENOENT;
	finds("disk", DOCTOR_FAULT, "state-dir");
	machine.status = NULL;
	finds("disk", DOCTOR_NOTE, "not there yet");
}

static int
clean(void **state)
{
	(void)state;
	doctor_free(&doctor);
	nftw(machine.root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_well),
		cmocka_unit_test(the_daemon),
		cmocka_unit_test(path),
		cmocka_unit_test(processes),
		cmocka_unit_test(units),
		cmocka_unit_test(families_and_programs),
		cmocka_unit_test(variant),
		cmocka_unit_test(kernel),
		cmocka_unit_test(rules),
		cmocka_unit_test(order),
		cmocka_unit_test(death),
		cmocka_unit_test(others),
		cmocka_unit_test(networkd),
		cmocka_unit_test(input),
		cmocka_unit_test(interface),
		cmocka_unit_test(clients),
		cmocka_unit_test(listener),
		cmocka_unit_test(bridge),
		cmocka_unit_test(forwarding),
		cmocka_unit_test(reverse_path),
		cmocka_unit_test(conntrack),
		cmocka_unit_test(resolver),
		cmocka_unit_test(resolver_for_dane),
		cmocka_unit_test(policy_host),
		cmocka_unit_test(clock_and_certificates),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, clean);
}
