package signin

import (
	"context"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// Reviews of access are told of from three days before they are due, once a day.
const (
	reviewAhead = 3 * 24 * time.Hour
	reviewAgain = 24 * time.Hour
	reviewLook  = time.Hour
)

// RemindOfReviews mails those who may complete reviews of access that are due soon or overdue.
func (s *Service) RemindOfReviews(ctx context.Context) error {
	key, err := s.sealer(ctx)
	if err != nil {
		return err
	}
	waiting := false
	err = s.write(ctx, func(t *turn) error {
		waiting = false
		list, err := t.ReviewsToRemind(api.At(t.now.Add(reviewAhead)), api.At(t.now.Add(-reviewAgain)), t.now)
		if err != nil {
			return err
		}
		for i := range list {
			r := &list[i]
			to, account, err := s.people.ReviewersOf(t.Tx, r)
			if err != nil {
				return err
			}
			when := "is due on " + r.Due.UTC().Format("2 January 2006")
			if !t.now.Before(r.Due.Time) {
				when = "was due on " + r.Due.UTC().Format("2 January 2006")
			}
			for _, email := range to {
				text := strings.Join([]string{
					"The review of who has access to " + account + " at " + s.Host() + " " + when + ".",
					"usher access review show " + r.ID.String() + " lists what to decide about, usher access review complete decides.",
				}, "\n\n")
				if err := t.notice(key, email, "Review of access to "+account+" "+when, text); err != nil {
					return err
				}
			}
			waiting = waiting || len(to) > 0
		}
		return nil
	})
	if err == nil && waiting {
		s.posted()
	}
	return err
}
