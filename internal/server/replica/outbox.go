package replica

import (
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/store/dialect"
)

// Bounds of what is sent at once; what is beyond them is told as a doubt.
const (
	mostParcels = 256
	mostBytes   = dialect.MaxText - 256 // of the parcels in one letter
)

// outbox collects what other servers are to be told until it is sent.
type outbox struct {
	wake chan struct{}

	mu   sync.Mutex // guards next
	next letter
}

// put changes the letter that is sent next.
func (o *outbox) put(write func(*letter)) {
	o.mu.Lock()
	write(&o.next)
	if len(o.next.Messages) > mostParcels {
		o.next.Messages, o.next.Doubt = nil, true
	}
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take empties the outbox.
func (o *outbox) take() letter {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := o.next
	o.next = letter{}
	return taken
}

// texts writes a letter, as several ones if it is long.
func (l letter) texts(from uuid.UUID) (texts []string, err error) {
	parcels := l.Messages
	l.From, l.Messages = from, nil
	for first := true; first || len(parcels) > 0; first = false {
		size := 0
		for len(parcels) > 0 && (size == 0 || size+len(parcels[0].Body) < mostBytes) {
			size += len(parcels[0].Body) + len(parcels[0].Kind) + len(`{"kind":"","body":},`)
			l.Messages, parcels = append(l.Messages, parcels[0]), parcels[1:]
		}
		text, err := json.Marshal(l)
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(text))
		l = letter{From: from}
	}
	return texts, nil
}
