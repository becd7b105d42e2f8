# An identity provider of SAML 2.0 whose people are whoever they type: pysaml2 with a page.
# Arguments: a folder for its key, where the metadata of the service provider is.
import base64, html, http.server, os, subprocess, sys, urllib.parse

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAME_FORMAT_BASIC, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

folder, service = sys.argv[1:]
key, cert = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=idp.test"],
    check=True, stderr=subprocess.DEVNULL,
)

PAGE = """<!doctype html><html lang="en"><title>The provider</title><h1>The provider</h1><form method="post" action="/login">
<input type="hidden" name="request" value="{request}"><input type="hidden" name="relay" value="{relay}">
<label>User <input name="user"></label> <label>Groups <input name="groups"></label> <button>Sign in there</button></form>"""
POST = """<!doctype html><html lang="en"><title>Going back</title><form method="post" action="{to}">
<input type="hidden" name="SAMLResponse" value="{response}"><input type="hidden" name="RelayState" value="{relay}">
<button>Go back</button></form>{script}"""


class Provider(http.server.BaseHTTPRequestHandler):
    def answer(self, body, kind="text/html; charset=utf-8"):
        data = body.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass

    def do_GET(self):
        at = urllib.parse.urlsplit(self.path)
        q = {k: v[0] for k, v in urllib.parse.parse_qs(at.query).items()}
        if at.path == "/metadata":
            return self.answer(str(entity_descriptor(config)), "application/samlmetadata+xml")
        if at.path != "/sso":
            return self.send_error(404)
        server().parse_authn_request(q["SAMLRequest"], BINDING_HTTP_REDIRECT)
        self.answer(PAGE.format(request=html.escape(q["SAMLRequest"]), relay=html.escape(q["RelayState"])))

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        user, relay = form["user"][0], form["relay"][0]
        asked = server().parse_authn_request(form["request"][0], BINDING_HTTP_REDIRECT)
        args = server().response_args(asked.message, [BINDING_HTTP_POST])
        name = NameID(format=NAMEID_FORMAT_PERSISTENT, text="id-of-" + user)
        said = {"mail": user, "givenName": "Grace", "sn": "Hopper"}
        if "groups" in form:
            said["groups"] = form["groups"][0].split()
        response = server().create_authn_response(
            said, userid=user, name_id=name, authn={"class_ref": PASSWORDPROTECTEDTRANSPORT, "authn_auth": base},
            sign_assertion=True, sign_response=False, sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256,
            in_response_to=args["in_response_to"], destination=args["destination"], sp_entity_id=args["sp_entity_id"],
        )
        text = base64.b64encode(str(response).encode()).decode()
        script = "<script>document.forms[0].submit()</script>"
        self.answer(POST.format(to=html.escape(args["destination"]), response=text, relay=html.escape(relay), script=script))


http_server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
base = "http://127.0.0.1:%d" % http_server.server_port
config = IdPConfig().load({
    "entityid": base + "/metadata", "key_file": key, "cert_file": cert, "xmlsec_binary": "/usr/bin/xmlsec1",
    "service": {"idp": {
        "endpoints": {"single_sign_on_service": [(base + "/sso", BINDING_HTTP_REDIRECT)]}, "name_id_format": [NAMEID_FORMAT_PERSISTENT],
        "policy": {"default": {"name_form": NAME_FORMAT_BASIC, "attribute_restrictions": None, "lifetime": {"minutes": 5}}},
    }},
})
made = []


# The service provider is not there yet when this one starts: its metadata is read when the
# first person comes.
def server():
    if not made:
        config.metadata = config.load_metadata({"remote": [{"url": service}]})
        made.append(Server(config=config))
    return made[0]


print("listening on %d" % http_server.server_port)
http_server.serve_forever()
