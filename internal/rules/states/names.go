package states

// The names of states that mean something to the server or its clients.
const (
	nameLate                    = "Late"
	namePending                 = "Pending"
	nameResuming                = "Resuming"
	nameSuspended               = "Suspended"
	nameAwaitingRetry           = "AwaitingRetry"
	nameAwaitingConcurrencySlot = "AwaitingConcurrencySlot"
	nameRetrying                = "Retrying"
	nameRerunning               = "Rerunning"
	nameCached                  = "Cached"
	nameSkipped                 = "Skipped"
	nameNotReady                = "NotReady"
)
