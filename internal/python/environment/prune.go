package environment

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/usherhq/usher/internal/lockfile"
)

// kept is an environment on disk.
type kept struct {
	dir  string
	used time.Time
	size int64
}

// Prune removes, in the background, environments that were not used for long, and those that
// are too many. One that is in use stays.
func (s *Store) Prune() { s.work.Go(s.prune) }

func (s *Store) prune() {
	dirs, err := filepath.Glob(filepath.Join(s.Root, "*"))
	if err != nil {
		return
	}
	var list []kept
	var sum int64
	for _, dir := range dirs {
		info, err := os.Stat(filepath.Join(dir, readyFile))
		if err != nil {
			remove(dir) // nobody finished it
			continue
		}
		is, _ := readReady(dir)
		list = append(list, kept{dir, info.ModTime(), is.Size})
		sum += is.Size
	}
	slices.SortFunc(list, func(a, b kept) int { return a.used.Compare(b.used) })
	for _, k := range list {
		old := s.MaxAge > 0 && s.Now().Sub(k.used) > s.MaxAge
		if (old || s.MaxSize > 0 && sum > s.MaxSize) && remove(k.dir) {
			sum -= k.size
		}
	}
}

// remove removes an environment that nobody uses or makes, and says whether it did.
func remove(dir string) bool {
	lock, err := lockfile.Try(filepath.Join(dir, lockFile), true)
	if err != nil {
		return false
	}
	defer lock.Close()                       //nolint:errcheck // closing lets go in any case
	os.Remove(filepath.Join(dir, readyFile)) //nolint:errcheck // see below
	clear(dir)                               // before the lock, so that nobody makes one in a folder that goes
	os.Remove(filepath.Join(dir, lockFile))  //nolint:errcheck // see below
	err = os.Remove(dir)                     // not empty: somebody is about to make one there again
	return err == nil
}

// sizeOf is how much the files below dir take.
func sizeOf(dir string) (sum int64) {
	filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error { //nolint:errcheck // what can't be read does not count
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // see above
		}
		if info, err := entry.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}
