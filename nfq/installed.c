/* installed.c - the note of what was installed, so that its loss is noticed
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/installed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/wire.h"

#define MAGIC "postern-rules-1\n"
#define NOTE_MAX (32u << 20)	/* four rule sets of the largest size a program may print */
#define PATH_SIZE 4096
#define LOCK_NAP_NS 20000000L

/* Beside the folder of the control socket, which belongs to `user`: only root may write there. */
void
installed_path(const struct config *config, char *out, size_t size)
{
	const char *slash = strrchr(config->control, '/');
	size_t len = slash != NULL && slash != config->control ?
	    (size_t)(slash - config->control) : strlen(config->control);

	snprintf(out, size, "%.*s.rules", (int)len, config->control);
}

static void
put_text(struct wire_writer *w, const char *s)
{
	/* 0 is NULL, so that no text and an empty one are two things. */
	wire_put32(w, s != NULL ? (uint32_t)strlen(s) + 1 : 0);
	if (s != NULL)
		wire_put_bytes(w, s, strlen(s) + 1);
}

static bool
get_text(struct wire_reader *r, char **out)
{
	uint32_t len = wire_get32(r);

	*out = NULL;
	if (len == 0)
		return !r->bad;
	if (r->bad || len > (size_t)(r->end - r->p) || r->p[len - 1] != '\0')
		return false;
	*out = malloc(len);
	if (*out == NULL)
		return false;
	wire_get_bytes(r, *out, len);
	return strlen(*out) + 1 == len;
}

static bool
get_word(struct wire_reader *r, char *out, size_t size)
{
	const char *s = wire_get_string(r);

	return (size_t)snprintf(out, size, "%s", s) < size;
}

static void
encode(struct wire_writer *w, const struct installed *in)
{
	const struct ruleset *r = &in->rules;
	size_t i;

	wire_put_bytes(w, MAGIC, sizeof(MAGIC) - 1);
	put_text(w, r->chains[0]);
	put_text(w, r->chains[1]);
	put_text(w, r->nft);
	put_text(w, r->routes);
	put_text(w, in->canonical);
	wire_put32(w, (uint32_t)r->jumps_len);
	for (i = 0; i < r->jumps_len; i++) {
		wire_put8(w, r->jumps[i].v4);
		wire_put_string(w, r->jumps[i].table);
		wire_put_string(w, r->jumps[i].base);
		wire_put_string(w, r->jumps[i].chain);
		wire_put_string(w, r->jumps[i].match);
	}
}

static bool
decode_jumps(struct wire_reader *w, struct ruleset *r)
{
	uint32_t n = wire_get32(w);

	if (n > RULESET_JUMPS_MAX)
		return false;
	for (r->jumps_len = 0; r->jumps_len < n; r->jumps_len++) {
		struct ruleset_jump *jump = &r->jumps[r->jumps_len];

		jump->v4 = wire_get8(w) != 0;
		if (!get_word(w, jump->table, sizeof(jump->table)) ||
		    !get_word(w, jump->base, sizeof(jump->base)) ||
		    !get_word(w, jump->chain, sizeof(jump->chain)) ||
		    !get_word(w, jump->match, sizeof(jump->match)))
			return false;
	}
	return true;
}

static bool
decode(const void *p, size_t len, struct installed *out)
{
	char magic[sizeof(MAGIC) - 1] = "";
	struct wire_reader w;
	struct ruleset *r = &out->rules;

	*out = (struct installed){ .canonical = NULL };
	wire_read(&w, p, len);
	wire_get_bytes(&w, magic, sizeof(magic));
	if (memcmp(magic, MAGIC, sizeof(magic)) == 0 && get_text(&w, &r->chains[0]) &&
	    get_text(&w, &r->chains[1]) && get_text(&w, &r->nft) && get_text(&w, &r->routes) &&
	    get_text(&w, &out->canonical) && decode_jumps(&w, r) && wire_read_done(&w) &&
	    r->routes != NULL && out->canonical != NULL)
		return true;
	installed_free(out);
	return false;
}

/* The open file's octets; NULL with errno. */
static char *
slurp(int fd, size_t size)
{
	char *p = malloc(size + 1);
	size_t len = 0;

	while (p != NULL && len < size) {
		ssize_t n = read(fd, p + len, size - len);

		if (n > 0)
			len += (size_t)n;
		else if (n == 0 || errno != EINTR)
			break;
	}
	if (p != NULL && len < size) {
		free(p);
		errno = EIO;
		return NULL;
	}
	return p;
}

static enum installed_result
broken(const char *path, const char *why, char *error, size_t error_size)
{
	snprintf(error, error_size, "%.200s: %s", path, why);
	return INSTALLED_BROKEN;
}

enum installed_result
installed_read(const char *path, struct installed *out, char *error, size_t error_size)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	enum installed_result result = INSTALLED_YES;
	struct stat status;
	char *p = NULL;

	*out = (struct installed){ .canonical = NULL };
	if (fd < 0)
		return errno == ENOENT ? INSTALLED_NO :
		    broken(path, strerror(errno), error, error_size);
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
	    (status.st_uid != 0 && status.st_uid != geteuid()) ||
	    (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		result = broken(path, "not root's alone, so not believed", error, error_size);
	else if (status.st_size < 1 || status.st_size > (off_t)NOTE_MAX ||
	    (p = slurp(fd, (size_t)status.st_size)) == NULL ||
	    !decode(p, (size_t)status.st_size, out))
		result = broken(path, "damaged", error, error_size);
	free(p);
	close(fd);
	return result;
}

static size_t
length(const struct installed *in)
{
	const struct ruleset *r = &in->rules;
	const char *const texts[] = { r->chains[0], r->chains[1], r->nft, r->routes,
		in->canonical };
	size_t len = sizeof(MAGIC) + r->jumps_len * sizeof(r->jumps[0]) * 2 + 64, i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		len += texts[i] != NULL ? strlen(texts[i]) + 8 : 8;
	return len;
}

static bool
write_all(int fd, const unsigned char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return true;
}

/* Whole or not at all: under another name first. */
static bool
store(const char *path, const unsigned char *p, size_t len)
{
	char fresh[PATH_SIZE];
	int fd;
	bool ok;

	snprintf(fresh, sizeof(fresh), "%.4000s.new", path);
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return false;
	ok = fchmod(fd, 0644) == 0 && write_all(fd, p, len);
	ok = close(fd) == 0 && ok && rename(fresh, path) == 0;
	if (!ok)
		unlink(fresh);
	return ok;
}

bool
installed_write(const char *path, const struct installed *in, char *error, size_t error_size)
{
	size_t size = length(in);
	unsigned char *p = size <= NOTE_MAX ? malloc(size) : NULL;
	struct wire_writer w;
	bool ok;

	if (p == NULL) {
		snprintf(error, error_size, "%.200s: too large", path);
		return false;
	}
	wire_write(&w, p, size);
	encode(&w, in);
	errno = EFBIG;
	ok = wire_written(&w) > 0 && store(path, p, wire_written(&w));
	if (!ok)
		snprintf(error, error_size, "%.200s: %s", path, strerror(errno));
	free(p);
	return ok;
}

bool
installed_remove(const char *path, char *error, size_t error_size)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return true;
	snprintf(error, error_size, "%.200s: %s", path, strerror(errno));
	return false;
}

void
installed_free(struct installed *i)
{
	ruleset_free(&i->rules);
	free(i->canonical);
	i->canonical = NULL;
}

int
installed_lock(const char *path, unsigned wait_ms)
{
	const struct timespec nap = { 0, LOCK_NAP_NS };
	char name[PATH_SIZE];
	unsigned waited;
	int fd, problem;

	snprintf(name, sizeof(name), "%.4000s.lock", path);
	fd = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		/* Whoever may read it can hold it. */
		fd = open(name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	for (waited = 0; fd >= 0; waited += (unsigned)(LOCK_NAP_NS / 1000000)) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		if ((errno != EWOULDBLOCK && errno != EINTR) || waited >= wait_ms)
			break;
		nanosleep(&nap, NULL);
	}
	problem = errno;
	if (fd >= 0)
		close(fd);
	errno = problem;
	return -1;
}
