import type { EntraRefusal } from "./refusals.ts";

/** The OpenID configuration of AD FS. */
export function adfsConfiguration(authority: string): object {
  return {
    issuer: authority,
    authorization_endpoint: `${authority}/oauth2/authorize/`,
    token_endpoint: `${authority}/oauth2/token/`,
    jwks_uri: `${authority}/discovery/keys`,
    token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic", "private_key_jwt"],
    response_types_supported: ["code", "id_token", "code id_token", "id_token token"],
    response_modes_supported: ["query", "fragment", "form_post"],
    grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"],
    subject_types_supported: ["pairwise"],
    scopes_supported: ["openid", "profile", "email"],
    id_token_signing_alg_values_supported: ["RS256"],
    access_token_issuer: authority,
  };
}

/** How AD FS says what Entra says with these numbers. */
const words: Readonly<Record<number, string>> = {
  700016:
    "MSIS9607: The 'client_id' parameter in the request is invalid. No registered client is found with this identifier.",
  500011:
    "MSIS9602: The received 'resource' parameter is invalid. The authorization server can not find a registered " +
    "resource with the specified identifier.",
};
const unproved =
  "MSIS9622: Client authentication failed. Please verify the credential provided for client authentication is valid.";

/** A refusal in the words of AD FS, which has no AADSTS numbers and no trace ids. */
export function refuseAsAdfs({ error, code, message }: EntraRefusal): Response {
  const said = words[code];
  const answer =
    code === 700016 || error === "invalid_client"
      ? { error: "invalid_client", error_description: said ?? unproved }
      : { error, error_description: said ?? message };
  return Response.json(answer, { status: 400 });
}
