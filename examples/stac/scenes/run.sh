# Runs the program that the build of the function "inspect" makes, with the arguments given.
exec bin/scenes "$@"
