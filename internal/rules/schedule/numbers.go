package schedule

import "math/bits"

// numbers is a set of small numbers (below 192), or all of them.
type numbers struct {
	all bool
	has [3]uint64
}

func (s *numbers) add(v int)          { s.has[v/64] |= 1 << (v % 64) }
func (s numbers) contains(v int) bool { return s.all || s.has[v/64]&(1<<(v%64)) != 0 }

// next returns the smallest member from v on that is at most limit.
func (s numbers) next(v, limit int) (int, bool) {
	if s.all {
		return v, v <= limit
	}
	for word := v / 64; word < len(s.has); word++ {
		rest := s.has[word]
		if word == v/64 {
			rest &= ^uint64(0) << (v % 64)
		}
		if rest != 0 {
			found := word*64 + bits.TrailingZeros64(rest)
			return found, found <= limit
		}
	}
	return 0, false
}

// count returns how many numbers were added.
func (s numbers) count() int {
	return bits.OnesCount64(s.has[0]) + bits.OnesCount64(s.has[1]) + bits.OnesCount64(s.has[2])
}
