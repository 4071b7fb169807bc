/** Host names of resources that tokens are issued for; others are unknown to the tenant. */
const resourceHosts = new Set([
  "vault.localhost",
  "vault.azure.net",
  "vault.usgovcloudapi.net",
  "vault.azure.cn",
  "vault.microsoftazure.de",
  "management.azure.com",
  "graph.microsoft.com",
]);

/** Whether tokens are issued for a resource. */
export function isResource(resource: string): boolean {
  return URL.canParse(resource) && resourceHosts.has(new URL(resource).hostname);
}
