const NAMES = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"].flatMap((name) => [name, name.toLowerCase()]);

/**
 * Takes the proxy variables out of the environment, so that they have one reader: the Azure SDK reads them beside the agent
 * that it is given, and throws at values that Go's programs take (`127.0.0.1:3128`).
 */
export function takeProxyVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const taken = Object.fromEntries(NAMES.map((name) => [name, env[name]]));
  for (const name of NAMES) Reflect.deleteProperty(env, name);
  return taken;
}
