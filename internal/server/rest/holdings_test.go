package rest_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store/storetest"
)

// picture is a form with a file, and its media type.
func picture(t *testing.T, content []byte) (body, kind string) {
	t.Helper()
	var out bytes.Buffer
	form := multipart.NewWriter(&out)
	part, err := form.CreateFormFile("file", "p.png")
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), form.FormDataContentType()
}

var png = []byte("\x89PNG\x0D\x0A\x1A\x0A and the rest")

// What an account holds, looks like and may do; nobody is billed.
func TestWhatAnAccountHolds(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w, account, main := hub(t, database)
		owner := w.first.APIKey
		w.as(owner, "POST "+main+"/work_pools/", `{"name":"p","type":"process"}`, http.StatusCreated)
		member := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.ViewerID)
		if got := string(w.as(owner, "GET "+account+"/usage_limits", "", http.StatusOK)); !strings.Contains(got, `"work_pool_limit":null`) {
			t.Errorf("the limits: %s", got)
		}
		usage := string(w.as(owner, "GET "+account+"/usage", "", http.StatusOK))
		if !strings.Contains(usage, `"work_pools":1`) || !strings.Contains(usage, `"work_pools":0`) || strings.Contains(usage, "den") {
			t.Errorf("what the workspaces hold: %s", usage)
		}

		put := func(key, path string, content []byte, status int) {
			t.Helper()
			body, kind := picture(t, content)
			if got, text, _ := call(t, "PUT", w.url+path, body, append(bearer(key), "Content-Type", kind)...); got != status {
				t.Errorf("PUT %s: %d %s, not %d", path, got, text, status)
			}
		}
		w.as(owner, "GET "+account+"/image", "", http.StatusNotFound)
		put(owner, account+"/image", png, http.StatusNoContent)
		put(owner, account+"/image", []byte("<svg/>"), http.StatusUnprocessableEntity)
		put(owner, account+"/image", append(png, make([]byte, identity.MaxImage)...), http.StatusRequestEntityTooLarge)
		put(owner, account+"/image", append(png, make([]byte, 2*identity.MaxImage)...), http.StatusRequestEntityTooLarge)
		put(member, account+"/image", png, http.StatusForbidden)
		w.as(owner, "PUT "+account+"/image", `{}`, http.StatusUnprocessableEntity)
		if status, body, header := call(t, "GET", w.url+account+"/image", "", bearer(member)...); status != http.StatusOK || body != string(png) || header.Get("Content-Type") != "image/png" {
			t.Errorf("the image: %d %q %v", status, body, header)
		}
		w.as(owner, "DELETE "+account+"/image", "", http.StatusNoContent)
		w.as(owner, "GET "+account+"/image", "", http.StatusNotFound)
		put(owner, "/me/profile-image", png, http.StatusNoContent)
		put(member, "/me/profile-image", png, http.StatusForbidden) // a service account
		w.as(owner, "POST /me/profile-image/reset", "", http.StatusNoContent)

		if status, body, header := call(t, "GET", w.url+account+"/rate-limits/usage/download", "", bearer(owner)...); status != http.StatusOK || !strings.HasPrefix(body, "minute,key,") || !strings.HasPrefix(header.Get("Content-Type"), "text/csv") {
			t.Errorf("rates as CSV: %d %s", status, body)
		}
		if got := string(w.as(owner, "GET "+main+"/settings", "", http.StatusOK)); got != `{"inherit_default_result_storage":true,"default_result_storage_block_id":null}` {
			t.Errorf("the settings: %s", got)
		}
		w.as(owner, "PATCH "+main+"/settings", `{"colour":1}`, http.StatusUnprocessableEntity)
		w.as(owner, "PATCH "+main+"/settings", `{"default_result_storage_block_id":"`+uuid.NewString()+`"}`, http.StatusNotFound)
		w.as(owner, "PATCH "+main+"/settings", `{"inherit_default_result_storage":true}`, http.StatusNoContent)
		w.as(member, "PATCH "+main+"/settings", `{}`, http.StatusForbidden)
		if got := pick(t, w.as(owner, "GET "+main+"/managed_execution/details", "", http.StatusOK), "enabled"); got != "false" {
			t.Errorf("managed execution: %s", got)
		}
		if got := string(w.as(owner, "GET "+main+"/access/", "", http.StatusOK)); !strings.Contains(got, `"type":"service_account"`) {
			t.Errorf("who has access: %s", got)
		}

		billing := "/billing/" + w.first.AccountID.String()
		if got := pick(t, w.as(owner, "GET "+billing+"/details", "", http.StatusOK), "billing_enabled"); got != "false" {
			t.Errorf("billing: %s", got)
		}
		w.as(owner, "GET "+billing+"/subscription_restrictions", "", http.StatusOK)
		w.as(owner, "POST "+billing+"/subscribe", `{"tier":"PRO"}`, http.StatusNotFound)
		w.as(member, "POST "+billing+"/subscribe", `{"tier":"PRO"}`, http.StatusForbidden)
		w.as(owner, "GET /billing/"+w.rival.ID.String()+"/details", "", http.StatusNotFound)

		w.as(member, "DELETE /me/workspaces/"+w.first.WorkspaceID.String(), "", http.StatusNoContent)
		w.as(member, "POST "+main+"/work_pools/filter", "{}", http.StatusForbidden)
		w.as(owner, "DELETE /me/workspaces/"+w.den.ID.String(), "", http.StatusNotFound)
	})
}
