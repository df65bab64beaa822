# Harnesses, a program each: as unit tests they run their corpus and their finds; `make fuzz` builds them with libFuzzer, `make fuzz-afl` with
# AFL++ (tests/fuzz/run.sh, docs/design/008).
FUZZ_SUBJECTS := wdf expr json wire event journal wfformat http
FUZZ_TESTS := $(FUZZ_SUBJECTS:%=tests/fuzz/%_fuzz.c)
FUZZ_OBJ := $(B)/obj/tests/fuzz/fuzz.o $(B)/obj/tests/fuzz/served.o
ALL_OBJ += $(FUZZ_OBJ) $(B)/obj/tests/fuzz/main.o

UNIT_TESTS += $(FUZZ_TESTS)
FUZZ_BIN := $(FUZZ_TESTS:%.c=$(B)/test/%)
ifdef LIBFUZZER
$(FUZZ_BIN): $(FUZZ_OBJ)
$(FUZZ_BIN): TEST_OBJ += $(FUZZ_OBJ)
$(FUZZ_BIN): WF_LDFLAGS += -fsanitize=fuzzer
else
$(FUZZ_BIN): $(FUZZ_OBJ) $(B)/obj/tests/fuzz/main.o
$(FUZZ_BIN): TEST_OBJ += $(FUZZ_OBJ) $(B)/obj/tests/fuzz/main.o
endif

.PHONY: fuzz-bin
fuzz-bin: $(FUZZ_BIN)

# Processor time for each subject; one of them: make fuzz FUZZ_SUBJECTS=wdf
FUZZ_CPU ?= 600
FUZZ_MAKE = $(MAKE) -s --no-print-directory fuzz-bin DEVELOPER=1

.PHONY: fuzz
fuzz: ## fuzz every subject with libFuzzer for FUZZ_CPU=600 s of processor time each
	@tools/deps.sh fuzz
	@$(FUZZ_MAKE) B=$(B)/libfuzzer LIBFUZZER=1 CC=clang SAN=address,undefined,fuzzer-no-link
	@bash tests/fuzz/run.sh libfuzzer $(B)/libfuzzer $(FUZZ_CPU) $(FUZZ_SUBJECTS)

.PHONY: fuzz-afl
fuzz-afl: ## the same with AFL++
	@tools/deps.sh fuzz
	@$(FUZZ_MAKE) B=$(B)/afl CC=afl-clang-fast SAN=address,undefined
	@bash tests/fuzz/run.sh afl $(B)/afl $(FUZZ_CPU) $(FUZZ_SUBJECTS)

.PHONY: fuzz-minimise
fuzz-minimise: ## the smallest corpora that reach what `make fuzz` reached, back to tests/fuzz/corpus
	@bash tests/fuzz/run.sh minimise $(B)/libfuzzer 0 $(FUZZ_SUBJECTS)

.PHONY: check-fuzz
check-fuzz: ## every subject for 30 s of processor time, from its corpus
	@$(MAKE) -s --no-print-directory fuzz FUZZ_CPU=30

TSAN_B := $(B)/tsan
.PHONY: check-tsan
check-tsan: ## unit tests and command line under ThreadSanitizer
	@tools/deps.sh check
	@$(MAKE) -s --no-print-directory all unit B=$(TSAN_B) SAN=thread DEVELOPER=1
	@$(MAKE) -s --no-print-directory check-unit check-cli B=$(TSAN_B) SAN=thread DEVELOPER=1 -k
