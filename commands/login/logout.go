package login

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/auth"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/profile"
)

// NewLogoutCmd makes usher logout.
func NewLogoutCmd(env *cli.Env) *cobra.Command {
	var account string
	var all bool
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "log out: forget what lets you in, and end it at the server",
		Long: "Tokens end at the server at once. An API key is forgotten here and stays valid: `usher api-key revoke` ends it.\n" +
			"ACCOUNT is another than the one in use.",
		Example: "usher logout\nusher logout ada@example.com\nusher logout --all",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if all && account != "" {
				return cli.Usagef("say an account or --all, not both")
			}
			if !all && account == "" {
				return Leave(cmd.Context(), env, false)
			}
			return leaveSome(cmd.Context(), env, account)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "account", Value: &account, Complete: completeAccounts(env)})
	cmd.Flags().BoolVar(&all, "all", false, "log out of every account at every server")
	return cmd
}

// Leave logs the active profile out: its account, and the key that it may have itself.
// withServer makes it forget where the server is, too.
func Leave(ctx context.Context, env *cli.Env, withServer bool) error {
	settings, err := env.RawSettings()
	if err != nil {
		return err
	}
	accounts, err := env.Credentials(settings).Accounts()
	if err != nil {
		return err
	}
	name := settings.Value(cli.AccountSetting).Text
	account, isAccount := accounts.Find(settings.APIURL(), name)
	inProfile := slices.ContainsFunc([]string{cli.KeySetting, cli.AuthStringSetting, cli.KeyFileSetting}, func(name string) bool {
		_, has := settings.Active.Lookup(name)
		return has
	})
	if !isAccount && !inProfile {
		return cli.Fail(cli.Failure, "profile "+settings.Active.Name+" is not logged in", "`usher auth ls` lists where you are")
	}
	if isAccount {
		if err := end(ctx, env, settings, account); err != nil {
			return err
		}
	}
	unset := []string{cli.KeySetting, cli.AuthStringSetting, cli.KeyFileSetting, cli.AccountSetting}
	if withServer {
		unset = append(unset, urlSetting)
	}
	if err := Keep(env, settings, settings.Active.Name, nil, unset); err != nil {
		return err
	}
	env.Sayf("Profile %q is logged out.", settings.Active.Name)
	return nil
}

// leaveSome logs out the accounts of a name, "" for all.
func leaveSome(ctx context.Context, env *cli.Env, name string) error {
	settings, err := env.RawSettings()
	if err != nil {
		return err
	}
	accounts, err := env.Credentials(settings).Accounts()
	if err != nil {
		return err
	}
	var names []string
	left := 0
	for _, a := range accounts.All {
		names = append(names, a.Name)
		if name != "" && a.Name != name && a.Actor != name {
			continue
		}
		if err := end(ctx, env, settings, a); err != nil {
			return err
		}
		env.Sayf("%s is logged out of %s.", a.Name, a.Origin())
		left++
	}
	if left == 0 && name != "" {
		return cli.NotFound("account", name, names)
	}
	if left == 0 {
		env.Say("You are logged in nowhere.")
	}
	return nil
}

// end ends a login at its server and forgets it. The server may be out of reach: then it is
// forgotten all the same, and that is said.
func end(ctx context.Context, env *cli.Env, settings *profile.Settings, a auth.Account) error {
	store := env.Credentials(settings)
	c, err := store.Load(ctx, a)
	switch {
	case err != nil:
		env.Warn("the login could not be ended at the server: " + err.Error())
	case !c.Access.IsZero():
		if err := revoke(ctx, env, settings, a, c); err != nil {
			env.Warn(a.Origin() + " could not be told to end the login, which ends by itself: " + err.Error())
		}
	case !c.Key.IsZero():
		env.Say("The API key stays valid; `usher api-key revoke` ends one.")
	}
	return store.Forget(ctx, a)
}

func revoke(ctx context.Context, env *cli.Env, settings *profile.Settings, a auth.Account, c auth.Credential) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	server, err := env.AuthServer(ctx, settings, a.Server)
	if err != nil {
		return err
	}
	token := c.Refresh
	if token.IsZero() {
		token = c.Access
	}
	return server.Revoke(ctx, token)
}

func completeAccounts(env *cli.Env) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var names []string
		if settings, err := env.RawSettings(); err == nil {
			if accounts, err := env.Credentials(settings).Accounts(); err == nil {
				for _, a := range accounts.All {
					names = append(names, a.Name)
				}
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
