/* fetch.c - policy texts over HTTPS: libcurl on the loop
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A fetch asks our own DNS for the addresses of mta-sts.DOMAIN first and hands them to libcurl,
 * which never resolves by itself. */
#include "policy/fetch.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/multi.h"
#include "tls/names.h"

#define TOTAL_MS 60000		/* R22 */
#define CONNECT_MS 20000	/* for all addresses of a host */
#define ADDRESSES_MAX 16	/* tried for one host */
#define HEADERS_MAX 16384	/* octets of response header: a policy host needs a few hundred */
#define CA_MAX (16 << 20)	/* Debian's bundle has 220 KiB */
#define DETAIL_SIZE 640

struct fetch {
	struct fetcher *fetcher;
	struct world_fetch *owner;
	struct world_query query[2];	/* A, AAAA */
	struct in6_addr addresses[ADDRESSES_MAX];
	size_t addresses_len;
	CURL *easy;
	struct curl_slist *pinned, *headers;
	size_t headers_len, len;
	bool too_long;
	double started;
	char host[ANSWER_NAME_SIZE];
	char dns_problem[ANSWER_PROBLEM_SIZE];
	char error[CURL_ERROR_SIZE];
	char detail[DETAIL_SIZE];
	char body[WORLD_FETCH_MAX];
};

struct fetcher {
	struct ev_loop *loop;
	struct dns *dns;
	struct multi *multi;
	struct curl_blob ca;
};

static void
fetch_free(struct fetch *f)
{
	dns_cancel(f->fetcher->dns, &f->query[0]);
	dns_cancel(f->fetcher->dns, &f->query[1]);
	if (f->easy != NULL) {
		multi_remove(f->fetcher->multi, f->easy);
		curl_easy_cleanup(f->easy);
	}
	curl_slist_free_all(f->pinned);
	curl_slist_free_all(f->headers);
	free(f);
}

static void
finish(struct fetch *f, enum result_type result)
{
	struct world_fetch *w = f->owner;
	struct world_fetched r = { result, f->body, f->len, f->detail };

	for (char *s = f->detail; *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e)
			*s = '?';
	w->running = NULL;
	w->done(w->arg, &r);
	fetch_free(f);
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct fetch *f = arg;

	n *= size;
	if (n > sizeof(f->body) - f->len) {
		f->too_long = true;
		return 0;
	}
	memcpy(f->body + f->len, p, n);
	f->len += n;
	return n;
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct fetch *f = arg;

	(void)p;
	f->headers_len += size * n;
	return f->headers_len > HEADERS_MAX ? 0 : size * n;
}

static CURLcode
on_tls(CURL *easy, void *ssl_ctx, void *arg)
{
	struct fetch *f = arg;

	(void)easy;
	return names_require(ssl_ctx, f->host) ? CURLE_OK : CURLE_ABORTED_BY_CALLBACK;
}

/* R11: text/plain; other parameters than a charset are ignored, and so is any charset: the syntax
 * of a policy is ASCII. */
static bool
is_text_plain(const char *type)
{
	static const char plain[] = "text/plain";

	if (type == NULL)
		return false;
	while (*type == ' ' || *type == '\t')
		type++;
	if (strncasecmp(type, plain, sizeof(plain) - 1) != 0)
		return false;
	type += sizeof(plain) - 1;
	return *type == '\0' || *type == ';' || *type == ' ' || *type == '\t';
}

static enum result_type
judge_transfer(struct fetch *f, CURLcode code)
{
	const char *type = NULL;
	long status = 0;

	curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(f->easy, CURLINFO_CONTENT_TYPE, &type);
	if (f->too_long || code == CURLE_FILESIZE_EXCEEDED) {
		snprintf(f->detail, sizeof(f->detail), "%s: the policy is over %d octets", f->host,
		    WORLD_FETCH_MAX);
		return RESULT_STS_POLICY_FETCH_ERROR;
	}
	if (code != CURLE_OK) {
		snprintf(f->detail, sizeof(f->detail), "%s: %s", f->host,
		    f->error[0] != '\0' ? f->error : curl_easy_strerror(code));
		return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR ?
		    RESULT_STS_WEBPKI_INVALID : RESULT_STS_POLICY_FETCH_ERROR;
	}
	if (status != 200) {
		snprintf(f->detail, sizeof(f->detail), "%s: HTTP status %ld%s", f->host, status,
		    status / 100 == 3 ? ", redirects are not followed" : "");
		return RESULT_STS_POLICY_FETCH_ERROR;
	}
	if (!is_text_plain(type)) {
		snprintf(f->detail, sizeof(f->detail), "%s: media type %.80s is not text/plain",
		    f->host, type != NULL ? type : "(none)");
		return RESULT_STS_POLICY_INVALID;
	}
	f->detail[0] = '\0';
	return RESULT_SUCCESS;
}

static void
on_transfer(void *easy, CURLcode code)
{
	struct fetch *f = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &f);
	finish(f, judge_transfer(f, code));
}

/* "+host:443:192.0.2.1,[2001:db8::1]"; the plus lets libcurl's table forget it. */
static bool
pin(struct fetch *f)
{
	char line[ANSWER_NAME_SIZE + 16 + ADDRESSES_MAX * (ADDRESS_TEXT_SIZE + 3)];
	char text[ADDRESS_TEXT_SIZE];
	size_t n = (size_t)snprintf(line, sizeof(line), "+%s:443:", f->host);

	for (size_t i = 0; i < f->addresses_len; i++) {
		bool v4 = address_is_v4(&f->addresses[i]);

		n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%s%s%s", i > 0 ? "," : "",
		    v4 ? "" : "[", address_print_ip(&f->addresses[i], text), v4 ? "" : "]");
	}
	f->pinned = curl_slist_append(NULL, line);
	f->headers = curl_slist_append(NULL, "Accept: text/plain");
	return f->pinned != NULL && f->headers != NULL;
}

static void
set_options(struct fetch *f, const char *url, long left_ms)
{
	CURL *e = f->easy;

	curl_easy_setopt(e, CURLOPT_URL, url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_RESOLVE, f->pinned);
	curl_easy_setopt(e, CURLOPT_PROXY, "");	/* whatever the environment says */
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, left_ms);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(e, CURLOPT_MAXFILESIZE, (long)WORLD_FETCH_MAX);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, f->headers);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "postern");
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &f->fetcher->ca);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, f);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, f);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, f->error);
	curl_easy_setopt(e, CURLOPT_PRIVATE, f);
}

static void
connect_to(struct fetch *f)
{
	char url[ANSWER_NAME_SIZE + 48];
	long left = TOTAL_MS - (long)((ev_now(f->fetcher->loop) - f->started) * 1000.);

	snprintf(url, sizeof(url), "https://%s/.well-known/mta-sts.txt", f->host);
	f->easy = curl_easy_init();
	if (f->easy == NULL || !pin(f)) {
		snprintf(f->detail, sizeof(f->detail), "out of memory");
		finish(f, RESULT_STS_POLICY_FETCH_ERROR);
		return;
	}
	set_options(f, url, left < 1000 || left > TOTAL_MS ? 1000 : left);
	multi_add(f->fetcher->multi, f->easy);
}

static void
on_address(void *arg, const struct answer *a)
{
	struct fetch *f = arg;

	for (size_t i = 0; i < a->records_len && f->addresses_len < ADDRESSES_MAX; i++)
		f->addresses[f->addresses_len++] = a->records[i].ip;
	if (a->state != ANSWER_OK && f->dns_problem[0] == '\0')
		snprintf(f->dns_problem, sizeof(f->dns_problem), "%s",
		    a->problem[0] != '\0' ? a->problem : answer_state_name(a->state));
	if (f->query[0].running != NULL || f->query[1].running != NULL)
		return;
	if (f->addresses_len > 0) {
		connect_to(f);
		return;
	}
	snprintf(f->detail, sizeof(f->detail), "%s has no address: %s", f->host, f->dns_problem);
	finish(f, RESULT_STS_POLICY_FETCH_ERROR);
}

void
fetcher_fetch(struct fetcher *fetcher, struct world_fetch *w, const char *domain)
{
	struct fetch *f = calloc(1, sizeof(*f));

	if (f == NULL)
		abort();	/* the parent starts a new policy process */
	assert(w->running == NULL);
	f->fetcher = fetcher;
	f->owner = w;
	f->started = ev_now(fetcher->loop);
	f->query[0].done = f->query[1].done = on_address;
	f->query[0].arg = f->query[1].arg = f;
	w->running = f;
	/* A domain too long for the prefix asks for a name nobody has, and fails by DNS. */
	snprintf(f->host, sizeof(f->host), "mta-sts.%s", domain);
	dns_query(fetcher->dns, &f->query[0], f->host, ANSWER_A);
	dns_query(fetcher->dns, &f->query[1], f->host, ANSWER_AAAA);
}

void
fetcher_cancel(struct fetcher *fetcher, struct world_fetch *w)
{
	(void)fetcher;
	if (w->running != NULL)
		fetch_free(w->running);
	w->running = NULL;
}

static bool
read_ca(struct fetcher *f, const char *file, char *error, size_t error_size)
{
	FILE *in = fopen(file, "re");
	size_t room = 1 << 16, n = 0, got;
	char *p = malloc(room), *more = NULL;

	while (in != NULL && p != NULL && (got = fread(p + n, 1, room - n, in)) > 0) {
		n += got;
		if (n < room)
			continue;
		more = room < CA_MAX ? realloc(p, room * 2) : NULL;
		if (more == NULL)
			break;
		p = more;
		room *= 2;
	}
	if (in == NULL || ferror(in) || n == 0 || n == room)
		snprintf(error, error_size, "%s: %s", file, in == NULL ? "cannot be opened" :
		    n == room ? "too large" : "cannot be read");
	f->ca = (struct curl_blob){ p, n, CURL_BLOB_NOCOPY };
	if (in != NULL)
		fclose(in);
	return n > 0 && n < room;
}

struct fetcher *
fetcher_new(struct ev_loop *loop, const struct config *config, struct dns *dns, char *error,
    size_t error_size)
{
	struct fetcher *f = calloc(1, sizeof(*f));

	if (f == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		snprintf(error, error_size, "the HTTPS library does not start");
		free(f);
		return NULL;
	}
	f->loop = loop;
	f->dns = dns;
	f->multi = multi_new(loop, on_transfer);
	if (f->multi == NULL || !read_ca(f, config->tls.ca_file, error, error_size)) {
		fetcher_free(f);
		return NULL;
	}
	return f;
}

void
fetcher_free(struct fetcher *f)
{
	if (f == NULL)
		return;
	multi_free(f->multi);
	free(f->ca.data);
	curl_global_cleanup();
	free(f);
}
