#!/bin/sh
#STINT --gpus 0.25 --gpu-memory 10G --memory 1.5T -t 2h30m # c
#STINT --model ./x --data org/y@sha256:00 --env A=1 --purpose "a \" b"
#STINT --after any:1,fail:2 --begin now+2h --locality strict
