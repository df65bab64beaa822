PROGRAMS += wf-engine
wf-engine_MAIN := engine/main.c
wf-engine_FLOORS := api core store link loop dag wdf state base
wf-engine_LIBS := -lmicrohttpd -luv -lsqlite3 -lyaml -ljansson -lxxhash -lpthread -lm
