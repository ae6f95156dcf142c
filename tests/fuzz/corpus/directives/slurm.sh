#!/bin/bash
#SBATCH --job-name=tune
#SBATCH -n 4 -c 2 --mem=4000
#SBATCH --gres=gpu:h200:2,shard:1 --time=1-12
#SBATCH -d afterok:1:2,afterany:3 --signal=B:USR1@60
echo
