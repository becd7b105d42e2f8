package launch

// stat is what the system says of a running process.
type stat struct {
	pid, parent, session int
	start                string
}

// family picks the processes that belong to a keeper and its program: all of the keeper's
// session, and all descendants of the program, also those that made a session of their own.
// The keeper itself is left out. A number alone is never trusted: ids are reused, so the
// keeper and the program count only with the start time that was written down for them.
func family(keeper, program identity, all []stat) []int {
	session := keeper.PID
	if keeper.Start == "" {
		session = 0
	}
	member := map[int]bool{}
	for _, s := range all {
		switch {
		case s.pid == keeper.PID && s.start != keeper.Start:
			session = 0 // somebody else has the keeper's number now, and perhaps a session by it
		case s.pid == program.PID && s.start == program.Start && s.start != "" && s.pid > 1:
			member[s.pid] = true
		}
	}
	for grown := true; grown; {
		grown = false
		for _, s := range all {
			ours := (session > 1 && s.session == session) || (s.parent > 1 && member[s.parent])
			if ours && !member[s.pid] && s.pid > 1 && s.pid != keeper.PID {
				member[s.pid], grown = true, true
			}
		}
	}
	pids := make([]int, 0, len(member))
	for pid := range member {
		pids = append(pids, pid)
	}
	return pids
}
