package origin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/server/origin"
)

func TestClientsAreToldWhereTheyReachUs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		apiPath, path, peer, headers string
		isAPI                        bool
		handled, url                 string // the path that handlers see, and it as the client sees it
	}{
		{"/api", "/api/flows", "1.2.3.4:5", "", true, "/api/flows", "http://usher.test/api/flows"},
		{"/api", "/apiary", "1.2.3.4:5", "", false, "/apiary", "http://usher.test/apiary"},
		{"/api", "/api", "10.1.2.3:5", "Proto=https Host=a.example Prefix=/u/", true, "/api", "https://a.example/u/api"},
		{"/api", "/x", "[::ffff:10.1.2.3]:5", "Proto=https,http Host=a.example,b", false, "/x", "https://a.example/x"},
		{"/api", "/api/x", "1.2.3.4:5", "Proto=https Host=evil.example Prefix=/u", true, "/api/x", "http://usher.test/api/x"},
		{"/api", "/api/x", "10.1.2.3:5", "Proto=gopher Host=a/b Prefix=//evil.example", true, "/api/x", "http://usher.test/api/x"},
		{"/v2/api", "/v2/api/flows/a%2Fb", "1.2.3.4:5", "", true, "/api/flows/a/b", "http://usher.test/v2/api/flows/a/b"},
		{"/v2/api", "/api/flows", "1.2.3.4:5", "", false, "/api/flows", ""},
		{"/v2/api", "/v2/api/x", "10.1.2.3:5", "Prefix=/u", true, "/api/x", "http://usher.test/u/v2/api/x"},
	} {
		proxies, err := origin.Proxies([]string{"10.0.0.0/8", "::1"})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "http://usher.test"+c.path, nil)
		r.RemoteAddr = c.peer
		for pair := range strings.FieldsSeq(c.headers) {
			name, value, _ := strings.Cut(pair, "=")
			r.Header.Set("X-Forwarded-"+name, value)
		}
		seen, isAPI := origin.Front{APIPath: c.apiPath, Proxies: proxies}.Seen(r)
		if isAPI != c.isAPI || seen.URL.Path != c.handled {
			t.Errorf("%+v: %v %s", c, isAPI, seen.URL.Path)
		}
		if got := origin.URL(seen, seen.URL.Path); c.url != "" && got != c.url {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if _, err := origin.Proxies([]string{"everybody"}); err == nil {
		t.Error("a proxy without an address is taken")
	}
}
