UNIT_TESTS += tests/unit/state/event_test.c
