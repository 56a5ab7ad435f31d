/* prober_test.c - a probe's steps and its exit code, with a real server
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/prober.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "policy/message.h"
#include "tests/unit/testtlsa.h"
#include "tls/terminate.h"

#define PATIENCE_S 5

/* A server that knows EHLO and STARTTLS, and what it was asked for. */
struct play {
	struct proxy proxy;
	struct config config;
	struct requirement requirement;
	struct address at;
	int listener, fd;
	struct stream *tls;
	bool shaking;
	char in[512], steps[4096];
	size_t len;
	bool over;
	uint8_t exit;
	uint32_t asked;
};

static char directory[] = "/tmp/postern-prober-XXXXXX";
static struct originator *originator;
static struct terminator *server;
static X509 *leaf, *authority;

static void
step(void *arg, const struct probe_step *s)
{
	struct play *p = arg;
	size_t at = strlen(p->steps);

	assert_false(p->over);
	assert_null(strchr(s->text, '\n'));
	snprintf(p->steps + at, sizeof(p->steps) - at, "%s\n", s->text);
	p->over = s->last;
	p->exit = s->exit;
}

static bool
policy_send(void *arg, const void *m, size_t len)
{
	struct play *p = arg;
	struct question q;

	assert_true(message_get_question(m, len, &q) && q.probe);
	p->asked = q.id;
	return true;
}

static void
answer(struct play *p)
{
	static unsigned char message[WIRE_MESSAGE_MAX];
	size_t len = message_answer(message, sizeof(message), p->asked, &p->requirement, NULL, 0);

	p->asked = 0;
	assert_true(len > 0 && asker_answer(p->proxy.asker, message, len));
}

/* serve: one turn of the server. */
static void
serve(struct play *p)
{
	static const char ehlo[] = "250-mx.a.example\r\n250 STARTTLS\r\n", go[] = "220 go\r\n";
	ssize_t n;

	if (p->fd < 0) {
		p->fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (p->fd >= 0)
			assert_true(send(p->fd, "220 mx\r\n", 8, MSG_NOSIGNAL) == 8);
		return;
	}
	if (p->tls != NULL) {
		if (p->shaking)
			p->shaking = stream_handshake(p->tls) != STREAM_OK;
		return;
	}
	n = recv(p->fd, p->in + p->len, sizeof(p->in) - 1 - p->len, MSG_DONTWAIT);
	if (n <= 0)
		return;
	p->len += (size_t)n;
	p->in[p->len] = '\0';
	if (strstr(p->in, "STARTTLS\r\n") != NULL) {
		(void)send(p->fd, go, sizeof(go) - 1, MSG_NOSIGNAL);
		p->tls = terminate(server, p->fd);
		p->shaking = true;
	} else if (strstr(p->in, "EHLO ") != NULL) {
		(void)send(p->fd, ehlo, sizeof(ehlo) - 1, MSG_NOSIGNAL);
	}
}

static void
open_play(struct play *p)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);

	memset(p, 0, sizeof(*p));
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_return_code(bind(p->listener, (struct sockaddr *)&at, sizeof(at)), errno);
	assert_return_code(listen(p->listener, 4), errno);
	assert_return_code(getsockname(p->listener, (struct sockaddr *)&at, &len), errno);
	address_from_sockaddr(&p->at, (struct sockaddr *)&at);
	p->fd = -1;
	p->config.policy.wait_s = 20;
	p->proxy = (struct proxy){ .loop = ev_loop_new(EVFLAG_AUTO), .config = &p->config,
		.counters = counters_new(), .originator = originator };
	p->proxy.column = counters_claim(p->proxy.counters);
	p->proxy.asker = asker_new(policy_send, p);
	p->requirement = (struct requirement){ .level = LEVEL_DANE, .policy_type = POLICY_TLSA,
		.policy_domain = "a.example", .policy_id = "", .mx_host = "mx.a.example",
		.sni = "mx.a.example", .secure_domain = "", .reason = "", .mapped = true,
		.mx_allowed = true, .mx_secure = true, .floor = LEVEL_MAY };
}

static void
close_play(struct play *p)
{
	stream_free(p->tls);
	if (p->fd >= 0)
		close(p->fd);
	close(p->listener);
	asker_free(p->proxy.asker);
	ev_loop_destroy(p->proxy.loop);
}

/* probe: what was said, and the exit code. */
static uint8_t
probe(struct play *p)
{
	struct prober *prober = prober_new(&p->proxy, step, p);
	const struct probe ask = { .id = 7, .peer = p->at, .mx_host = "mx.a.example",
		.domain = "a.example" };
	time_t until = time(NULL) + PATIENCE_S;

	assert_non_null(prober);
	prober_start(prober, &ask);
	while (!p->over && time(NULL) <= until) {
		ev_run(p->proxy.loop, EVRUN_NOWAIT);
		if (p->asked != 0)
			answer(p);
		serve(p);
		poll(NULL, 0, 1);
	}
	if (!p->over)
		print_error("%s", p->steps);
	assert_true(p->over);
	prober_free(prober);
	return p->exit;
}

static void
said(const struct play *p, const char *text)
{
	if (strstr(p->steps, text) == NULL)
		fail_msg("not said: %s\n%s", text, p->steps);
}

static void
the_record_that_matches_is_named(void **state)
{
	struct testtlsa records;
	char text[TLSA_TEXT_SIZE], line[400];
	struct play p;

	(void)state;
	open_play(&p);
	testtlsa_open(&records, "mx.a.example");
	testtlsa_add(&records, TLSA_DANE_EE, TLSA_SPKI, TLSA_SHA256, authority);
	testtlsa_base(&records, "mx.b.example");
	testtlsa_add(&records, TLSA_DANE_EE, TLSA_SPKI, TLSA_SHA512, leaf);
	p.requirement.tlsa = records.set;
	assert_int_equal(probe(&p), 0);
	said(&p, "policy for a.example: tlsa, level dane, MX host mx.a.example\n");
	tlsa_text(&records.records[0], text);
	snprintf(line, sizeof(line), "\nTLSA of mx.a.example: %s\n", text);
	said(&p, line);
	tlsa_text(&records.records[1], text);
	snprintf(line, sizeof(line), "\nTLSA of mx.b.example: %s\n", text);
	said(&p, line);
	snprintf(line, sizeof(line), "\nDANE: %s of mx.b.example matches the leaf\n", text);
	said(&p, line);
	said(&p, "\nwould deliver: success ");
	testtlsa_free(&records);
	close_play(&p);
}

static void
the_authority_is_found_in_the_chain(void **state)
{
	struct testtlsa records;
	struct play p;

	(void)state;
	open_play(&p);
	testtlsa_open(&records, "mx.a.example");
	testtlsa_add(&records, TLSA_DANE_TA, TLSA_CERT, TLSA_SHA256, authority);
	p.requirement.tlsa = records.set;
	assert_int_equal(probe(&p), 0);
	said(&p, "\nDANE: 2 0 1 ");
	said(&p, " of mx.a.example matches the chain at depth 1\n");
	testtlsa_free(&records);
	close_play(&p);
}

static void
no_record_matches(void **state)
{
	struct testtlsa records;
	struct play p;

	(void)state;
	open_play(&p);
	testtlsa_open(&records, "mx.a.example");
	testtlsa_add(&records, TLSA_DANE_EE, TLSA_SPKI, TLSA_SHA256, authority);
	p.requirement.tlsa = records.set;
	assert_int_equal(probe(&p), 1);
	said(&p, "\nDANE: unmatched: ");
	said(&p, "\nwould refuse: tlsa-invalid ");
	testtlsa_free(&records);
	close_play(&p);
}

static void
no_record_can_be_used(void **state)
{
	struct play p;

	(void)state;
	open_play(&p);
	p.requirement.level = LEVEL_ENCRYPT;
	p.requirement.tlsa_unusable = true;
	assert_int_equal(probe(&p), 0);
	said(&p, "level encrypt (none of its TLSA records can be used), MX host");
	assert_null(strstr(p.steps, "DANE:"));
	close_play(&p);
}

static void
records_could_not_be_looked_up(void **state)
{
	struct play p;

	(void)state;
	open_play(&p);
	p.requirement.state = REQUIREMENT_DEFER;
	p.requirement.defer_code = DEFER_TLSA_UNDECIDED;
	assert_int_equal(probe(&p), 75);
	said(&p, "\nundecided: ");
	close_play(&p);
}

static void
write_server(const struct testca_cert *cert, X509 *issuer)
{
	static const char *const files[] = { "client-rsa.pem", "client-ecdsa.pem" };
	char path[300];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		PEM_write_PrivateKey(f, cert->key, NULL, NULL, 0, NULL, NULL);
		PEM_write_X509(f, cert->x509);
		PEM_write_X509(f, issuer);
		fclose(f);
	}
}

static int
make_certificates(void **state)
{
	struct testca_cert ca = testca_root("Private"), cert = testca_issue(&(struct testca_spec){
	    .issuer = &ca, .dns = "mx.a.example" });
	char path[300], error[256];

	(void)state;
	assert_non_null(mkdtemp(directory));
	write_server(&cert, ca.x509);
	server = terminator_new(directory, error, sizeof(error));
	assert_non_null(server);
	snprintf(path, sizeof(path), "%s/client-rsa.pem", directory);	/* any CA will do */
	originator = originator_new(path, 0x0303, error, sizeof(error));
	assert_non_null(originator);
	leaf = cert.x509;
	authority = ca.x509;
	EVP_PKEY_free(cert.key);
	EVP_PKEY_free(ca.key);
	return 0;
}

static int
remove_certificates(void **state)
{
	char command[300];

	(void)state;
	originator_free(originator);
	terminator_free(server);
	X509_free(leaf);
	X509_free(authority);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_record_that_matches_is_named),
		cmocka_unit_test(the_authority_is_found_in_the_chain),
		cmocka_unit_test(no_record_matches),
		cmocka_unit_test(no_record_can_be_used),
		cmocka_unit_test(records_could_not_be_looked_up),
	};

	signal(SIGPIPE, SIG_IGN);	/* as workers do */
	return cmocka_run_group_tests_name("prober", tests, make_certificates, remove_certificates);
}
