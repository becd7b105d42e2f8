// Package origin knows where clients reach the server: through which proxies, and below
// which path the API is.
package origin

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// API is where the API is unless it is said otherwise; its routes are written below it.
const API = "/api"

// Front is what stands between clients and handlers.
type Front struct {
	// APIPath is where clients find the API: begins with a slash, does not end in one.
	APIPath string
	// Proxies are whose X-Forwarded headers are believed.
	Proxies []netip.Prefix
}

// place is where a client has reached us.
type place struct{ origin, prefix, apiPath, client string }

type placeKey struct{}

// Seen is the request as handlers see it: with the client's view of where it went, and
// with the API where its routes are written. It says whether the request is for the API.
func (f Front) Seen(r *http.Request) (seen *http.Request, isAPI bool) {
	rest, below := strings.CutPrefix(r.URL.Path, f.APIPath)
	isAPI = below && (rest == "" || rest[0] == '/')
	forwarded := f.believes(r)
	if !forwarded && f.APIPath == API {
		return r, isAPI
	}
	at := place{origin: direct(r), apiPath: f.APIPath, client: peer(r)}
	if forwarded {
		at.forward(r)
		at.client = f.client(r)
	}
	seen = r.WithContext(context.WithValue(r.Context(), placeKey{}, at))
	if isAPI && f.APIPath != API {
		url := *r.URL
		url.Path = API + rest
		if raw, ok := strings.CutPrefix(url.RawPath, f.APIPath); ok {
			url.RawPath = API + raw
		}
		seen.URL = &url
	}
	return seen, isAPI
}

// believes says that the request comes from a proxy whose word counts, and that it says
// something.
func (f Front) believes(r *http.Request) bool {
	h := r.Header
	if h["X-Forwarded-Proto"] == nil && h["X-Forwarded-Host"] == nil && h["X-Forwarded-Prefix"] == nil && h["X-Forwarded-For"] == nil {
		return false
	}
	return f.isProxy(peer(r))
}

func (f Front) isProxy(address string) bool {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	for _, proxy := range f.Proxies {
		if proxy.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// client is whom the proxy nearest to us has heard: the last in the list that is no proxy
// of ours. What stands before it anybody can have written.
func (f Front) client(r *http.Request) string {
	list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(list) {
		text = strings.TrimSpace(text)
		if _, err := netip.ParseAddr(text); err != nil {
			break
		}
		if !f.isProxy(text) {
			return text
		}
	}
	return peer(r)
}

// peer is the address at the other end of the connection.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// Client is the address that a request comes from.
func Client(r *http.Request) string {
	if at, ok := r.Context().Value(placeKey{}).(place); ok && at.client != "" {
		return at.client
	}
	return peer(r)
}

// forward takes what the proxy nearest to the client says: the first of each list.
func (p *place) forward(r *http.Request) {
	scheme, host, _ := strings.Cut(p.origin, "://")
	if proto := first(r, "X-Forwarded-Proto"); proto == "http" || proto == "https" {
		scheme = proto
	}
	if name := first(r, "X-Forwarded-Host"); name != "" && !strings.ContainsAny(name, "/\\@?# ") {
		host = name
	}
	p.origin = scheme + "://" + host
	if prefix := first(r, "X-Forwarded-Prefix"); strings.HasPrefix(prefix, "/") && !strings.HasPrefix(prefix, "//") && !strings.ContainsAny(prefix, "\\?# ") {
		p.prefix = strings.TrimRight(prefix, "/")
	}
}

func first(r *http.Request, header string) string {
	value, _, _ := strings.Cut(r.Header.Get(header), ",")
	return strings.TrimSpace(value)
}

// direct is where a client has reached us without a proxy.
func direct(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func placeOf(r *http.Request) place {
	if at, ok := r.Context().Value(placeKey{}).(place); ok {
		return at
	}
	return place{origin: direct(r), apiPath: API}
}

// Path is a path of ours as the client sees it.
func Path(r *http.Request, path string) string {
	at := placeOf(r)
	if rest, isAPI := strings.CutPrefix(path, API); isAPI && (rest == "" || rest[0] == '/' || rest[0] == '?') {
		path = at.apiPath + rest
	}
	return at.prefix + path
}

// Host is where the client reaches us, without a path.
func Host(r *http.Request) string { return placeOf(r).origin }

// URL is a path of ours as the client sees it, with its host.
func URL(r *http.Request, path string) string { return placeOf(r).origin + Path(r, path) }

// Proxies reads addresses and networks, such as 10.0.0.0/8.
func Proxies(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		if addr, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		out = append(out, network)
	}
	return out, nil
}
