package pages

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/signin"
)

// responseSize is more than the answer of a provider has that names many groups.
const responseSize = 512 << 10

// accountOfPath is the account that a path names.
func accountOfPath(r *http.Request) (uuid.UUID, error) {
	id, err := uuid.Parse(r.PathValue("account"))
	if err != nil {
		err = &signin.Problem{Code: signin.CodeGone, Text: "Nobody signs in there. Sign in by mail."}
	}
	return id, err
}

func (h *Handler) samlMetadata(w http.ResponseWriter, r *http.Request) {
	account, err := accountOfPath(r)
	var text []byte
	if err == nil {
		text, err = h.service.SAMLMetadata(account)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	w.Write(text) //nolint:errcheck // the client is gone; nobody is left to tell
}

// samlStart sends a browser to the provider of an account.
func (h *Handler) samlStart(w http.ResponseWriter, r *http.Request) {
	account, err := accountOfPath(r)
	var to string
	if err == nil {
		to, err = h.service.BeginSAML(r.Context(), account, h.browser(w, r), next(r.URL.Query().Get("next")))
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	goTo(w, to)
}

// samlAnswer takes what the provider says. It comes from another site, without cookies: a
// redirect brings the browser here with them.
func (h *Handler) samlAnswer(w http.ResponseWriter, r *http.Request) {
	account, err := accountOfPath(r)
	if err == nil && r.ParseForm() != nil {
		err = &signin.Problem{Code: "invalid_request", Text: "The provider's answer is too large or is no form."}
	}
	var code string
	if err == nil {
		code, err = h.service.ReceiveSAML(r.Context(), account, r.PostForm.Get("SAMLResponse"), r.PostForm.Get("RelayState"), h.from(r))
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	goTo(w, "/auth/saml/finish?code="+url.QueryEscape(code))
}

// samlFinish signs in the browser that has begun. If the provider has begun, a person says
// first that they want it: somebody else's account could be signed in here.
func (h *Handler) samlFinish(w http.ResponseWriter, r *http.Request) {
	code := r.URL.Query().Get("code")
	email, err := h.service.LookAtArrival(r.Context(), code)
	switch {
	case err != nil:
		h.fail(w, r, err)
	case email != "":
		h.show(w, r, http.StatusOK, "sso", &page{Title: "Sign in", Email: email, Token: code})
	default:
		h.fetchArrival(w, r, code)
	}
}

func (h *Handler) samlConfirm(w http.ResponseWriter, r *http.Request) {
	h.fetchArrival(w, r, r.PostForm.Get("code"))
}

func (h *Handler) fetchArrival(w http.ResponseWriter, r *http.Request, code string) {
	arrived, err := h.service.FetchArrival(r.Context(), code, h.cookie(r, browserCookie), h.from(r))
	h.arrived(w, r, arrived, err)
}

// arrived signs in who has come from elsewhere, or tells them to look at their mail.
func (h *Handler) arrived(w http.ResponseWriter, r *http.Request, a *signin.Arrived, err error) {
	switch {
	case err != nil:
		h.fail(w, r, err)
	case a.Linked:
		goTo(w, "/auth/account")
	case a.Opened == nil:
		goTo(w, "/auth/sent?"+url.Values{"email": {a.Email}}.Encode())
	default:
		h.opened(w, r, a.Opened, nil)
	}
}

// sso asks for the address whose organization signs people in.
func (h *Handler) sso(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, http.StatusOK, "sso", &page{Title: "Single sign-on", Next: next(r.URL.Query().Get("next"))})
}

// findProvider sends somebody to the provider of their organization. Any other address gets
// what it would get on the sign-in page.
func (h *Handler) findProvider(w http.ResponseWriter, r *http.Request) {
	email, to := r.PostForm.Get("email"), next(r.PostForm.Get("next"))
	norm, err := signin.Address(email)
	var account *uuid.UUID
	if err == nil {
		account, err = h.service.People().ProviderOf(r.Context(), norm)
	}
	switch {
	case err != nil:
		p := &page{Title: "Single sign-on", Next: to, Email: email, Problem: h.worded(w, r, err)}
		h.show(w, r, statusOf(err), "sso", p)
	case account == nil:
		h.sendLink(w, r)
	default: // a form may lead to this server only, a page that it leads to anywhere
		start := "/auth/saml/" + account.String() + "/start?" + url.Values{"next": {to}}.Encode()
		w.Header().Set("Refresh", "0; url="+start)
		h.show(w, r, http.StatusOK, "sso", &page{Title: "Single sign-on", Go: start})
	}
}

// organization is how an account's people sign in, for who may decide that.
type organization struct {
	Account, EntityID, ACS, Start string
	SCIM                          string
	Directories                   []api.DirectoryAccess
	Connection                    *api.SSOConnection
	Domains                       []api.AccountDomain
	Policy                        *api.SSOPolicy
}

// decider is who may decide how people sign in to the account that a path names.
func (h *Handler) decider(w http.ResponseWriter, r *http.Request) (v *signin.Visitor, account uuid.UUID) {
	v, err := h.visitor(r)
	if err == nil && v == nil {
		signInFirst(w, r)
		return nil, account
	}
	if err == nil {
		account, err = accountOfPath(r)
	}
	if err == nil {
		g, ok := v.Account(account)
		if !ok || g.Refused != "" || !g.Permissions.Has("administrate:sso") {
			err = &signin.Problem{Code: "access_denied", Text: "You may not decide how people sign in there. Ask an owner of the account."}
		}
	}
	if err != nil {
		h.fail(w, r, err)
		return nil, account
	}
	return v, account
}

// organization shows how an account's people sign in.
func (h *Handler) organization(w http.ResponseWriter, r *http.Request) {
	if v, account := h.decider(w, r); v != nil {
		h.showOrganization(w, r, v, account, http.StatusOK, &page{})
	}
}

func (h *Handler) showOrganization(w http.ResponseWriter, r *http.Request, v *signin.Visitor, account uuid.UUID, status int, p *page) {
	people, ctx := h.service.People(), r.Context()
	at := func(part string) string { return people.SAMLURL(account, part) }
	o := &organization{Account: account.String(), EntityID: at("metadata"), ACS: at("acs"), Start: at("start")}
	integrations, err := people.Integrations(ctx, account)
	if err == nil {
		if len(integrations.Connections) > 0 {
			o.Connection = &integrations.Connections[0]
		}
		o.SCIM, o.Directories = people.SCIMURL(account), integrations.Directories
		o.Domains, err = people.Domains(ctx, account)
	}
	if err == nil {
		o.Policy, err = people.SignInPolicy(ctx, account)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p.Title, p.Wide, p.Visitor, p.Org = "How your organization signs in", true, v, o
	h.show(w, r, status, "organization", p)
}

// changeOrganization does what a button of that page says.
func (h *Handler) changeOrganization(w http.ResponseWriter, r *http.Request) {
	v, account := h.decider(w, r)
	if v == nil {
		return
	}
	if !v.Fresh() {
		h.fail(w, r, &signin.Problem{Code: signin.CodeStale, Text: "Sign in again to do that: it decides who gets in."})
		return
	}
	control, err := h.service.People().ChangeControl(r.Context(), account)
	if err == nil && control.Required {
		err = api.Errorf(api.CodeForbidden, "This account wants a second person for that: propose it through the API, and somebody else approves it with usher change approve.")
	}
	if err != nil {
		h.failOrganization(w, r, v, account, err)
		return
	}
	from := h.from(r)
	by := identity.By{Actor: v.Actor, IP: from.IP, UserAgent: from.Agent, RequestID: from.Request}
	if r.PostForm.Get("action") == "new-directory" {
		made, err := h.service.People().AddDirectory(r.Context(), by, account, &api.DirectoryCreate{Name: r.PostForm.Get("name")})
		if err == nil {
			h.showOrganization(w, r, v, account, http.StatusOK, &page{Key: made.Key})
			return
		}
		h.failOrganization(w, r, v, account, err)
		return
	}
	if err := h.decide(r, by, account); err != nil {
		h.failOrganization(w, r, v, account, err)
		return
	}
	goTo(w, "/auth/organization/"+account.String()+"/settings")
}

// failOrganization shows the page with what is wrong.
func (h *Handler) failOrganization(w http.ResponseWriter, r *http.Request, v *signin.Visitor, account uuid.UUID, err error) {
	status, text := api.CodeOf(err).Status(), err.Error()
	if status >= http.StatusInternalServerError {
		text = h.worded(w, r, err)
	}
	h.showOrganization(w, r, v, account, status, &page{Problem: text})
}

func (h *Handler) decide(r *http.Request, by identity.By, account uuid.UUID) error {
	people, ctx, form := h.service.People(), r.Context(), r.PostForm
	switch form.Get("action") {
	case "set-provider":
		_, err := people.SetSSOConnection(ctx, by, account, &api.SSOConnectionCreate{Name: form.Get("name"), Metadata: form.Get("metadata")})
		return err
	case "remove-directory":
		id, err := uuid.Parse(form.Get("id"))
		if err != nil {
			return api.NotFound("Directory")
		}
		return people.RemoveDirectory(ctx, by, account, id)
	case "remove-provider":
		id, err := uuid.Parse(form.Get("id"))
		if err != nil {
			return api.NotFound("Integration")
		}
		return people.RemoveSSOConnection(ctx, by, account, id)
	case "set-domains":
		return people.SetDomains(ctx, by, account, strings.Fields(form.Get("domains")))
	case "set-policy":
		on := func(name string) api.Opt[bool] { return api.Some(form.Get(name) == "true") }
		return people.SetSignInPolicy(ctx, by, account, &api.SSOPolicyUpdate{RequireSSO: on("require_sso"), RequireMFA: on("require_mfa"), RestrictToDomains: on("restrict_to_domains")})
	}
	return api.Errorf(api.CodeInvalid, "The form has no button that this server knows.")
}

// refusal is why an account does not let somebody in for now, and where to change that.
type refusal struct {
	Account, Text string
	Link          *link
}

// refusals are the accounts whose policy keeps a visitor out.
func (h *Handler) refusals(v *signin.Visitor) (list []refusal) {
	for _, g := range v.Accounts {
		if g.Refused == "" {
			continue
		}
		r := refusal{Account: g.Account.Handle, Text: g.Refused}
		if g.Account.SSOState == "ENABLED" {
			r.Link = &link{"/auth/saml/" + g.Account.ID.String() + "/start", "Sign in with it"}
		} else if g.Account.RequireMFA {
			r.Link = &link{"/auth/factors", "Set up a second factor"}
		}
		list = append(list, r)
	}
	return list
}

// organizations are the accounts whose way of signing in a visitor may decide.
func (h *Handler) organizations(v *signin.Visitor) (list []link) {
	for _, g := range v.Accounts {
		if g.Refused == "" && g.Permissions.Has("administrate:sso") {
			list = append(list, link{"/auth/organization/" + g.Account.ID.String() + "/settings", g.Account.Name})
		}
	}
	return list
}
