UNIT_TESTS += \
	tests/unit/contract/agent_contract_test.c \
	tests/unit/contract/agent_fault_test.c \
	tests/unit/contract/fake_agent_test.c \
	tests/unit/contract/local_agent_test.c

# The fake agent and the engine's end of a link are at hand for every test.
TEST_SRC += \
	tests/contract/peer.c \
	tests/fakes/fake_agent.c

PROGRAMS += wf-fake-agent
wf-fake-agent_MAIN := tests/fakes/agent_main.c
wf-fake-agent_FLOORS := agent link loop base
wf-fake-agent_LIBS := $(B)/obj/tests/fakes/fake_agent.o $(B)/obj/tests/fakes/quick_agent.o $(B)/lib/libagent.a $(B)/lib/liblink.a $(B)/lib/libloop.a $(B)/lib/libbase.a \
	-luv -ljansson -lpthread
$(B)/bin/wf-fake-agent: $(B)/obj/tests/fakes/fake_agent.o $(B)/obj/tests/fakes/quick_agent.o
ALL_OBJ += $(B)/obj/tests/fakes/quick_agent.o
