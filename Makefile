# SPDX-License-Identifier: GPL-2.0-only
# agent-lock. Everything that is made goes below out/; `make` needs neither root nor a kernel with BTF.
#
#   make             agent-lock and agent-lockd
#   make toolchain   install what is needed to build and test (Debian; names it where it may not install)
#   make check       build, unit tests here, kernel tests in guests: what CI runs
#   make fuzz        each fuzzer for FUZZ_SECONDS
#   make soak        the daemon killed SOAK times while two users work
#   make vm          a guest: make vm KERNEL=6.12 [CMD='...']
#   make adversary every known way out of a session, tried on each kernel
#   make demo        the whole story in two minutes
#   make bench       what system calls cost, in instructions: without agent-lock, with it, and with others
#   make veristat    what the kernel's verifier had to do for each BPF program
#   make clean

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= /usr/sbin/bpftool
OUT := out
KERNEL ?= 6.12
KERNELS ?= 6.1 6.12 7
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith -Wformat=2
CFLAGS ?= -O2 -g
CPPFLAGS_ALL := -D_GNU_SOURCE -I$(OUT)/bpf -Ilib -Ibpf $(CPPFLAGS)
CFLAGS_ALL := -std=gnu11 $(WARNINGS) $(CFLAGS)
LDLIBS := -lbpf -lelf -lz -lcgroup -linih
BPF_ARCH ?= $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
BPF_FLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -D__TARGET_ARCH_$(BPF_ARCH) \
	-Ibpf $(addprefix -I,$(wildcard /usr/include/$(shell $(CC) -print-multiarch)))

LIB := $(patsubst lib/%.c,$(OUT)/lib/%.o,$(wildcard lib/*.c))
BPF := $(patsubst bpf/%.bpf.c,$(OUT)/bpf/%.bpf.o,$(wildcard bpf/*.bpf.c))
SKELETON := $(OUT)/bpf/agent_lock.skel.h
UNIT := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(wildcard tests/unit/test_*.c))
BENCH := $(patsubst tests/bench/%.c,$(OUT)/tests/%,$(wildcard tests/bench/*.c))
HELPERS := $(patsubst tests/kernel/%.c,$(OUT)/tests/%,$(wildcard tests/kernel/*.c))
LIB_SOURCES := $(wildcard lib/*.c)
# The daemon without its main(), to be fuzzed.
DAEMON_SOURCES := $(filter-out %/main.c,$(wildcard cmd/agent-lockd/*.c))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: adversary all bench toolchain check check-clang check-unit check-host fuzz soak vm demo veristat clean test-helpers contract

all: $(OUT)/agent-lock $(OUT)/agent-lockd contract

$(OUT)/agent-lock: $(patsubst %.c,$(OUT)/%.o,$(wildcard cmd/agent-lock/*.c)) $(OUT)/lib.a
$(OUT)/agent-lockd: $(patsubst %.c,$(OUT)/%.o,$(wildcard cmd/agent-lockd/*.c)) $(OUT)/lib.a
$(OUT)/agent-lock $(OUT)/agent-lockd:
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/lib.a: $(LIB)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(OUT)/%.o: %.c | $(SKELETON)
	@echo "  CC      $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(OUT)/bpf/%.bpf.o: bpf/%.bpf.c
	@echo "  BPF     $<"
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_FLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c -o $@ $<

$(OUT)/bpf/agent_lock.o: $(BPF)
	$(Q)$(BPFTOOL) gen object $@ $^

$(SKELETON): $(OUT)/bpf/agent_lock.o
	@echo "  SKEL    $@"
	$(Q)$(BPFTOOL) gen skeleton $< name agent_lock > $@

# What both halves share has no holes: the compiler checks it for this header alone.
contract: bpf/agent_lock.h
	$(Q)$(CC) -std=gnu11 -Wpadded -Werror -fsyntax-only -x c $<

toolchain:
	$(Q)ci/deps all

# Unit tests need no root; they run under the address and undefined behaviour sanitizers.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g
$(OUT)/san/%.o: %.c | $(SKELETON)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) -std=gnu11 $(WARNINGS) $(SANITIZE) -MMD -MP -c -o $@ $<
$(OUT)/unit/%: $(OUT)/san/tests/unit/%.o $(patsubst %.c,$(OUT)/san/%.o,$(LIB_SOURCES))
	@echo "  LD      $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANITIZE) -o $@ $^ $(LDLIBS)

define helper
	@echo "  CC      $<"
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -O1 -g -static -o $@ $<
endef
$(OUT)/tests/%: tests/kernel/%.c
	$(helper)
$(OUT)/tests/%: tests/bench/%.c
	$(helper)

# This one speaks to the daemon with the library's own tongue.
$(OUT)/tests/requests: $(OUT)/tests/kernel/requests.o $(OUT)/lib.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# One program: the ways out of a session, a file for each family.
ADVERSARY := $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/adversary/*.c))
$(OUT)/tests/adversary/%.o: tests/adversary/%.c
	@echo "  CC      $<"
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -O1 -g -MMD -MP -c -o $@ $<
$(OUT)/agent-lock-adversary: $(ADVERSARY)
	@echo "  LD      $@"
	$(Q)$(CC) -static -pthread -o $@ $^

test-helpers: $(HELPERS) $(OUT)/agent-lock-adversary

# The other compiler must be content too; nothing of what it makes is used.
check-clang: | $(SKELETON)
	@echo "  CLANG   lib cmd tests"
	$(Q)for f in $(wildcard lib/*.c cmd/*/*.c tests/unit/*.c); do \
		$(CLANG) $(CPPFLAGS_ALL) -std=gnu11 $(WARNINGS) -fsyntax-only $$f || exit 1; done

check-unit: $(UNIT)
	$(Q)for t in $^; do $$t || exit 1; done

# Each fuzzer for so many seconds, from its corpus; what it finds is left in out/fuzz.
FUZZ_SECONDS ?= 10
FUZZERS := $(patsubst tests/fuzz/%.c,$(OUT)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
$(OUT)/fuzz/fuzz_requests: $(DAEMON_SOURCES) $(wildcard cmd/agent-lockd/*.h)
$(OUT)/fuzz/%: tests/fuzz/%.c $(LIB_SOURCES) $(wildcard lib/*.h) bpf/agent_lock.h | $(SKELETON)
	@echo "  FUZZER  $@"
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS_ALL) -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-o $@ $(filter %.c,$^) $(LDLIBS)

fuzz: $(FUZZERS)
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) ci/check fuzz

check: toolchain
	$(Q)$(MAKE) --no-print-directory all check-clang $(UNIT) $(FUZZERS) test-helpers
	$(Q)KERNELS="$(KERNELS)" ci/check

# The same kernel tests on this machine, as root, if it can enforce.
check-host: all test-helpers
	$(Q)out/agent-lock doctor
	$(Q)sh tests/kernel/run.sh

# Every way out that is known, tried with and without a session, as a user and as root.
adversary: all test-helpers
	$(Q)for k in $(KERNELS); do echo "kernel $$k"; ci/vm -k $$k -n adversary-$$k -- sh tests/adversary/run || exit 1; done

# A second or more each, under emulation some. SOAK_SEED repeats what was random.
SOAK ?= 1000
soak: all test-helpers
	$(Q)ci/vm -k $(KERNEL) -n soak --timeout $$((600 + 20 * $(SOAK))) -- \
		'SOAK=$(SOAK) SOAK_SEED=$(SOAK_SEED) TEST_TIMEOUT=$$((500 + 20 * $(SOAK))) sh tests/kernel/run.sh soak'

vm: all test-helpers
	$(Q)ci/vm -k $(KERNEL) $(if $(CMD),-- '$(CMD)')

# DEPTHS: directories above what is worked on, / among them.
bench: all $(BENCH) $(OUT)/tests/become
	$(Q)for k in $(KERNELS); do echo "kernel $$k"; \
		ci/vm -k $$k -n bench-$$k --icount -- sh tests/bench/run $(DEPTHS) >$(OUT)/bench-$$k.txt || exit 1; \
		tests/bench/table $(OUT)/bench-$$k.txt; done

veristat: all
	$(Q)if out/agent-lock doctor >/dev/null 2>&1; then out/agent-lockd --verified; \
	else for k in $(KERNELS); do echo "kernel $$k"; ci/vm -k $$k -- out/agent-lockd --verified || exit 1; done; fi

demo:
	$(Q)tests/demo/demo

clean:
	rm -rf $(OUT)

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
