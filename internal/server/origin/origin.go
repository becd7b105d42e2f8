// Package origin knows where clients reach the server: through which proxies, and below
// which path the API is.
package origin

import (
	"context"
	"net/http"
	"net/netip"
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
type place struct{ origin, prefix, apiPath string }

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
	at := place{origin: direct(r), apiPath: f.APIPath}
	if forwarded {
		at.forward(r)
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
	if h["X-Forwarded-Proto"] == nil && h["X-Forwarded-Host"] == nil && h["X-Forwarded-Prefix"] == nil {
		return false
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	for _, proxy := range f.Proxies {
		if proxy.Contains(peer.Addr().Unmap()) {
			return true
		}
	}
	return false
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
