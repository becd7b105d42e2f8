package sqlite

import (
	"errors"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// The writer opens its file through SQLite's own layer for this system, save for the
// write-ahead log. SQLite writes each page of a commit in two pieces and then waits with
// fsync, which makes the file system record the time of the change as well. Here the
// pieces are gathered and written as one, and fdatasync waits for what matters.
//
// Gathered bytes are written before anybody may look for them: SQLite synchronizes the log
// before it tells other connections of a commit. The layer writes then, and leaves the
// waiting to the writer, which answers nobody before: a disk that takes its time keeps
// no reader from what was committed.

// gatherLimit bounds what waits in memory to be written.
const gatherLimit = 1 << 20

// logFile is the write-ahead log as one connection has it open.
type logFile struct {
	fd       int
	at       int64 // where the gathered bytes belong
	gathered []byte
	end      int64 // of the file, as far as this connection knows
	synced   bool  // for the first time, which also makes the file's name durable
	frames   bool  // the last that was written are pages, for which nobody has waited
}

// growth is how much longer the log becomes at once, with zeros, which no reader takes for
// pages. A file that grows makes the file system write down its new length with each
// commit, which costs more than the commit.
const growth = 1 << 20

var zeros [64 << 10]byte

// logHeader is the length of the log's own header. It must be on the disk before any page
// behind it.
const logHeader = 32

var (
	logFiles      sync.Map // the address of a sqlite3_file -> *logFile
	plainVFS      *lib.Tsqlite3_vfs
	plainLog      lib.Tsqlite3_io_methods // of the plain layer
	gatheringLog  lib.Tsqlite3_io_methods // ours
	learnPlainLog sync.Once
)

// gatheringVFS registers the layer and returns its name.
var gatheringVFS = sync.OnceValue(func() string {
	const name = "usher"
	tls := libc.NewTLS()
	defer tls.Close()
	plainVFS = at[lib.Tsqlite3_vfs](lib.Xsqlite3_vfs_find(tls, 0))
	zName, err := libc.CString(name)
	if plainVFS == nil || err != nil {
		return ""
	}
	ours := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*plainVFS))) // lives as long as the process
	if ours == 0 {
		return ""
	}
	vfs := at[lib.Tsqlite3_vfs](ours)
	*vfs = *plainVFS
	vfs.FzName, vfs.FxOpen = zName, pointer(openFile)
	if lib.Xsqlite3_vfs_register(tls, ours, 0) != lib.SQLITE_OK {
		return ""
	}
	return name
})

type (
	openFn = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	fileFn = func(tls *libc.TLS, file uintptr) int32
	moveFn = func(tls *libc.TLS, file, buf uintptr, n int32, offset int64) int32
	syncFn = func(tls *libc.TLS, file uintptr, flags int32) int32
	sizeFn = func(tls *libc.TLS, file, size uintptr) int32
	cutFn  = func(tls *libc.TLS, file uintptr, size int64) int32
)

func openFile(tls *libc.TLS, _, name, file uintptr, flags int32, out uintptr) int32 {
	plain := *(*uintptr)(unsafe.Pointer(&plainVFS))
	rc := function[openFn](&plainVFS.FxOpen)(tls, plain, name, file, flags, out)
	if rc != lib.SQLITE_OK || flags&lib.SQLITE_OPEN_WAL == 0 {
		return rc
	}
	f := at[lib.TunixFile](file)
	learnPlainLog.Do(func() {
		plainLog = *at[lib.Tsqlite3_io_methods](f.FpMethod)
		gatheringLog = plainLog
		gatheringLog.FxClose, gatheringLog.FxRead, gatheringLog.FxWrite = pointer(closeLog), pointer(readLog), pointer(writeLog)
		gatheringLog.FxTruncate, gatheringLog.FxSync, gatheringLog.FxFileSize = pointer(truncateLog), pointer(syncLog), pointer(sizeOfLog)
	})
	logFiles.Store(file, &logFile{fd: int(f.Fh)})
	f.FpMethod = uintptr(unsafe.Pointer(&gatheringLog))
	return rc
}

func logOf(file uintptr) *logFile {
	l, _ := logFiles.Load(file)
	return l.(*logFile) //nolint:forcetypeassert // only files with a logFile have these methods
}

func writeLog(_ *libc.TLS, file, buf uintptr, n int32, offset int64) int32 {
	l := logOf(file)
	if offset != l.at+int64(len(l.gathered)) || len(l.gathered)+int(n) > gatherLimit {
		if rc := l.flush(); rc != lib.SQLITE_OK {
			return rc
		}
		l.at = offset
	}
	l.gathered = append(l.gathered, unsafe.Slice(at[byte](buf), n)...)
	l.frames = offset >= logHeader
	return lib.SQLITE_OK
}

// flush writes what was gathered. What can't be written is dropped: SQLite undoes the
// transaction, and the next one writes over it.
func (l *logFile) flush() int32 {
	data := l.gathered
	l.gathered = data[:0]
	offset := l.at
	l.at += int64(len(data))
	l.grow()
	for len(data) > 0 {
		n, err := unix.Pwrite(l.fd, data, offset)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOSPC), err == nil && n == 0:
			return lib.SQLITE_FULL
		case err != nil:
			return lib.SQLITE_IOERR_WRITE
		}
		data, offset = data[n:], offset+int64(n)
	}
	return lib.SQLITE_OK
}

// grow makes the file longer when what is to be written ends behind it. If it can't, the
// pages make it longer one by one.
func (l *logFile) grow() {
	if l.at <= l.end {
		return
	}
	var is unix.Stat_t // another process may have made it longer, or cut it
	if unix.Fstat(l.fd, &is) != nil {
		return
	}
	if l.end = is.Size; l.at <= l.end {
		return
	}
	for until := l.at + growth; l.end < until; {
		n, err := unix.Pwrite(l.fd, zeros[:], l.end)
		if err != nil {
			return
		}
		l.end += int64(n)
	}
}

func syncLog(tls *libc.TLS, file uintptr, flags int32) int32 {
	l := logOf(file)
	if rc := l.flush(); rc != lib.SQLITE_OK {
		return rc
	}
	if !l.synced {
		rc := function[syncFn](&plainLog.FxSync)(tls, file, flags)
		l.synced = rc == lib.SQLITE_OK
		return rc
	}
	if l.frames { // the writer waits
		return lib.SQLITE_OK
	}
	if err := unix.Fdatasync(l.fd); err != nil {
		return lib.SQLITE_IOERR_FSYNC
	}
	return lib.SQLITE_OK
}

// settler returns what waits until all that was written to the log of the database at path
// is on the disk. Only who has the turn to write may call it.
func settler(path string) func() error {
	var mine *logFile
	return func() error {
		if mine == nil {
			mine = logAt(path + "-wal")
		}
		if mine == nil || !mine.frames {
			return nil // the plain layer has waited
		}
		if err := unix.Fdatasync(mine.fd); err != nil {
			return err
		}
		mine.frames = false
		return nil
	}
}

// logAt finds the open log by what it is: SQLite calls it by a name of its own.
func logAt(path string) (found *logFile) {
	var want unix.Stat_t
	if unix.Stat(path, &want) != nil {
		return nil
	}
	logFiles.Range(func(_, value any) bool {
		l, _ := value.(*logFile)
		var is unix.Stat_t
		if unix.Fstat(l.fd, &is) == nil && is.Dev == want.Dev && is.Ino == want.Ino {
			found = l
		}
		return found == nil
	})
	return found
}

func readLog(tls *libc.TLS, file, buf uintptr, n int32, offset int64) int32 {
	if rc := logOf(file).flush(); rc != lib.SQLITE_OK {
		return rc
	}
	return function[moveFn](&plainLog.FxRead)(tls, file, buf, n, offset)
}

func truncateLog(tls *libc.TLS, file uintptr, size int64) int32 {
	l := logOf(file)
	if rc := l.flush(); rc != lib.SQLITE_OK {
		return rc
	}
	l.end = min(l.end, size)
	return function[cutFn](&plainLog.FxTruncate)(tls, file, size)
}

func sizeOfLog(tls *libc.TLS, file, size uintptr) int32 {
	if rc := logOf(file).flush(); rc != lib.SQLITE_OK {
		return rc
	}
	return function[sizeFn](&plainLog.FxFileSize)(tls, file, size)
}

func closeLog(tls *libc.TLS, file uintptr) int32 {
	rc := logOf(file).flush()
	logFiles.Delete(file)
	if closed := function[fileFn](&plainLog.FxClose)(tls, file); rc == lib.SQLITE_OK {
		rc = closed
	}
	return rc
}
