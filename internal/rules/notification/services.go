package notification

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// object is a JSON object.
type object = map[string]any

// slackHook is where a webhook of Slack's is: its host, its path, and for whom and where.
type slackHook struct{ host, path, user, channel string }

func parseSlack(text string) (slackHook, error) {
	u, err := url.Parse(text)
	if err != nil {
		return slackHook{}, errors.New("the URL of the block can't be read")
	}
	hook := slackHook{host: "hooks.slack.com", user: u.User.Username()}
	switch {
	case u.Scheme == "https" && (u.Host == "hooks.slack.com" || u.Host == "hooks.slack-gov.com"):
		hook.host, hook.path = u.Host, strings.TrimPrefix(u.Path, "/services/")
	case u.Scheme == "slack":
		parts := strings.Split(strings.Trim(u.Path, "/"), "/")
		if len(parts) < 2 {
			return slackHook{}, errors.New("a slack:// URL needs three tokens")
		}
		hook.path = u.Host + "/" + parts[0] + "/" + parts[1]
		if u.Fragment != "" {
			hook.channel = "#" + u.Fragment
		} else if len(parts) > 2 {
			hook.channel = "#" + strings.TrimPrefix(parts[2], "#")
		}
	default:
		return slackHook{}, errors.New("the URL of the block is none of Slack's: it begins with https://hooks.slack.com/services/")
	}
	return hook, nil
}

func slack(f fields, m Message) ([]Request, error) {
	hook, err := parseSlack(f.text("url", ""))
	if err != nil {
		return nil, err
	}
	as := sender
	if hook.host != "hooks.slack.com" {
		as = "Apprise"
	}
	color := map[string]string{"info": "#3AA3E3", "success": "#3AA337", "failure": "#A32037", "warning": "#CACF29"}[f.kind()]
	payload := object{
		"mrkdwn": true,
		"attachments": []any{object{
			"title": m.Subject, "text": slackEscape.Replace(m.Body), "color": color,
			"footer_icon": f.icon("72x72"), "footer": as, "ts": float64(m.At.UnixMicro()) / 1e6,
		}},
		"icon_url": f.icon("72x72"),
	}
	if hook.user != "" {
		payload["username"] = hook.user
	}
	if hook.channel != "" {
		payload["channel"] = hook.channel
	}
	header := map[string]string{"Content-Type": "application/json; charset=utf-8"}
	return []Request{post("https://"+hook.host+"/services/"+hook.path, as, payload, header)}, nil
}

var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func teams(f fields, m Message) ([]Request, error) {
	u, err := url.Parse(f.text("url", ""))
	if err != nil || u.Scheme != "https" || u.Query().Get("sig") == "" || !strings.Contains(u.Path, "/workflows/") {
		return nil, errors.New("the URL of the block is no workflow of Microsoft Teams': it holds /workflows/ and a signature")
	}
	version := u.Query().Get("api-version")
	if version == "" {
		version = "2016-06-01"
	}
	u.RawQuery = "api-version=" + url.QueryEscape(version) + "&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=" + url.QueryEscape(u.Query().Get("sig"))
	body := []any{}
	if f.flag("include_image", true) {
		body = append(body, object{"type": "Image", "url": f.icon("32x32"), "height": "32px", "altText": f.kind()})
	}
	if m.Subject != "" {
		body = append(body, object{"type": "TextBlock", "text": m.Subject, "style": "heading", "weight": "Bolder", "size": "Large", "id": "title"})
	}
	body = append(body, object{"type": "TextBlock", "text": m.Body, "style": "default", "wrap": f.flag("wrap", true), "id": "body"})
	card := object{
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
		"body": body, "msteams": object{"width": "full"},
	}
	payload := object{"type": "message", "attachments": []any{object{
		"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card,
	}}}
	return []Request{post(u.String(), sender, payload, nil)}, nil
}

func pagerDuty(f fields, m Message) ([]Request, error) {
	host := "https://events.pagerduty.com"
	if f.text("region_name", "us") == "eu" {
		host = "https://events.eu.pagerduty.com"
	}
	severity := map[string]string{"info": "info", "success": "info", "warning": "warning", "failure": "critical"}[f.kind()]
	details := object{}
	for name, value := range f.object("custom_details") {
		details[name] = value
	}
	summary := m.Body
	if m.Subject != "" {
		summary = m.Subject + "\r\n"
		details["Prefect Notification Body"] = m.Body
	}
	alert := object{"summary": summary, "severity": severity, "source": f.text("source", "Prefect"), "component": f.text("component", "Notification")}
	for name, field := range map[string]string{"group": "group", "class": "class_id"} {
		if value := f.text(field, ""); value != "" {
			alert[name] = value
		}
	}
	if len(details) > 0 {
		alert["custom_details"] = details
	}
	payload := object{"routing_key": f.text("integration_key", ""), "payload": alert, "client": sender, "event_action": "trigger"}
	if link := f.text("clickable_url", ""); link != "" {
		payload["links"] = []any{object{"href": link}}
	}
	if f.flag("include_image", true) {
		payload["images"] = []any{object{"src": f.icon("128x128"), "alt": f.kind()}}
	}
	header := map[string]string{"Authorization": "Token token=" + f.text("api_key", "")}
	return []Request{post(host+"/v2/enqueue", sender, payload, header)}, nil
}

func twilio(f fields, m Message) (out []Request, err error) {
	sid := f.text("account_sid", "")
	credentials := base64.StdEncoding.EncodeToString([]byte(sid + ":" + f.text("auth_token", "")))
	for _, to := range f.list("to_phone_numbers") {
		out = append(out, Request{
			Method: "POST",
			URL:    "https://api.twilio.com/2010-04-01/Accounts/" + url.PathEscape(sid) + "/Messages.json",
			Header: map[string]string{"User-Agent": sender, "Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic " + credentials},
			Body:   encodeForm(map[string]string{"Body": m.whole(), "From": phone(f.text("from_phone_number", "")), "To": phone(to)}),
		})
	}
	if out == nil {
		return nil, errors.New("the block names no phone number to write to")
	}
	return out, nil
}

func phone(number string) string {
	return "+" + strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, number)
}

func opsgenie(f fields, m Message) (out []Request, err error) {
	host := "https://api.opsgenie.com"
	if f.text("region_name", "us") == "eu" {
		host = "https://api.eu.opsgenie.com"
	}
	details := object{}
	for name, value := range f.object("details") {
		details[name] = value
	}
	details["type"] = f.kind()
	alert := object{
		"source": sender, "message": opsgenieTitle(m), "description": m.Body, "details": details,
		"priority": "P" + strings.TrimPrefix(f.text("priority", "3"), "P"),
	}
	if tags := f.list("tags"); len(tags) > 0 {
		alert["tags"] = tags
	}
	for _, name := range []string{"entity", "alias"} {
		if value := f.text(name, ""); value != "" {
			alert[name] = value
		}
	}
	header := map[string]string{"Authorization": "GenieKey " + f.text("apikey", "")}
	size := 1
	if f.flag("batch", false) {
		size = 50
	}
	responders := opsgenieResponders(f)
	if len(responders) == 0 {
		return []Request{post(host+"/v2/alerts", sender, alert, header)}, nil
	}
	for some := range slices.Chunk(responders, size) {
		alert["responders"] = some
		out = append(out, post(host+"/v2/alerts", sender, alert, header))
	}
	return out, nil
}

// opsgenieTitle is at most 130 letters long.
func opsgenieTitle(m Message) string {
	title := m.Subject
	if title == "" {
		title = m.Body
	}
	if runes := []rune(title); len(runes) > 130 {
		return string(runes[:127]) + "..."
	}
	return title
}

func opsgenieResponders(f fields) (out []any) {
	for _, kind := range []string{"team", "schedule", "user", "escalation"} {
		for _, name := range f.list("target_" + kind) {
			member := "name"
			if kind == "user" {
				member = "username"
			}
			out = append(out, object{"type": kind, member: name})
		}
	}
	return out
}

func mattermost(f fields, m Message) (out []Request, err error) {
	scheme := "http"
	if f.flag("secure", false) {
		scheme = "https"
	}
	path := strings.Trim(f.text("path", ""), "/")
	if path != "" {
		path = "/" + path
	}
	to := fmt.Sprintf("%s://%s:%s%s/hooks/%s", scheme, f.text("hostname", ""), f.text("port", "8065"), path, f.text("token", ""))
	payload := object{"text": m.whole(), "username": "Apprise"}
	if f.flag("include_image", false) {
		payload["icon_url"] = f.icon("72x72")
	}
	channels := f.list("channels")
	if len(channels) == 0 {
		return []Request{post(to, "Apprise", payload, nil)}, nil
	}
	for _, channel := range channels {
		payload["channel"] = strings.TrimLeft(channel, "#@")
		out = append(out, post(to, "Apprise", payload, nil))
	}
	return out, nil
}

func discord(f fields, m Message) ([]Request, error) {
	payload := object{"tts": f.flag("tts", false), "wait": !f.flag("tts", false), "content": m.whole()}
	if avatar := f.text("avatar_url", ""); avatar != "" && f.flag("avatar", false) {
		payload["avatar_url"] = avatar
	}
	to := "https://discord.com/api/webhooks/" + url.PathEscape(f.text("webhook_id", "")) + "/" + url.PathEscape(f.text("webhook_token", ""))
	return []Request{post(to, sender, payload, map[string]string{"Content-Type": "application/json; charset=utf-8"})}, nil
}

func sendgrid(f fields, m Message) (out []Request, err error) {
	from := f.text("sender_email", "")
	receivers := f.list("to_emails")
	if len(receivers) == 0 {
		receivers = []string{from}
	}
	subject := m.Subject
	if subject == "" {
		subject = "<no subject>"
	}
	header := map[string]string{"Authorization": "Bearer " + f.text("api_key", "")}
	for _, to := range receivers {
		payload := object{
			"personalizations": []any{object{"to": []any{object{"email": to}}}}, "from": object{"email": from},
			"subject": subject, "content": []any{object{"type": "text/html", "value": m.Body}},
		}
		out = append(out, post("https://api.sendgrid.com/v3/mail/send", sender, payload, header))
	}
	return out, nil
}
