package worker

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/lockfile"
)

// journal is what the worker keeps on disk about the runs in its hands: a folder per run,
// locked by the process that holds the run. A folder whose lock is free is what a killed
// worker left behind.
type journal struct {
	root     string // of the pool's folders
	url      string
	worker   string
	mu       sync.Mutex
	unlocked []*entry
}

// phase is how far a run has come in the worker's hands.
type phase string

const (
	phaseClaiming phase = "claiming" // the run may be claimed or not
	phaseStarting phase = "starting" // the run is claimed; its process may exist or not
	phaseStarted  phase = "started"
)

// record is the content of a run's journal entry.
type record struct {
	URL    string    `json:"api_url"`
	Worker string    `json:"worker"`
	Run    uuid.UUID `json:"flow_run_id"`
	Phase  phase     `json:"phase"`
	Claim  uuid.UUID `json:"claim"`  // transition id of our Pending
	Submit uuid.UUID `json:"submit"` // transition id of our Submitting
	Native string    `json:"native"` // command line of a native flow
	Dir    string    `json:"dir"`    // where a native flow's program runs
}

// entry is one run's folder, locked.
type entry struct {
	record

	dir  string
	lock *os.File
}

const (
	recordFile = "run.json"
	lockFile   = "lock"
)

// errHeld says that another worker on this machine holds the run.
var errHeld = errors.New("another worker holds the run")

func openJournal(root, url, pool, worker string) (*journal, error) {
	dir := filepath.Join(root, folderName(pool))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &journal{root: dir, url: url, worker: worker}, nil
}

// folderName makes a name of a pool safe as a folder.
func folderName(name string) string {
	safe := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || r < 0x20 {
			return '_'
		}
		return r
	}, name)
	if strings.Trim(safe, ".") == "" {
		return "_" + safe
	}
	return safe
}

// begin makes a run's entry, before anything is done about the run.
func (j *journal) begin(run uuid.UUID) (*entry, error) {
	dir := filepath.Join(j.root, run.String())
	var e *entry
	err := fs.ErrNotExist
	// The folder may vanish at once, when another worker just ended an entry of the run.
	for try := 0; try < 3 && errors.Is(err, fs.ErrNotExist); try++ {
		if err = os.MkdirAll(dir, 0o700); err == nil {
			e, err = lockEntry(dir)
		}
	}
	if err != nil {
		return nil, err
	}
	e.record = record{URL: j.url, Worker: j.worker, Run: run, Phase: phaseClaiming, Claim: uuid.New(), Submit: uuid.New()}
	return e, e.save()
}

func lockEntry(dir string) (*entry, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockfile.TryAlone(file); err != nil {
		file.Close() //nolint:errcheck // it was only locked
		return nil, errHeld
	}
	return &entry{dir: dir, lock: file}, nil
}

// left lists the entries that killed workers left behind, now locked by us.
func (j *journal) left() ([]*entry, error) {
	folders, err := os.ReadDir(j.root)
	if err != nil {
		return nil, err
	}
	var found []*entry
	for _, f := range folders {
		e, err := lockEntry(filepath.Join(j.root, f.Name()))
		if err != nil {
			continue // in somebody's hands
		}
		data, err := os.ReadFile(filepath.Join(e.dir, recordFile))
		switch {
		case err != nil || json.Unmarshal(data, &e.record) != nil:
			e.remove() // its worker was killed before it did anything
		case e.URL != j.url:
			e.letGo()
		default:
			found = append(found, e)
		}
	}
	return found, nil
}

func (j *journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.unlocked {
		e.letGo()
	}
}

// keep lets go of an entry only when the worker ends, so that the run stays ours until then.
func (j *journal) keep(e *entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.unlocked = append(j.unlocked, e)
}

func (e *entry) save() error {
	data, err := json.Marshal(e.record)
	if err != nil {
		return err
	}
	path := filepath.Join(e.dir, recordFile)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// advance writes down how far the run has come.
func (e *entry) advance(p phase) error {
	e.Phase = p
	return e.save()
}

// remove ends the entry: the run is over, or not ours.
func (e *entry) remove() {
	os.RemoveAll(e.dir) //nolint:errcheck // what is left is looked at again by the next worker
	e.letGo()
}

func (e *entry) letGo() {
	e.lock.Close() //nolint:errcheck // closing lets go of the lock in any case
}
