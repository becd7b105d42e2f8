package jinja

import (
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/google/uuid"
)

// fn makes a method with parameters as bind knows them.
func fn(name, params string, do func(c *call) any) (any, bool) {
	return method{name, func(c *call) any {
		c.bind(name, params)
		return do(c)
	}}, true
}

func dictMember(d *Dict, name string) (any, bool) {
	values := func() []any {
		return each(d.keys, func(key any) any { v, _ := d.Get(key); return v })
	}
	switch name {
	case "get":
		return fn(name, "key default?", func(c *call) any {
			if v, ok := d.Get(c.args[0]); ok {
				return v
			}
			return c.value(1, nil)
		})
	case "keys":
		return fn(name, "", func(*call) any { return view{"dict_keys", d.keys} })
	case "values":
		return fn(name, "", func(*call) any { return view{"dict_values", values()} })
	case "items":
		return fn(name, "", func(*call) any { return view{"dict_items", d.items()} })
	case "copy":
		return fn(name, "", func(*call) any { return d })
	case "fromkeys":
		return fn(name, "iterable value?", func(c *call) any {
			out := NewDict()
			for _, key := range mustIterate(c.args[0]) {
				out.Set(key, c.value(1, nil))
			}
			return out
		})
	case "clear", "pop", "popitem", "setdefault", "update":
		return unsafe(d, name), true
	}
	return nil, false
}

func (d *Dict) items() []any {
	return each(d.keys, func(key any) any { v, _ := d.Get(key); return tuple{key, v} })
}

func listMember(of any, items []any, name string) (any, bool) {
	switch name {
	case "count":
		return fn(name, "value", func(c *call) any {
			c.r.payFor(items, c.args[0])
			n := int64(0)
			for _, item := range items {
				if equal(item, c.args[0]) {
					n++
				}
			}
			return n
		})
	case "index":
		return fn(name, "value start? stop?", func(c *call) any {
			c.r.payFor(items, c.args[0])
			for i, item := range items {
				if equal(item, c.args[0]) {
					return int64(i)
				}
			}
			failIndex(of, c.args[0])
			return nil
		})
	case "copy":
		return fn(name, "", func(*call) any { return items })
	case "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort":
		return unsafe(of, name), true
	}
	return nil, false
}

func failIndex(of, v any) {
	switch of.(type) {
	case tuple:
		fail(valueError, "tuple.index(x): x not in tuple")
	case span:
		fail(valueError, "sequence.index(x): x not in sequence")
	}
	fail(valueError, "%s is not in list", repr(v))
}

func tupleMember(t tuple, name string) (any, bool) {
	if name == "count" || name == "index" {
		return listMember(t, t, name)
	}
	return nil, false
}

func uuidMember(id uuid.UUID, name string) (any, bool) {
	switch name {
	case "hex":
		return strings.ReplaceAll(id.String(), "-", ""), true
	case "int":
		return small(new(big.Int).SetBytes(id[:])), true
	case "urn":
		return id.URN(), true
	case "version":
		return int64(id.Version()), true
	}
	return nil, false
}

func scalarMember(of any, name string) (any, bool) {
	switch of := of.(type) {
	case float64:
		return floatMember(of, name)
	case bool, int64, *big.Int:
		return wholeMember(of, name)
	case Duration:
		return spanMember(of, name)
	case time.Time, naive:
		return momentMember(of, name)
	case date:
		if name == "replace" {
			return fn(name, "year? month? day?", func(c *call) any {
				return replaceParts(c, of.Time, func(t time.Time) any { return date{t} })
			})
		}
		return dayMember(of, of.Time, name)
	case span:
		switch name {
		case "start":
			return of.start, true
		case "stop":
			return of.stop, true
		case "step":
			return of.step, true
		}
		return listMember(of, of.list(), name)
	}
	return nil, false
}

func floatMember(f float64, name string) (any, bool) {
	switch name {
	case "is_integer":
		return fn(name, "", func(*call) any { return f == math.Trunc(f) && !math.IsInf(f, 0) })
	case "real":
		return f, true
	case "imag":
		return 0.0, true
	case "conjugate":
		return fn(name, "", func(*call) any { return f })
	}
	return nil, false
}

func wholeMember(v any, name string) (any, bool) {
	n, _ := bigOf(v)
	switch name {
	case "real", "numerator":
		return small(n), true
	case "imag":
		return int64(0), true
	case "denominator":
		return int64(1), true
	case "bit_length":
		return fn(name, "", func(*call) any { return int64(n.BitLen()) })
	case "bit_count":
		return fn(name, "", func(*call) any { return int64(strings.Count(n.Text(2), "1")) })
	case "conjugate":
		return fn(name, "", func(*call) any { return small(n) })
	}
	return nil, false
}

func spanMember(d Duration, name string) (any, bool) {
	days, seconds, micros := d.parts()
	switch name {
	case "days":
		return days, true
	case "seconds":
		return seconds, true
	case "microseconds":
		return micros, true
	case "total_seconds":
		return fn(name, "", func(*call) any { return d.seconds() })
	}
	return nil, false
}

// dayMember are the members that dates and moments have in common.
func dayMember(of any, t time.Time, name string) (any, bool) {
	year, week := t.ISOWeek()
	weekday := int64(t.Weekday()+6) % 7
	switch name {
	case "year":
		return int64(t.Year()), true
	case "month":
		return int64(t.Month()), true
	case "day":
		return int64(t.Day()), true
	case "weekday":
		return fn(name, "", func(*call) any { return weekday })
	case "isoweekday":
		return fn(name, "", func(*call) any { return weekday + 1 })
	case "isocalendar":
		return fn(name, "", func(*call) any { return tuple{int64(year), int64(week), weekday + 1} })
	case "toordinal":
		return fn(name, "", func(*call) any {
			return (time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix())/86400 + 719163
		})
	case "ctime":
		return fn(name, "", func(*call) any { return t.Format("Mon Jan _2 15:04:05 2006") })
	case "strftime":
		return fn(name, "format", func(c *call) any { return strftime(of, c.text(0, "")) })
	case "isoformat":
		return fn(name, "", func(*call) any { return t.Format(time.DateOnly) })
	}
	return nil, false
}

func momentMember(of any, name string) (any, bool) {
	t, aware := momentOf(of)
	rewrap := func(t time.Time) any {
		if aware {
			return t
		}
		return naive{t}
	}
	switch name {
	case "hour":
		return int64(t.Hour()), true
	case "minute":
		return int64(t.Minute()), true
	case "second":
		return int64(t.Second()), true
	case "microsecond":
		return int64(t.Nanosecond() / 1000), true
	case "fold":
		return int64(0), true
	case "tzinfo":
		if aware {
			return zone{t.Location()}, true
		}
		return nil, true
	case "tzname":
		return fn(name, "", func(*call) any { return nilUnless(aware, zoneName(t.Location(), t)) })
	case "utcoffset":
		_, seconds := t.Zone()
		return fn(name, "", func(*call) any { return nilUnless(aware, Duration(seconds)*second) })
	case "timestamp":
		return fn(name, "", func(*call) any { return float64(t.UnixMicro()) / 1e6 })
	case "date":
		return fn(name, "", func(*call) any { return date{time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)} })
	case "isoformat":
		return fn(name, "sep? timespec?", func(c *call) any { return isoWith(of, c.text(0, "T"), c.text(1, "auto")) })
	case "replace":
		return fn(name, "year? month? day? hour? minute? second? microsecond? tzinfo?", func(c *call) any { return replaceParts(c, t, rewrap) })
	case "astimezone":
		return fn(name, "tz?", func(c *call) any {
			if z, ok := c.value(0, nil).(zone); ok {
				return t.In(z.Location)
			}
			return t.UTC()
		})
	}
	return dayMember(of, t, name)
}

func nilUnless(ok bool, v any) any {
	if ok {
		return v
	}
	return nil
}

func isoWith(of any, sep, precision string) string {
	t, aware := momentOf(of)
	layouts := map[string]string{"hours": "15", "minutes": "15:04", "seconds": "15:04:05", "milliseconds": "15:04:05.000", "microseconds": "15:04:05.000000"}
	layout, ok := layouts[precision]
	if !ok {
		if precision != "auto" {
			fail(valueError, "Unknown timespec value")
		}
		return isoTime(of, sep)
	}
	text := t.Format(time.DateOnly) + sep + t.Format(layout)
	if aware {
		text += offset(t, ":")
	}
	return text
}

func replaceParts(c *call, t time.Time, rewrap func(time.Time) any) any {
	part := func(i, now int) int { return int(c.whole(i, int64(now))) }
	out := time.Date(part(0, t.Year()), time.Month(part(1, int(t.Month()))), part(2, t.Day()),
		part(3, t.Hour()), part(4, t.Minute()), part(5, t.Second()), part(6, t.Nanosecond()/1000)*1000, t.Location())
	if out.Day() != part(2, t.Day()) {
		fail(valueError, "day is out of range for month")
	}
	if c.has(7) && c.args[7] == nil {
		return naive{out}
	}
	return rewrap(out)
}
