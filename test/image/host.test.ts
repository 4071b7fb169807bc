import { expect, test } from "vitest";
import { findMirror } from "../../scripts/image/host.ts";

const stanzas = `Types: deb
# of another release
URIs: http://other.example/debian
Suites: trixie

Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
`;

test.each([
  ["one line", "deb http://mirror.example/debian bookworm main\n", "http://mirror.example/debian"],
  ["one line with options", "deb [signed-by=/k arch=amd64] http://m.example/d bookworm main", "http://m.example/d"],
  ["stanzas", stanzas, "http://mirror.example/debian"],
  ["another release", "deb http://mirror.example/debian trixie main", undefined],
  ["only updates", "deb http://mirror.example/security bookworm-security main", undefined],
  ["sources in a comment", "# deb http://mirror.example/debian bookworm main", undefined],
])("the mirror of a release is found in apt's sources: %s", (_, sources, mirror) => {
  expect(findMirror(sources, "bookworm")).toBe(mirror);
});
