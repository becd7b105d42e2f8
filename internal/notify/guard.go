package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// errPrivate is why a connection was refused.
var errPrivate = errors.New("private addresses are not allowed: see the field allow_private_urls of the block, and USHER_EGRESS_BLOCK_PRIVATE of the server")

// public says whether anybody may be sent to an address. What does not lead out into the
// internet leads to somebody's inside.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	for _, inner := range innerNetworks {
		if inner.Contains(ip) {
			return false
		}
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate()
}

// innerNetworks are those that netip has no word for: shared, reserved, for documents, and
// those that carry an IPv4 address to who knows where.
var innerNetworks = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
}

// errUnlisted is why a connection was refused where only some may be reached.
var errUnlisted = errors.New("the server may not reach it: see USHER_EGRESS_ALLOW")

// Reach lists where messages may go. The zero value is everywhere.
type Reach struct {
	names    []string // in lower case; one that begins with a dot stands for all below it
	networks []netip.Prefix
}

// ParseReach reads names (example.com, *.example.com), addresses and networks.
func ParseReach(list []string) (r Reach, err error) {
	for _, text := range list {
		text = strings.ToLower(strings.TrimSpace(text))
		if network, err := netip.ParsePrefix(text); err == nil {
			r.networks = append(r.networks, network.Masked())
			continue
		}
		if ip, err := netip.ParseAddr(text); err == nil {
			r.networks = append(r.networks, netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()))
			continue
		}
		name := strings.TrimPrefix(text, "*")
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" || strings.Trim(name, ".") == "" || name != text && name[0] != '.' {
			return r, fmt.Errorf("%q is no name, address or network: write example.com, *.example.com or 10.0.0.0/8", text)
		}
		r.names = append(r.names, strings.TrimSuffix(name, "."))
	}
	return r, nil
}

// IsZero says that nothing is listed.
func (r Reach) IsZero() bool { return len(r.names)+len(r.networks) == 0 }

// named says that a host is listed by its name.
func (r Reach) named(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(r.names, func(name string) bool {
		return host == name || name[0] == '.' && strings.HasSuffix(host, name)
	})
}

// holds says that an address is listed, itself or with its network.
func (r Reach) holds(ip netip.Addr) bool {
	return slices.ContainsFunc(r.networks, func(n netip.Prefix) bool { return n.Contains(ip.Unmap()) })
}

// dial connects. The check is made of the very address that is about to be connected to, so
// that a name that changes its mind between a check and a connection gains nothing. Addresses
// that are listed may be private; what a listed name leads to may not, where that is asked for.
func (c *Client) dial(ctx context.Context, onlyPublic bool, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := &net.Dialer{Timeout: 10 * time.Second, Resolver: c.Resolver}
	d.Control = func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		switch {
		case err == nil && c.Allow.holds(to.Addr()):
			return nil
		case !c.Allow.IsZero() && !c.Allow.named(host):
			return fmt.Errorf("%s: %w", address, errUnlisted)
		case onlyPublic && (err != nil || !public(to.Addr())):
			return fmt.Errorf("%s: %w", address, errPrivate)
		}
		return nil
	}
	return d.DialContext(ctx, "tcp", address)
}

// httpClient makes requests; it follows no redirects, as they would lead somewhere else
// than to what was asked for. A proxy is used for what may be reached, and must be listed too.
func (c *Client) httpClient(onlyPublic, verify bool) *http.Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return c.dial(ctx, onlyPublic, address)
		},
		TLSClientConfig:   c.tls(verify),
		ForceAttemptHTTP2: true, DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second,
	}
	if !onlyPublic {
		transport.Proxy = func(r *http.Request) (*url.URL, error) {
			if !c.Allow.IsZero() && !c.Allow.named(r.URL.Hostname()) {
				return nil, nil
			}
			return http.ProxyFromEnvironment(r)
		}
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
