UNIT_TESTS += tests/unit/state/event_test.c
UNIT_TESTS += tests/replay/replay_test.c
