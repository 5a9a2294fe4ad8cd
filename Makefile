# factfs: make, make check, make install; make bench, make torture, make lake-readers. SANITIZER=address|thread|undefined builds beside the normal build.
# make fuzz needs clang and its libclang-rt: scripts/dependencies fuzz.
SHELL   := /bin/bash
VERSION := 0.1.0
PREFIX  ?= /usr/local
# mount(8) looks for its helpers in /sbin alone.
SBINDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),/sbin,$(PREFIX)/sbin)
DESTDIR ?=
CC      ?= gcc
SANITIZER ?=

comma := ,
BUILD := build$(if $(SANITIZER),/$(subst $(comma),-,$(SANITIZER)))

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wformat=2 -Wundef \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Werror
PACKAGES := fuse3 sqlite3 libcjson libcrypto libcurl libwebsockets libzstd zlib
# Debian's static library of QuickJS has no pkg-config file.
QUICKJS  := $(firstword $(wildcard /usr/lib/*/quickjs/libquickjs.a))
SANITIZE := $(if $(SANITIZER),-fsanitize=$(SANITIZER) -fno-omit-frame-pointer -O1,-O2)
CFLAGS   ?= -g
CPPFLAGS += -D_GNU_SOURCE -DFUSE_USE_VERSION=312 -D_FILE_OFFSET_BITS=64 -DFACTFS_VERSION='"$(VERSION)"' -I.
ALL_CFLAGS = -std=c17 $(WARNINGS) $(SANITIZE) $(shell pkg-config --cflags $(PACKAGES)) $(CPPFLAGS) $(CFLAGS) -pthread -MMD -MP
LDLIBS   = $(shell pkg-config --libs $(PACKAGES)) -pthread
LDFLAGS += $(if $(SANITIZER),-fsanitize=$(SANITIZER))

STORE := $(patsubst %.c,$(BUILD)/%.o,$(wildcard store/*.c store/sqlite/*.c))
HOOKS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard hooks/*.c hooks/*/*.c))
MOUNT := $(patsubst %.c,$(BUILD)/%.o,$(wildcard fs/*.c web/*.c cli/*.c))
STORE_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/*/*_test.c))
FUZZERS := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
REPLAYS := $(FUZZERS:%=$(BUILD)/tests/fuzz/%_replay)
TOOLS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/bench/*.c tests/torture/*.c tests/mount/*.c) \
  $(filter-out %_test.c,$(wildcard tests/lake/*.c)))

.PHONY: all tests check store-tests mount-tests format lint fuzz bench bench-large torture lake-readers install clean
all: $(BUILD)/factfs

$(BUILD)/factfs: $(MOUNT) $(BUILD)/libhooks.a $(BUILD)/libstore.a
	$(CC) $(LDFLAGS) -o $@ $^ $(QUICKJS) $(LDLIBS) -lm -ldl

$(BUILD)/libhooks.a: $(HOOKS)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/libstore.a: $(STORE)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/tests/%: tests/%.c $(BUILD)/libhooks.a $(BUILD)/libstore.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libhooks.a $(BUILD)/libstore.a $(QUICKJS) $(LDLIBS) -lm -ldl

$(BUILD)/tests/fuzz/%_replay: tests/fuzz/%_fuzz.c tests/fuzz/replay.c $(BUILD)/libstore.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(filter %.c,$^) $(BUILD)/libstore.a $(LDLIBS)

tests: all $(STORE_TESTS) $(TOOLS) $(REPLAYS)

# FUZZ_RUNS executions of each; what it finds new goes to build/fuzz/corpus/NAME.
FUZZ_RUNS ?= 10000000
fuzz:
	@scripts/dependencies fuzz
	@$(MAKE) -s BUILD=build/fuzz CC=clang CFLAGS='-g -O2 -fsanitize=fuzzer-no-link -fno-sanitize-recover=undefined' SANITIZER=address,undefined \
	  $(FUZZERS:%=build/fuzz/%_fuzz)
	@for name in $(FUZZERS); do \
	  mkdir -p build/fuzz/corpus/$$name; \
	  echo "# $$name"; \
	  build/fuzz/$${name}_fuzz -runs=$(FUZZ_RUNS) -max_len=1024 -print_final_stats=1 -verbosity=0 \
	    -artifact_prefix=build/fuzz/ build/fuzz/corpus/$$name tests/fuzz/corpus/$$name || exit 1; \
	done

build/fuzz/%_fuzz: tests/fuzz/%_fuzz.c build/fuzz/libstore.a
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -o $@ $< build/fuzz/libstore.a $(LDLIBS)

store-tests: $(STORE_TESTS)
	@status=0; for t in $(STORE_TESTS); do $$t || status=1; done; exit $$status

mount-tests: tests
	FACTFS=$(CURDIR)/$(BUILD)/factfs BUILD=$(CURDIR)/$(BUILD) bats tests/mount

check: format lint store-tests mount-tests

format:
	@command -v clang-format >/dev/null && clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h') || test ! -x "$$(command -v clang-format)"

lint:
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	  --suppress=missingIncludeSystem -D_GNU_SOURCE -DFUSE_USE_VERSION=312 -I. store hooks fs web cli

bench: tests
	tests/bench/run $(BUILD)

bench-large: tests
	tests/bench/run $(BUILD) --large

torture: tests
	tests/torture/run $(BUILD)

lake-readers: all
	tests/lake/readers_table.py $(BUILD)

install: all
	install -Dm755 $(BUILD)/factfs $(DESTDIR)$(PREFIX)/bin/factfs
	install -d $(DESTDIR)$(SBINDIR)
	ln -sf $(PREFIX)/bin/factfs $(DESTDIR)$(SBINDIR)/mount.fuse.factfs
	install -Dm644 packaging/factfs.8 $(DESTDIR)$(PREFIX)/share/man/man8/factfs.8
	install -d $(DESTDIR)$(PREFIX)/share/man/man5
	install -m644 packaging/factfs-*.5 $(DESTDIR)$(PREFIX)/share/man/man5
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	install -m644 packaging/factfs-*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -Dm644 packaging/factfs@.service $(DESTDIR)$(PREFIX)/lib/systemd/system/factfs@.service

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
