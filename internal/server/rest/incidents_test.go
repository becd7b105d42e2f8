package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/notify"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

// An incident from its declaration to its end, with an event for each step, and nothing for
// who may not see it.
func TestIncidents(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w := newTown(t, database)
		at, owner := "/accounts/"+w.first.AccountID.String()+"/workspaces/"+w.first.WorkspaceID.String(), w.first.APIKey
		i := w.as(owner, "POST "+at+"/incidents/", `{"name":"late data","related_resources":[{"prefect.resource.id":"s3://lake"}],"tags":["etl"]}`, http.StatusCreated)
		id := pick(t, i, "id")
		if pick(t, i, "status") != "active" || pick(t, i, "severity") != "moderate" || pick(t, i, "created_by.display_value") == "" || pick(t, i, "start_time") == "" {
			t.Errorf("declared: %s", i)
		}
		one := at + "/incidents/" + id
		w.as(owner, "PATCH "+one, `{"severity":"critical","summary":"nothing since noon","tags":["etl"]}`, http.StatusOK)
		w.as(owner, "POST "+one+"/comments", `{"body":"looking"}`, http.StatusCreated)
		i = w.as(owner, "POST "+one+"/resolve", "", http.StatusOK)
		w.as(owner, "POST "+one+"/resolve", "", http.StatusOK) // it is so already
		if pick(t, i, "end_time") == "" || pick(t, i, "comments.0.body") != "looking" {
			t.Errorf("resolved: %s", i)
		}
		for filter, want := range map[string]string{
			`{}`: "critical", `{"incidents":{"status":["resolved"]}}`: "critical", `{"incidents":{"status":["active"]}}`: "", `{"incidents":{"severity":["critical","minor"]}}`: "critical",
			`{"offset":1}`: "", `{"limit":0}`: "",
		} {
			list := w.as(owner, "POST "+at+"/incidents/filter", filter, http.StatusOK)
			if (string(list) == "[]") != (want == "") || want != "" && pick(t, list, "0.severity") != want {
				t.Errorf("%s selects %s", filter, list)
			}
		}
		w.as(owner, "POST "+one+"/reopen", "", http.StatusOK)
		told := string(w.as(owner, "POST "+at+"/events/filter", `{"filter":{"event":{"prefix":["prefect-cloud.incident."]},"order":"ASC"}}`, http.StatusOK))
		for _, what := range []string{"declared", "updated.summary", "updated.severity", "comment.added", "resolved", "reopened"} {
			if n := strings.Count(told, `"prefect-cloud.incident.`+what+`"`); n != 1 {
				t.Errorf("%s was told %d times in %s", what, n, told)
			}
		}
		if strings.Contains(told, "updated.tags") || !strings.Contains(told, `"s3://lake"`) {
			t.Errorf("told: %s", told)
		}

		for do, want := range map[string]int{
			`POST /incidents/ {}`:                                            422,
			`POST /incidents/ {"name":" "}`:                                  422,
			`POST /incidents/ {"name":"x","severity":"awful"}`:               422,
			`POST /incidents/ {"name":"x","colour":"red"}`:                   422,
			`POST /incidents/ {"name":"x","related_resources":[{}]}`:         422,
			`POST /incidents/ {"name":"` + strings.Repeat("x", 251) + `"}`:   422,
			`POST /incidents/filter {"incidents":{"status":["x"]}}`:          422,
			`POST /incidents/filter {"limit":201}`:                           422,
			`PATCH /incidents/` + id + ` {"status":"resolved"}`:              422,
			`PATCH /incidents/` + id + ` {"severity":null}`:                  422,
			`POST /incidents/` + id + `/comments {"body":""}`:                422,
			`GET /incidents/` + uuid.NewString():                             404,
			`DELETE /incidents/` + uuid.NewString():                          404,
			`POST /incidents/` + uuid.NewString() + `/resolve`:               404,
			`PATCH /incidents/` + uuid.NewString() + ` {"name":"x"}`:         404,
			`POST /incidents/` + uuid.NewString() + `/comments {"body":"x"}`: 404,
			`GET /incidents/x`: 404,
		} {
			words := strings.SplitN(do, " ", 3)
			if got, body, _ := call(t, words[0], w.url+at+words[1], strings.Join(words[2:], ""), bearer(owner)...); got != want {
				t.Errorf("%s: %d, want %d: %s", do, got, want, body)
			}
		}
		side := "/accounts/" + w.first.AccountID.String() + "/workspaces/" + w.side.ID.String()
		w.as(owner, "GET "+side+"/incidents/"+id, "", http.StatusNotFound)
		viewer := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.ViewerID)
		w.as(viewer, "GET "+one, "", http.StatusOK)
		developer := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.DeveloperID)
		for do, body := range map[string]string{"PATCH " + one: `{"name":"x"}`, "POST " + one + "/resolve": "", "POST " + one + "/comments": `{"body":"x"}`, "POST " + at + "/incidents/": `{"name":"x"}`} {
			w.as(viewer, do, body, http.StatusForbidden)
		}
		w.as(developer, "DELETE "+one, "", http.StatusForbidden)
		w.as(owner, "DELETE "+one, "", http.StatusNoContent)
		w.as(owner, "GET "+one, "", http.StatusNotFound)
	})
}

// Automations write mail, to addresses and to whom they belong, and declare incidents.
func TestAutomationsWriteAndDeclare(t *testing.T) {
	t.Parallel()
	mail := testkit.StartMailServer(t, true)
	w := newTownWith(t, storetest.SQLiteURL(t), func(o *server.Options) {
		o.SignIn = &server.SignIn{Mail: notify.SMTP{Host: mail.Host, Port: mail.Port, Plain: true, From: "usher@example.com"}}
	})
	at, owner := "/accounts/"+w.first.AccountID.String()+"/workspaces/"+w.first.WorkspaceID.String(), w.first.APIKey
	automation := func(key, name, actions string) string {
		return pick(t, w.as(key, "POST "+at+"/automations/", `{"name":"`+name+`","trigger":{"type":"event","posture":"Reactive","expect":["x"]},"actions":[`+actions+`]}`, http.StatusCreated), "id")
	}
	made := w.as(owner, "GET "+at+"/automations/"+automation(owner, "all", `{"type":"send-email-notification","subject":"{{ automation.name }} of","body":"It was {{ event.event }}.","emails":["bea@example.com","cyn@example.com"]},
		{"type":"prefect-notification","notification_type":"warning","message":"{{ event.resource.id }} is odd"},{"type":"declare-incident"},
		{"type":"send-email-notification","body":"b","emails":["a@example.com"],"block_document_id":"`+uuid.NewString()+`"}`), "", http.StatusOK)
	if pick(t, made, "actions.0.emails.1") != "cyn@example.com" || strings.Contains(string(made), `"block_document_id":null`) {
		t.Errorf("kept: %s", made)
	}
	bot := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.DeveloperID)
	automation(bot, "of a bot", `{"type":"prefect-notification","notification_type":"info","message":"from a bot"}`)
	w.as(owner, "POST "+at+"/events", fmt.Sprintf(`[{"id":%q,"event":"x","occurred":%q,"resource":{"prefect.resource.id":"r.1"},"related":[],"payload":{}}]`, uuid.NewString(), time.Now().UTC().Format(time.RFC3339Nano)), http.StatusNoContent)
	if m := mail.Await(t, "bea@example.com", 1); m.Header.Get("Subject") != "all of" || !strings.Contains(m.Text, "It was x.") {
		t.Errorf("bea got %q: %q", m.Header.Get("Subject"), m.Text)
	}
	mail.Await(t, "cyn@example.com", 1)
	var got []string
	for n := 1; n <= 2; n++ { // the owner's, and what has no person for an owner
		m := mail.Await(t, "ada@example.com", n)
		got = append(got, m.Header.Get("Subject")+" | "+strings.TrimSpace(m.Text))
	}
	for _, want := range []string{`Automation "all": warning | r.1 is odd`, `Automation "of a bot": info | from a bot`} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("ada got %q, not %q", got, want)
		}
	}
	outcomes := func(what string) string {
		return string(w.as(owner, "POST "+at+"/events/filter", `{"filter":{"event":{"name":["prefect.automation.action.`+what+`"]}},"limit":50}`, http.StatusOK))
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	if err := testkit.Until(ctx, func() error {
		if n := strings.Count(outcomes("executed"), `"action_type"`) + strings.Count(outcomes("failed"), `"action_type"`); n != 5 {
			return fmt.Errorf("%d actions have ended", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if done, failed := outcomes("executed"), outcomes("failed"); strings.Count(done, `"action_type"`) != 4 || !strings.Contains(done, `"emails_sent":2`) || !strings.Contains(failed, "send-email-notification") {
		t.Errorf("executed: %s\nfailed: %s", done, failed)
	}
	incident := w.as(owner, "POST "+at+"/incidents/filter", `{}`, http.StatusOK)
	if pick(t, incident, "0.name") != "all" || !strings.Contains(string(incident), `"prefect.resource.id":"r.1"`) {
		t.Errorf("declared: %s", incident)
	}
	if n := mail.Count("a@example.com"); n != 0 {
		t.Errorf("a@ has got %d mails", n)
	}
	for _, action := range []string{
		`{"type":"send-email-notification","body":"b"}`, `{"type":"send-email-notification","body":"b","emails":[]}`, `{"type":"send-email-notification","body":"b","emails":["nobody"]}`,
		`{"type":"send-email-notification","emails":["a@example.com"]}`, `{"type":"send-email-notification","body":"{{","emails":["a@example.com"]}`,
		`{"type":"prefect-notification","message":"m"}`, `{"type":"send-email-notification","body":"b","emails":["Ada <a@example.com>"]}`,
	} {
		w.as(owner, "POST "+at+"/automations/", `{"name":"x","trigger":{"type":"event","posture":"Reactive"},"actions":[`+action+`]}`, http.StatusUnprocessableEntity)
	}
}
