import { describe, expect, test } from "vitest";
import { describeFlags, parseFlags, switchFlag } from "../../../src/formats/flags.ts";

const table = {
  count: {
    placeholder: "N",
    help: "how many",
    fallback: 3,
    parse: (text: string): number => {
      if (!/^\d+$/.test(text)) throw new Error("must be a number");
      return Number(text);
    },
  },
  name: { placeholder: "NAME", help: "who", fallback: "", parse: String },
  loud: switchFlag("speak up"),
  odd: {
    placeholder: "X",
    help: "fails oddly",
    fallback: "",
    parse: (text: string): string => {
      if (text !== "") throw Object.create(null);
      return text;
    },
  },
};

describe("a command line", () => {
  test.each([
    [[], {}],
    [["--count=5"], { count: 5 }],
    [["-count=5"], { count: 5 }],
    [["--count", "5"], { count: 5 }],
    [["-count", "5"], { count: 5 }],
    [["--count=5", "--count=6"], { count: 6 }],
    [["--name="], { name: "" }],
    [["--name", "--loud"], { name: "--loud" }],
    [["--name=a=b"], { name: "a=b" }],
    [["--name=a\nb"], { name: "a\nb" }],
    [["--loud"], { loud: true }],
    [["-loud"], { loud: true }],
    [["--loud=true"], { loud: true }],
    [["-loud=0"], { loud: false }],
    [["--loud", "--count=5"], { loud: true, count: 5 }],
  ])("%j is understood in Go's manner", (args, said) => {
    const { values, problems } = parseFlags(table, args);
    expect(problems).toEqual([]);
    expect(values).toEqual({ count: 3, name: "", loud: false, odd: "", ...said });
  });

  test.each([
    [["word"], "word is not a flag: write --name=value"],
    [["--loud", "false"], "false is not a flag: write --name=value"],
    [["--"], "-- is not a flag: write --name=value"],
    [["--=x"], "--=x is not a flag: write --name=value"],
    [["---count=5"], "---count=5 is not a flag: write --name=value"],
    [["--cuont=5"], "--cuont is not a flag of this command, the nearest is --count"],
    [["--toString=5"], /^--toString is not a flag of this command/],
    [["--count"], "--count needs a value: --count=N"],
    [["--count=many"], "--count: must be a number"],
    [["--loud=maybe"], /^--loud: .*invalid syntax/],
    [["--odd=x"], "--odd: cannot be read"],
  ])("%j has a problem that is told with its remedy", (args, problem) => {
    expect(parseFlags(table, args).problems).toEqual([
      typeof problem === "string" ? problem : expect.stringMatching(problem),
    ]);
  });

  test("has all its problems told at once, and the rest of its values read", () => {
    const { values, problems } = parseFlags(table, ["--count=x", "--nmae=a", "--loud"]);
    expect(problems).toEqual([
      "--count: must be a number",
      "--nmae is not a flag of this command, the nearest is --name",
    ]);
    expect(values.loud).toBe(true);
  });
});

test("the help has a line for each flag, with its default where there is one", () => {
  expect(describeFlags(table).split("\n")).toEqual([
    "  --count=N    how many (default 3)",
    "  --name=NAME  who",
    "  --loud       speak up",
    "  --odd=X      fails oddly",
  ]);
});
