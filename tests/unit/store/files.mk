UNIT_TESTS += \
	tests/unit/store/commit_test.c \
	tests/unit/store/disk_test.c \
	tests/unit/store/fault_test.c \
	tests/unit/store/full_test.c \
	tests/unit/store/migrate_test.c \
	tests/unit/store/recover_test.c \
	tests/unit/store/store_test.c \
	tests/unit/store/tail_test.c
