package pages

import (
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/server/signin"
)

// fresh is who has signed in just now; else the browser is sent to do so.
func (h *Handler) fresh(w http.ResponseWriter, r *http.Request) *signin.Visitor {
	v, err := h.visitor(r)
	if err != nil {
		h.fail(w, r, err)
		return nil
	}
	if v.Fresh() {
		return v
	}
	if r.Method == http.MethodGet {
		signInFirst(w, r)
	} else {
		h.fail(w, r, &signin.Problem{Code: signin.CodeStale, Text: "You have signed in too long ago for that. Sign in again and repeat it."})
	}
	return nil
}

// device asks for the code that a terminal shows, and what is to become of the terminal.
func (h *Handler) device(w http.ResponseWriter, r *http.Request) {
	if v := h.fresh(w, r); v != nil {
		h.show(w, r, http.StatusOK, "device", &page{Title: "Let a device in", Visitor: v, UserCode: r.URL.Query().Get("user_code")})
	}
}

func (h *Handler) decideDevice(w http.ResponseWriter, r *http.Request) {
	v := h.fresh(w, r)
	if v == nil {
		return
	}
	code, action := r.PostForm.Get("user_code"), r.PostForm.Get("action")
	p := &page{Title: "Let a device in", Visitor: v, UserCode: code}
	if action == "approve" || action == "deny" {
		if err := h.service.DecideDevice(r.Context(), v, code, action == "approve", h.from(r)); err != nil {
			h.fail(w, r, err)
			return
		}
		p = &page{Title: "Approved", Visitor: v, Text: "The device is signed in as " + v.Email + ". You can close this page."}
		if action == "deny" {
			p = &page{Title: "Denied", Visitor: v, Text: "The device was sent away. You can close this page."}
		}
		h.show(w, r, http.StatusOK, "message", p)
		return
	}
	waiting, err := h.service.FindDevice(r.Context(), v, code, h.from(r))
	if err != nil {
		p.Problem = h.worded(w, r, err)
		h.show(w, r, statusOf(err), "device", p)
		return
	}
	p.Waiting, p.At, p.UserCode = waiting, when(waiting.Created), strings.ToUpper(strings.TrimSpace(code))
	h.show(w, r, http.StatusOK, "device", p)
}

// callbackOf is where another command line waits for a key: a port of this machine.
func callbackOf(text string) (*url.URL, error) {
	bad := &signin.Problem{Code: "invalid_request", Text: "The program that sent you here wants a key at an address that is not on this machine. No key was made."}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Opaque != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, bad
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil || port < 1 || port > 65535 {
		return nil, bad
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if u.Hostname() != "localhost" && (err != nil || ip != netip.MustParseAddr("127.0.0.1") && ip != netip.IPv6Loopback()) {
		return nil, bad
	}
	return &url.URL{Scheme: "http", Host: u.Host}, nil
}

// keyLife is how long a key holds that another command line gets.
const keyLife = 30 * 24 * time.Hour

// client asks a person whether another command line may have an API key: the page that
// prefect cloud login opens.
func (h *Handler) client(w http.ResponseWriter, r *http.Request) {
	if h.service.Options().NoCompatLogin {
		h.fail(w, r, &signin.Problem{Code: signin.CodeGone, Text: "Who runs this server has switched this way of signing in off. Use usher login, or create an API key on your account’s page."})
		return
	}
	to, err := callbackOf(r.URL.Query().Get("callback"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	v := h.fresh(w, r)
	if v == nil {
		return
	}
	name := "cli-" + uuid.NewString()
	h.show(w, r, http.StatusOK, "consent", &page{
		Title: "Give a program an API key", Visitor: v, Program: "A command line", Port: to.Port(), KeyName: name, Action: "/auth/client", Callback: to.String(),
		Script: "/auth/client.js", connect: sourceOf(to), Fields: []field{{"callback", to.String()}, {"name", name}},
	})
}

// handKey makes the key. The page's script hands it to the program; without that it is
// shown, once.
func (h *Handler) handKey(w http.ResponseWriter, r *http.Request) {
	asJSON := r.PostForm.Get("answer") == "json"
	v, err := h.visitor(r)
	if err == nil && !v.Fresh() {
		err = &signin.Problem{Code: signin.CodeStale, Text: "You have signed in too long ago for that. Sign in again and repeat it."}
	}
	if err == nil && h.service.Options().NoCompatLogin {
		err = &signin.Problem{Code: signin.CodeGone, Text: "This way of signing in is switched off."}
	}
	if err == nil {
		_, err = callbackOf(r.PostForm.Get("callback"))
	}
	name := r.PostForm.Get("name")
	if err == nil && (!strings.HasPrefix(name, "cli-") || uuid.Validate(name[4:]) != nil) {
		err = &signin.Problem{Code: "invalid_request", Text: "The form is not one of this server."}
	}
	var key string
	denied := r.PostForm.Get("action") != "approve"
	if err == nil && denied {
		err = h.service.Deny(r.Context(), v, "api-key", h.from(r))
	} else if err == nil {
		key, _, err = h.service.NewKey(r.Context(), v, name, keyLife, h.from(r))
	}
	switch {
	case err != nil && asJSON:
		h.refuse(w, r, err)
	case err != nil:
		h.fail(w, r, err)
	case asJSON:
		answerJSON(w, http.StatusOK, struct {
			Key string `json:"api_key,omitzero"`
		}{key})
	case denied:
		h.show(w, r, http.StatusOK, "message", &page{Title: "Denied", Visitor: v, Text: "No key was made. You can close this page."})
	default:
		h.show(w, r, http.StatusOK, "message", &page{Title: "Your key", Visitor: v, Text: "Paste this key into the program:", Key: key})
	}
}
