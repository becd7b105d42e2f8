// Package assurance says what the server promises about security, row by row, what this
// installation makes of each promise, and which tests prove it. docs/security tells operators
// what the product can't do for them.
package assurance

import (
	"fmt"
	"time"
)

// The levels of rows: what must hold, what should, and what is the operator's to do, for which
// the product brings documents and checks only.
const (
	Must     = "must"
	Should   = "should"
	Operator = "operator"
)

// The states of a row's proof.
const (
	Proven    = "proven"        // its tests cover the whole promise
	Partly    = "partly proven" // Missing says what no test covers
	NotProven = "not proven"
)

// Row is one promise. Tests are Go tests by name, or scripts of internal/acceptance/testdata.
type Row struct {
	ID, Level, Promise string
	Tests              []string
	// Missing says what no test shows, or what is not there at all; "" when nothing is.
	Missing string

	live func(*Facts) Value
}

// Proof is how far the tests go.
func (r *Row) Proof() string {
	switch {
	case len(r.Tests) == 0:
		return NotProven
	case r.Missing != "":
		return Partly
	}
	return Proven
}

// Live is what the installation makes of the promise.
func (r *Row) Live(f *Facts) Value {
	if r.live == nil {
		return Value{Text: "nothing to set"}
	}
	return r.live(f)
}

// Value is what an installation makes of a promise.
type Value struct {
	Text string
	// Weak says that a setting takes something away from the promise.
	Weak bool
}

// Facts are what an installation is like. They hold no secrets.
type Facts struct {
	Version        string
	Accounts       bool // everybody has a credential of their own
	SharedPassword bool // one for everybody
	Host           string
	Loopback       bool   // nobody else reaches it
	TLS            string // how the certificate comes here; "" without TLS
	OnlyTLS13      bool
	PublicURL      string
	Database       string // SQLite or PostgreSQL
	WallGap        string // why the database does not keep workspaces apart by itself; "" if it does
	MasterKey      string // where it comes from
	Mail           string // how mails go out, "" when none do
	Providers      int    // others at which people sign in
	TrustRules     int    // for build systems
	LinkLife       time.Duration
	SessionIdle    time.Duration
	SessionLife    time.Duration
	CompatLogin    bool
	IdPInitiated   bool
	Passwords      bool          // people may have one
	BreachedList   bool          // those that were stolen somewhere are refused
	KeepRuns       time.Duration // 0: for ever
	KeepLogs       time.Duration
	KeepEvents     time.Duration
	LogsMuted      bool
	LogsMasked     bool
	OnlyPublic     bool // nothing is sent to private addresses
	OnlyListed     bool // what is sent goes to listed hosts
	SecurityTxt    bool // it names whom to tell of weaknesses
	NoCredentials  bool // blocks with secrets are refused
	Rates          int  // requests in a minute of an account, 0 without a bound
	MaxRequests    int  // at once
	Proxies        int
	Account        *Account // nil on a server without accounts
}

// Account are the facts of the account that asks.
type Account struct {
	People, Bots      int
	RequireSSO        bool
	RequireMFA        bool
	RestrictToDomains bool
	Domains           int // that are proven
	EndlessKeys       int
	Addresses         int // that are let in; 0 when everybody is
	AuditEntries      int64
	AuditBroken       string
	Roles             int // of its own
	TimedGrants       int
	Reviewed          *time.Time
	OpenReviews       int
	OverdueReviews    int
	OpenRequests      int
	TwoPersons        bool
}

func plain(text string) func(*Facts) Value { return func(*Facts) Value { return Value{Text: text} } }

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// kept words how long something is kept.
func kept(d time.Duration) string {
	switch days := int(d / (24 * time.Hour)); {
	case d == 0:
		return "for ever"
	case d%(24*time.Hour) == 0 && days > 0:
		return count(days, "day", "days")
	}
	return d.String()
}

// ofAccount is the value of a promise that accounts make: without them it is not there.
func ofAccount(value func(*Facts, *Account) Value) func(*Facts) Value {
	return func(f *Facts) Value {
		switch {
		case !f.Accounts:
			return Value{Text: "off: the server has no accounts (USHER_AUTH_MODE)", Weak: !f.Loopback}
		case f.Account == nil:
			return Value{Text: "ask for the report of an account"}
		}
		return value(f, f.Account)
	}
}

func whoMustSayWho(f *Facts) Value {
	switch {
	case f.Accounts:
		return Value{Text: "everybody has a credential of their own"}
	case f.SharedPassword:
		return Value{Text: "one password for everybody", Weak: !f.Loopback}
	case f.Loopback:
		return Value{Text: "nobody is asked; only this machine reaches the server"}
	}
	return Value{Text: "nobody is asked, and the server listens on " + f.Host, Weak: true}
}

func wall(f *Facts) Value {
	if f.WallGap == "" {
		return Value{Text: f.Database + " shows each transaction one workspace (row-level security)"}
	}
	return Value{Text: "the server's own conditions alone: " + f.WallGap, Weak: f.Accounts && f.Database == "PostgreSQL"}
}

func transport(f *Facts) Value {
	least := "1.2"
	if f.OnlyTLS13 {
		least = "1.3"
	}
	switch {
	case f.TLS != "":
		return Value{Text: "TLS " + least + " or newer, " + f.TLS}
	case f.Loopback:
		return Value{Text: "no TLS; only this machine reaches the server"}
	case f.Proxies > 0:
		return Value{Text: "no TLS of its own; " + count(f.Proxies, "network of proxies is", "networks of proxies are") + " trusted"}
	}
	return Value{Text: "no TLS, and the server listens on " + f.Host, Weak: true}
}

func retention(f *Facts) Value {
	text := "runs " + kept(f.KeepRuns) + ", lines " + kept(f.KeepLogs) + ", events " + kept(f.KeepEvents)
	return Value{Text: text, Weak: f.KeepRuns == 0 || f.KeepLogs == 0 || f.KeepEvents == 0}
}

func lines(f *Facts) Value {
	if f.LogsMuted {
		return Value{Text: "lines are taken and not kept"}
	}
	return Value{Text: "lines are kept " + kept(f.KeepLogs) + "; clients and the server can switch them off"}
}

func masked(f *Facts) Value {
	return Value{Text: onOff(f.LogsMasked, "on, before lines are kept", "off (USHER_SERVER_LOGS_MASK)")}
}

func mailed(f *Facts) Value {
	switch {
	case !f.Accounts:
		return Value{Text: "off: the server has no accounts (USHER_AUTH_MODE)", Weak: !f.Loopback}
	case f.Mail == "":
		return Value{Text: "no mail server is set: nobody signs in by mail"}
	}
	return Value{Text: "links hold " + f.LinkLife.String() + ", mail goes out " + f.Mail}
}
