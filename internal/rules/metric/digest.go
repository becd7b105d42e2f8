// Package metric holds the rules of the figures about runs: what is measured, how many
// measurements are kept as one digest, and how questions are answered from digests.
package metric

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// Digest stands for many measurements. All of it is exact but the spread, which knows each
// measurement to 2 %: it counts them by powers of growth. The zero value is of none.
type Digest struct {
	Count        int64
	Sum, Squares float64
	Least, Most  float64
	spread       []classCount // by class
}

// classCount is how many measurements are of a class.
type classCount struct {
	class int32
	n     int64
}

const (
	growth = 1.02
	// nothing is the class of what is not more than tiny.
	nothing = math.MinInt32
	tiny    = 1e-6
)

func classOf(v float64) int32 {
	if v < tiny {
		return nothing
	}
	return int32(math.Ceil(math.Log(v)/math.Log(growth) - 1e-9))
}

// valueOf is the largest value of a class, which 1 is of its own.
func valueOf(class int32) float64 {
	if class == nothing {
		return 0
	}
	return math.Pow(growth, float64(class))
}

// Add adds a measurement.
func (d *Digest) Add(v float64) {
	if d.Count == 0 {
		d.Least, d.Most = v, v
	}
	d.Least, d.Most = min(d.Least, v), max(d.Most, v)
	d.Count, d.Sum, d.Squares = d.Count+1, d.Sum+v, d.Squares+v*v
	class := classOf(v)
	i, found := slices.BinarySearchFunc(d.spread, class, func(c classCount, class int32) int { return cmp.Compare(c.class, class) })
	if !found {
		d.spread = slices.Insert(d.spread, i, classCount{class: class})
	}
	d.spread[i].n++
}

// Merge adds the measurements of another digest.
func (d *Digest) Merge(o *Digest) {
	if o.Count == 0 {
		return
	}
	if d.Count == 0 {
		d.Least, d.Most = o.Least, o.Most
	}
	d.Least, d.Most = min(d.Least, o.Least), max(d.Most, o.Most)
	d.Count, d.Sum, d.Squares = d.Count+o.Count, d.Sum+o.Sum, d.Squares+o.Squares
	d.spread = merged(d.spread, o.spread)
}

// merged adds up two spreads and leaves both as they are.
func merged(a, b []classCount) []classCount {
	out := make([]classCount, 0, max(len(a), len(b))+16)
	for len(a) > 0 && len(b) > 0 {
		switch c := cmp.Compare(a[0].class, b[0].class); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, classCount{a[0].class, a[0].n + b[0].n})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// Spread is the spread in the form that is stored.
func (d *Digest) Spread() []byte {
	var out []byte
	last := int32(0)
	for _, c := range d.spread {
		out = binary.AppendVarint(out, int64(c.class)-int64(last))
		out = binary.AppendUvarint(out, uint64(c.n)) //nolint:gosec // counts are not negative
		last = c.class
	}
	return out
}

var errSpread = errors.New("the spread of a digest is damaged")

// SetSpread reads the stored form of the spread.
func (d *Digest) SetSpread(stored []byte) error {
	d.spread = make([]classCount, 0, len(stored)/2)
	class := int64(0)
	for len(stored) > 0 {
		step, n := binary.Varint(stored)
		if n <= 0 {
			return errSpread
		}
		count, m := binary.Uvarint(stored[n:])
		if m <= 0 {
			return errSpread
		}
		class += step
		d.spread = append(d.spread, classCount{int32(class), int64(count)}) //nolint:gosec // as they were written
		stored = stored[n+m:]
	}
	return nil
}

// Quantile is the value that a share of the measurements does not exceed, to 2 %.
func (d *Digest) Quantile(level float64) float64 {
	rank := int64(level * float64(d.Count-1))
	for _, c := range d.spread {
		if rank -= c.n; rank < 0 {
			return min(max(valueOf(c.class), d.Least), d.Most)
		}
	}
	return d.Most
}

// CountIf counts the measurements that compare so with a value; those within 2 % of it may
// be counted as equal to it.
func (d *Digest) CountIf(operator string, value float64) (n int64) {
	at := classOf(value)
	for _, c := range d.spread {
		if compares(c.class, operator, at) {
			n += c.n
		}
	}
	return n
}

func compares(a int32, operator string, b int32) bool {
	switch operator {
	case "!=":
		return a != b
	case ">":
		return a > b
	case ">=":
		return a >= b
	case "<":
		return a < b
	case "<=":
		return a <= b
	}
	return a == b
}

// Mean is the mean of the measurements, of which there must be some.
func (d *Digest) Mean() float64 { return d.Sum / float64(d.Count) }

// Deviation is their standard deviation.
func (d *Digest) Deviation() float64 {
	return math.Sqrt(max(d.Squares/float64(d.Count)-d.Mean()*d.Mean(), 0))
}
