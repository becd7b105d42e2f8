package frugal

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestCodeIsForgotten does not run beside other tests, which need code.
func TestCodeIsForgotten(t *testing.T) {
	before := codeInMemory(t)
	forgetCode()
	if !isFixed() {
		return // it is here, and goes on
	}
	if after := codeInMemory(t); after > before*3/4 {
		t.Errorf("%d of %d KiB of the program's file are in memory", after, before)
	}
}

// codeInMemory is how many KiB of files the process has in memory.
func codeInMemory(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		if name != "RssFile" && name != "RssShmem" { // the program may be on a disk in memory
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}
