package otlp

import (
	"encoding/binary"
	"errors"
	"math"
)

// errMalformed is what is wrong with bytes that are no message.
var errMalformed = errors.New("the body is no ExportMetricsServiceRequest")

// The types of fields on the wire.
const (
	varint = iota
	fixed64
	bytesOf
	fixed32 = 5
)

// field is one field of a message.
type field struct {
	number uint64
	wire   uint64
	word   uint64 // of numbers
	data   []byte // of texts and messages
}

// each calls do for the fields of a message, in their order.
func each(message []byte, do func(f field) error) error {
	number := func() (uint64, error) {
		n, size := binary.Uvarint(message)
		if size <= 0 {
			return 0, errMalformed
		}
		message = message[size:]
		return n, nil
	}
	take := func(n uint64) ([]byte, error) {
		if n > uint64(len(message)) {
			return nil, errMalformed
		}
		some := message[:n]
		message = message[n:]
		return some, nil
	}
	for len(message) > 0 {
		key, err := number()
		if err != nil {
			return err
		}
		f := field{number: key >> 3, wire: key & 7}
		switch f.wire {
		case varint:
			f.word, err = number()
		case fixed64:
			if f.data, err = take(8); err == nil {
				f.word = binary.LittleEndian.Uint64(f.data)
			}
		case fixed32:
			_, err = take(4)
		case bytesOf:
			var size uint64
			if size, err = number(); err == nil {
				f.data, err = take(size)
			}
		default:
			err = errMalformed
		}
		if err == nil && f.number == 0 {
			err = errMalformed
		}
		if err == nil {
			err = do(f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// is says that a field has a number and a type; one that has the number with another type
// is passed over, as protobuf has it.
func (f *field) is(number, wire uint64) bool { return f.number == number && f.wire == wire }

// ReadProtobuf reads a request that is an ExportMetricsServiceRequest.
func ReadProtobuf(body []byte) (*Metrics, error) {
	var all []resource
	err := each(body, func(f field) error {
		if !f.is(1, bytesOf) {
			return nil
		}
		var r resource
		err := each(f.data, r.read)
		all = append(all, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return metrics(all), nil
}

// read reads a field of ResourceMetrics.
func (r *resource) read(f field) error {
	switch {
	case f.is(1, bytesOf): // Resource
		return each(f.data, func(f field) error {
			if !f.is(1, bytesOf) {
				return nil
			}
			key, value, err := attribute(f.data)
			if key == runAttribute {
				r.run = value
			}
			return err
		})
	case f.is(2, bytesOf): // ScopeMetrics
		return each(f.data, func(f field) error {
			if !f.is(2, bytesOf) {
				return nil
			}
			var m metric
			err := each(f.data, m.read)
			r.metrics = append(r.metrics, m)
			return err
		})
	}
	return nil
}

// attribute reads a KeyValue; a value that is no text is "".
func attribute(message []byte) (key, value string, err error) {
	err = each(message, func(f field) error {
		switch {
		case f.is(1, bytesOf):
			key = string(f.data)
		case f.is(2, bytesOf):
			return each(f.data, func(f field) error {
				if f.is(1, bytesOf) {
					value = string(f.data)
				}
				return nil
			})
		}
		return nil
	})
	return key, value, err
}

// read reads a field of Metric.
func (m *metric) read(f field) error {
	switch {
	case f.is(1, bytesOf):
		m.name = string(f.data)
	case f.is(3, bytesOf):
		m.unit = string(f.data)
	case f.is(5, bytesOf), f.is(7, bytesOf): // Gauge, Sum
		return each(f.data, func(f field) error {
			if !f.is(1, bytesOf) {
				return nil
			}
			var p point
			err := each(f.data, p.read)
			m.points = append(m.points, p)
			return err
		})
	case f.is(9, bytesOf), f.is(10, bytesOf), f.is(11, bytesOf): // Histogram, ExponentialHistogram, Summary
		return each(f.data, func(f field) error {
			if f.is(1, bytesOf) {
				m.others++
			}
			return nil
		})
	}
	return nil
}

// read reads a field of NumberDataPoint.
func (p *point) read(f field) error {
	switch {
	case f.is(3, fixed64):
		p.nanoseconds = f.word
	case f.is(4, fixed64):
		p.value, p.hasValue = math.Float64frombits(f.word), true
	case f.is(6, fixed64):
		p.value, p.hasValue = float64(int64(f.word)), true
	}
	return nil
}

// AnswerProtobuf is the ExportMetricsServiceResponse that says what was not taken.
func (m *Metrics) AnswerProtobuf() []byte {
	if m.Rejected == 0 {
		return nil
	}
	partial := binary.AppendUvarint([]byte{1<<3 | varint}, uint64(m.Rejected))
	partial = append(binary.AppendUvarint(append(partial, 2<<3|bytesOf), uint64(len(m.Why))), m.Why...)
	return append(binary.AppendUvarint([]byte{1<<3 | bytesOf}, uint64(len(partial))), partial...)
}
