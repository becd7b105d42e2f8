package report

// Hint explains an exit code and says what to do about it.
type Hint struct {
	Explanation, Resolution string
	Level                   int
}

const interrupted = 0xC000013A // Windows: Ctrl-C or Ctrl-Break

// HintOf explains an exit code; negative codes are signals.
func HintOf(code int) Hint {
	switch code {
	case -9:
		return Hint{"It was ended by SIGKILL: the system ran out of memory, or somebody killed it.", "If nobody did, give the run more memory.", Info}
	case -15:
		return Hint{"It was ended by SIGTERM: a shutdown or a cancellation.", "If the run was not cancelled, look for what stops processes on this machine.", Info}
	case -11, 139:
		return Hint{"It crashed (SIGSEGV), most likely in a library's native code.", "Look in the logs of the flow run for what it did last.", Error}
	case 1:
		return Hint{"Process exited with a general error.", "Look for an exception in the logs of the flow run.", Error}
	case 125:
		return Hint{"The container could not be run.", "Check the image, its entrypoint and the container engine.", Error}
	case 126:
		return Hint{"The command is not executable.", "Make the file executable and check its permissions.", Error}
	case 127:
		return Hint{"The command was not found.", "Install it where the run executes, or correct the command or PATH.", Error}
	case 137:
		return Hint{"It was killed, most likely because memory ran out.", "Give the run more memory.", Error}
	case 143:
		return Hint{"It was ended by SIGTERM inside its container.", "If the run was not cancelled, look for evictions or task stops.", Info}
	case 247:
		return Hint{"It was ended because it used too much memory.", "Give the run more memory, or find out what uses it.", Error}
	case interrupted:
		return Hint{"It was interrupted by Ctrl-C or Ctrl-Break.", "If that was meant, nothing is to be done.", Info}
	}
	if code < 0 {
		return Hint{"It was ended by a signal.", "Look in the logs of the flow run for what it did last.", Error}
	}
	return Hint{"Process exited with an unexpected status code.", "Check the logs of the flow run and of the infrastructure.", Error}
}
