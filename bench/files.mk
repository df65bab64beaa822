# The speed of it all, card by card: `make bench`. What a card needs beside the programs is built and installed here alone.
BENCH := $(B)/bench
bench_programs := $(BENCH)/wf-bench-floor $(BENCH)/wf-bench-post

$(BENCH)/wf-bench-floor: $(B)/obj/bench/floor.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(WF_LDFLAGS) -o $@ $< -lsqlite3
$(BENCH)/wf-bench-post: $(B)/obj/bench/post.o $(call lib,core store link loop services dag wdf state base)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(WF_LDFLAGS) -o $@ $< -Wl,--start-group $(call lib,core store link loop services dag wdf state base) -Wl,--end-group $(TEST_LIBS)
ALL_OBJ += $(B)/obj/bench/floor.o $(B)/obj/bench/post.o

.PHONY: bench bench-programs
bench-programs: $(bench_programs) ## build what the cards measure with

# CARD=B1 (or several, with commas) runs only that; QUICK=1 takes small sizes.
bench: ## the speed beside floors and peers, into $(B)/bench.json; CARD=B1 for one card, QUICK=1 for small sizes
	@tools/deps.sh bench
	@$(MAKE) -s --no-print-directory all bench-programs $(BENCH)/schedule
	@B=$(abspath $(B)) CARD=$(CARD) QUICK=$(QUICK) BENCH_DIR=$(BENCH_DIR) python3 -B bench/bench.py
