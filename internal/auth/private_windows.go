package auth

// private has nothing to look at: the files are in the user's own profile, which others
// can't read by default.
func private(string) error { return nil }
