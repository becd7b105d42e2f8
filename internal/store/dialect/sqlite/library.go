package sqlite

import (
	"math/bits"
	"sync"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// A statement takes memory and gives all of it back at its end. The allocator maps a page
// for blocks of a size when it needs the first one and unmaps it when the last is free, so
// that each statement would map and unmap several, which costs more than what is done with
// them. Here free blocks are kept for the next statement.

const (
	// blockHeader is what SQLite puts before each block. With it, blocks have the sizes of
	// the allocator, which are powers of two.
	blockHeader = 8
	// largestKept is the largest size that blocks share a page of the allocator for.
	largestKept = 1 << 14
	// keptOfSize is how much memory of one size is kept, enough for the journal of a
	// statement on a hundred pages.
	keptOfSize = 512 << 10
	// lockByte is the first byte of the page of locks.
	lockByte = 1 << 30
)

var (
	plainMemory lib.Tsqlite3_mem_methods
	plainPages  lib.Tsqlite3_pcache_methods2
	kept        [15]blocks // by the binary logarithm of their size
)

// configure sets what holds for all connections, before the first is made. If SQLite
// refuses, it is slower and no less right.
var configure = sync.OnceFunc(func() {
	tls := libc.NewTLS()
	defer tls.Close()
	if setLibrary(tls, lib.SQLITE_CONFIG_GETMALLOC, &plainMemory) {
		keeping := plainMemory
		keeping.FxMalloc, keeping.FxRealloc, keeping.FxFree = pointer(allocate), pointer(reallocate), pointer(release)
		setLibrary(tls, lib.SQLITE_CONFIG_MALLOC, &keeping)
	}
	if setLibrary(tls, lib.SQLITE_CONFIG_GETPCACHE2, &plainPages) {
		pages := plainPages
		pages.FxRekey = pointer(rekey)
		setLibrary(tls, lib.SQLITE_CONFIG_PCACHE2, &pages)
	}
})

// setLibrary reads or sets the methods that an option names.
func setLibrary[M any](tls *libc.TLS, option int32, methods *M) bool {
	list := libc.NewVaList(uintptr(unsafe.Pointer(methods)))
	defer libc.Xfree(tls, list)
	return lib.Xsqlite3_config(tls, option, list) == lib.SQLITE_OK
}

func allocate(tls *libc.TLS, n int32) uintptr {
	if n == cached.size {
		return cached.take(tls)
	}
	if n = fitting(n); n <= largestKept-blockHeader {
		if p := kept[classOf(n)].take(); p != 0 {
			return p
		}
	}
	return function[mallocFn](&plainMemory.FxMalloc)(tls, n)
}

func reallocate(tls *libc.TLS, p uintptr, n int32) uintptr {
	if size := function[lengthFn](&plainMemory.FxSize)(tls, p); size == cached.size {
		moved := allocate(tls, n)
		if moved != 0 {
			libc.Xmemcpy(tls, moved, p, libc.Tsize_t(min(n, size)))
			cached.keep(p)
		}
		return moved
	}
	return function[reallocFn](&plainMemory.FxRealloc)(tls, p, fitting(n))
}

func release(tls *libc.TLS, p uintptr) {
	size := function[lengthFn](&plainMemory.FxSize)(tls, p)
	if size == cached.size {
		cached.keep(p)
		return
	}
	if size == fitting(size) && size <= largestKept-blockHeader && kept[classOf(size)].keep(p, int(size)) {
		return
	}
	function[freeFn](&plainMemory.FxFree)(tls, p)
}

// rekey gives a page of a cache another number. To exchange the numbers of two pages SQLite
// gives one of them for a moment that of the page of locks, which no database has; as the
// highest number of the cache it would make the end of the transaction look at every page.
func rekey(tls *libc.TLS, cache, page uintptr, was, is uint32) {
	pages := at[lib.TPCache1](cache)
	highest := pages.FiMaxKey
	function[rekeyFn](&plainPages.FxRekey)(tls, cache, page, was, is)
	if int64(is-1)*int64(pages.FszPage) == lockByte {
		pages.FiMaxKey = highest
	}
}

// fitting is the size of the block that n bytes take anyway.
func fitting(n int32) int32 {
	if n > largestKept-blockHeader {
		return n
	}
	return 1<<classOf(n) - blockHeader
}

// classOf is the binary logarithm of what a block of n bytes takes with its header.
func classOf(n int32) int { return bits.Len32(uint32(max(n, blockHeader) + blockHeader - 1)) }

// blocks are free blocks of one size.
type blocks struct {
	mu   sync.Mutex
	free []uintptr
}

func (b *blocks) take() (p uintptr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if last := len(b.free) - 1; last >= 0 {
		p, b.free = b.free[last], b.free[:last]
	}
	return p
}

func (b *blocks) keep(p uintptr, size int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.free)*size >= keptOfSize {
		return false
	}
	b.free = append(b.free, p)
	return true
}

type (
	mallocFn  = func(tls *libc.TLS, n int32) uintptr
	reallocFn = func(tls *libc.TLS, p uintptr, n int32) uintptr
	freeFn    = func(tls *libc.TLS, p uintptr)
	lengthFn  = func(tls *libc.TLS, p uintptr) int32
	rekeyFn   = func(tls *libc.TLS, cache, page uintptr, was, is uint32)
)

// pointer makes a C pointer of a function that exists for ever.
func pointer[F any](fn F) uintptr { return *(*uintptr)(unsafe.Pointer(&fn)) }

// function is what a C pointer to a function calls.
func function[F any](p *uintptr) F { return *(*F)(unsafe.Pointer(p)) }

// at is what a C pointer points to.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }
