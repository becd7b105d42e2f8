package sqlite

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

const (
	// busyPatience is how long a lock of another process is waited for.
	busyPatience = 10 * time.Second
	busyPause    = 5 * time.Millisecond
	// queueLength bounds the callers that wait without blocking in Write's select.
	queueLength = 256
	// A commit takes at most this many jobs, and no further one after this time, so
	// that the first of them does not wait long for its answer.
	batchJobs = 256
	batchTime = 5 * time.Millisecond
)

// writer owns the one connection that writes. There is no goroutine of its own: the
// caller that has the turn runs its job, and those that wait behind it, and commits once
// for all of them. One commit, and one wait for the disk, serves all who came meanwhile,
// and a caller that is alone hands its job to nobody.
type writer struct {
	session *session
	sweeper *checkpointer
	settle  func() error // waits until what was committed is on the disk
	broken  error        // why nothing can be written any more
	queue   chan *job
	turn    chan struct{} // holds an element while somebody uses the session, settle and broken

	mu     sync.RWMutex // guards closed; held for reading while a job is queued
	closed bool
}

// job is one caller's function on its way through the writer.
type job struct {
	fn     func(dialect.Session) error
	state  atomic.Int32
	err    error
	thrown any // what fn panicked with
	answer chan struct{}
}

// The states of a job: whoever changes it from queued decides.
const (
	queued int32 = iota
	started
	abandoned
)

func newWriter(conn *sqlite.Conn, path string, sweeper *checkpointer, settle func() error) *writer {
	return &writer{
		session: newSession(conn, path),
		sweeper: sweeper,
		settle:  settle,
		queue:   make(chan *job, queueLength),
		turn:    make(chan struct{}, 1),
	}
}

func (w *writer) do(ctx context.Context, fn func(dialect.Session) error) error {
	j := &job{fn: fn, answer: make(chan struct{})}
	if err := w.enqueue(ctx, j); err != nil {
		return err
	}
	select {
	case <-j.answer:
	case w.turn <- struct{}{}:
		w.lead(j)
		<-w.turn
	case <-ctx.Done():
		if j.state.CompareAndSwap(queued, abandoned) {
			return context.Cause(ctx)
		}
		<-j.answer
	}
	if j.thrown != nil {
		panic(j.thrown)
	}
	return j.err
}

func (w *writer) enqueue(ctx context.Context, j *job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	switch {
	case w.closed:
		return errClosed
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	select {
	case w.queue <- j:
		return nil
	default:
	}
	for { // the queue is full, perhaps of jobs whose callers are gone
		select {
		case w.queue <- j:
			return nil
		case w.turn <- struct{}{}:
			w.serveNext()
			<-w.turn
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// lead commits batch after batch until own is among those that are answered. Who waits
// behind it takes the turn then.
func (w *writer) lead(own *job) {
	for {
		select {
		case <-own.answer:
			return
		case first := <-w.queue:
			w.serve(first)
		}
	}
}

// serveNext serves what is queued, if anything is, and says whether something was.
func (w *writer) serveNext() bool {
	select {
	case first := <-w.queue:
		w.serve(first)
		return true
	default:
		return false
	}
}

func (w *writer) serve(first *job) {
	w.batch(first)
	w.sweeper.committed()
	w.sweeper.help(w.session.conn)
}

// batch runs first and whatever is queued behind it in one transaction. It hopes that
// none fails: savepoints cost a copy of every page that is touched. When one does, the
// others run again behind savepoints.
func (w *writer) batch(first *job) {
	if !first.state.CompareAndSwap(queued, started) {
		return
	}
	landed, failed, err := w.together(first)
	if failed != nil {
		landed, err = w.apart(landed)
	}
	if errors.Is(err, errLost) {
		w.oneByOne(landed)
		return
	}
	for _, j := range landed {
		j.finish(err)
	}
}

// together runs jobs without savepoints. It stops at the first that fails, undoes
// everything, answers that one and returns it with those that must run again.
func (w *writer) together(first *job) (landed []*job, failed *job, err error) {
	if err := w.begin(); err != nil {
		return []*job{first}, nil, err
	}
	deadline := time.Now().Add(batchTime)
	for j := first; j != nil; j = w.next(len(landed), deadline) {
		if err := w.call(j); err != nil || j.thrown != nil {
			w.rollback()
			j.finish(err)
			return landed, j, nil
		}
		landed = append(landed, j)
	}
	return landed, nil, w.commit()
}

// apart runs jobs in one transaction, each behind a savepoint. It answers those that
// fail and returns those that landed, with the error of the whole transaction.
func (w *writer) apart(jobs []*job) (landed []*job, err error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	if err := w.begin(); err != nil {
		return jobs, err
	}
	for i, j := range jobs {
		err := w.attempt(j)
		switch {
		case errors.Is(err, errLost):
			return append(landed, jobs[i:]...), errLost
		case err != nil || j.thrown != nil:
			j.finish(err)
		default:
			landed = append(landed, j)
		}
	}
	return landed, w.commit()
}

// commit makes a transaction visible and then waits for the disk. When the disk refuses,
// nobody can tell what of the log is on it, so the writer stops for good.
func (w *writer) commit() error {
	if err := w.exec("commit"); err != nil {
		w.rollback()
		return err
	}
	if err := w.settle(); err != nil {
		w.broken = api.Errorf(api.CodeUnavailable, "Can't bring the log of the database %s to the disk: %w; what was written last may be lost. Look at the disk and start the server again.", w.session.path, err)
	}
	return w.broken
}

func (w *writer) begin() error {
	if w.broken != nil {
		return w.broken
	}
	return w.exec("begin immediate")
}

// next takes a job that is already waiting.
func (w *writer) next(landed int, deadline time.Time) *job {
	for landed < batchJobs && time.Now().Before(deadline) {
		select {
		case j := <-w.queue:
			if j.state.CompareAndSwap(queued, started) {
				return j
			}
		default:
			return nil
		}
	}
	return nil
}

// attempt runs j in a savepoint. errLost says that its failure took the whole
// transaction, and with it the work of others, along.
func (w *writer) attempt(j *job) error {
	if err := w.exec("savepoint job"); err != nil {
		return err
	}
	err := w.call(j)
	if w.session.conn.AutocommitEnabled() {
		j.err = err
		return errLost
	}
	if err != nil || j.thrown != nil {
		return errors.Join(err, w.exec("rollback to job"), w.exec("release job"))
	}
	return w.exec("release job")
}

// call keeps a panic of j for its caller: the writer must go on for the others.
func (w *writer) call(j *job) error {
	defer func() { j.thrown = recover() }()
	return j.fn(w.session)
}

// oneByOne repeats jobs whose common transaction was lost, each in its own.
func (w *writer) oneByOne(jobs []*job) {
	for _, j := range jobs {
		j.finish(w.alone(j))
	}
}

func (w *writer) alone(j *job) error {
	if err := w.begin(); err != nil {
		return err
	}
	if err := w.call(j); err != nil || j.thrown != nil {
		w.rollback()
		return err
	}
	return w.commit()
}

// rollback leaves a transaction, unless its failure has done so already.
func (w *writer) rollback() {
	if !w.session.conn.AutocommitEnabled() {
		_ = w.exec("rollback") // the caller has the error that led here
	}
}

func (w *writer) exec(sql string) error {
	_, err := w.session.Exec(sql, nil)
	return err
}

func (j *job) finish(err error) {
	j.err = err
	close(j.answer)
}

// drain refuses further jobs, takes the turn for good and answers the queued ones.
func (w *writer) drain() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.turn <- struct{}{}
	for w.serveNext() {
	}
}

var errLost = errors.New("the transaction was rolled back by the database")
