package api

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// Evidence is how an account stood at a time, for auditors. The entry of the audit log behind
// AuditSeq has its SHA256, so the chain of the log vouches for it.
type Evidence struct {
	Collected    Time           `json:"collected"`
	AccountID    uuid.UUID      `json:"account_id"`
	AuditSeq     int64          `json:"audit_seq"`  // of the last entry before
	AuditHash    string         `json:"audit_hash"` // of that entry
	AuditProblem string         `json:"audit_problem"`
	Parts        []EvidencePart `json:"parts"`
	SHA256       string         `json:"sha256"`
}

// EvidencePart answers a question of auditors. Criteria are those of the trust services
// criteria of 2017 that it is about.
type EvidencePart struct {
	Name     string         `json:"name"`
	Criteria []string       `json:"criteria"`
	Content  jsontext.Value `json:"content"`
	SHA256   string         `json:"sha256"` // of the content in the form of RFC 8785
}

// Digest computes what SHA256 must be of the whole, and of each part.
func (e *Evidence) Digest() (whole string, parts []string, err error) {
	var text strings.Builder
	for _, line := range []string{e.Collected.UTC().Format("2006-01-02T15:04:05.999999999Z07:00"), e.AccountID.String(), strconv.FormatInt(e.AuditSeq, 10), e.AuditHash, e.AuditProblem} {
		text.WriteString(line + "\n")
	}
	for _, p := range e.Parts {
		content := p.Content.Clone()
		if err := content.Canonicalize(); err != nil {
			return "", nil, err
		}
		sum := sha256.Sum256(content)
		parts = append(parts, hex.EncodeToString(sum[:]))
		text.WriteString(p.Name + " " + strings.Join(p.Criteria, ",") + " " + parts[len(parts)-1] + "\n")
	}
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:]), parts, nil
}

// Check says whether nothing of the evidence was changed since it was collected, as far as it
// tells itself.
func (e *Evidence) Check() error {
	whole, parts, err := e.Digest()
	if err != nil {
		return Errorf(CodeInvalid, "the evidence can't be read: %w", err)
	}
	for i, p := range e.Parts {
		if p.SHA256 != parts[i] {
			return Errorf(CodeConflict, "the part %q was changed: its hash is another one", p.Name)
		}
	}
	if whole != e.SHA256 {
		return Errorf(CodeConflict, "the evidence was changed: its hash is another one")
	}
	return nil
}
