/* dns_load.c - for tests/bench/bench: DNS answers at a steady rate, SYNs by the thousand, a counter
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dns_load send SOURCE TO RATE SECONDS DOMAINS	answers from SOURCE:53 to TO:5353; prints how many
 * dns_load count SECONDS			what arrives at port 5353 within; prints how many
 * dns_load syn COUNT				one SYN to each of COUNT addresses, 198.19.0.1 and up */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TARGET_PORT 5353
#define BATCH 32
#define MESSAGE_MAX 256

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
pause_s(double s)
{
	struct timespec t = { .tv_sec = (time_t)s };

	t.tv_nsec = (long)((s - (double)t.tv_sec) * 1e9);
	if (s > 0)
		nanosleep(&t, NULL);
}

static struct sockaddr_in
address(const char *ip, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, ip, &a.sin_addr) != 1)
		exit(EXIT_FAILURE);
	return a;
}

static size_t
put(unsigned char *p, size_t at, const void *bytes, size_t len)
{
	memcpy(p + at, bytes, len);
	return at + len;
}

/* One domain's MX answer (two hosts), or the address of its first host. */
static size_t
answer(unsigned char *p, unsigned n, int mx)
{
	static const unsigned char flags[] = { 0x81, 0x80, 0, 1 };
	static const unsigned char tail[] = { 5, 'b', 'e', 'n', 'c', 'h', 7, 'e', 'x', 'a', 'm', 'p',
	    'l', 'e', 0 };
	unsigned char host[4] = { 198, 19, (unsigned char)(n / 250), (unsigned char)(n % 250 + 1) };
	char label[16];
	size_t at = 2, owner;
	int len, i;

	p[0] = (unsigned char)(n >> 8);
	p[1] = (unsigned char)n;
	at = put(p, at, flags, 4);
	at = put(p, at, mx ? "\0\2\0\0\0\0" : "\0\1\0\0\0\0", 6);
	owner = at;
	len = snprintf(label, sizeof(label), "\7d%06u", n);
	if (!mx)
		at = put(p, at, "\3mx0", 4);
	at = put(p, at, label, (size_t)len);
	at = put(p, at, tail, sizeof(tail));
	at = put(p, at, mx ? "\0\17\0\1" : "\0\1\0\1", 4);
	for (i = 0; i < (mx ? 2 : 1); i++) {
		unsigned char to[2] = { 0xc0, (unsigned char)owner };

		at = put(p, at, to, 2);
		at = put(p, at, mx ? "\0\17\0\1\0\0\1\54" : "\0\1\0\1\0\0\1\54", 8);
		if (mx) {
			at = put(p, at, i == 0 ? "\0\10\0\12\3mx0" : "\0\10\0\24\3mx1", 8);
			at = put(p, at, to, 2);
		} else {
			at = put(p, at, "\0\4", 2);
			at = put(p, at, host, 4);
		}
	}
	return at;
}

static int
flood(const char *source, const char *target, double rate, double seconds, unsigned domains)
{
	static unsigned char messages[BATCH][MESSAGE_MAX];
	struct sockaddr_in from = address(source, 53), to = address(target, TARGET_PORT);
	struct mmsghdr batch[BATCH];
	struct iovec parts[BATCH];
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1, i, done;
	unsigned long sent = 0;
	double start = now();

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) != 0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		return EXIT_FAILURE;
	memset(batch, 0, sizeof(batch));
	while (now() - start < seconds) {
		for (i = 0; i < BATCH; i++) {
			unsigned long n = sent + (unsigned long)i;

			parts[i].iov_base = messages[i];
			parts[i].iov_len = answer(messages[i], (unsigned)(n / 2 % domains),
			    n % 2 == 0);
			batch[i].msg_hdr.msg_iov = &parts[i];
			batch[i].msg_hdr.msg_iovlen = 1;
		}
		done = sendmmsg(fd, batch, BATCH, 0);
		if (done < 0 && errno != ECONNREFUSED && errno != ENOBUFS)
			return EXIT_FAILURE;
		sent += done > 0 ? (unsigned long)done : 0;
		pause_s((double)sent / rate - (now() - start));
	}
	printf("%lu\n", sent);
	return EXIT_SUCCESS;
}

static int
count(double seconds)
{
	struct sockaddr_in here = address("0.0.0.0", TARGET_PORT);
	struct timeval wait = { .tv_usec = 100000 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 8 << 20;
	unsigned char buffer[MESSAGE_MAX];
	unsigned long n = 0;
	double end = now() + seconds;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (bind(fd, (const struct sockaddr *)&here, sizeof(here)) != 0)
		return EXIT_FAILURE;
	puts("ready");
	fflush(stdout);
	while (now() < end)
		n += recv(fd, buffer, sizeof(buffer), 0) >= 0;
	printf("%lu\n", n);
	return EXIT_SUCCESS;
}

static int
syns(unsigned n)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	char ip[32];
	unsigned i;

	for (i = 0; i < n; i++) {
		struct sockaddr_in to;
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		snprintf(ip, sizeof(ip), "198.19.%u.%u", i / 250 % 256, i % 250 + 1);
		to = address(ip, 25);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0 &&
		    errno != EINPROGRESS)
			return EXIT_FAILURE;
		if (i % 64 == 63)
			pause_s(0.005);
		close(fd);
	}
	printf("%u\n", n);
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "send") == 0)
		return flood(argv[2], argv[3], atof(argv[4]), atof(argv[5]), (unsigned)atoi(argv[6]));
	if (argc == 3 && strcmp(argv[1], "count") == 0)
		return count(atof(argv[2]));
	if (argc == 3 && strcmp(argv[1], "syn") == 0)
		return syns((unsigned)atoi(argv[2]));
	fputs("usage: see the head of dns_load.c\n", stderr);
	return 2;
}
