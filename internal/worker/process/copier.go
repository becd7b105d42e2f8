package process

import (
	"io"
	"os"
	"sync"
	"time"
)

const lookEvery = 50 * time.Millisecond

// copier copies a file while it grows.
type copier struct{ wg sync.WaitGroup }

// copyGrowing copies what is written to the file at path, from the offset on, until ended
// is closed.
func copyGrowing(path string, offset int64, to io.Writer, ended <-chan struct{}) *copier {
	c := &copier{}
	c.wg.Go(func() {
		var file *os.File
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for done := false; !done; {
			select {
			case <-ended:
				done = true
			case <-tick.C:
			}
			if file == nil {
				file = openAt(path, offset)
			}
			if file != nil {
				io.Copy(to, file) //nolint:errcheck // nobody reads the output any more
			}
		}
		if file != nil {
			file.Close() //nolint:errcheck // it was only read
		}
	})
	return c
}

// openAt opens the file at the offset, nil if it is not there yet.
func openAt(path string, offset int64) *os.File {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		file.Close() //nolint:errcheck // it was only read
		return nil
	}
	return file
}

func (c *copier) finish() { c.wg.Wait() }
