package aws

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

const algorithm = "AWS4-HMAC-SHA256"

// sign signs a request to the root of a service, as AWS's signature version 4 says.
func sign(r *http.Request, body []byte, who credentials, service, region string, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", stamp)
	if who.token != "" {
		r.Header.Set("X-Amz-Security-Token", who.token)
	}
	headers := map[string]string{"host": r.URL.Host}
	for name := range r.Header {
		headers[strings.ToLower(name)] = strings.TrimSpace(r.Header.Get(name))
	}
	names := slices.Sorted(maps.Keys(headers))
	var canonical strings.Builder
	for _, name := range names {
		canonical.WriteString(name + ":" + headers[name] + "\n")
	}
	signed := strings.Join(names, ";")
	request := strings.Join([]string{r.Method, "/", r.URL.RawQuery, canonical.String(), signed, hexSum(body)}, "\n")
	scope := strings.Join([]string{stamp[:8], region, service, "aws4_request"}, "/")
	text := strings.Join([]string{algorithm, stamp, scope, hexSum([]byte(request))}, "\n")
	key := []byte("AWS4" + who.secret)
	for _, part := range strings.Split(scope, "/") {
		key = keyed(key, part)
	}
	r.Header.Set("Authorization", algorithm+" Credential="+who.key+"/"+scope+", SignedHeaders="+signed+", Signature="+hex.EncodeToString(keyed(key, text)))
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text)) //nolint:errcheck // it never fails
	return mac.Sum(nil)
}
