/** A JSON Web Token as Kubernetes issues them, but for the signature: that is for token services to check. */
export interface TokenShape {
  readonly audience?: string | readonly string[];
  readonly subject?: string;
  readonly issuer?: string;
  readonly expiresAt?: Date;
  /** Makes it another token than the last. */
  readonly id?: string;
}

export const exchangeAudience = "api://AzureADTokenExchange";
export const bindingAudience = "api://AKSIdentityBinding";

/** Of service account shop/web unless the shape says otherwise. */
export function serviceAccountJwt(shape: TokenShape = {}): string {
  const { audience = exchangeAudience, subject = "system:serviceaccount:shop:web", id = "1" } = shape;
  const { issuer = "https://oidc.example/cluster", expiresAt = new Date(Date.now() + 3_600_000) } = shape;
  const claims = { aud: audience, sub: subject, iss: issuer, exp: Math.floor(expiresAt.getTime() / 1000), jti: id };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part(claims)}.${part({ signed: "no" })}`;
}

/** What kubelet hands over: one token for each audience. */
export function tokensJson(tokens: Readonly<Record<string, string>>): string {
  const entries = Object.entries(tokens).map(([audience, token]) => [
    audience,
    { token, expirationTimestamp: new Date(Date.now() + 3_600_000).toISOString() },
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}
