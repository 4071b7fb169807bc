/** How the image runs the program, which is what users have: flags of Node, and variables of the environment. */
export interface Entrypoint {
  readonly nodeFlags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Of the text of a Dockerfile: what its last stage says, in the forms `ENTRYPOINT ["…"]` and `ENV NAME=value …`. */
export function parseEntrypoint(dockerfile: string): Entrypoint {
  const stage =
    dockerfile
      .split(/^FROM /m)
      .at(-1)
      ?.replaceAll(/\\\n\s*/g, " ") ?? "";
  const words = JSON.parse(/^ENTRYPOINT (\[.*\])/m.exec(stage)?.[1] ?? "[]") as readonly string[];
  const assignments = [...stage.matchAll(/^ENV (.*)$/gm)].flatMap(([, line = ""]) => line.trim().split(/\s+/));
  return {
    nodeFlags: words.filter((word) => word.startsWith("-")),
    env: Object.fromEntries(assignments.map(split)),
  };
}

function split(assignment: string): [string, string] {
  const at = assignment.indexOf("=");
  return [assignment.slice(0, at), assignment.slice(at + 1)];
}
