package core

import (
	"context"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/notify"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/rules/automation"
	"github.com/usherhq/usher/internal/store"
)

// mail does what an action writes to people: to addresses, through the block of a mail server
// or the server's own; or to whom the automation belongs.
func (c *Core) mail(ctx context.Context, who Caller, d *deed) (effect, error) {
	var members struct {
		Subject string   `json:"subject"`
		Body    string   `json:"body"`
		Emails  []string `json:"emails"`
		Kind    string   `json:"notification_type"`
		Message string   `json:"message"`
	}
	if err := json.Unmarshal(d.Stored, &members); err != nil {
		return nil, err
	}
	subject, body, to := members.Subject, members.Body, members.Emails
	var err error
	if d.Type == automation.NotifyOwner {
		subject, body = "Automation "+strconv.Quote(d.Automation.Name)+": "+members.Kind, members.Message
		if to, err = value(ctx, c, who, func(tx *store.Tx) ([]string, error) { return tx.AddressesOfAutomation(d.Automation.ID, access.OwnerID) }); err != nil {
			return nil, err
		}
		if len(to) == 0 {
			return nil, notDone("Nobody of this server owns the automation, so nobody can be written to.")
		}
	}
	done := func(outcome error) effect { return func(*work, *deed) error { return outcome } }
	var data map[string]any
	if d.Block != nil {
		b, err := c.loadBlock(ctx, who, d)
		if err != nil {
			return nil, err
		}
		if b.slug != notify.MailBlock {
			return nil, notDone("The referenced block was not one of a mail server")
		}
		data, done = b.data, b.loaded
	}
	texts := []string{subject, body}
	if d.Type == automation.NotifyOwner {
		texts, err = c.rendered(ctx, who, d, body)
		texts = append([]string{subject}, texts...)
	} else {
		texts, err = c.rendered(ctx, who, d, texts...)
	}
	if err != nil {
		return done(err), nil
	}
	return done(c.deliverMail(ctx, d, data, to, texts[0], texts[1])), nil
}

// deliverMail writes to each of some addresses. One that can't be reached keeps none of the
// others from being written to.
func (c *Core) deliverMail(ctx context.Context, d *deed, data map[string]any, to []string, subject, body string) error {
	var failed []string
	for i, address := range to {
		l := notify.Letter{ID: d.ID.String() + "-" + strconv.Itoa(i+1), To: address, Subject: subject, Text: body + "\n"}
		if err := c.Sender.Mail(ctx, data, l); err != nil {
			failed = append(failed, address+": "+err.Error())
		}
	}
	d.details["emails_sent"] = len(to) - len(failed)
	if len(failed) == 0 {
		return nil
	}
	d.details["notification_log"] = strings.Join(failed, "\n")
	return notDone("Notification failed")
}

// actDeclare declares an incident about what the action answers to.
func (w *work) actDeclare(d *deed) error {
	name := []rune(d.Automation.Name)
	in := &api.IncidentCreate{Name: string(name[:min(len(name), longestIncidentName)])}
	summary := "Declared by automation " + strconv.Quote(d.Automation.Name)
	if d.Event != nil {
		summary += " after the event " + d.Event.Event
		about := append([]api.RelatedResource{d.Event.Resource}, d.Event.Related...)
		in.RelatedResources = api.Some(about[:min(len(about), mostOfIncident)])
		in.StartTime = api.Some(d.Event.Occurred)
	}
	in.Summary = api.Some(summary + ".")
	i, err := w.declare(in)
	if err != nil {
		return err
	}
	d.related = append(d.related, incidentResource(i, roleLabel, "incident"))
	d.details["status_code"] = 201
	return nil
}
