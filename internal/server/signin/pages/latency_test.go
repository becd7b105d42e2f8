package pages_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	csrfTag    = regexp.MustCompile(`name="csrf" value="([^"]*)"`)
	countAfter = regexp.MustCompile(`:\d+`)
)

// sameDistribution says with the test of Kolmogorov and Smirnov that two samples do not differ
// more than by a chance of one in a thousand.
func sameDistribution(t *testing.T, a, b []time.Duration) {
	t.Helper()
	slices.Sort(a)
	slices.Sort(b)
	apart := 0.0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if a[i] <= b[j] {
			i++
		} else {
			j++
		}
		apart = max(apart, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	n, m := float64(len(a)), float64(len(b))
	if most := math.Sqrt(-math.Log(0.001/2)/2) * math.Sqrt((n+m)/(n*m)); apart > most {
		t.Errorf("the times differ by %.3f, more than the %.3f of chance: medians %s and %s", apart, most, a[len(a)/2], b[len(b)/2])
	}
	t.Logf("apart by %.3f; medians %s and %s", apart, a[len(a)/2], b[len(b)/2])
}

// TestLinksTakeTheSameForEveryAddress: from the time that an answer takes nobody learns whether
// an address is known or beyond its limit.
func TestLinksTakeTheSameForEveryAddress(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	s.pages.Floor = 20 * time.Millisecond
	times := map[string][]time.Duration{}
	ask := func(email string, round int) time.Duration {
		b := s.browser()
		b.ip = fmt.Sprintf("203.0.113.%d", round)
		r := b.request(http.MethodPost, "/api/auth/magic-link", strings.NewReader(`{"email":"`+email+`"}`))
		began := time.Now()
		b.do(r).want(http.StatusAccepted)
		return time.Since(began)
	}
	for round := range 200 {
		for range 3 {
			ask("limited@example.com", round)
		}
		kinds := []string{"known", "unknown", "elsewhere", "limited"}
		rand.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		for _, kind := range kinds {
			email := map[string]string{"known": ada, "unknown": "nobody@example.com", "elsewhere": "nobody@elsewhere.example", "limited": "limited@example.com"}[kind]
			times[kind] = append(times[kind], ask(email, round))
		}
		s.wait(25 * time.Hour)
	}
	s.wantAudit("magic-link.limited", 200)
	for _, other := range []string{"unknown", "elsewhere", "limited"} {
		sameDistribution(t, times["known"], times[other])
	}
}
