package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
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

// dialer connects. The check is made of the very address that is about to be connected to,
// so that a name that changes its mind between a check and a connection gains nothing.
func dialer(onlyPublic bool, resolver *net.Resolver) *net.Dialer {
	d := &net.Dialer{Timeout: 10 * time.Second, Resolver: resolver}
	if onlyPublic {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !public(to.Addr()) {
				return fmt.Errorf("%s: %w", address, errPrivate)
			}
			return nil
		}
	}
	return d
}

// httpClient makes requests; it follows no redirects, as they would lead somewhere else
// than to what was asked for.
func (c *Client) httpClient(onlyPublic, verify bool) *http.Client {
	transport := &http.Transport{
		DialContext:       dialer(onlyPublic, c.Resolver).DialContext,
		TLSClientConfig:   c.tls(verify),
		ForceAttemptHTTP2: true, DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second,
	}
	if !onlyPublic {
		transport.Proxy = http.ProxyFromEnvironment
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dial connects for what is not HTTP.
func (c *Client) dial(ctx context.Context, onlyPublic bool, address string) (net.Conn, error) {
	return dialer(onlyPublic, c.Resolver).DialContext(ctx, "tcp", address)
}
