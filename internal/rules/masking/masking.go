// Package masking takes what looks like a secret out of the lines that runs write.
package masking

import (
	"fmt"
	"regexp"
	"strings"
)

// Known stands in a list of patterns for all forms of secrets that are known here.
const Known = "known"

// mask is what is written instead.
const mask = "********"

// known are secrets that tell by their form what they are. A group, if there is one, stays.
var known = []string{
	`\b(p(?:nu|nb|ut|rt|rn|sc)_)[0-9A-Za-z]{36}\b`,
	`(?i)\b((?:bearer|basic)\s+)[0-9a-z+/=._~-]{8,}`,
	`\b([A-Za-z][A-Za-z0-9+.-]*://)[^/@\s"']+@`,
	`\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*`,
	`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`,
	`\b(?:gh[opsur]_[0-9A-Za-z]{36,}|github_pat_\w{60,}|glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}|[rs]k_live_[0-9A-Za-z]{16,}|AIza[\w-]{35})`,
	`-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|$)`,
	`(?i)((?:password|passwd|secret|token|api_?key|access_?key)["']?\s*[:=]\s*)(?:"[^"]+"|'[^']+'|[^\s,;&]+)`,
}

// Patterns mask what they match; the zero value masks nothing.
type Patterns []*regexp.Regexp

// Parse reads patterns: regular expressions, of which the first group stays if there is one,
// or Known.
func Parse(list []string) (Patterns, error) {
	var out Patterns
	for _, text := range list {
		texts := []string{text}
		if text == Known {
			texts = known
		}
		for _, text := range texts {
			p, err := regexp.Compile(text)
			if err != nil {
				return nil, fmt.Errorf("%q is no regular expression: %w", text, err)
			}
			if p.MatchString("") {
				return nil, fmt.Errorf("%q matches where there is nothing, and so everywhere", text)
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// Mask returns the text without what the patterns match.
func (p Patterns) Mask(text string) string {
	for _, pattern := range p {
		at := pattern.FindAllStringSubmatchIndex(text, -1)
		if at == nil {
			continue
		}
		var out strings.Builder
		end := 0
		for _, m := range at {
			out.WriteString(text[end:m[0]])
			if len(m) > 3 && m[2] >= 0 {
				out.WriteString(text[m[2]:m[3]])
			}
			out.WriteString(mask)
			end = m[1]
		}
		text = out.String() + text[end:]
	}
	return text
}
