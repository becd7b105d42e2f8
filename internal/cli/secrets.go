package cli

import (
	"time"

	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/secrets"
)

// SecretSources are where what blocks only refer to may be read from, as the settings say. Of
// Vault nothing is asked yet.
func SecretSources(settings *profile.Settings, now func() time.Time) (*secrets.Sources, error) {
	text := func(name string) string { return settings.Value("USHER_SECRETS_" + name).Text }
	s := &secrets.Sources{Env: settings.Value("USHER_SECRETS_ENV").List(), Dir: text("DIRECTORY")}
	if text("VAULT_ADDRESS") == "" {
		return s, nil
	}
	vault, err := secrets.NewVault(secrets.VaultOptions{
		Address: text("VAULT_ADDRESS"), Namespace: text("VAULT_NAMESPACE"), CAFile: text("VAULT_CA_FILE"), Auth: text("VAULT_AUTH"), Mount: text("VAULT_MOUNT"),
		TokenFile: text("VAULT_TOKEN_FILE"), Role: text("VAULT_ROLE"), JWTFile: text("VAULT_JWT_FILE"), RoleID: text("VAULT_ROLE_ID"), SecretIDFile: text("VAULT_SECRET_ID_FILE"),
	}, now)
	if err != nil {
		return nil, Usagef("%v", err)
	}
	s.Vault = vault
	return s, nil
}
