// A certified OpenID Connect provider on loopback, for tests. It believes whatever name is typed, proves a second factor
// when its form says so, and lies about roles in its claims: those are none of its business.
//
//   node provider.mjs '{"back_at": "http://…/oidc/callback", "port": 0, "issuer": null}'
//
// Says its issuer in one line, and ends when its standard input is closed. Packages are taken from HOTLINE_TEST_NODE.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const asked = JSON.parse(process.argv[2]);
const packages = createRequire(`${process.env.HOTLINE_TEST_NODE}/package.json`);
const { default: Provider } = await import(pathToFileURL(packages.resolve("oidc-provider")));

// What it would warn about is meant so.
console.info = console.warn = () => {};

// A key of its own at every start.
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };

const client = (client_id, more) => ({
  client_id,
  client_secret: "a-secret-of-an-invented-provider-0123456789",
  redirect_uris: [asked.back_at],
  grant_types: ["authorization_code"],
  response_types: ["code"],
  ...more,
});

const server = createServer();
await new Promise((ready) => server.listen(asked.port ?? 0, "127.0.0.1", ready));
const here = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(asked.issuer ?? here, {
  clients: [
    client("hotline"),
    client("another"),
    client("symmetric", { id_token_signed_response_alg: "HS256" }),
  ],
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "HS256"] },
  jwks: { keys: [key] },
  cookies: { keys: [randomUUID()] },
  acrValues: ["urn:invented:one", "urn:invented:two"],
  pkce: { required: () => true },
  claims: { openid: ["sub", "acr", "amr", "roles", "groups", "unit_code"] },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  ttl: { Interaction: 600, Session: 3600, Grant: 3600, IdToken: 300, AccessToken: 300 },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      roles: ["administrator", "security_administrator"],
      groups: ["auditor"],
      unit_code: "MAYOR",
    }),
  }),
  // Nobody is asked whether he agrees: it is his employer's system.
  async loadExistingGrant(context) {
    const { client, session } = context.oidc;
    const grant = new context.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid");
    await grant.save();
    return grant;
  },
});
const serve = provider.callback();

const form = `<!doctype html><meta charset="utf-8"><title>Invented provider</title>
<form method="post"><label>Name <input name="login" autofocus></label>
<label><input type="checkbox" name="second" value="yes"> second factor</label><button>Sign in</button></form>`;

async function interact(request, response) {
  const { prompt } = await provider.interactionDetails(request, response);
  if (request.method === "GET") {
    response.setHeader("content-type", "text/html").end(form);
    return;
  }
  let body = "";
  for await (const chunk of request) body += chunk;
  const told = new URLSearchParams(body);
  const second = told.get("second") === "yes";
  const result = told.has("refuse")
    ? { error: "access_denied" }
    : {
        [prompt.name]: {
          accountId: told.get("login"),
          acr: second ? "urn:invented:two" : "urn:invented:one",
          amr: second ? ["pwd", "otp"] : ["pwd"],
        },
      };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

server.on("request", (request, response) => {
  if (!request.url.startsWith("/interaction/")) {
    serve(request, response);
    return;
  }
  interact(request, response).catch((error) => response.writeHead(400).end(String(error)));
});

process.stdin.resume().on("end", () => process.exit(0));
process.stdout.write(`${asked.issuer ?? here} ${here}\n`);
