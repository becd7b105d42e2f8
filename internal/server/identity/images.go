package identity

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// Image is a picture with its media type.
type Image = store.Image

// MaxImage is how many bytes an image may have.
const MaxImage = 1 << 20

// imageKinds are the media types of images that are taken. None of them can hold programs.
var imageKinds = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// CheckImage reads what an image is from its content.
func CheckImage(content []byte) (*Image, error) {
	kind := http.DetectContentType(content)
	switch {
	case len(content) > MaxImage:
		return nil, api.Errorf(api.CodeTooLarge, "the image is larger than the %d bytes that are taken", MaxImage)
	case !slices.Contains(imageKinds, kind):
		return nil, api.Errorf(api.CodeInvalid, "That is no image of a kind that is taken: %s.", strings.Join(imageKinds, ", "))
	}
	return &Image{Kind: kind, Content: content}, nil
}

// AccountImage returns the image of an account.
func (s *Service) AccountImage(ctx context.Context, account uuid.UUID) (*Image, error) {
	return read(ctx, s, func(tx *store.Tx) (*Image, error) {
		i, err := tx.ImageOf(store.AccountImage, account)
		return i, missing("Image", err)
	})
}

// SetAccountImage gives an account an image, or takes it away with nil.
func (s *Service) SetAccountImage(ctx context.Context, by By, account uuid.UUID, i *Image) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(account)
		if err != nil {
			return missing("Account", err)
		}
		if err := s.setImage(tx, store.AccountImage, account, i); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "account", Action: "updated", ID: account, Name: a.Handle, Changes: map[string][2]any{"image": {nil, i != nil}}})
	})
}

// SetMyImage gives who asks an image, or takes it away with nil.
func (s *Service) SetMyImage(ctx context.Context, by By, i *Image) error {
	if by.Actor.Type != ActorUser {
		return api.Errorf(api.CodeForbidden, "A service account has no image.")
	}
	return s.Change(ctx, func(tx *store.Tx) error { return s.setImage(tx, store.UserImage, by.Actor.ID, i) })
}

func (s *Service) setImage(tx *store.Tx, owner string, id uuid.UUID, i *Image) error {
	if i == nil {
		return tx.DeleteImage(owner, id)
	}
	return tx.SetImage(owner, id, i, s.Now())
}
