# Unit tests: each folder below tests/unit adds its sources to UNIT_TESTS in a files.mk of its own.
TEST_SRC := tests/tap/tap.c
TEST_OBJ = $(patsubst %.c,$(B)/obj/%.o,$(TEST_SRC))
ALL_OBJ += $(TEST_OBJ)
include $(wildcard tests/unit/*/files.mk)
include tests/fuzz/files.mk
include tests/alloc/files.mk
include tests/fault/files.mk
