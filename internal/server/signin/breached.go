package signin

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // what lists of leaked passwords are made of
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
)

// Breached is a list of leaked passwords: a file with the SHA-1 of one in hexadecimal digits on
// each line, sorted, with whatever after a colon, as Have I Been Pwned gives it out. It is
// searched where it lies, however long it is. A nil list has none.
type Breached struct {
	file *os.File
	size int64
}

// lineMost is more than any line of such a list has.
const lineMost = 256

// OpenBreached opens a list. It stays open as long as the program runs.
func OpenBreached(path string) (*Breached, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	b := &Breached{file: file}
	if err == nil {
		b.size = info.Size()
		_, err = b.lineAt(0)
	}
	if err == nil {
		_, err = b.Has("") // somewhere in the midst
	}
	if err != nil {
		file.Close() //nolint:errcheck // it was only read
		return nil, fmt.Errorf("%s is no list of leaked passwords: %w", path, err)
	}
	return b, nil
}

// Has says whether a password is in the list.
func (b *Breached) Has(password string) (found bool, err error) {
	if b == nil {
		return false, nil
	}
	sum := sha1.Sum([]byte(password)) //nolint:gosec // see above
	want := []byte(hex.EncodeToString(sum[:]))
	// The first place from which on no line comes before the wanted one.
	sort.Search(int(b.size), func(at int) bool {
		line, e := b.lineAt(int64(at))
		if e != nil && !errors.Is(e, io.EOF) {
			err = e
		}
		order := bytes.Compare(line, want)
		found = found || e == nil && order == 0
		return e != nil || order >= 0
	})
	return found && err == nil, err
}

// lineAt is the hash on the first line that begins at a place or after it.
func (b *Breached) lineAt(at int64) ([]byte, error) {
	buffer := make([]byte, 2*lineMost)
	from := max(0, at-1) // the line break before tells that a line begins here
	n, err := b.file.ReadAt(buffer, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	text := buffer[:n]
	if at > 0 {
		_, after, ok := bytes.Cut(text, []byte("\n"))
		if !ok {
			if from+int64(n) >= b.size {
				return nil, io.EOF
			}
			return nil, errors.New("a line is too long")
		}
		text = after
	}
	if len(text) == 0 {
		return nil, io.EOF
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	line, _, _ = bytes.Cut(bytes.TrimRight(line, "\r"), []byte(":"))
	line = bytes.ToLower(line)
	if _, err := hex.Decode(make([]byte, len(line)/2+1), line); err != nil || len(line) != 2*sha1.Size {
		return nil, errors.New("each line has a SHA-1 in 40 hexadecimal digits, then a colon and a number or nothing")
	}
	return line, nil
}
