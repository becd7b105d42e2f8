package rest

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
)

var accessReviewRoutes = []governedRoute{
	{pattern: "POST " + inAccount + "/access_reviews/", permission: "update:account_membership", handle: startReview},
	{pattern: "GET " + inAccount + "/access_reviews/", permission: "update:account_membership", handle: readReviews},
	{pattern: "POST " + inAccount + "/access_reviews/{id}/complete", permission: "update:account_membership", fresh: true, handle: completeReview},
}

func startReview(s *identity.Service, r *request) (answer, error) {
	var in api.AccessReviewCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	out, err := s.StartReview(r.Context(), r.visitor.by, r.account, &in)
	return give(http.StatusCreated, out, err)
}

func readReviews(s *identity.Service, r *request) (answer, error) {
	list, err := s.Reviews(r.Context(), r.account)
	return give(http.StatusOK, list, err)
}

func completeReview(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		var in api.AccessReviewComplete
		if err := r.decode(&in); err != nil {
			return answer{}, err
		}
		out, err := s.CompleteReview(r.Context(), r.visitor.by, r.account, id, &in)
		return give(http.StatusOK, out, err)
	})
}
