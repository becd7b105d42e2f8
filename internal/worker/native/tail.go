package native

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/usherhq/usher/internal/rules/nativeflow"
	"github.com/usherhq/usher/internal/worker/launch"
	"github.com/usherhq/usher/internal/worker/report"
)

const (
	lookEvery   = 20 * time.Millisecond // how soon a printed line is seen
	progressGap = time.Second           // how often a line that overwrites itself is logged
	maxLine     = 1 << 20               // a longer line is cut in pieces
)

// tails follow what a program prints.
type tails struct {
	ended chan struct{} // closed when the program has ended
	wg    sync.WaitGroup
	out   *tail
}

// follow ships what the program prints, from where an earlier worker left off.
func (x *execution) follow(ctx context.Context, program *launch.Process) *tails {
	all := &tails{ended: make(chan struct{})}
	all.out = x.tail(filepath.Join(program.Dir(), launch.OutFile), nativeflow.LevelOf("INFO"))
	files := []*tail{all.out}
	if x.Manifest.StderrLevel != "" {
		files = append(files, x.tail(filepath.Join(program.Dir(), launch.ErrFile), nativeflow.LevelOf(x.Manifest.StderrLevel)))
	}
	for _, t := range files {
		all.wg.Go(func() { t.run(ctx, all.ended) })
	}
	return all
}

// finish reads to the end and returns the last line of standard output.
func (t *tails) finish() string {
	close(t.ended)
	t.wg.Wait()
	return t.out.last
}

// tail reads one file while it grows. How far it came is kept beside the file.
type tail struct {
	x     *execution
	path  string
	level int

	file     *os.File
	offset   int64 // of the first byte not queued
	noted    int64 // the offset that was written down
	pending  []byte
	last     string
	progress time.Time // when a line that overwrites itself was last logged
}

func (x *execution) tail(path string, level int) *tail {
	return &tail{x: x, path: path, level: level, offset: readOffset(path)}
}

func (t *tail) run(ctx context.Context, ended <-chan struct{}) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-ctx.Done():
			return
		case <-ended:
			done = true
		case <-tick.C:
		}
		t.read(ctx)
		t.note()
	}
	if len(t.pending) > 0 {
		t.line(ctx, t.pending)
	}
	if t.file != nil {
		t.file.Close() //nolint:errcheck // it was only read
	}
}

func (t *tail) read(ctx context.Context) {
	if t.file == nil {
		file, err := os.Open(t.path)
		if err != nil {
			return // not there yet
		}
		if _, err := file.Seek(t.offset, io.SeekStart); err != nil {
			file.Close() //nolint:errcheck // it was only read
			return
		}
		t.file = file
	}
	buf := make([]byte, 64<<10)
	for ctx.Err() == nil {
		n, err := t.file.Read(buf)
		if n > 0 {
			t.pending = append(t.pending, buf[:n]...)
			t.lines(ctx)
		}
		if err != nil || n == 0 {
			return
		}
	}
}

func (t *tail) lines(ctx context.Context) {
	for {
		end := bytes.IndexByte(t.pending, '\n')
		next := end + 1
		if end > maxLine || end < 0 && len(t.pending) > maxLine {
			end, next = maxLine, maxLine
		}
		if end < 0 {
			break
		}
		t.line(ctx, t.pending[:end])
		t.advance(next)
	}
	t.logProgress(ctx)
}

// note writes down how far the file was shipped, once the API has it all. A lost note only
// means that lines are shipped twice after a crash of the worker.
func (t *tail) note() {
	if t.offset == t.noted || !t.x.Logs.Idle() {
		return
	}
	t.noted = t.offset
	os.WriteFile(t.path+offsetSuffix, strconv.AppendInt(nil, t.offset, 10), 0o600) //nolint:errcheck // see above
}

// logProgress logs the newest state of a line that overwrites itself by carriage returns.
func (t *tail) logProgress(ctx context.Context) {
	end := bytes.LastIndexByte(t.pending, '\r')
	if end < 0 || t.x.Now().Sub(t.progress) < progressGap {
		return
	}
	t.progress = t.x.Now()
	t.line(ctx, t.pending[:end])
	t.advance(end + 1)
}

func (t *tail) advance(n int) {
	t.pending = t.pending[n:]
	t.offset += int64(n)
}

func (t *tail) line(ctx context.Context, raw []byte) {
	raw = bytes.TrimRight(raw, "\r")
	if last := bytes.LastIndexByte(raw, '\r'); last >= 0 {
		raw = raw[last+1:]
	}
	if len(raw) == 0 {
		return
	}
	t.last = string(raw)
	if t.x.Output != nil {
		io.WriteString(t.x.Output, t.last+"\n") //nolint:errcheck // nobody reads the output any more
	}
	level, message, told := nativeflow.ReadLine(t.last, t.x.Manifest.LogFormat, t.level)
	if told != nil { // before the line is logged: a worker that takes over goes on behind it
		t.x.heed(ctx, told, filepath.Base(t.path)+"-"+strconv.FormatInt(t.offset, 10))
	}
	// Only a stop of the whole worker ends the wait; the file still has the line then.
	t.x.Logs.AddWhenRoom(ctx, report.FlowRunLogger, t.x.Run.ID, level, t.x.Now(), message) //nolint:errcheck // see above
}

const offsetSuffix = ".shipped"

func readOffset(path string) int64 {
	data, err := os.ReadFile(path + offsetSuffix)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
