package frugal

import (
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// forgetCode lets the system take back the memory of the program's own file: its code and
// constants, most of which only starting, or one kind of work, needed. What is used is there
// again at once, from the system's cache of the file.
func forgetCode() {
	if !isFixed() {
		return
	}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasSuffix(line, " "+program) {
			continue
		}
		place, rest, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(rest, "r-xp ") && !strings.HasPrefix(rest, "r--p ") { // what was written is not in the file
			continue
		}
		begin, end, _ := strings.Cut(place, "-")
		from, err := strconv.ParseUint(begin, 16, 64)
		to, errTo := strconv.ParseUint(end, 16, 64)
		if err == nil && errTo == nil {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(from), uintptr(to-from), unix.MADV_DONTNEED) // else it stays
		}
	}
}

// isFixed says that the program was linked for the place where it runs (ET_EXEC). One that
// can be anywhere, as -buildmode=pie makes it, has constants that were written when it was
// loaded and are protected since: they would come back as they are in the file.
func isFixed() bool {
	file, err := os.Open("/proc/self/exe")
	if err != nil {
		return false
	}
	defer file.Close() //nolint:errcheck // it was only read
	var head [18]byte
	_, err = io.ReadFull(file, head[:])
	return err == nil && elf.Type(binary.NativeEndian.Uint16(head[16:])) == elf.ET_EXEC
}
