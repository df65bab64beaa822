UNIT_TESTS += tests/unit/base/base_test.c
UNIT_TESTS += tests/unit/base/os_test.c
