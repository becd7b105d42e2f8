package doctor

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/build"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/profile"
)

// checkSettings reports whether the settings can be used.
func (d *doctor) checkSettings() bool {
	settings, err := d.env.RawSettings()
	if err == nil {
		err = settings.Check()
	}
	if err != nil {
		d.fail("settings", err)
		return false
	}
	d.settings = settings
	for _, text := range settings.Warnings {
		d.tell(warning, "settings", text, "`usher config view` shows what is in effect, and from where")
	}
	d.tell(good, "settings", fmt.Sprintf("profile %q, API %s", settings.Active.Name, settings.APIAddress()), "")
	if settings.ServerType() == profile.Unconfigured || settings.ServerType() == profile.Ephemeral {
		d.tell(warning, "settings", "no API URL is set, so the default is used", "usher config set PREFECT_API_URL="+profile.DefaultAPIURL)
	}
	if d.client, err = d.env.Connect(settings); err != nil {
		d.fail("settings", err)
		return false
	}
	return true
}

// checkLogin reports whether what lets one in can be had from where it is kept: a keyring may be
// locked or missing, as in a session over SSH.
func (d *doctor) checkLogin(ctx context.Context) bool {
	login, err := d.env.Login(d.settings, d.settings.APIURL())
	if err == nil && login.Account != nil && login.Credential != nil {
		_, err = login.Credential(ctx)
	}
	if err != nil {
		message, hint := cli.Report(err)
		if hint == "" {
			hint = "`usher login` logs in"
		}
		d.tell(bad, "login", message, hint)
		return false
	}
	if login.Account != nil {
		d.tell(good, "login", fmt.Sprintf("logged in as %s; the login is in the %s", login.Account.Name, login.Source), "")
	}
	return true
}

// checkAPI reports whether an API answers, and knows who asks.
func (d *doctor) checkAPI(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	asked := d.env.Now()
	answer, err := d.client.Do(ctx, http.MethodGet, "/admin/version", nil)
	if err == nil {
		d.checkClock(answer, asked, d.env.Now())
		return d.checkVersion(string(answer.Body))
	}
	if url := d.settings.APIURL() + "/api"; api.CodeOf(err) != api.CodeUnavailable && d.answers(ctx, url) {
		d.tell(bad, "api", d.settings.APIAddress()+" is not the address of an API, but "+d.settings.APIAddress()+"/api is", "usher config set PREFECT_API_URL="+d.settings.APIAddress()+"/api")
		return false
	}
	if api.CodeOf(err) == api.CodeUnauthenticated || api.CodeOf(err) == api.CodeForbidden {
		d.tell(bad, "auth", "the API does not let you in: "+err.Error(), "`usher login` logs in; PREFECT_API_KEY or PREFECT_API_AUTH_STRING do as well")
		return false
	}
	d.fail("api", err)
	return false
}

func (d *doctor) answers(ctx context.Context, url string) bool {
	c, err := d.env.ConnectTo(d.settings, url)
	if err != nil {
		return false
	}
	_, err = c.ReadVersion(ctx)
	return err == nil
}

// checkVersion compares the server's release with the one that usher follows.
func (d *doctor) checkVersion(answer string) bool {
	version := strings.Trim(strings.TrimSpace(answer), `"`)
	theirs, ours := numbers(version), numbers(build.ReferenceVersion)
	switch {
	case version == "" || strings.ContainsAny(version, "<{ "):
		d.tell(bad, "api", d.settings.APIAddress()+" answers, but not as an API does", "the URL of an API usually ends in /api; `usher config set PREFECT_API_URL=…` names another")
		return false
	case theirs[0] != ours[0]:
		d.tell(bad, "version", fmt.Sprintf("the server is Prefect %s, and usher speaks Prefect %s", version, build.ReferenceVersion), "use a server of the same major version")
	case theirs[1] < ours[1]:
		d.tell(warning, "version", fmt.Sprintf("the server is Prefect %s, older than %s, which usher follows", version, build.ReferenceVersion), "upgrade the server; what it does not know yet is refused with 404 or 422")
	default:
		d.tell(good, "api", "the API answers as Prefect "+version, "")
	}
	return true
}

// numbers are major and minor of a version.
func numbers(version string) (n [2]int) {
	_, _ = fmt.Sscanf(version, "%d.%d", &n[0], &n[1]) // what is no number is 0
	return n
}

// most is how far clocks may be apart: the head of an answer has whole seconds.
const most = 5 * time.Second

func (d *doctor) checkClock(answer *client.Answer, asked, answered time.Time) {
	theirs, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return
	}
	skew := theirs.Sub(answered)
	if theirs.Before(asked) {
		skew = theirs.Sub(asked)
	}
	if skew > -most && skew < most {
		d.tell(good, "clock", "the clocks of this machine and the server agree", "")
		return
	}
	d.tell(warning, "clock", fmt.Sprintf("the server's clock is %s off this machine's: runs look late or early", skew.Abs().Round(time.Second)),
		"let both follow a time server, as with `timedatectl set-ntp true`")
}

// checkDatabase asks a server of one's own whether it reaches its database.
func (d *doctor) checkDatabase(ctx context.Context) {
	if d.settings.ServerType() == profile.Cloud {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := d.client.PerformReadinessCheck(ctx); err != nil {
		d.tell(bad, "database", "the server does not reach its database: "+err.Error(), "look at the server's log; `usher server database status` looks at the database itself")
		return
	}
	d.tell(good, "database", "the server reaches its database", "")
}
