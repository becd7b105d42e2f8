package sqlite

import (
	"sync"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// cached are the lines of this process.
var cached lines

// measureLines asks SQLite how large a line is.
var measureLines = sync.OnceFunc(func() {
	tls := libc.NewTLS()
	defer tls.Close()
	var header int32 // of a page that is cached
	list := libc.NewVaList(uintptr(unsafe.Pointer(&header)))
	defer libc.Xfree(tls, list)
	if lib.Xsqlite3_config(tls, lib.SQLITE_CONFIG_PCACHE_HDRSZ, list) == lib.SQLITE_OK {
		cached.size = pageSize + header
	}
})

// lines are the blocks that the caches of all connections keep pages in. A page with its
// header is little more than half of the power of two that the allocator would take for it,
// so they are cut from large blocks, which stay: caches have a bound.
type lines struct {
	size int32 // of one, without the block's header; 0: SQLite does not tell

	mu   sync.Mutex
	free []uintptr
}

const (
	pageSize     = 4096 // SQLite's own, which no pragma of ours changes
	linesAtOnce  = 60   // a quarter of a MiB; what is not used of it takes no memory
	noMoreMemory = 0
)

func (l *lines) take(tls *libc.TLS) (p uintptr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.free) == 0 && !l.cut(tls) {
		return noMoreMemory
	}
	last := len(l.free) - 1
	p, l.free = l.free[last], l.free[:last]
	*at[int64](p - blockHeader) = int64(l.size)
	return p
}

// cut makes free lines of a new block, the first of it last.
func (l *lines) cut(tls *libc.TLS) bool {
	each := uintptr(l.size) + blockHeader
	block := function[mallocFn](&plainMemory.FxMalloc)(tls, int32(linesAtOnce*each))
	if block == noMoreMemory {
		return false
	}
	for i := range uintptr(linesAtOnce) {
		l.free = append(l.free, block+(linesAtOnce-1-i)*each+blockHeader)
	}
	return true
}

func (l *lines) keep(p uintptr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, p)
}
