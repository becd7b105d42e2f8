package access

import "strings"

// seeing is the scope that shows the objects another one is about, nil when there is none.
func seeing(s Scope) *Scope {
	_, object, _ := strings.Cut(string(s), "_")
	see := Scope("see_" + object)
	if _, known := index[see]; !known {
		return nil
	}
	return &see
}

// included are the scopes that a scope holds too: changing includes seeing, deleting
// includes changing.
func included(s Scope) []Scope {
	verb, object, _ := strings.Cut(string(s), "_")
	list := []Scope{}
	add := func(verb string) {
		if scope := Scope(verb + "_" + object); scope != s {
			if _, known := index[scope]; known {
				list = append(list, scope)
			}
		}
	}
	switch verb {
	case "manage":
		add("see")
		add("write")
		add("run")
	case "write", "run":
		add("see")
	}
	if s == "see_secret_blocks" {
		list = append(list, "see_blocks")
	}
	return list
}

// Closed adds to a set all that its scopes include.
func (s Scopes) Closed() Scopes {
	for _, scope := range s.List() {
		for _, more := range included(scope) {
			s |= 1 << index[more]
		}
	}
	return s
}
