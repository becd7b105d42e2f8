// Package acceptance runs what users type: the scripts below testdata, one
// directory per noun, execute the built binary against real servers, ours and
// the reference's. Beside testscript's own words a script can say
//
//	usher flow-run ls           run usher; it has to end well
//	exits 3 usher flow rm x     run a program and expect its exit code
//	example usher profile ls    run an example of the help, in a shell
//	example-until 'ready' '…'   the same for one that runs until it is stopped
//	example-parses '…'          check the words only: it needs a fixed port, say
//	prefect config view         run the reference's command line
//	server usher                start our server; PREFECT_API_URL leads to it
//	server reference            start the reference's server, likewise
//	cloud FILE                  play Prefect Cloud: answer requests as the file says
//	python                      put a Python that has prefect on the PATH
//	shell bash|zsh|fish  put a shell into bin, installing it if it is missing
//	port NAME...                put the number of a free port into variables
//	keyring [locked|stuck]      start a desktop session with a keyring
//	tty 80 talk 0 usher ...     run at a terminal of 80 columns with the dialogue
//	                            of the file talk, expecting exit code 0; what it
//	                            showed is in the file screen
//
// Every example of every command's help must stand in some script behind one of
// the example words.
package acceptance
