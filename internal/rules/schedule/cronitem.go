package schedule

import (
	"fmt"
	"strconv"
	"strings"
)

// item reads one element of a list: a value, a range, a step, or weekdays with "#n" or "l".
func (p *cronParser) item(i int, f cronField, text string) error {
	nth := uint8(0)
	if i == weekdayField {
		var err error
		if text, nth, err = splitNth(text); err != nil {
			return err
		}
	}
	if low, high, step, ok := splitRange(text, f); ok {
		return p.span(i, f, low, high, step, nth)
	}
	return p.single(i, f, text, nth)
}

// splitNth takes the "#2" off "5#2" and the "l" off "l5". nth is a bit mask, 0 without either.
func splitNth(text string) (rest string, nth uint8, err error) {
	if last, ok := strings.CutPrefix(text, "l"); ok && isDigits(last) {
		return last, 1 << nthLast, nil
	}
	rest, count, ok := strings.Cut(text, "#")
	if !ok {
		return text, 0, nil
	}
	if n := atoi(count); !isDigits(count) || n < 1 || n > 5 {
		return "", 0, fmt.Errorf("%q: a month has a 1st to a 5th of a weekday", text)
	}
	if low, _, ranged := strings.Cut(rest, "-"); ranged && isDigits(low) {
		return "", 0, fmt.Errorf("%q: write a range before # with names, like mon-fri#2", text)
	}
	return rest, 1 << atoi(count), nil
}

// splitRange takes "2-9/3", "*/3" (the whole field) and "2/3" (from 2 on) apart.
func splitRange(text string, f cronField) (low, high, step string, ok bool) {
	if steps, ok := strings.CutPrefix(text, "*/"); ok {
		if low, high, step, ok = cutRange(fmt.Sprintf("%d-%d/%s", f.min, f.max, steps)); ok {
			return low, high, step, true
		}
	}
	if low, high, step, ok = cutRange(text); ok {
		return low, high, step, true
	}
	if slash := strings.LastIndex(text, "/"); slash > 0 {
		return cutRange(fmt.Sprintf("%s-%d%s", text[:slash], f.max, text[slash:]))
	}
	return "", "", "", false
}

func cutRange(text string) (low, high, step string, ok bool) {
	low, rest, ranged := strings.Cut(text, "-")
	high, step, stepped := strings.Cut(rest, "/")
	ok = ranged && low != "" && high != "" && !strings.Contains(high, "-") && isDigits(step) == stepped
	return low, high, step, ok
}

func (p *cronParser) single(i int, f cronField, text string, nth uint8) error {
	switch {
	case text == "*":
		p.values[i].all = true
		return nil
	case text == "l" && i == dayField:
		p.lastDay = true
		return nil
	}
	v, err := p.number(i, f, text)
	if err != nil {
		return err
	}
	return p.add(i, f, v, nth)
}

func (p *cronParser) add(i int, f cronField, v int, nth uint8) error {
	if v < f.min || v > f.max {
		return fmt.Errorf("%d is not between %d and %d", v, f.min, f.max)
	}
	if i == yearField {
		v -= firstYear
	}
	p.values[i].add(v)
	if nth != 0 {
		p.nth[v] |= nth
	}
	return nil
}

// number reads a value or its name.
func (p *cronParser) number(i int, f cronField, text string) (int, error) {
	if !isDigits(text) {
		for n, word := range f.words {
			if text == word {
				return f.min + n, nil
			}
		}
		return 0, fmt.Errorf("%q is not a value of this field", text)
	}
	return p.alias(i, atoi(text)), nil
}

// alias maps the second spelling of a value: weekday 7 is Sunday in five-field expressions,
// day 0 is day 1 in six-field ones.
func (p *cronParser) alias(i, v int) int {
	switch {
	case i == weekdayField && v == 7 && len(p.parts) == 5:
		return 0
	case i == dayField && v == 0 && len(p.parts) == 6:
		return 1
	}
	return v
}

// span adds a range. A range whose end lies before its start wraps around the field; one
// with equal ends is the whole field.
func (p *cronParser) span(i int, f cronField, lowText, highText, stepText string, nth uint8) error {
	if i == dayField && highText == "l" {
		highText = "31"
	}
	low, err := p.number(i, f, lowText)
	if err != nil {
		return err
	}
	high, err := p.number(i, f, highText)
	if err != nil {
		return err
	}
	if max(low, high) > f.max {
		return fmt.Errorf("%d is more than %d", max(low, high), f.max)
	}
	step := 1
	if stepText != "" {
		step = atoi(stepText)
	}
	if step == 0 {
		return fmt.Errorf("a step of 0 leads nowhere")
	}
	if low == high {
		low, high = f.min, f.max
	}
	for _, v := range steps(low, high, step, f) {
		if err := p.add(i, f, v, nth); err != nil {
			return err
		}
	}
	return nil
}

// steps lists low to high by step, past the end of the field to its start if need be.
func steps(low, high, step int, f cronField) []int {
	var list []int
	if low <= high {
		for v := low; v <= high; v += step {
			list = append(list, v)
		}
		return list
	}
	for v := low; v <= f.max; v += step {
		list = append(list, v)
	}
	start, left := f.min, f.max-list[len(list)-1]
	if left < step && list[len(list)-1]-f.min+step > f.max-f.min+1 {
		start += step - left
	}
	for v := start; v <= high; v += step {
		list = append(list, v)
	}
	return list
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// atoi reads digits; numbers too large for an int are just large.
func atoi(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil || n > 1<<30 {
		return 1 << 30
	}
	return n
}
