package testkit

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Browser is a Chromium that a test drives as a person does: by the roles and labels of
// what is on a page.
type Browser struct {
	t       testing.TB
	driver  string // where chromedriver listens
	session string
}

// chromium makes sure that Chromium and its driver are there.
var chromium = sync.OnceValue(func() error { return aptInstall("chromedriver", "chromium", "chromium-driver") })

var driverPort = regexp.MustCompile(`started successfully on port (\d+)`)

// StartBrowser starts one; width is that of its window in pixels, dark its theme.
func StartBrowser(t testing.TB, width int, dark bool) *Browser {
	t.Helper()
	if err := chromium(); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	cmd := exec.Command("chromedriver", "--port=0")
	cmd.Env = Env(home)
	driver, err := StartProcess(cmd, filepath.Join(home, "chromedriver.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(driver.Kill)
	b := &Browser{t: t}
	Eventually(t, time.Minute, func() error {
		m := driverPort.FindStringSubmatch(driver.Log())
		if m == nil {
			return errors.New("chromedriver does not listen yet: " + driver.Log())
		}
		b.driver = "http://127.0.0.1:" + m[1]
		return nil
	})
	var made struct {
		SessionID string `json:"sessionId"`
	}
	b.call(http.MethodPost, "/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"browserName": "chrome", "acceptInsecureCerts": true,
		"goog:chromeOptions": map[string]any{"args": []string{
			"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", fmt.Sprintf("--window-size=%d,900", width),
		}},
	}}}, &made)
	b.session = made.SessionID
	t.Cleanup(func() { b.call(http.MethodDelete, b.path(""), nil, nil) })
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.cdp("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}})
	b.cdp("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false})
	return b
}

func (b *Browser) path(rest string) string { return "/session/" + b.session + rest }

// cdp gives an order in Chromium's own words.
func (b *Browser) cdp(cmd string, params map[string]any) {
	b.t.Helper()
	b.call(http.MethodPost, b.path("/goog/cdp/execute"), map[string]any{"cmd": cmd, "params": params}, nil)
}

// call makes a request of WebDriver; what goes wrong ends the test.
func (b *Browser) call(method, path string, body, into any) {
	b.t.Helper()
	if err := b.try(method, path, body, into); err != nil {
		b.t.Fatal(err)
	}
}

func (b *Browser) try(method, path string, body, into any) error {
	var payload io.Reader
	if method == http.MethodPost {
		if body == nil {
			body = map[string]any{}
		}
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		payload = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.t.Context()), 2*time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, b.driver+path, payload)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct{ Value json.RawMessage }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, answer.Value)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer.Value, into)
}

// Open goes to a page.
func (b *Browser) Open(url string) {
	b.t.Helper()
	b.call(http.MethodPost, b.path("/url"), map[string]any{"url": url}, nil)
}

// URL is where the browser is.
func (b *Browser) URL() (url string) {
	b.t.Helper()
	b.call(http.MethodGet, b.path("/url"), nil, &url)
	return url
}

// Script runs a script in the page and reads what it returns.
func (b *Browser) Script(script string, into any) {
	b.t.Helper()
	b.call(http.MethodPost, b.path("/execute/sync"), map[string]any{"script": script, "args": []any{}}, into)
}

// Text is what a person reads on the page.
func (b *Browser) Text() (text string) {
	b.t.Helper()
	b.Script("return document.body.innerText", &text)
	return text
}

// See waits until the page has a text.
func (b *Browser) See(text string) {
	b.t.Helper()
	Eventually(b.t, time.Minute, func() error {
		var body string
		if err := b.try(http.MethodPost, b.path("/execute/sync"), map[string]any{"script": "return document.body ? document.body.innerText : ''", "args": []any{}}, &body); err != nil {
			return err // the page is changing
		}
		if !strings.Contains(body, text) {
			return fmt.Errorf("no %q on %s:\n%s", text, b.URL(), body)
		}
		return nil
	})
}

const elementKey = "element-6066-11e4-a52e-4f735466cecf"

// find waits for what has a role and a label; a part of the label is enough.
func (b *Browser) find(role, label string) (id string) {
	b.t.Helper()
	Eventually(b.t, 30*time.Second, func() error {
		var found []map[string]string
		err := b.try(http.MethodPost, b.path("/elements"), map[string]any{"using": "css selector", "value": "a,button,input,select,textarea,h1,h2,[role]"}, &found)
		if err != nil {
			return err
		}
		var seen []string
		for _, e := range found {
			var r, l string
			if b.try(http.MethodGet, b.path("/element/"+e[elementKey]+"/computedrole"), nil, &r) != nil || b.try(http.MethodGet, b.path("/element/"+e[elementKey]+"/computedlabel"), nil, &l) != nil {
				continue // it went away
			}
			if r == role && strings.Contains(strings.ToLower(l), strings.ToLower(label)) {
				id = e[elementKey]
				return nil
			}
			seen = append(seen, r+" "+l)
		}
		return fmt.Errorf("no %s %q on %s, but %q", role, label, b.URL(), seen)
	})
	return id
}

// Type writes into the textbox with a label.
func (b *Browser) Type(label, text string) {
	b.t.Helper()
	at := b.path("/element/" + b.find("textbox", label))
	b.call(http.MethodPost, at+"/clear", nil, nil)
	b.call(http.MethodPost, at+"/value", map[string]any{"text": text}, nil)
}

// Press presses the button with a label.
func (b *Browser) Press(label string) {
	b.t.Helper()
	b.call(http.MethodPost, b.path("/element/"+b.find("button", label)+"/click"), nil, nil)
}

// Follow follows the link with a label.
func (b *Browser) Follow(label string) {
	b.t.Helper()
	b.call(http.MethodPost, b.path("/element/"+b.find("link", label)+"/click"), nil, nil)
}

// Authenticator plugs a virtual one into the browser, which has passkeys and is always
// touched by its owner.
func (b *Browser) Authenticator() {
	b.t.Helper()
	b.call(http.MethodPost, b.path("/webauthn/authenticator"), map[string]any{
		"protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true, "isUserConsenting": true, "isUserVerified": true,
	}, nil)
}

// Screenshot keeps a picture of the page when USHER_TEST_SCREENSHOTS names a folder.
func (b *Browser) Screenshot(name string) {
	b.t.Helper()
	folder := os.Getenv("USHER_TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	var picture string
	b.call(http.MethodGet, b.path("/screenshot"), nil, &picture)
	data, err := base64.StdEncoding.DecodeString(picture)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), data, 0o644)
	}
	if err != nil {
		b.t.Error(err)
	}
}
