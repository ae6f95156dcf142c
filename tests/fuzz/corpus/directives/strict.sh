!
#SBATCH --frobnicate
##SBATCH -x
#STINT --name 'open
