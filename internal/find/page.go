package find

import (
	"github.com/usherhq/usher/internal/cli"
)

// Page is the address in the web interface of what has this path there, "" where no
// interface is known.
func Page(env *cli.Env, path string) string {
	settings, err := env.Settings()
	if err != nil || settings.UIURL() == "" {
		return ""
	}
	return settings.UIURL() + path
}

// Browse opens the page in the browser.
func Browse(env *cli.Env, path string) error {
	url := Page(env, path)
	if url == "" {
		return cli.Fail(cli.Failure, "no web interface is known", "`usher config set PREFECT_UI_URL=…` names it")
	}
	return env.OpenPage(url)
}
