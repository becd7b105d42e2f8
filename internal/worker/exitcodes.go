package worker

import "github.com/usherhq/usher/internal/worker/report"

// hint explains an exit code and says what to do about it.
type hint struct {
	explanation, resolution string
	level                   int
}

const interrupted = 0xC000013A // Windows: Ctrl-C or Ctrl-Break

// hintOf explains an exit code; negative codes are signals.
func hintOf(code int) hint {
	switch code {
	case -9:
		return hint{"It was ended by SIGKILL: the system ran out of memory, or somebody killed it.", "If nobody did, give the run more memory.", report.Info}
	case -15:
		return hint{"It was ended by SIGTERM: a shutdown or a cancellation.", "If the run was not cancelled, look for what stops processes on this machine.", report.Info}
	case 1:
		return hint{"Process exited with a general error.", "Look for an exception in the logs of the flow run.", report.Error}
	case 125:
		return hint{"The container could not be run.", "Check the image, its entrypoint and the container engine.", report.Error}
	case 126:
		return hint{"The command is not executable.", "Make the file executable and check its permissions.", report.Error}
	case 127:
		return hint{"The command was not found.", "Install it where the run executes, or correct the command or PATH.", report.Error}
	case 137:
		return hint{"It was killed, most likely because memory ran out.", "Give the run more memory.", report.Error}
	case 143:
		return hint{"It was ended by SIGTERM inside its container.", "If the run was not cancelled, look for evictions or task stops.", report.Info}
	case 247:
		return hint{"It was ended because it used too much memory.", "Give the run more memory, or find out what uses it.", report.Error}
	case interrupted:
		return hint{"It was interrupted by Ctrl-C or Ctrl-Break.", "If that was meant, nothing is to be done.", report.Info}
	}
	return hint{"Process exited with an unexpected status code.", "Check the logs of the flow run and of the infrastructure.", report.Error}
}
