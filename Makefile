# postern - see README.md. The first `make demo` or `make check` on a fresh Debian 12 installs what it needs.
# SPDX-License-Identifier: GPL-3.0-or-later

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
SYSCONFDIR ?= /etc
SYSTEMDDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
FUZZ_SECONDS ?= 300

VERSION := 0.1.0
FOLDERS := tls policy proxy nfq record daemon ctl

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Wundef -Wstrict-prototypes \
	-Wmissing-prototypes -Wswitch-enum -Werror
HARDEN := -fstack-protector-strong -fPIE
CPPFLAGS += -I. -D_GNU_SOURCE -DPOSTERN_VERSION='"$(VERSION)"'

ifdef SANITIZE
CC := clang
BUILD := build/sanitize
CFLAGS += -std=c17 -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined $(WARNINGS) $(HARDEN)
LDFLAGS += -fsanitize=address,undefined -pie
else
ifeq ($(origin CC),default)
CC := gcc
endif
BUILD := build
CFLAGS += -std=c17 -O2 -g $(WARNINGS) $(HARDEN)
CPPFLAGS += -D_FORTIFY_SOURCE=2
LDFLAGS += -pie -Wl,-z,relro,-z,now
endif

LDLIBS := -Wl,--as-needed -lssl -lcrypto -lcares -lcurl -llmdb -lfyaml -ljansson -lcap-ng -lseccomp -lidn2 -lev -lnetfilter_queue -lmnl -lm

MAINS := daemon/main.c ctl/posternctl.c
SOURCES := $(filter-out $(MAINS),$(foreach d,$(FOLDERS),$(wildcard $(d)/*.c)))
OBJECTS := $(SOURCES:%.c=$(BUILD)/obj/%.o)
LIBRARY := $(BUILD)/libpostern.a
UNITS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*_test.c))
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))

# One short line a file; V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $@)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all deps demo check check-built lint fuzz fuzzers bench benches deb install clean

all: $(BUILD)/posternd $(BUILD)/posternctl

$(BUILD)/posternd: $(BUILD)/obj/daemon/main.o $(LIBRARY)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/posternctl: $(BUILD)/obj/ctl/posternctl.o $(LIBRARY)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(call say,AR)
	$(Q)ar qcs $@ $^

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)

units: $(UNITS)

benches: $(BENCHES)

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Every fuzz target, and the code under it, built by clang with libFuzzer and the sanitizers.
build/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)clang $(CPPFLAGS) -std=c17 -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	    -fno-sanitize-recover=undefined $(WARNINGS) -MMD -MP -c -o $@ $<

build/fuzz/libpostern.a: $(SOURCES:%.c=build/fuzz/obj/%.o)
	@rm -f $@
	$(call say,AR)
	$(Q)ar qcs $@ $^

build/fuzz/%: build/fuzz/obj/tests/fuzz/%.o build/fuzz/libpostern.a
	$(call say,LD)
	$(Q)clang -fsanitize=fuzzer,address,undefined -o $@ $^ $(LDLIBS)

fuzzers: $(FUZZERS)

# Each target for FUZZ_SECONDS, two at a time; what is found lands in build/fuzz/found.
fuzz:
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory -j2 fuzzers
	@tests/tools/fuzz $(FUZZ_SECONDS) $(notdir $(FUZZERS))

deps:
	@tests/tools/deps

check:
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory -j2 all units benches fuzzers $(if $(SANITIZE),SANITIZE=1)
	@BUILD=$(BUILD) tests/tools/check $(CHECK)

demo:
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory -j2 all
	@BUILD=$(BUILD) tests/lab/demo

# Targets beside what is measured: a table, $(BUILD)/speed.json and $(BUILD)/speed.svg. BENCH: "quick", or
# some workloads ("w1 w3"); see tests/bench/bench.
bench:
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory -j2 all benches
	@BUILD=$(BUILD) tests/bench/bench $(BENCH)

lint:
	@$(MAKE) --no-print-directory deps
	@tests/tools/lint

# Puts everything in place; enables and starts nothing.
install: all
	install -D -m 0755 $(BUILD)/posternd $(DESTDIR)$(SBINDIR)/posternd
	install -D -m 0755 $(BUILD)/posternctl $(DESTDIR)$(SBINDIR)/posternctl
	install -D -m 0644 docs/postern.yaml.example $(DESTDIR)$(SYSCONFDIR)/postern/postern.yaml.example
	install -D -m 0644 systemd/postern.logrotate $(DESTDIR)$(SYSCONFDIR)/logrotate.d/postern
	install -D -m 0644 systemd/postern.sysusers $(DESTDIR)$(SYSUSERSDIR)/postern.conf
	install -D -m 0644 systemd/postern.tmpfiles $(DESTDIR)$(TMPFILESDIR)/postern.conf
	install -d $(DESTDIR)$(SYSTEMDDIR)
	for unit in posternd postern-guard; do \
		sed 's,@SBINDIR@,$(SBINDIR),g; s,@SYSCONFDIR@,$(SYSCONFDIR),g' \
		    systemd/$$unit.service.in >$(DESTDIR)$(SYSTEMDDIR)/$$unit.service && \
		chmod 0644 $(DESTDIR)$(SYSTEMDDIR)/$$unit.service || exit 1; \
	done
	for page in docs/*.[578]; do \
		install -D -m 0644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$$(basename $$page); \
	done
	@$(if $(DESTDIR),:,SYSCONFDIR=$(SYSCONFDIR) systemd/next-steps)

deb:
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory -j2 all
	@tests/tools/deb $(VERSION)

clean:
	rm -rf build

-include $(OBJECTS:.o=.d) $(wildcard $(BUILD)/obj/*/*.d $(BUILD)/obj/tests/*/*.d build/fuzz/obj/*/*.d \
	build/fuzz/obj/tests/*/*.d)
.SECONDARY:
