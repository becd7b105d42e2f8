"""Writes requests.json: the requests that the reference's notification blocks make.

Run it with a Python that has the reference installed: python record.py
"""

import itertools
import json
import logging
import re

import httpx
import requests

from prefect.blocks import notifications as n

sent = []


def remember(method, url, headers, body):
    keep = {k.lower(): v for k, v in headers.items()}
    for name in ("accept-encoding", "connection", "content-length", "accept", "host"):
        keep.pop(name, None)
    text = body.decode() if isinstance(body, bytes) else body or ""
    text = re.sub(r"\"ts\": [0-9.]+", "\"ts\": 0", text)
    sent.append({"method": method, "url": str(url), "headers": keep, "body": text})


def requests_send(self, request, **_):
    remember(request.method, request.url, request.headers, request.body)
    response = requests.Response()
    response.status_code = 202 if "opsgenie" in request.url else 201 if "twilio" in request.url else 200
    content = b"ok" if "slack" in request.url else b'{"id": "m1", "requestId": "r1"}'
    response._content, response.request, response.url = content, request, request.url
    return response


def httpx_send(self, request):
    remember(request.method, request.url, request.headers, request.read())
    return httpx.Response(200, request=request)


requests.Session.send = requests_send
httpx.HTTPTransport.handle_request = httpx_send

CLASSES = {
    "slack-webhook": n.SlackWebhook, "ms-teams-webhook": n.MicrosoftTeamsWebhook, "pager-duty-webhook": n.PagerDutyWebHook, "twilio-sms": n.TwilioSMS,
    "opsgenie-webhook": n.OpsgenieWebhook, "mattermost-webhook": n.MattermostWebhook, "discord-webhook": n.DiscordWebhook,
    "sendgrid-email": n.SendgridEmail, "custom-webhook": n.CustomWebhookNotificationBlock,
}

DATA = {
    "slack-webhook": [
        {"url": "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"},
        {"url": "https://hooks.slack-gov.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"},
        {"url": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"},
        {"url": "slack://bot@T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general"},
    ],
    "ms-teams-webhook": [
        {"url": "https://prod-12.westeurope.logic.azure.com:443/workflows/8c1d2f3a/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=abcdef"},
        {"url": "https://prod-12.westeurope.logic.azure.com:443/workflows/8c1d2f3a/triggers/manual/paths/invoke?sig=abcdef", "include_image": False, "wrap": False},
        {"url": "https://x.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/8c1d/triggers/manual/paths/invoke?api-version=1&sig=S_-g"},
    ],
    "pager-duty-webhook": [
        {"integration_key": "ikey0123456789", "api_key": "akey0123456789"},
        {"integration_key": "ikey0123456789", "api_key": "akey0123456789", "source": "src", "component": "comp", "group": "g", "class_id": "cls", "region_name": "eu", "clickable_url": "https://prefect.io/x", "include_image": False, "custom_details": {"a": "b", "c": "d"}},
    ],
    "twilio-sms": [
        {"account_sid": "AC" + "a" * 32, "auth_token": "b" * 32, "from_phone_number": "+15551234567", "to_phone_numbers": ["+15557654321", "+15550001111"]},
    ],
    "opsgenie-webhook": [
        {"apikey": "00000000-0000-0000-0000-000000000000"},
        {"apikey": "00000000-0000-0000-0000-000000000000", "region_name": "eu", "target_user": ["u1", "u2"], "target_team": ["t1"], "target_schedule": ["s1"], "target_escalation": ["e1"], "tags": ["a", "b"], "priority": "5", "alias": "al", "entity": "en", "details": {"x": "y"}, "batch": True},
        {"apikey": "00000000-0000-0000-0000-000000000000", "target_user": ["u1", "u2"]},
    ],
    "mattermost-webhook": [
        {"hostname": "mattermost.example.com", "token": "abcdef0123"},
        {"hostname": "mattermost.example.com", "token": "abcdef0123", "botname": "bot", "include_image": True, "path": "/sub/", "port": 8443},
        {"hostname": "mattermost.example.com", "token": "abcdef0123", "channels": ["one", "#two"]},
        {"hostname": "mattermost.example.com", "token": "abcdef0123", "secure": True, "include_image": True, "botname": "bot"},
    ],
    "discord-webhook": [
        {"webhook_id": "123456", "webhook_token": "tokentoken"},
        {"webhook_id": "123456", "webhook_token": "tokentoken", "botname": "bot", "tts": True, "include_image": True, "avatar": True, "avatar_url": "https://a.b/c.png"},
    ],
    "sendgrid-email": [
        {"api_key": "SG.key-0123456789", "sender_email": "from@example.com", "to_emails": ["to@example.com", "two@example.com"]},
        {"api_key": "SG.key-0123456789", "sender_email": "from@example.com", "to_emails": []},
    ],
    "custom-webhook": [
        {"name": "hook", "url": "https://example.com/{{name}}", "json_data": {"text": "{{subject}}: {{body}}", "token": "{{tok}}", "n": 1, "list": ["{{name}}", 2], "whole": "{{body}}"}, "secrets": {"tok": "s3cret"}, "headers": {"X-Token": "{{tok}}"}, "cookies": {"c": "{{tok}}"}, "params": {"q": "{{subject}}", "r": "a b&c"}},
        {"name": "hook", "url": "https://example.com/x", "method": "PUT", "form_data": {"a": "{{body}}", "b": "x y"}},
        {"name": "hook", "url": "https://example.com/x", "form_data": "raw {{body}}"},
        {"name": "hook", "url": "https://example.com/x?z=1", "method": "GET", "params": {"q": "1"}},
        {"name": "hook", "url": "https://example.com/x"},
    ],
}

TEXTS = [
    ("Flow run failed", "The run **x** of flow <y> failed & ended.\nSee https://example.com/a?b=c"),
    ("", "Only a body"),
    ("Ünïcode \"quoted\" subject", "line one\n\n- item\n| pipe `code` 'q' \\ back 🚀"),
]


def main():
    cases = []
    for slug, datas in DATA.items():
        for data, notify_type, (subject, body) in itertools.product(datas, ["info", "success", "warning", "failure"], TEXTS):
            if notify_type != "info" and (slug == "custom-webhook" or subject != TEXTS[0][0]):
                continue
            del sent[:]
            given = dict(data) if slug == "custom-webhook" else dict(data, notify_type=notify_type)
            block = CLASSES[slug](**given)
            try:
                with block.raise_on_failure():
                    block.notify(body, subject, _sync=True)
            except Exception as e:
                print(slug, data, repr(e)[:200], getattr(e, "log", ""), len(sent))
                continue
            cases.append({"block": slug, "data": given, "subject": subject, "body": body, "sent": list(sent)})
    with open("requests.json", "w") as f:
        json.dump(cases, f, ensure_ascii=False, indent=0)
    print(len(cases))


main()
