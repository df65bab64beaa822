# Allocation failures: a program whose memory is its own, so there is none with a sanitizer, which brings another.
ifndef SAN
ALLOC_OBJ := $(B)/obj/tests/alloc/memory.o $(B)/obj/tests/alloc/trial.o
ALL_OBJ += $(ALLOC_OBJ)
UNIT_TESTS += tests/alloc/alloc_test.c
$(B)/test/tests/alloc/alloc_test: $(ALLOC_OBJ)
$(B)/test/tests/alloc/alloc_test: TEST_OBJ += $(ALLOC_OBJ)

# 0 is all of them, some 24,000: an hour.
ALLOC_PLACES ?= 0
.PHONY: check-alloc
check-alloc: all $(B)/test/tests/alloc/alloc_test ## fail each allocation of submit, restart and API, one at a time (ALLOC_PLACES=N: N of each)
	@$(B)/test/tests/alloc/alloc_test $(ALLOC_PLACES)
endif
