package report

// Hint explains an exit code and says what to do about it.
type Hint struct {
	Explanation, Resolution string
	Level                   int
}

const interrupted = 0xC000013A // Windows: Ctrl-C or Ctrl-Break

// hints are the exit codes that say something; negative ones are signals.
var hints = map[int]Hint{
	-9:          {"It was ended by SIGKILL: the system ran out of memory, or somebody killed it.", "If nobody did, give the run more memory.", Info},
	-15:         {"It was ended by SIGTERM: a shutdown or a cancellation.", "If the run was not cancelled, look for what stops processes on this machine.", Info},
	-11:         {"It crashed (SIGSEGV), most likely in a library's native code.", "Look in the logs of the flow run for what it did last.", Error},
	139:         {"It crashed (SIGSEGV), most likely in a library's native code.", "Look in the logs of the flow run for what it did last.", Error},
	1:           {"Process exited with a general error.", "Look for an exception in the logs of the flow run.", Error},
	125:         {"The container could not be run.", "Check the image, its entrypoint and the container engine.", Error},
	126:         {"The command is not executable.", "Make the file executable and check its permissions.", Error},
	127:         {"The command was not found.", "Install it where the run executes, or correct the command or PATH.", Error},
	137:         {"It was killed, most likely because memory ran out.", "Give the run more memory.", Error},
	143:         {"It was ended by SIGTERM inside its container.", "If the run was not cancelled, look for evictions or task stops.", Info},
	247:         {"It was ended because it used too much memory.", "Give the run more memory, or find out what uses it.", Error},
	interrupted: {"It was interrupted by Ctrl-C or Ctrl-Break.", "If that was meant, nothing is to be done.", Info},
}

// HintOf explains an exit code; negative codes are signals.
func HintOf(code int) Hint {
	if hint, ok := hints[code]; ok {
		return hint
	}
	if code < 0 {
		return Hint{"It was ended by a signal.", "Look in the logs of the flow run for what it did last.", Error}
	}
	return Hint{"Process exited with an unexpected status code.", "Check the logs of the flow run and of the infrastructure.", Error}
}
