package server

import (
	"net"

	"github.com/usherhq/usher/internal/build"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/rules/assurance"
)

// facts say how the server is set up, without secrets, for the report about security.
func (s *Server) facts() assurance.Facts {
	o := &s.options
	f := assurance.Facts{
		Version: build.Version(), Accounts: o.Accounts, SharedPassword: o.Guards.Guarded(), Host: o.Host, Loopback: isLoopback(s.listener), OnlyTLS13: o.TLS.From13,
		Database: map[string]string{"sqlite": "SQLite", "postgres": "PostgreSQL"}[s.store.Dialect().Name()], WallGap: s.wallGap, MasterKey: "a file of the server's home",
		KeepRuns: o.Upkeep.Retention.FlowRuns, KeepLogs: o.Upkeep.Retention.Logs, KeepEvents: o.Upkeep.Retention.Events,
		LogsMuted: o.Mutes.Logs, LogsMasked: len(o.Masks) > 0, OnlyPublic: o.OnlyPublic, OnlyListed: !o.Reach.IsZero(), NoCredentials: o.Mutes.Credentials, SecurityTxt: o.SecurityTxt.Contact != "", Rates: o.Rates.Requests, MaxRequests: o.MaxRequests, Proxies: len(o.Front.Proxies),
	}
	switch {
	case len(o.TLS.Hosts) > 0:
		f.TLS = "with certificates over ACME"
	case o.TLS.On():
		f.TLS = "with the certificate of a file"
	}
	if o.Keys != nil && o.Keys.String() == crypt.Variable {
		f.MasterKey = "the environment"
	}
	if in := o.SignIn; in != nil {
		f.PublicURL, f.Providers, f.TrustRules = in.PublicURL, len(in.Providers), len(in.Trust)
		f.LinkLife, f.SessionIdle, f.SessionLife = in.LinkLife, in.SessionIdle, in.SessionLife
		f.CompatLogin, f.IdPInitiated = !in.NoCompatLogin, in.SAMLIdPInitiated
		f.Passwords, f.BreachedList = in.Passwords, in.Breached != nil
		switch {
		case in.Mail.Host == "":
		case in.Mail.Plain:
			f.Mail = "in the clear, to this machine"
		default:
			f.Mail = "under TLS"
		}
	}
	return f
}

// isLoopback says that only this machine reaches what listens.
func isLoopback(l net.Listener) bool {
	if l == nil {
		return true
	}
	at, ok := l.Addr().(*net.TCPAddr)
	return ok && at.IP.IsLoopback()
}
