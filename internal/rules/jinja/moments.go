package jinja

import (
	"fmt"
	"strings"
	"time"
)

const (
	second = Duration(1_000_000)
	day    = 86_400 * second
)

// isoTime writes a moment as Python does; its microseconds only when there are any.
func isoTime(v any, between string) string {
	t, aware := momentOf(v)
	text := t.Format("2006-01-02") + between + t.Format("15:04:05")
	if micro := t.Nanosecond() / 1000; micro != 0 {
		text += fmt.Sprintf(".%06d", micro)
	}
	if aware {
		text += offset(t, ":")
	}
	return text
}

func momentOf(v any) (t time.Time, aware bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case naive:
		return v.Time, false
	case date:
		return v.Time, false
	}
	return time.Time{}, false
}

func offset(t time.Time, colon string) string {
	_, seconds := t.Zone()
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	return fmt.Sprintf("%c%02d%s%02d", sign, seconds/3600, colon, seconds/60%60)
}

func zoneName(l *time.Location, t time.Time) string {
	if text := offset(t.In(l), ":"); text != "+00:00" {
		return "UTC" + text
	}
	return "UTC"
}

func reprMoment(v any) string {
	switch v := v.(type) {
	case Duration:
		return v.repr()
	case date:
		return fmt.Sprintf("datetime.date(%d, %d, %d)", v.Year(), v.Month(), v.Day())
	case zone:
		return "datetime.timezone.utc"
	}
	t, aware := momentOf(v)
	text := fmt.Sprintf("datetime.datetime(%d, %d, %d, %d, %d", t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute())
	micro := t.Nanosecond() / 1000
	if t.Second() != 0 || micro != 0 {
		text += fmt.Sprintf(", %d", t.Second())
	}
	if micro != 0 {
		text += fmt.Sprintf(", %d", micro)
	}
	if !aware {
		return text + ")"
	}
	_, seconds := t.Zone()
	if seconds == 0 {
		return text + ", tzinfo=datetime.timezone.utc)"
	}
	return text + ", tzinfo=datetime.timezone(" + (Duration(seconds) * second).repr() + "))"
}

// parts are days, seconds and microseconds, of which only the days may be negative.
func (d Duration) parts() (days, seconds, micros int64) {
	days, rest := int64(d/day), d%day
	if rest < 0 {
		days, rest = days-1, rest+day
	}
	return days, int64(rest / second), int64(rest % second)
}

// String is what a span prints as.
func (d Duration) String() string {
	days, seconds, micros := d.parts()
	text := ""
	if days != 0 {
		plural := "s"
		if days == 1 || days == -1 {
			plural = ""
		}
		text = fmt.Sprintf("%d day%s, ", days, plural)
	}
	text += fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	if micros != 0 {
		text += fmt.Sprintf(".%06d", micros)
	}
	return text
}

func (d Duration) repr() string {
	days, seconds, micros := d.parts()
	var parts []string
	for _, part := range []struct {
		name string
		n    int64
	}{{"days", days}, {"seconds", seconds}, {"microseconds", micros}} {
		if part.n != 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", part.name, part.n))
		}
	}
	if parts == nil {
		parts = []string{"0"}
	}
	return "datetime.timedelta(" + strings.Join(parts, ", ") + ")"
}

func (d Duration) seconds() float64 { return float64(d) / float64(second) }

// strftime writes a moment after a pattern of C's.
func strftime(v any, pattern string) string {
	t, aware := momentOf(v)
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' || i+1 == len(pattern) {
			b.WriteByte(pattern[i])
			continue
		}
		i++
		pad := true
		if pattern[i] == '-' && i+1 < len(pattern) {
			pad = false
			i++
		}
		text := strftimeWord(t, aware, pattern[i])
		if !pad {
			if text = strings.TrimLeft(text, "0 "); text == "" {
				text = "0"
			}
		}
		b.WriteString(text)
	}
	return b.String()
}

func strftimeWord(t time.Time, aware bool, word byte) string {
	layouts := map[byte]string{'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'y': "06", 'e': "_2", 'j': "002", 'F': "2006-01-02",
		'T': "15:04:05", 'R': "15:04", 'D': "01/02/06", 'x': "01/02/06", 'X': "15:04:05", 'c': "Mon Jan _2 15:04:05 2006", 'r': "03:04:05 PM"}
	if layout, ok := layouts[word]; ok {
		return t.Format(layout)
	}
	year, week := t.ISOWeek()
	switch word {
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000)
	case 'z':
		if aware {
			return offset(t, "")
		}
		return ""
	case 'Z':
		if aware {
			return zoneName(t.Location(), t)
		}
		return ""
	case 'w':
		return fmt.Sprint(int(t.Weekday()))
	case 'u':
		return fmt.Sprint((int(t.Weekday())+6)%7 + 1)
	case 'G':
		return fmt.Sprint(year)
	case 'V':
		return fmt.Sprintf("%02d", week)
	case 'U':
		return fmt.Sprintf("%02d", (t.YearDay()+6-int(t.Weekday()))/7)
	case 'W':
		return fmt.Sprintf("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7)
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100)
	case 's':
		return fmt.Sprint(t.Unix())
	case 'k':
		return fmt.Sprintf("%2d", t.Hour())
	case 'l':
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1)
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case '%':
		return "%"
	}
	return "%" + string(word)
}
