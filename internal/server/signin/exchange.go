package signin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/server/identity"
)

// TrustRule lets a program in as a service account that brings a token of an issuer, such
// as a build system's: without any secret that is kept.
type TrustRule struct {
	Issuer   string
	Audience string // that the token must be for
	Bot      uuid.UUID
	// Conditions are what claims must be. A * stands for one whole segment of a path.
	Conditions map[string]string
	MaxLife    time.Duration // of what is given for a token; an hour when 0
}

// naming are the claims that say who somebody is and not only what they do.
var naming = []string{"sub", "repository", "repository_id", "project_path", "project_id", "job_workflow_ref"}

// Check says what is wrong with a rule.
func (r *TrustRule) Check() error {
	switch {
	case !safeAddress(r.Issuer):
		return fmt.Errorf("the issuer of a rule of trust is %q: it must begin with https:// unless it is on this machine", r.Issuer)
	case r.Audience == "":
		return fmt.Errorf("the rule for %s has no audience: name the one that its tokens are made for", r.Issuer)
	case r.Bot == uuid.UUID{}:
		return fmt.Errorf("the rule for %s has no bot_id: name the service account that it lets in", r.Issuer)
	case r.MaxLife < 0 || r.MaxLife > accessLife:
		return fmt.Errorf("the rule for %s gives tokens for %s: at most an hour", r.Issuer, r.MaxLife)
	}
	named := false
	for claim, want := range r.Conditions {
		for _, segment := range strings.Split(want, "/") {
			if strings.Contains(segment, "*") && segment != "*" {
				return fmt.Errorf("the condition %s=%s of the rule for %s has a * inside of a segment: it stands for a whole one, between slashes", claim, want, r.Issuer)
			}
		}
		named = named || slices.Contains(naming, claim) && strings.Trim(want, "*/") != ""
	}
	if !named {
		return fmt.Errorf("the rule for %s would let in everybody there: add a condition on one of %s", r.Issuer, strings.Join(naming, ", "))
	}
	return nil
}

// admits says whether a token's claims meet the rule.
func (r *TrustRule) admits(audience []string, claims map[string]any) bool {
	if !slices.Contains(audience, r.Audience) {
		return false
	}
	for claim, want := range r.Conditions {
		is, known := claims[claim]
		if !known || !segmentsMatch(want, textOf(is)) {
			return false
		}
	}
	return true
}

func textOf(claim any) string {
	if text, ok := claim.(string); ok {
		return text
	}
	text, err := json.Marshal(claim)
	if err != nil {
		return ""
	}
	return string(text)
}

func segmentsMatch(want, is string) bool {
	wanted, given := strings.Split(want, "/"), strings.Split(is, "/")
	if len(wanted) != len(given) {
		return false
	}
	for i := range wanted {
		if wanted[i] != given[i] && (wanted[i] != "*" || given[i] == "") {
			return false
		}
	}
	return true
}

// exchangesPerIP bounds what the issuers' signatures cost us.
var exchangesPerIP = limit{60, time.Minute}

// ExchangeToken gives the bearer of another issuer's token an access token of the service
// account that a rule names. A token is taken once.
func (s *Service) ExchangeToken(ctx context.Context, subject string, from From) (*Tokens, error) {
	var busy bool
	err := s.write(ctx, func(t *turn) error {
		ok, err := t.within("exchange:ip:"+from.IP, exchangesPerIP)
		busy = !ok
		return err
	})
	if err != nil {
		return nil, err
	}
	if busy {
		return nil, tooMany(exchangesPerIP)
	}
	found, err := s.trusted(ctx, subject)
	if err != nil {
		s.log.WarnContext(ctx, "a token of another issuer was refused", "error", err)
	}
	var tokens *Tokens
	var refused error
	writeErr := s.write(ctx, func(t *turn) error {
		tokens, refused = nil, problem("invalid_grant", "No rule of this server trusts this token: look at its issuer, audience, subject and age.")
		if err != nil {
			return t.audit(kindAuthorization, "refused", newID(), nil, from, "grant", "token-exchange", "reason", short(err.Error()))
		}
		if isNew, err := t.See(found.once, api.At(found.expires)); err != nil || !isNew {
			if err == nil {
				err = t.audit(kindAuthorization, "refused", newID(), nil, from, "grant", "token-exchange", "reason", "replayed")
			}
			return err
		}
		bot, err := none(t.BotByID(found.rule.Bot))
		if err != nil {
			return err
		}
		active := bot != nil
		if active {
			if active, err = s.people.MaySignIn(t.Tx, bot.ID); err != nil {
				return err
			}
		}
		if !active {
			return t.audit(kindAuthorization, "refused", newID(), nil, from, "grant", "token-exchange", "reason", "no such service account")
		}
		refused = nil
		id := newID()
		tokens = &Tokens{Access: identity.NewSecret(credential.AccessToken), Life: found.rule.life()}
		g := sign{proof: proof{actor: bot.ID, method: "workload", at: t.now}, client: "workload", family: id, familyExpires: api.At(t.now.Add(tokens.Life)), from: from}
		if err := t.issue(g, kindAccess, tokens.Access, tokens.Life); err != nil {
			return err
		}
		return t.audit(kindSession, "opened", id, &bot.ID, from, "method", "workload", "issuer", found.rule.Issuer, "subject", short(found.subject))
	})
	if writeErr == nil {
		writeErr = refused
	}
	if writeErr != nil {
		return nil, writeErr
	}
	return tokens, nil
}

func (r *TrustRule) life() time.Duration {
	if r.MaxLife == 0 {
		return accessLife
	}
	return r.MaxLife
}

// trustedToken is a token that a rule trusts.
type trustedToken struct {
	rule    *TrustRule
	subject string
	once    string // by which it is known again
	expires time.Time
}

// trusted checks a token of another issuer. Only issuers that a rule names are asked for
// their keys.
func (s *Service) trusted(ctx context.Context, subject string) (*trustedToken, error) {
	if len(subject) > 16<<10 {
		return nil, errors.New("the token is too long")
	}
	issuer, err := issuerOf(subject)
	if err != nil {
		return nil, err
	}
	rules := slices.DeleteFunc(slices.Clone(s.options.Trust), func(r TrustRule) bool { return r.Issuer != issuer })
	if len(rules) == 0 {
		return nil, errors.New("no rule names the issuer " + short(issuer))
	}
	known, err := s.federation.oidc(issuer)
	if err != nil {
		return nil, err
	}
	token, err := known.Verifier(&oidc.Config{
		SkipClientIDCheck: true, SupportedSigningAlgs: signatures, Now: func() time.Time { return s.clock().Add(-foreignSkew) },
	}).Verify(ctx, subject)
	if err != nil {
		return nil, err
	}
	if token.IssuedAt.After(s.clock().Add(foreignSkew)) {
		return nil, errors.New("the token is of the future")
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return nil, err
	}
	for i := range rules {
		if rules[i].admits(token.Audience, claims) {
			id := textOf(claims["jti"])
			if claims["jti"] == nil || id == "" {
				id = subject
			}
			return &trustedToken{&rules[i], token.Subject, hash(issuer + " " + id), token.Expiry.Add(2 * foreignSkew)}, nil
		}
	}
	return nil, errors.New("no rule admits the subject " + short(token.Subject))
}

// issuerOf reads who a token says has made it; nothing of that is believed yet.
func issuerOf(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("the token is no JWT")
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", errors.New("the token is no JWT")
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err := json.Unmarshal(body, &claims); err != nil {
		return "", errors.New("the token is no JWT")
	}
	return claims.Issuer, nil
}
