package trace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// Config is what the environment variables of OpenTelemetry say.
type Config struct {
	Endpoint string // where spans are posted, "" for nowhere
	Headers  map[string]string
	Resource []Attribute
	sampler  sampler
}

// sampler decides which traces are recorded.
type sampler struct {
	byParent bool    // what another program has decided holds
	ratio    float64 // of the others
}

func (c *Config) samples(trace [16]byte, parentSampled, hasParent bool) bool {
	if hasParent && c.sampler.byParent {
		return parentSampled
	}
	// By the trace's id, so that all who see the trace decide alike.
	return float64(binary.BigEndian.Uint64(trace[8:])>>1) < c.sampler.ratio*math.MaxInt64
}

// FromEnv reads the variables OTEL_*. An error says what is not understood.
func FromEnv(env func(string) string, version string) (Config, error) {
	var c Config
	base, own := env("OTEL_EXPORTER_OTLP_ENDPOINT"), env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if exporter := env("OTEL_TRACES_EXPORTER"); base == "" && own == "" || strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") || exporter != "" && exporter != "otlp" {
		return c, nil
	}
	endpoint := own
	if endpoint == "" {
		endpoint = strings.TrimRight(base, "/") + "/v1/traces"
	}
	at, err := url.Parse(endpoint)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return c, errors.New("the OTLP endpoint is no URL that begins with http:// or https://")
	}
	if protocol := or(env("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), env("OTEL_EXPORTER_OTLP_PROTOCOL")); protocol == "grpc" {
		return c, errors.New("OTLP over gRPC is not spoken here: name the collector's HTTP endpoint, usually of port 4318, and set OTEL_EXPORTER_OTLP_PROTOCOL=http/json")
	}
	if c.Headers, err = pairs(or(env("OTEL_EXPORTER_OTLP_TRACES_HEADERS"), env("OTEL_EXPORTER_OTLP_HEADERS"))); err != nil {
		return c, fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS: %w", err)
	}
	if c.sampler, err = samplerOf(or(env("OTEL_TRACES_SAMPLER"), "parentbased_always_on"), env("OTEL_TRACES_SAMPLER_ARG")); err != nil {
		return c, err
	}
	resource, err := pairs(env("OTEL_RESOURCE_ATTRIBUTES"))
	if err != nil {
		return c, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	c.Resource = []Attribute{{"service.name", or(env("OTEL_SERVICE_NAME"), resource["service.name"], "usher")}, {"service.version", version}}
	for key, value := range resource {
		if key != "service.name" && key != "service.version" {
			c.Resource = append(c.Resource, Attribute{key, value})
		}
	}
	c.Endpoint = endpoint
	return c, nil
}

func or(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func samplerOf(name, arg string) (sampler, error) {
	bare, byParent := strings.CutPrefix(name, "parentbased_")
	s := sampler{byParent: byParent, ratio: 1}
	switch bare {
	case "always_on":
	case "always_off":
		s.ratio = 0
	case "traceidratio":
		if arg == "" {
			break
		}
		ratio, err := strconv.ParseFloat(arg, 64)
		if err != nil || !(ratio >= 0 && ratio <= 1) {
			return s, errors.New("OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1")
		}
		s.ratio = ratio
	default:
		return s, fmt.Errorf("OTEL_TRACES_SAMPLER=%s is not known: choose always_on, always_off or traceidratio, or one of them after parentbased_", name)
	}
	return s, nil
}

// pairs reads a=b,c=d, with values that are encoded as in URLs. Its errors don't quote
// values, which may be secret.
func pairs(text string) (map[string]string, error) {
	out := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		key, value, found := strings.Cut(strings.TrimSpace(part), "=")
		if key = strings.TrimSpace(key); key == "" && !found {
			continue
		}
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if err != nil || key == "" || !found {
			return nil, errors.New("write name=value pairs with commas in between")
		}
		out[key] = decoded
	}
	return out, nil
}
