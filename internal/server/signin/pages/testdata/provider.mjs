// An OpenID provider whose people are whoever they type: oidc-provider with its pages for
// developers. Arguments: the folder of node_modules, the redirect URI of the client.
import http from "node:http";
import { pathToFileURL } from "node:url";
import path from "node:path";

const [modules, redirect] = process.argv.slice(2);
const entry = path.join(modules, "oidc-provider", "lib", "index.js");
const { default: Provider } = await import(pathToFileURL(entry));
const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{ client_id: "usher", client_secret: "secret-of-usher", redirect_uris: [redirect] }],
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: `id-of-${id}`, email: id, email_verified: !id.startsWith("unverified") }) }),
    claims: { email: ["email", "email_verified"], openid: ["sub"], profile: ["name"] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    cookies: { keys: ["of a test"] },
  });
  server.on("request", provider.callback());
  console.log(`listening on ${port}`);
});
