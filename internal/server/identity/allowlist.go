package identity

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// MaxNetworks is how many entries an account's list of addresses may have.
const MaxNetworks = 25

// gate lets requests into an account by where they come from; nil lets all in.
type gate struct{ networks []netip.Prefix }

// gateOf is the gate of an account: none unless it is wanted and an entry is enabled.
func gateOf(tx *store.Tx, account *store.Account) (*gate, error) {
	var settings struct {
		Enforce bool `json:"enforce_ip_allowlist"`
	}
	if err := json.Unmarshal(account.Settings, &settings); err != nil || !settings.Enforce {
		return nil, err
	}
	list, err := tx.AllowedNetworks(account.ID)
	return gateFor(list), err
}

func gateFor(list []store.AllowedNetwork) *gate {
	g := &gate{}
	for _, n := range list {
		if network, err := ParseNetwork(n.Network); err == nil && n.Enabled {
			g.networks = append(g.networks, network)
		}
	}
	if len(g.networks) == 0 {
		return nil
	}
	return g
}

// ParseNetwork reads an address or a network such as 192.0.2.0/24.
func ParseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

// find is the network of the gate that an address belongs to.
func (g *gate) find(ip string) (netip.Prefix, bool) {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return netip.Prefix{}, false
	}
	for _, n := range g.networks {
		if n.Contains(a.Unmap().WithZone("")) {
			return n, true
		}
	}
	return netip.Prefix{}, false
}

// sightings remembers what was written down of addresses, so that it is not again at every
// request.
type sightings struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

// due says whether something was not written down for a time, and that it now is.
func (s *sightings) due(what string, every time.Duration, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.seen[what]; ok && now.Sub(at) < every {
		return false
	}
	if s.seen == nil || len(s.seen) > 10_000 {
		s.seen = map[string]time.Time{}
	}
	s.seen[what] = now
	return true
}

// AdmitAccount refuses a request to an account from an address that it does not let in.
func (s *Service) AdmitAccount(ctx context.Context, by By, g *AccountGrant) error {
	return s.pass(ctx, by, g.Account.ID, g.gate)
}

// AdmitWorkspace refuses a request to a workspace from an address that its account does not
// let in.
func (s *Service) AdmitWorkspace(ctx context.Context, by *By, g *WorkspaceGrant) error {
	if g.gate == nil {
		return nil
	}
	return s.pass(ctx, *by, g.Workspace.AccountID, g.gate)
}

func (s *Service) pass(ctx context.Context, by By, account uuid.UUID, g *gate) error {
	if g == nil {
		return nil
	}
	now := s.Now()
	network, ok := g.find(by.IP)
	if ok {
		if s.seen.due("seen "+account.String()+network.String(), 5*time.Minute, now.Time) {
			s.note(ctx, func(tx *store.Tx) error { return sawNetwork(tx, account, network, now) })
		}
		return nil
	}
	if s.seen.due("denied "+account.String()+by.IP+by.Actor.Credential.ID.String(), time.Minute, now.Time) {
		s.note(ctx, func(tx *store.Tx) error {
			return s.Audit(tx, by, Entry{Account: account, Type: "request", Action: "access-denied.ip-allowlist", ID: account, Details: map[string]any{"address": by.IP}})
		})
	}
	return errAddress(by.IP)
}

func errAddress(ip string) error {
	return api.Errorf(api.CodeForbidden, "Your IP address %s is not allowed to use this account.", ip)
}

func sawNetwork(tx *store.Tx, account uuid.UUID, network netip.Prefix, now api.Time) error {
	list, err := tx.AllowedNetworks(account)
	for _, n := range list {
		if p, bad := ParseNetwork(n.Network); err == nil && bad == nil && p == network {
			err = tx.SawNetwork(account, n.Network, now)
		}
	}
	return err
}

// note writes something down beside a request, which goes on if that fails.
func (s *Service) note(ctx context.Context, fn func(*store.Tx) error) {
	if err := s.Write(context.WithoutCancel(ctx), fn); err != nil {
		s.log.WarnContext(ctx, "cannot note where a request comes from", "error", err)
	}
}

// Allowlist is the list of addresses that an account lets in.
func (s *Service) Allowlist(ctx context.Context, account uuid.UUID) (*api.IPAllowlist, error) {
	return read(ctx, s, func(tx *store.Tx) (*api.IPAllowlist, error) {
		list, err := tx.AllowedNetworks(account)
		out := &api.IPAllowlist{Entries: []api.IPAllowlistEntry{}}
		for _, n := range list {
			out.Entries = append(out.Entries, api.IPAllowlistEntry{Network: n.Network, Enabled: n.Enabled, Description: n.Description, LastSeen: n.LastSeen})
		}
		return out, err
	})
}

// SetAllowlist replaces it, but for one that would keep out who does so.
func (s *Service) SetAllowlist(ctx context.Context, by By, account uuid.UUID, in *api.IPAllowlist) error {
	if len(in.Entries) > MaxNetworks {
		return api.Errorf(api.CodeInvalid, "A list has at most %d entries.", MaxNetworks)
	}
	return s.Change(ctx, func(tx *store.Tx) error {
		old, err := tx.AllowedNetworks(account)
		if err != nil {
			return err
		}
		seen, before, after := map[string]*api.Time{}, []string{}, []string{}
		for _, n := range old {
			seen[n.Network] = n.LastSeen
			before = append(before, n.Network)
		}
		list := make([]store.AllowedNetwork, 0, len(in.Entries))
		for _, e := range in.Entries {
			p, err := ParseNetwork(e.Network)
			if err != nil {
				return api.Errorf(api.CodeInvalid, "%q is neither an address nor a network such as 192.0.2.0/24.", e.Network)
			}
			text := p.String()
			if p.IsSingleIP() {
				text = p.Addr().String()
			}
			list, after = append(list, store.AllowedNetwork{Network: text, Enabled: e.Enabled, Description: e.Description, LastSeen: seen[text]}), append(after, text)
		}
		if err := tx.SetAllowedNetworks(account, list); err != nil {
			return err
		}
		a, err := tx.Account(account)
		if err != nil {
			return err
		}
		if g, err := gateOf(tx, a); err != nil {
			return err
		} else if g != nil {
			if err := keepsIn(tx, account, by.IP); err != nil {
				return err
			}
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "account-settings", Action: "updated", ID: account, Name: a.Handle, Changes: map[string][2]any{"ip_allowlist": {before, after}}})
	})
}

// keepsIn refuses a list that keeps out an address once it counts.
func keepsIn(tx *store.Tx, account uuid.UUID, ip string) error {
	list, err := tx.AllowedNetworks(account)
	if err != nil {
		return err
	}
	if g := gateFor(list); g != nil {
		if _, ok := g.find(ip); !ok {
			return api.Errorf(api.CodeInvalid, "The list would keep you out: add your own address, %s, first.", ip)
		}
	}
	return nil
}

// MyAccess says whether an address would be let in if the list counted.
func (s *Service) MyAccess(ctx context.Context, account uuid.UUID, ip string) (*api.IPAllowlistAccess, error) {
	return read(ctx, s, func(tx *store.Tx) (*api.IPAllowlistAccess, error) {
		list, err := tx.AllowedNetworks(account)
		if err != nil {
			return nil, err
		}
		g := gateFor(list)
		if g == nil {
			return &api.IPAllowlistAccess{Allowed: true, Detail: "No entry is enabled: every address is allowed."}, nil
		}
		if n, ok := g.find(ip); ok {
			return &api.IPAllowlistAccess{Allowed: true, Detail: "Your IP address " + ip + " is allowed by " + n.String() + "."}, nil
		}
		return &api.IPAllowlistAccess{Detail: errAddress(ip).Error()}, nil
	})
}
