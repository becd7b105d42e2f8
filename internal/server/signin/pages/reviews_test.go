package pages_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// TestReviewsAreRemindedOf: who may complete a review is told by mail from three days before
// it is due, once a day however many servers look, and no more when it is completed; one that
// is overdue is in the audit log.
func TestReviewsAreRemindedOf(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db)
		now := api.At(s.now())
		review := &store.AccessReview{AccountID: s.owner.AccountID, ID: uuid.New(), Created: now, Updated: now, CreatedBy: s.owner.UserID, Due: api.At(now.Add(7 * 24 * time.Hour)), Items: "[]"}
		storetest.Across(t, db, func(tx *store.Tx) error { return tx.AddAccessReview(review) })
		remind := func() {
			t.Helper()
			for range 2 {
				if err := s.service.RemindOfReviews(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		remind()
		s.wait(4*24*time.Hour + time.Hour)
		remind()
		mail := s.mail.Await(t, ada, 1)
		if !strings.Contains(mail.Text, "is due on") || !strings.Contains(mail.Text, review.ID.String()) {
			t.Errorf("the mail says %s", mail.Text)
		}
		s.wantAudit("access-review.overdue", 0)
		s.wait(3 * 24 * time.Hour)
		remind()
		if mail = s.mail.Await(t, ada, 2); !strings.Contains(mail.Text, "was due on") {
			t.Errorf("the second mail says %s", mail.Text)
		}
		s.wantAudit("access-review.overdue", 1)
		review.Completed = &now
		storetest.Across(t, db, func(tx *store.Tx) error {
			_, err := tx.CompleteAccessReview(review)
			return err
		})
		s.wait(2 * 24 * time.Hour)
		remind()
		s.wantAudit("access-review.overdue", 1)
		if n := s.mail.Count(ada); n != 2 {
			t.Errorf("%d mails", n)
		}
	})
}
